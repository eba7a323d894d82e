//! Forward on tensor cores: a cube works on `planes · row_tiles · 16` rows of queries, tiles of keys and values pass
//! through shared memory, scores and weights never leave the registers.
//!
//! In:  `f16` or `bf16`.
//! Out: as [`super::plain_forward`]; sums, softmax and levels in `f32`, weights rounded to the input's type for the
//! product with the values.
//!
//! Source of the scheme: Dao, FlashAttention-2 (online softmax, the division by the sum of weights at the end).

use cubecl::prelude::*;

use super::common::{Block, Sizes, Strides, factor, last_block_first, row_words};
use super::spans::{end_key, first_key, groups, places_before, position};
use super::tensor_cores::{
    LANES, Rows, Sums, TilePlan, left_from_sums, left_parts, load_rows, multiply_across, multiply_along, row_max,
    row_sum, zero_sums,
};

/// One lane's rows: two a tile, `line` and `line + 8`.
#[derive(CubeType)]
pub(crate) struct LaneRows {
    /// Places in their group, not behind the last one.
    pub(crate) places: Array<u32>,
    /// Numbers of the rows in the tensor.
    pub(crate) rows: Array<u32>,
    /// Whether there is such a row.
    pub(crate) exists: Array<bool>,
}

/// The rows of a lane in a block.
#[cube]
pub(crate) fn lane_rows(block: &Block, plane: u32, lane: u32, first: u32, #[comptime] plan: TilePlan) -> LaneRows {
    let count = comptime!(plan.row_tiles * 2);
    let mut places = Array::<u32>::new(count);
    let mut rows = Array::<u32>::new(count);
    let mut exists = Array::<bool>::new(count);
    #[unroll]
    for index in 0..count {
        let within = plane * comptime!(plan.row_tiles as u32 * 16) + (index * 8) as u32 + lane / 4;
        let place = block.start + within;
        exists[index] = place < block.end;
        places[index] = min(place, block.end - 1);
        rows[index] = position(block.group, places[index], plan.rule) - first;
    }
    LaneRows { places, rows, exists }
}

