//! The draw as one kernel launch: one cube per row of logits, nothing between logits and tokens in memory.
//!
//! In:  logits `[rows, vocabulary]` in f32, f16 or bf16; [`Sampler`]s, [`SAMPLER_WORDS`] words each.
//! Out: a token and its probability per row, equal to the last bit to `host.rs`, whatever the number of units.
//!
//! Nothing is sorted. The threshold of top-k, then that of top-p, is found digit by digit of the keys
//! (`numbers.rs`): a histogram of the digit over the tokens that share the digits so far, counts for top-k and weights
//! for top-p, searched from its upper end for where the goal is passed. Ten bits a digit, so four histograms at most. The
//! additions are of whole numbers, hence their order is free, and shared memory's 32-bit atomics do them; a weight has 48
//! bits, so it is added in three parts of 16.
//!
//! Keys stay in shared memory where a row fits; a longer row is read again at every pass, from the cache.
//!
//! By hand, for 750 rows of 5976, 8000 and 2710 tokens on an H100 (132 multiprocessors, 3.35 TB/s): 50 MB of logits in f32,
//! 25 MB in 16 bits, so 15 or 7.5 us if memory were the limit. Counted on the PTX machine, a row of 8000 tokens takes 21
//! thousand instructions of planes without a filter, 22 thousand under top-k = 5, 40 thousand with top-p = 0.05 on top,
//! and 69 thousand under top-p = 0.9 alone; four are issued a cycle, so 35, 37, 67 and 116 us at 1.75 GHz: instructions
//! are the limit, not memory.
//! 40 registers and 48 kB of shared memory let four cubes of 256 units share a multiprocessor. Nothing was timed: no GPU.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::numbers::KEY_OF_NOTHING;
use super::numbers_kernel::{key_of, logit_of, part_of, weight_of, words_of};
use super::problem::{NOT_FINITE, NOTHING, SAMPLER_WORDS, Sampler};
use super::select_kernel::{BIN_PLACES, GROUPS, PADDING, Row, key_at, padded, select_key};
use crate::dropout_kernel::row_words_of;

/// Units of a cube on a GPU.
const UNITS: u32 = 256;
/// The same for a row that does not fit into shared memory.
const LONG_UNITS: u32 = 320;
/// A runtime that offers fewer units a cube than this has no planes: one unit then does a row.
const FEWEST_UNITS: u32 = 32;
/// Rows of more tokens are not kept in shared memory, so that several cubes fit into one multiprocessor.
const MOST_STAGED: usize = 8192;

