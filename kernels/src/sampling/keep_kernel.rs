//! An unmask step as one kernel launch: one cube per reaction.
//!
//! In:  what is known, what was drawn (`keep.rs`).
//! Out: what is known then, in new memory; equal to the processor's path.
//!
//! The cut, the n-th smallest confidence, is found bit by bit from the top: a bit of it is 1 if fewer than n confidences
//! lie at or below the largest number with that bit 0. Counts are whole, so the number of units does not show.

use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::keep::{CODEBOOKS, KNOWN, Masking, Ties};

/// Units of a cube on a GPU: some nine places each.
const UNITS: u32 = 256;
/// A runtime that offers fewer units a cube than this has no planes: one unit then does a reaction.
const FEWEST_UNITS: u32 = 32;
/// Units are summed in so many groups.
const GROUPS: usize = 16;
/// Bits of a confidence below the sign.
const CONFIDENCE_BITS: u32 = 31;

/// One unmask step of one reaction; see the card of this file.
#[cube(launch, address_type = "dynamic")]
#[allow(clippy::too_many_arguments)]
pub fn keep_kernel(
    known: &[f32],
    known_tokens: &[i32],
    first: &[f32],
    second: &[f32],
    third: &[f32],
    first_tokens: &[i32],
    second_tokens: &[i32],
    third_tokens: &[i32],
    tokens: &mut [i32],
    probabilities: &mut [f32],
    places: u32,
    left: u32,
    #[comptime] is_ordered: bool,
    #[comptime] units: usize,
) {
    let mut counts = Shared::<[u32]>::new_slice(comptime!(units + GROUPS));
    let places = places as usize;
    let start = CUBE_POS * places;
    // Each unit does a stretch of places, so that ties can be counted in order.
    let stretch = places.div_ceil(CUBE_DIM as usize);
    let from = min(UNIT_POS as usize * stretch, places);
    let to = min(from + stretch, places);

    let mut cut = 0u32;
    if left > 0u32 {
        for step in 0..CONFIDENCE_BITS {
            let bit = 1u32 << (CONFIDENCE_BITS - 1u32 - step);
            let limit = cut + (bit - 1u32);
            let mut count = 0u32;
            for place in from..to {
                let sure = confidence_at(known, first, second, third, start + place);
                count += select(sure <= limit, 1u32, 0u32);
            }
            if sum_of(count, &mut counts, units) < left {
                cut += bit;
            }
        }
    }

    // As many as are at or below the cut, less those that stay masked.
    let mut spare = 0u32;
    let mut ties_before = 0u32;
    if is_ordered {
        let mut at_most = 0u32;
        let mut ties = 0u32;
        for place in from..to {
            let sure = confidence_at(known, first, second, third, start + place);
            at_most += select(sure <= cut, 1u32, 0u32);
            ties += select(sure == cut, 1u32, 0u32);
        }
        spare = sum_of(at_most, &mut counts, units) - left;
        counts[UNIT_POS as usize] = ties;
        sync_cube();
        for unit in 0..UNIT_POS as usize {
            ties_before += counts[unit];
        }
    }
    for place in from..to {
        let number = start + place;
        let sure = confidence_at(known, first, second, third, number);
        let is_tie = is_ordered && sure == cut && ties_before < spare;
        ties_before += select(sure == cut, 1u32, 0u32);
        let probability = drawn_at(first, second, third, number);
        let is_accepted = left == 0u32 || sure > cut || is_tie || probability < 0.0f32;
        if known[number] == 0.0f32 && is_accepted {
            tokens[number] = token_at(first_tokens, second_tokens, third_tokens, number);
            probabilities[number] = probability;
        } else {
            tokens[number] = known_tokens[number];
            probabilities[number] = known[number];
        }
    }
}

/// The sum of one number of each unit, by way of some groups of units.
#[cube]
fn sum_of(number: u32, counts: &mut Shared<[u32]>, #[comptime] units: usize) -> u32 {
    counts[UNIT_POS as usize] = number;
    sync_cube();
    let share = comptime!(units.div_ceil(GROUPS));
    let mut group = UNIT_POS as usize;
    while group < GROUPS {
        let mut sum = 0u32;
        for unit in group * share..min((group + 1) * share, units) {
            sum += counts[unit];
        }
        counts[units + group] = sum;
        group += units;
    }
    sync_cube();
    let mut sum = 0u32;
    #[unroll]
    for group in 0..GROUPS {
        sum += counts[units + group];
    }
    sum
}

/// [`super::keep::confidence`] of a place.
#[cube]
fn confidence_at(known: &[f32], first: &[f32], second: &[f32], third: &[f32], number: usize) -> u32 {
    let probability = drawn_at(first, second, third, number);
    let drawn = select(probability < 0.0f32, 0u32, u32::reinterpret(probability));
    select(known[number] > 0.0f32, KNOWN.runtime(), drawn)
}

#[cube]
fn drawn_at(first: &[f32], second: &[f32], third: &[f32], number: usize) -> f32 {
    let row = number / CODEBOOKS;
    let codebook = number % CODEBOOKS;
    if codebook == 0 {
        first[row]
    } else if codebook == 1 {
        second[row]
    } else {
        third[row]
    }
}

#[cube]
fn token_at(first: &[i32], second: &[i32], third: &[i32], number: usize) -> i32 {
    let row = number / CODEBOOKS;
    let codebook = number % CODEBOOKS;
    if codebook == 0 {
        first[row]
    } else if codebook == 1 {
        second[row]
    } else {
        third[row]
    }
}

/// Probabilities and tokens: what is known `[reactions, places]`, then what was drawn `[reactions * frames]` thrice.
pub(crate) struct Step {
    pub(crate) probabilities: [CubeTensor; 4],
    pub(crate) tokens: [CubeTensor; 4],
}

/// An unmask step on the device of the tensors.
pub(crate) fn keep(step: Step, masking: Masking) -> (CubeTensor, CubeTensor) {
    let most = step.tokens[0].client.properties().hardware.max_units_per_cube;
    let units = if most < FEWEST_UNITS { 1 } else { most.min(UNITS) };
    let [known, first, second, third] = step.probabilities.map(into_contiguous);
    let [known_tokens, first_tokens, second_tokens, third_tokens] = step.tokens.map(into_contiguous);
    let [reactions, places] = known.meta.shape().dims();
    let (client, device) = (known.client.clone(), known.device.clone());
    let output = |dtype: DType| {
        let memory = client.empty(reactions * places * dtype.size());
        CubeTensor::new_contiguous(client.clone(), device.clone(), Shape::new([reactions, places]), memory, dtype)
    };
    let (tokens, probabilities) = (output(DType::I32), output(DType::F32));
    keep_kernel::launch(
        &client,
        CubeCount::Static(reactions as u32, 1, 1),
        CubeDim::new_1d(units),
        known.required_address_type(),
        known.into_buffer_arg(),
        known_tokens.into_buffer_arg(),
        first.into_buffer_arg(),
        second.into_buffer_arg(),
        third.into_buffer_arg(),
        first_tokens.into_buffer_arg(),
        second_tokens.into_buffer_arg(),
        third_tokens.into_buffer_arg(),
        tokens.clone().into_buffer_arg(),
        probabilities.clone().into_buffer_arg(),
        places as u32,
        masking.left.min(places) as u32,
        masking.ties == Ties::Ordered,
        units as usize,
    );
    (tokens, probabilities)
}