/// One block of queries against all keys it sees.
#[cube(launch_unchecked)]
pub(crate) fn tile_forward<F: Float>(
    query: &[Vector<F, Const<8>>],
    key: &[Vector<F, Const<8>>],
    value: &[Vector<F, Const<8>>],
    output: &mut [Vector<F, Const<2>>],
    levels: &mut [f32],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    sizes: Sizes,
    #[comptime] plan: TilePlan,
) {
    let rule = comptime!(plan.rule);
    let tiles = comptime!(plan.row_tiles);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let plane = UNIT_POS / LANES;
    let lane = UNIT_POS % LANES;
    let query_end = sizes.first_query + sizes.queries;
    let block = last_block_first(CUBE_POS_X, comptime!(plan.rows() as u32), sizes.first_query, query_end, rule);
    let last = min(block.start + comptime!(plan.rows() as u32), block.end) - 1;
    let own = lane_rows(&block, plane, lane, sizes.first_query, plan);

    // The queries pass through the memory of the keys into registers.
    let mut keys = Rows::<F>::new_aligned_slice(comptime!(plan.rows().max(plan.columns) * plan.pitch()), 16usize);
    let mut values = Rows::<F>::new_aligned_slice(comptime!(plan.columns * plan.pitch()), 16usize);
    load_rows::<F>(
        &mut keys,
        query,
        &query_strides,
        batch,
        head,
        block.group,
        block.start,
        block.end,
        sizes.first_query,
        comptime!(plan.rows()),
        plan,
    );
    sync_cube();
    let queries = left_parts::<F>(&keys, plane * comptime!(plan.row_tiles as u32 * 16), lane, tiles, plan);

    let mut sums = zero_sums(comptime!(tiles * plan.width / 8));
    let mut highest = Array::<f32>::new(comptime!(tiles * 2));
    let mut totals = Array::<f32>::new(comptime!(tiles * 2));
    let mut first_words = Array::<u32>::new(comptime!(tiles * 2));
    let mut second_words = Array::<u32>::new(comptime!(tiles * 2));
    #[unroll]
    for row in 0..comptime!(tiles * 2) {
        highest[row] = f32::min_value();
        totals[row] = 0.0f32;
        if comptime!(plan.drops) {
            let words = row_words(sizes.seed, (CUBE_POS_Y * sizes.queries + own.rows[row]) as u64);
            first_words[row] = words.0;
            second_words[row] = words.1;
        }
    }
    for key_group in 0..comptime!(groups(rule)) {
        let key_end = places_before(key_group, sizes.keys, rule);
        let block_from = first_key(block.group, block.start, key_group, key_end, rule);
        let block_to = end_key(block.group, last, key_group, key_end, rule);
        // Between these two every row of the block sees every key.
        let all_from = first_key(block.group, last, key_group, key_end, rule);
        let all_to = end_key(block.group, block.start, key_group, key_end, rule);
        for tile_start in range_stepped(block_from, block_to, comptime!(plan.columns as u32)) {
            sync_cube();
            load_rows::<F>(
                &mut keys,
                key,
                &key_strides,
                batch,
                head,
                key_group,
                tile_start,
                block_to,
                0u32,
                comptime!(plan.columns),
                plan,
            );
            load_rows::<F>(
                &mut values,
                value,
                &value_strides,
                batch,
                head,
                key_group,
                tile_start,
                block_to,
                0u32,
                comptime!(plan.columns),
                plan,
            );
            sync_cube();
            let mut scores = zero_sums(comptime!(tiles * plan.columns / 8));
            multiply_across::<F>(&mut scores, &queries, &keys, lane, tiles, plan);
            if tile_start < all_from || tile_start + comptime!(plan.columns as u32) > all_to {
                #[unroll]
                for row in 0..comptime!(tiles * 2) {
                    let from = first_key(block.group, own.places[row], key_group, key_end, rule);
                    let to = end_key(block.group, own.places[row], key_group, key_end, rule);
                    mask(&mut scores, row, tile_start + (lane % 4) * 2, from, to, plan);
                }
            }
            let mut shrinks = Array::<f32>::new(comptime!(tiles * 2));
            let mut least = 1.0f32;
            #[unroll]
            for row in 0..comptime!(tiles * 2) {
                shrinks[row] = soften(&mut scores, row, sizes.scale, &mut highest, &mut totals, plan);
                least = min(least, shrinks[row]);
                if comptime!(plan.drops) {
                    drop(
                        &mut scores,
                        row,
                        (first_words[row], second_words[row]),
                        key_group,
                        tile_start + (lane % 4) * 2,
                        &sizes,
                        plan,
                    );
                }
            }
            // After the first tiles the highest score seldom changes, and a factor of 1 changes nothing.
            if plane_any(least < 1.0f32) {
                #[unroll]
                for row in 0..comptime!(tiles * 2) {
                    #[unroll]
                    for column in 0..comptime!(plan.width / 8) {
                        let sum = sums.index_mut(comptime!((row / 2) * (plan.width / 8) + column));
                        sum[row % 2] = sum[row % 2] * Vector::new(shrinks[row]);
                    }
                }
            }
            let weights = left_from_sums::<F>(&scores, tiles, comptime!(plan.columns));
            multiply_along::<F>(&mut sums, &weights, &values, lane, tiles, plan);
        }
    }
    #[unroll]
    for row in 0..comptime!(tiles * 2) {
        // A row that sees no key gives zeros.
        let total = row_sum(totals[row]);
        let is_empty = total == 0.0f32;
        let inverse = select(is_empty, 0.0f32, 1.0f32 / total);
        if own.exists[row] {
            let pairs = comptime!(plan.width / 2);
            let target = (batch * sizes.queries + own.rows[row]) as usize * (sizes.heads as usize * pairs)
                + head as usize * pairs
                + (lane % 4) as usize;
            #[unroll]
            for column in 0..comptime!(plan.width / 8) {
                let sum = sums.index(comptime!((row / 2) * (plan.width / 8) + column));
                output[target + column * 4] = Vector::cast_from(sum[row % 2] * Vector::new(inverse));
            }
            if lane % 4 == 0 {
                levels[(CUBE_POS_Y * sizes.queries + own.rows[row]) as usize] =
                    select(is_empty, 0.0f32, highest[row] + total.ln());
            }
        }
    }
}