/// One token a row; see the card of this file.
#[cube(launch, address_type = "dynamic")]
pub fn draw_kernel<F: Float>(
    logits: &[F],
    samplers: &[u32],
    tokens: &mut [i32],
    probabilities: &mut [f32],
    vocabulary: u32,
    rows_per_sampler: u32,
    #[comptime] units: usize,
    #[comptime] staged: usize,
    #[define(F)] _dtype: ElemType,
) {
    let is_staged = comptime!(staged > 0);
    let mut keys = Shared::<[u32]>::new_slice(comptime!(if staged > 0 { staged } else { 1 }));
    let bins = Shared::<[Atomic<u32>]>::new_slice(comptime!(3 * BIN_PLACES));
    let mut sums = Shared::<[u64]>::new_slice(comptime!(units + units / PADDING));
    let mut ties = Shared::<[u32]>::new_slice(comptime!(units + units / PADDING));
    let mut group_sums = Shared::<[u64]>::new_slice(GROUPS);
    let mut group_ties = Shared::<[u32]>::new_slice(GROUPS);
    let mut found = Shared::<[u64]>::new_slice(3usize);

    let number = CUBE_POS;
    let sampler = number / rows_per_sampler as usize * comptime!(SAMPLER_WORDS);
    let top_k = samplers[sampler + 1];
    let mut row = Row {
        first: number * vocabulary as usize,
        vocabulary: vocabulary as usize,
        temperature: f32::reinterpret(samplers[sampler]),
        largest: 0.0f32,
    };

    // The largest key in the upper half; a logit that cannot be drawn from counts as larger than any, and the first of
    // those as the largest.
    let mut largest = 0u64;
    let mut token = UNIT_POS as usize;
    while token < row.vocabulary {
        let logit = f32::cast_from(logits[row.first + token]) / row.temperature;
        let key = key_of(logit);
        if is_staged {
            keys[token] = key;
        }
        let bits = u32::reinterpret(logit);
        let is_bad = (bits & 0x7f80_0000u32) == 0x7f80_0000u32 && bits != 0xff80_0000u32;
        let key = select(is_bad, 0xffff_ffffu32, key);
        let candidate = (u64::cast_from(key) << 32u64) | u64::cast_from(0xffff_ffffu32 - token as u32);
        largest = select(candidate > largest, candidate, largest);
        token += CUBE_DIM as usize;
    }
    sums[padded(UNIT_POS as usize)] = largest;
    sync_cube();
    let largest = largest_of(&sums, &mut group_sums);
    let largest_key = u32::cast_from(largest >> 32u64);
    if largest_key == 0xffff_ffffu32 || largest_key == KEY_OF_NOTHING {
        if UNIT_POS == 0 {
            let bad_token = f32::cast_from(0xffff_ffffu32 - u32::cast_from(largest & 0xffff_ffffu64));
            tokens[number] = 0i32;
            probabilities[number] = select(largest_key == KEY_OF_NOTHING, NOTHING.runtime(), NOT_FINITE - bad_token);
        }
        terminate!();
    }
    row.largest = logit_of(largest_key);

    let mut threshold = 0u32;
    if top_k > 0u32 && top_k < vocabulary {
        let goal = u64::cast_from(top_k - 1u32);
        let selected =
            select_key::<F>(logits, &keys, &bins, &mut group_sums, &mut found, &row, 0u32, goal, false, is_staged);
        threshold = selected.key;
    }
    // So many of the logits equal to the threshold stay.
    let mut ties_kept = u64::cast_from(vocabulary);
    let top_p = words_of(samplers, sampler + 2);
    if top_p != 0xffff_ffff_ffff_ffffu64 {
        let selected =
            select_key::<F>(logits, &keys, &bins, &mut group_sums, &mut found, &row, threshold, top_p, true, is_staged);
        threshold = selected.key;
        // The j-th of the ties, from 0, stays if `above + j * weight <= goal`.
        ties_kept = (selected.goal - selected.above) / weight_of(logit_of(threshold), row.largest) + 1u64;
    }

    // Each unit sums a stretch of tokens, of odd length, so that the units read from different banks.
    let stretch = row.vocabulary.div_ceil(CUBE_DIM as usize) | 1usize;
    let first = UNIT_POS as usize * stretch;
    let mut sum = 0u64;
    let mut tie_count = 0u32;
    let mut token = first;
    while token < min(first + stretch, row.vocabulary) {
        let key = key_at::<F>(logits, &keys, &row, token, is_staged);
        if key > threshold {
            sum += weight_of(logit_of(key), row.largest);
        }
        tie_count += select(key == threshold, 1u32, 0u32);
        token += 1;
    }
    sums[padded(UNIT_POS as usize)] = sum;
    ties[padded(UNIT_POS as usize)] = tie_count;
    sync_cube();
    let share = (CUBE_DIM as usize).div_ceil(GROUPS);
    let mut group = UNIT_POS as usize;
    while group < GROUPS {
        let mut sum = 0u64;
        let mut tie_count = 0u32;
        for unit in group * share..min((group + 1) * share, CUBE_DIM as usize) {
            sum += sums[padded(unit)];
            tie_count += ties[padded(unit)];
        }
        group_sums[group] = sum;
        group_ties[group] = tie_count;
        group += CUBE_DIM as usize;
    }
    sync_cube();
    if UNIT_POS == 0 {
        let mut walk =
            Walk { sum: 0u64, ties: 0u64, tie_weight: weight_of(logit_of(threshold), row.largest), ties_kept };
        let mut all = 0u64;
        let mut all_ties = 0u64;
        for group in 0..GROUPS {
            all += group_sums[group];
            all_ties += u64::cast_from(group_ties[group]);
        }
        let total = all + walk.tie_weight * min(all_ties, ties_kept);
        let place = u64::cast_from(number % rows_per_sampler as usize);
        let goal = part_of(total, row_words_of(words_of(samplers, sampler + 4), place));

        // The first group, then the first unit of it, then the first token with which the sum exceeds the goal.
        let mut group = 0usize;
        while passes(&mut walk, group_sums[group], u64::cast_from(group_ties[group]), goal) {
            group += 1;
        }
        let mut unit = group * share;
        while passes(&mut walk, sums[padded(unit)], u64::cast_from(ties[padded(unit)]), goal) {
            unit += 1;
        }
        let mut token = unit * stretch;
        let mut key = key_at::<F>(logits, &keys, &row, token, is_staged);
        let mut weight = weight_of(logit_of(key), row.largest);
        while passes(&mut walk, select(key > threshold, weight, 0u64), u64::cast_from(key == threshold), goal) {
            token += 1;
            key = key_at::<F>(logits, &keys, &row, token, is_staged);
            weight = weight_of(logit_of(key), row.largest);
        }
        tokens[number] = token as i32;
        probabilities[number] = f32::cast_from(weight) / f32::cast_from(total);
    }
}

