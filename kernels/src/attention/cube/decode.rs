//! Forward for a few queries against many keys, as in cached decoding: the keys are split over cubes, each gives a
//! partial sum with its statistics, a second kernel puts them together.
//!
//! In:  as [`super::plain_forward`].
//! Out: the same.
//!
//! What limits it: every key and value is read once, so its time is that of the memory.

use cubecl::prelude::*;

use super::common::{Sizes, Strides};
use super::spans::{end_key, first_key, groups, places_before, position};
use crate::attention::problem::MaskRule;

/// What the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DecodePlan {
    pub(crate) rule: MaskRule,
    /// Vectors of four numbers in a row.
    pub(crate) vectors: usize,
    /// Queries of a cube.
    pub(crate) rows: usize,
    /// Keys that are weighed before they are summed.
    pub(crate) tile: usize,
    /// Keys of a cube, a multiple of the tile.
    pub(crate) split: usize,
}

/// Group of a slot: slots count speaker tokens first, then listener tokens.
#[cube]
fn slot_group(slot: u32, speakers: u32, #[comptime] rule: MaskRule) -> u32 {
    if comptime!(groups(rule) == 1) { 0u32.runtime() } else { select(slot < speakers, 0u32, 1u32) }
}

#[cube]
fn slot_place(slot: u32, speakers: u32, #[comptime] rule: MaskRule) -> u32 {
    if comptime!(groups(rule) == 1) { slot } else { select(slot < speakers, slot, slot - speakers) }
}

/// Whether the query at a position sees the key in a slot.
#[cube]
fn sees(query_position: u32, group: u32, place: u32, end: u32, #[comptime] rule: MaskRule) -> bool {
    let is_listener = if comptime!(groups(rule) == 1) {
        0u32.runtime()
    } else {
        places_before(1u32, query_position + 1, rule) - places_before(1u32, query_position, rule)
    };
    let query_place = places_before(is_listener, query_position, rule);
    place >= first_key(is_listener, query_place, group, end, rule)
        && place < end_key(is_listener, query_place, group, end, rule)
}

