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
//! 48 registers and 48 kB of shared memory let four cubes of 256 units share a multiprocessor. Nothing was timed: no GPU.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::numbers::{EXP, FARTHEST, KEY_OF_NOTHING, LN_2_HIGH, LN_2_LOW, ROUNDING, SIGN, WEIGHT_BITS};
use super::problem::{NOT_FINITE, NOTHING, SAMPLER_WORDS, Sampler};

/// Values of a digit.
const BINS: usize = 1024;
/// Bins, or units, are summed in as many groups, each of as many bins, so that a search looks at the groups and then into
/// one.
const GROUPS: usize = 32;
/// One place in so many is left empty, so that units reading at equal distances meet other banks.
const PADDING: usize = 16;
/// Places for the bins of one part of a weight.
const BIN_PLACES: usize = BINS + BINS / PADDING;
/// Bits of one part of a weight: 65,536 parts add up within 32 bits.
const PART_BITS: u32 = 16;
/// Bits of the digits: 10, 10, 10, 2. The first digit is above this bit.
const FIRST_SHIFT: u32 = 22;
const DIGIT_BITS: u32 = 10;

/// Units of a cube on a GPU.
const UNITS: u32 = 256;
/// A runtime that offers fewer units a cube than this has no planes: one unit then does a row.
const FEWEST_UNITS: u32 = 32;
/// Rows of more tokens are not kept in shared memory, so that several cubes fit into one multiprocessor.
const MOST_STAGED: usize = 8192;

/// What does not change along a row.
#[derive(CubeType)]
struct Row {
    first: usize,
    vocabulary: usize,
    temperature: f32,
    largest: f32,
}

/// Where a selection ends: the key at which the sum exceeds the goal, and the sum above that key.
#[derive(CubeType)]
struct Selected {
    key: u32,
    above: u64,
    goal: u64,
}

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
        let goal = part_of(total, random_bits_of(words_of(samplers, sampler + 4), place));

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

/// The key at which, from the largest down, the sum first exceeds the goal; tokens below the floor do not count.
///
/// By weight the goal is a fraction of 2^64 of all; otherwise tokens are counted, and the search ends as soon as a digit
/// parts the tokens as asked.
#[cube]
#[allow(clippy::too_many_arguments)]
fn select_key<F: Float>(
    logits: &[F],
    keys: &Shared<[u32]>,
    bins: &Shared<[Atomic<u32>]>,
    group_sums: &mut Shared<[u64]>,
    found: &mut Shared<[u64]>,
    row: &Row,
    floor: u32,
    goal: u64,
    #[comptime] by_weight: bool,
    #[comptime] is_staged: bool,
) -> Selected {
    let mut selected = Selected { key: 0u32, above: 0u64, goal };
    let mut shift = FIRST_SHIFT.runtime();
    // Keys from the selected one on up to so much more share the digits found so far.
    let mut span = 0xffff_ffffu32;
    let mut is_open = true;
    while is_open {
        clear(bins, by_weight);
        sync_cube();
        let mut token = UNIT_POS as usize;
        while token < row.vocabulary {
            let key = key_at::<F>(logits, keys, row, token, is_staged);
            if key >= floor && key - selected.key <= span {
                let bin = padded(((key - selected.key) >> shift) as usize);
                if by_weight {
                    let weight = weight_of(logit_of(key), row.largest);
                    let mask = comptime!((1u64 << PART_BITS) - 1);
                    #[unroll]
                    for part in 0..3usize {
                        let bits = (weight >> comptime!(u64::from(PART_BITS) * part as u64)) & mask;
                        bins[bin + comptime!(part * BIN_PLACES)].fetch_add(u32::cast_from(bits));
                    }
                } else {
                    bins[bin].fetch_add(1u32);
                }
            }
            token += CUBE_DIM as usize;
        }
        sync_cube();
        let mut group = UNIT_POS as usize;
        while group < GROUPS {
            let mut sum = 0u64;
            for bin in group * comptime!(BINS / GROUPS)..(group + 1) * comptime!(BINS / GROUPS) {
                sum += bin_sum(bins, bin, by_weight);
            }
            group_sums[group] = sum;
            group += CUBE_DIM as usize;
        }
        sync_cube();
        if by_weight && shift == FIRST_SHIFT {
            let mut total = 0u64;
            for group in 0..GROUPS {
                total += group_sums[group];
            }
            selected.goal = part_of(total, goal);
        }

        find(group_sums, selected.above, selected.goal, found);
        let first = found[0] as usize * comptime!(BINS / GROUPS);
        let mut bin = UNIT_POS as usize;
        while bin < comptime!(BINS / GROUPS) {
            group_sums[bin] = bin_sum(bins, first + bin, by_weight);
            bin += CUBE_DIM as usize;
        }
        let above = found[1];
        sync_cube();
        find(group_sums, above, selected.goal, found);
        selected.key += u32::cast_from(first + found[0] as usize) << shift;
        selected.above = found[1];
        span = (1u32 << shift) - 1u32;
        is_open = shift > 0u32;
        if !by_weight {
            is_open = is_open && found[2] > selected.goal + 1u64;
        }
        shift = select(shift > DIGIT_BITS, shift - DIGIT_BITS, 0u32);
        sync_cube();
    }
    selected
}