/// How far a walk over sums has come.
#[derive(CubeType)]
struct Walk {
    /// Weight of what was passed, ties apart.
    sum: u64,
    /// Ties that were passed, those that do not stay among them.
    ties: u64,
    tie_weight: u64,
    ties_kept: u64,
}

/// Whether so much more does not take the sum beyond the goal; then it is passed.
#[cube]
fn passes(walk: &mut Walk, weight: u64, ties: u64, goal: u64) -> bool {
    let counted = min(walk.ties + ties, walk.ties_kept);
    let is_passed = walk.sum + weight + counted * walk.tie_weight <= goal;
    walk.sum += select(is_passed, weight, 0u64);
    walk.ties += select(is_passed, ties, 0u64);
    is_passed
}

/// The largest of what the units have put into `sums`.
#[cube]
fn largest_of(sums: &Shared<[u64]>, group_sums: &mut Shared<[u64]>) -> u64 {
    let share = (CUBE_DIM as usize).div_ceil(GROUPS);
    let mut group = UNIT_POS as usize;
    while group < GROUPS {
        let mut largest = 0u64;
        for unit in group * share..min((group + 1) * share, CUBE_DIM as usize) {
            largest = max(largest, sums[padded(unit)]);
        }
        group_sums[group] = largest;
        group += CUBE_DIM as usize;
    }
    sync_cube();
    let mut largest = 0u64;
    for group in 0..GROUPS {
        largest = max(largest, group_sums[group]);
    }
    sync_cube();
    largest
}

/// Draws on the device of the logits.
///
/// # Shapes
/// - `logits`: `[rows, vocabulary]`
/// - returns: tokens (`i32`) and probabilities (`f32`), `[rows]` each
pub(crate) fn draw(logits: CubeTensor, samplers: &[Sampler], rows_per_sampler: usize) -> (CubeTensor, CubeTensor) {
    let units = usual_units(&logits);
    draw_with(logits, samplers, rows_per_sampler, units)
}

/// Units of a cube where nobody asks for another number.
fn usual_units(logits: &CubeTensor) -> u32 {
    let hardware = &logits.client.properties().hardware;
    let most = hardware.max_units_per_cube;
    if most < FEWEST_UNITS {
        return 1;
    }
    let [_, vocabulary] = logits.meta.shape().dims();
    let fits = staged(vocabulary, UNITS as usize, hardware.max_shared_memory_size) > 0;
    most.min(if fits { UNITS } else { LONG_UNITS })
}

/// The same with that many units a row.
#[allow(unsafe_code)]
fn draw_with(
    logits: CubeTensor,
    samplers: &[Sampler],
    rows_per_sampler: usize,
    units: u32,
) -> (CubeTensor, CubeTensor) {
    let logits = into_contiguous(logits);
    let [rows, vocabulary] = logits.meta.shape().dims();
    let (client, device, dtype) = (logits.client.clone(), logits.device.clone(), logits.dtype);
    let output = |dtype: DType| {
        let memory = client.empty(rows * dtype.size());
        CubeTensor::new_contiguous(client.clone(), device.clone(), Shape::new([rows]), memory, dtype)
    };
    let (tokens, probabilities) = (output(DType::I32), output(DType::F32));
    let words: Vec<u32> = samplers.iter().flat_map(|sampler| sampler.words()).collect();
    let word_memory = client.create_from_slice(u32::as_bytes(&words));
    let most_shared = client.properties().hardware.max_shared_memory_size;
    draw_kernel::launch(
        &client,
        CubeCount::Static(rows as u32, 1, 1),
        CubeDim::new_1d(units),
        logits.required_address_type(),
        logits.into_buffer_arg(),
        // SAFETY: the memory was made from these words just before.
        unsafe { BufferArg::from_raw_parts(word_memory, words.len()) },
        tokens.clone().into_buffer_arg(),
        probabilities.clone().into_buffer_arg(),
        vocabulary as u32,
        rows_per_sampler as u32,
        units as usize,
        staged(vocabulary, units as usize, most_shared),
        dtype_to_storage_type(dtype),
    );
    (tokens, probabilities)
}

/// Keys to keep in shared memory: a row's, or none where they do not fit.
pub(crate) fn staged(vocabulary: usize, units: usize, most_shared: usize) -> usize {
    let words = vocabulary + 3 * BIN_PLACES + 3 * (units + units / PADDING + GROUPS);
    if vocabulary <= MOST_STAGED && words * size_of::<u32>() <= most_shared { vocabulary } else { 0 }
}
