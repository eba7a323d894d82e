//! The search for a threshold, digit by digit of the keys, by all units of a cube.
//!
//! In:  the keys of a row, in shared memory or made again from its logits; a goal.
//! Out: the key at which a count, or a sum of weights, first exceeds the goal.

use cubecl::prelude::*;

use super::numbers_kernel::{key_of, logit_of, part_of, weight_of};

/// Values of a digit.
const BINS: usize = 1024;
/// Bins, or units, are summed in as many groups, each of as many bins, so that a search looks at the groups and then into
/// one.
pub(super) const GROUPS: usize = 32;
/// One place in so many is left empty, so that units reading at equal distances meet other banks.
pub(super) const PADDING: usize = 16;
/// Places for the bins of one part of a weight.
pub(super) const BIN_PLACES: usize = BINS + BINS / PADDING;
/// Bits of one part of a weight: 65,536 parts add up within 32 bits.
const PART_BITS: u32 = 16;
/// Bits of the digits: 10, 10, 10, 2. The first digit is above this bit.
const FIRST_SHIFT: u32 = 22;
const DIGIT_BITS: u32 = 10;

/// What does not change along a row.
#[derive(CubeType)]
pub(super) struct Row {
    pub(super) first: usize,
    pub(super) vocabulary: usize,
    pub(super) temperature: f32,
    pub(super) largest: f32,
}

/// Where a selection ends: the key at which the sum exceeds the goal, and the sum above that key.
#[derive(CubeType)]
pub(super) struct Selected {
    pub(super) key: u32,
    pub(super) above: u64,
    pub(super) goal: u64,
}

/// The key at which, from the largest down, the sum first exceeds the goal; tokens below the floor do not count.
///
/// By weight the goal is a fraction of 2^64 of all; otherwise tokens are counted, and the search ends as soon as a digit
/// parts the tokens as asked.
#[cube]
#[allow(clippy::too_many_arguments)]
pub(super) fn select_key<F: Float>(
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
pub(super) fn find(sums: &mut Shared<[u64]>, above: u64, goal: u64, found: &mut Shared<[u64]>) {
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
pub(super) fn clear(bins: &Shared<[Atomic<u32>]>, #[comptime] by_weight: bool) {
    let mut place = UNIT_POS as usize;
    while place < comptime!(if by_weight { 3 * BIN_PLACES } else { BIN_PLACES }) {
        bins[place].store(0u32);
        place += CUBE_DIM as usize;
    }
}

/// What a bin holds.
#[cube]
pub(super) fn bin_sum(bins: &Shared<[Atomic<u32>]>, bin: usize, #[comptime] by_weight: bool) -> u64 {
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

/// Where a value stands among padded ones.
#[cube]
pub(super) fn padded(place: usize) -> usize {
    place + place / PADDING
}

/// The key of a token.
#[cube]
pub(super) fn key_at<F: Float>(
    logits: &[F],
    keys: &Shared<[u32]>,
    row: &Row,
    token: usize,
    #[comptime] is_staged: bool,
) -> u32 {
    if is_staged { keys[token] } else { key_of(f32::cast_from(logits[row.first + token]) / row.temperature) }
}