/// From the upper end, the first of some sums with which the total of those above exceeds the goal: its place, the total
/// without it and with it.
#[cube]
fn find(sums: &mut Shared<[u64]>, above: u64, goal: u64, found: &mut Shared<[u64]>) {
    let mut place = UNIT_POS as usize;
    while place < GROUPS {
        let mut without = above;
        for other in place + 1..GROUPS {
            without += sums[other];
        }
        let with = without + sums[place];
        if without <= goal && with > goal {
            found[0] = u64::cast_from(place);
            found[1] = without;
            found[2] = with;
        }
        place += CUBE_DIM as usize;
    }
    sync_cube();
}

/// Sets all bins to 0.
#[cube]
fn clear(bins: &Shared<[Atomic<u32>]>, #[comptime] by_weight: bool) {
    let mut place = UNIT_POS as usize;
    while place < comptime!(if by_weight { 3 * BIN_PLACES } else { BIN_PLACES }) {
        bins[place].store(0u32);
        place += CUBE_DIM as usize;
    }
}

/// What a bin holds.
#[cube]
fn bin_sum(bins: &Shared<[Atomic<u32>]>, bin: usize, #[comptime] by_weight: bool) -> u64 {
    let place = padded(bin);
    let mut sum = u64::cast_from(bins[place].load());
    if by_weight {
        #[unroll]
        for part in 1..3usize {
            let bits = u64::cast_from(bins[place + comptime!(part * BIN_PLACES)].load());
            sum += bits << comptime!(u64::from(PART_BITS) * part as u64);
        }
    }
    sum
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

/// Where a value stands among padded ones.
#[cube]
fn padded(place: usize) -> usize {
    place + place / PADDING
}

/// Two words as one number, the low one first.
#[cube]
fn words_of(samplers: &[u32], first: usize) -> u64 {
    u64::cast_from(samplers[first]) | (u64::cast_from(samplers[first + 1]) << 32u64)
}

#[cube]
fn key_at<F: Float>(logits: &[F], keys: &Shared<[u32]>, row: &Row, token: usize, #[comptime] is_staged: bool) -> u32 {
    if is_staged { keys[token] } else { key_of(f32::cast_from(logits[row.first + token]) / row.temperature) }
}

/// [`super::numbers::key`].
#[cube]
fn key_of(logit: f32) -> u32 {
    let bits = u32::reinterpret(logit);
    let negative = select(bits == SIGN, SIGN.runtime(), !bits);
    select(bits < SIGN, bits | SIGN, negative)
}

/// [`super::numbers::logit`].
#[cube]
fn logit_of(key: u32) -> f32 {
    f32::reinterpret(select(key < SIGN, !key, key ^ SIGN))
}

/// [`super::numbers::weight`].
#[cube]
fn weight_of(logit: f32, largest: f32) -> u64 {
    let below = largest - logit;
    let below = select(below < FARTHEST, below, FARTHEST.runtime());
    let rounded = fma(-below, f32::new(std::f32::consts::LOG2_E), f32::new(ROUNDING));
    let exponent = rounded - ROUNDING;
    let rest = fma(exponent, f32::new(-LN_2_HIGH), -below);
    let rest = fma(exponent, f32::new(-LN_2_LOW), rest);
    let mut series = f32::new(comptime!(EXP[0]));
    #[unroll]
    for power in 1..6usize {
        series = fma(series, rest, f32::new(comptime!(EXP[power])));
    }
    let bits = u32::reinterpret(fma(series, rest * rest, rest) + 1.0f32);
    let mantissa = ((bits & 0x007f_ffffu32) | 0x0080_0000u32) << ((bits >> 23u32) - 126u32);
    let shift = comptime!(ROUNDING.to_bits()) - u32::reinterpret(rounded);
    (u64::cast_from(mantissa) << comptime!(u64::from(WEIGHT_BITS - 24))) >> u64::cast_from(shift)
}

/// [`super::numbers::random_bits`]: one round of splitmix64.
#[cube]
fn random_bits_of(seed: u64, place: u64) -> u64 {
    let z = seed + (place + 1u64) * 0x9e37_79b9_7f4a_7c15u64;
    let z = (z ^ (z >> 30u64)) * 0xbf58_476d_1ce4_e5b9u64;
    let z = (z ^ (z >> 27u64)) * 0x94d0_49bb_1331_11ebu64;
    z ^ (z >> 31u64)
}

/// [`super::numbers::part`], from products of halves.
#[cube]
fn part_of(number: u64, fraction: u64) -> u64 {
    let mask = 0xffff_ffffu64;
    let (low, high) = (number & mask, number >> 32u64);
    let (fraction_low, fraction_high) = (fraction & mask, fraction >> 32u64);
    let first = low * fraction_high;
    let second = high * fraction_low;
    let carried = ((low * fraction_low) >> 32u64) + (first & mask) + (second & mask);
    high * fraction_high + (first >> 32u64) + (second >> 32u64) + (carried >> 32u64)
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
    let most = logits.client.properties().hardware.max_units_per_cube;
    if most < FEWEST_UNITS { 1 } else { most.min(UNITS) }
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