/// Sets the scores of a row to the lowest number where the row does not see the key. `place` is the place of the lane's
/// first column.
#[cube]
fn mask(scores: &mut Sums, #[comptime] row: usize, place: u32, from: u32, to: u32, #[comptime] plan: TilePlan) {
    #[unroll]
    for column in 0..comptime!(plan.columns / 8) {
        let score = scores.index_mut(comptime!((row / 2) * (plan.columns / 8) + column));
        let first = place + (column * 8) as u32;
        let mut pair = score[row % 2];
        let left = pair.extract(0usize);
        let right = pair.extract(1usize);
        pair.insert(0usize, select(first >= from && first < to, left, f32::min_value()));
        pair.insert(1usize, select(first + 1 >= from && first + 1 < to, right, f32::min_value()));
        score[row % 2] = pair;
    }
}

/// Turns the scores of a row into weights relative to the row's highest score so far; gives the factor by which what
/// was summed before has to shrink.
#[cube]
fn soften(
    scores: &mut Sums,
    #[comptime] row: usize,
    scale: f32,
    highest: &mut Array<f32>,
    totals: &mut Array<f32>,
    #[comptime] plan: TilePlan,
) -> f32 {
    let mut top = f32::min_value();
    #[unroll]
    for column in 0..comptime!(plan.columns / 8) {
        let score = scores.index(comptime!((row / 2) * (plan.columns / 8) + column));
        top = max(top, max(score[row % 2].extract(0usize), score[row % 2].extract(1usize)));
    }
    let top = row_max(top);
    // Masked scores stay the lowest number: nothing is masked by a score that is only scaled down.
    let top = max(highest[row], select(top == f32::min_value(), top, top * scale));
    let base = select(top == f32::min_value(), 0.0f32, top);
    let shrink = (highest[row] - base).exp();
    highest[row] = top;
    let mut total = Vector::<f32, Const<2>>::new(0.0f32);
    #[unroll]
    for column in 0..comptime!(plan.columns / 8) {
        let score = scores.index_mut(comptime!((row / 2) * (plan.columns / 8) + column));
        let weight = fma(score[row % 2], Vector::new(scale), Vector::new(-base)).exp();
        total += weight;
        score[row % 2] = weight;
    }
    totals[row] = totals[row] * shrink + (total.extract(0usize) + total.extract(1usize));
    shrink
}

/// Drops weights of a row.
#[cube]
fn drop(
    weights: &mut Sums,
    #[comptime] row: usize,
    words: (u32, u32),
    key_group: u32,
    place: u32,
    sizes: &Sizes,
    #[comptime] plan: TilePlan,
) {
    #[unroll]
    for column in 0..comptime!(plan.columns / 8) {
        let weight = weights.index_mut(comptime!((row / 2) * (plan.columns / 8) + column));
        let first = place + (column * 8) as u32;
        let mut pair = weight[row % 2];
        let left = pair.extract(0usize) * factor(words, position(key_group, first, plan.rule), sizes);
        let right = pair.extract(1usize) * factor(words, position(key_group, first + 1, plan.rule), sizes);
        pair.insert(0usize, left);
        pair.insert(1usize, right);
        weight[row % 2] = pair;
    }
}