/// Sums over one split of the keys, not yet divided by the sum of weights.
///
/// `sums` is `[splits, batch · heads, queries, width]`, `statistics` is `[splits, batch · heads, queries, 2]`: the highest
/// score and the sum of weights.
#[cube(launch_unchecked)]
pub(crate) fn decode_split<F: Float>(
    query: &[Vector<F, Const<4>>],
    key: &[Vector<F, Const<4>>],
    value: &[Vector<F, Const<4>>],
    sums: &mut [Vector<f32, Const<4>>],
    statistics: &mut [f32],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    sizes: Sizes,
    #[comptime] plan: DecodePlan,
) {
    let rule = comptime!(plan.rule);
    let vectors = comptime!(plan.vectors as u32);
    let rows = comptime!(plan.rows as u32);
    let tile = comptime!(plan.tile as u32);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let first_row = CUBE_POS_Z * rows;
    let row_count = min(rows, sizes.queries - first_row);
    let speakers = places_before(0u32, sizes.keys, rule);
    let listeners = sizes.keys - speakers;

    let mut queries = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(plan.rows * plan.vectors));
    let mut row_sums = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(plan.rows * plan.vectors));
    let mut weights = Shared::<[f32]>::new_slice(comptime!(plan.rows * plan.tile));
    let mut highest = Shared::<[f32]>::new_slice(comptime!(plan.rows));
    let mut totals = Shared::<[f32]>::new_slice(comptime!(plan.rows));
    let mut shrinks = Shared::<[f32]>::new_slice(comptime!(plan.rows));
    for index in range_stepped(UNIT_POS, row_count * vectors, CUBE_DIM) {
        let at = query_strides.row(batch, head, first_row + index / vectors) + (index % vectors) as usize;
        queries[index as usize] = Vector::cast_from(query[at]);
        row_sums[index as usize] = Vector::new(0.0f32);
    }
    for row in range_stepped(UNIT_POS, row_count, CUBE_DIM) {
        highest[row as usize] = f32::min_value();
        totals[row as usize] = 0.0f32;
    }
    let start = CUBE_POS_X * comptime!(plan.split as u32);
    let end = min(start + comptime!(plan.split as u32), sizes.keys);
    for tile_start in range_stepped(start, end, tile) {
        let count = min(tile, end - tile_start);
        sync_cube();
        for index in range_stepped(UNIT_POS, count, CUBE_DIM) {
            let slot = tile_start + index;
            let group = slot_group(slot, speakers, rule);
            let place = slot_place(slot, speakers, rule);
            let group_end = select(group == 0, speakers, listeners);
            let at = key_strides.row(batch, head, position(group, place, rule));
            for row in 0..row_count {
                let mut score = f32::min_value();
                if sees(sizes.first_query + first_row + row, group, place, group_end, rule) {
                    let mut sum = Vector::<f32, Const<4>>::new(0.0f32);
                    #[unroll]
                    for vector in 0..comptime!(plan.vectors) {
                        let left = queries[(row * vectors) as usize + vector];
                        sum = fma(left, Vector::cast_from(key[at + vector]), sum);
                    }
                    score = ((sum.extract(0usize) + sum.extract(1usize)) + (sum.extract(2usize) + sum.extract(3usize)))
                        * sizes.scale;
                }
                weights[(row * tile + index) as usize] = score;
            }
        }
        sync_cube();
        for row in range_stepped(UNIT_POS, row_count, CUBE_DIM) {
            let mut top = highest[row as usize];
            for index in 0..count {
                top = max(top, weights[(row * tile + index) as usize]);
            }
            let base = select(top == f32::min_value(), 0.0f32, top);
            let shrink = (highest[row as usize] - base).exp();
            let mut total = totals[row as usize] * shrink;
            for index in 0..count {
                let weight = (weights[(row * tile + index) as usize] - base).exp();
                weights[(row * tile + index) as usize] = weight;
                total += weight;
            }
            highest[row as usize] = top;
            totals[row as usize] = total;
            shrinks[row as usize] = shrink;
        }
        sync_cube();
        for index in range_stepped(UNIT_POS, row_count * vectors, CUBE_DIM) {
            let row = index / vectors;
            let mut sum = row_sums[index as usize] * Vector::new(shrinks[row as usize]);
            for at in 0..count {
                let slot = tile_start + at;
                let token = position(slot_group(slot, speakers, rule), slot_place(slot, speakers, rule), rule);
                let from = value_strides.row(batch, head, token) + (index % vectors) as usize;
                let weight = weights[(row * tile + at) as usize];
                sum = fma(Vector::new(weight), Vector::cast_from(value[from]), sum);
            }
            row_sums[index as usize] = sum;
        }
    }
    sync_cube();
    let split_row = (CUBE_POS_X * CUBE_COUNT_Y + CUBE_POS_Y) * sizes.queries + first_row;
    for index in range_stepped(UNIT_POS, row_count * vectors, CUBE_DIM) {
        sums[(split_row * vectors + index) as usize] = row_sums[index as usize];
    }
    for row in range_stepped(UNIT_POS, row_count, CUBE_DIM) {
        statistics[((split_row + row) * 2) as usize] = highest[row as usize];
        statistics[((split_row + row) * 2 + 1) as usize] = totals[row as usize];
    }
}

/// Puts the splits together: one unit a vector of the output.
#[cube(launch_unchecked)]
pub(crate) fn decode_join<F: Float>(
    sums: &[Vector<f32, Const<4>>],
    statistics: &[f32],
    output: &mut [Vector<F, Const<4>>],
    levels: &mut [f32],
    heads: u32,
    queries: u32,
    rows: u32,
    splits: u32,
    #[comptime] vectors: usize,
) {
    let row = ABSOLUTE_POS as u32 / comptime!(vectors as u32);
    let vector = ABSOLUTE_POS as u32 % comptime!(vectors as u32);
    if row < rows {
        let mut top = f32::min_value();
        for split in 0..splits {
            top = max(top, statistics[((split * rows + row) * 2) as usize]);
        }
        let base = select(top == f32::min_value(), 0.0f32, top);
        let mut total = 0.0f32;
        let mut sum = Vector::<f32, Const<4>>::new(0.0f32);
        for split in 0..splits {
            let at = split * rows + row;
            let share = (statistics[(at * 2) as usize] - base).exp();
            total += statistics[(at * 2 + 1) as usize] * share;
            sum = fma(Vector::new(share), sums[(at * comptime!(vectors as u32) + vector) as usize], sum);
        }
        // A row that sees no key gives zeros.
        let is_empty = total == 0.0f32;
        let inverse = select(is_empty, 0.0f32, 1.0f32 / total);
        let query = row % queries;
        let head_of_all = row / queries;
        let token = (head_of_all / heads) * queries + query;
        let target = (token * heads + head_of_all % heads) * comptime!(vectors as u32) + vector;
        output[target as usize] = Vector::cast_from(sum * Vector::new(inverse));
        if vector == 0 {
            levels[row as usize] = select(is_empty, 0.0f32, top + total.ln());
        }
    }
}
