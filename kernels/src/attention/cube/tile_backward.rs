//! Backward on tensor cores, in two kernels that compute the scores again: one a block of queries a cube, one a
//! block of keys a cube. Each gradient is summed by one lane in a fixed order, without atomics: the same bits in
//! every run, at the price of seven products where one kernel with atomics needs five.
//!
//! In:  as [`super::plain_backward`], `f16` or `bf16`; levels and Δ in `f32`.
//! Out: gradients in the input's type, summed in `f32`.

use cubecl::prelude::*;

use super::common::{Sizes, Strides, factor, last_block_first, row_words};
use super::spans::{end_key, end_query, first_key, first_query, groups, places_before, position};
use super::tensor_cores::{
    LANES, Rows, Sums, TilePlan, left_from_sums, left_parts, load_rows, multiply_across, multiply_along, zero_sums,
};
use super::tile_forward::lane_rows;

/// The gradient of the queries.
#[cube(launch_unchecked)]
pub(crate) fn tile_query_gradient<F: Float>(
    query: &[Vector<F, Const<8>>],
    key: &[Vector<F, Const<8>>],
    value: &[Vector<F, Const<8>>],
    gradient: &[Vector<F, Const<8>>],
    levels: &[f32],
    dots: &[f32],
    query_gradient: &mut [Vector<F, Const<2>>],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    gradient_strides: Strides,
    sizes: Sizes,
    #[comptime] plan: TilePlan,
) {
    let rule = comptime!(plan.rule);
    let tiles = comptime!(plan.row_tiles);
    let rows = comptime!(plan.rows() as u32);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let plane = UNIT_POS / LANES;
    let lane = UNIT_POS % LANES;
    let query_end = sizes.first_query + sizes.queries;
    let block = last_block_first(CUBE_POS_X, rows, sizes.first_query, query_end, rule);
    let last = min(block.start + rows, block.end) - 1;
    let own = lane_rows(&block, plane, lane, sizes.first_query, plan);

    let mut keys = Rows::<F>::new_aligned_slice(comptime!(plan.rows().max(plan.columns) * plan.pitch()), 16usize);
    let mut values = Rows::<F>::new_aligned_slice(comptime!(plan.rows().max(plan.columns) * plan.pitch()), 16usize);
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
    load_rows::<F>(
        &mut values,
        gradient,
        &gradient_strides,
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
    let first_row = plane * comptime!(plan.row_tiles as u32 * 16);
    let queries = left_parts::<F>(&keys, first_row, lane, tiles, plan);
    let gradients = left_parts::<F>(&values, first_row, lane, tiles, plan);

    let mut own_levels = Array::<f32>::new(comptime!(tiles * 2));
    let mut own_dots = Array::<f32>::new(comptime!(tiles * 2));
    let mut first_words = Array::<u32>::new(comptime!(tiles * 2));
    let mut second_words = Array::<u32>::new(comptime!(tiles * 2));
    #[unroll]
    for row in 0..comptime!(tiles * 2) {
        let row_of_all = CUBE_POS_Y * sizes.queries + own.rows[row];
        own_levels[row] = levels[row_of_all as usize];
        own_dots[row] = dots[row_of_all as usize];
        if comptime!(plan.drops) {
            let words = row_words(sizes.seed, row_of_all as u64);
            first_words[row] = words.0;
            second_words[row] = words.1;
        }
    }
    let mut sums = zero_sums(comptime!(tiles * plan.width / 8));
    for key_group in 0..comptime!(groups(rule)) {
        let key_end = places_before(key_group, sizes.keys, rule);
        let block_from = first_key(block.group, block.start, key_group, key_end, rule);
        let block_to = end_key(block.group, last, key_group, key_end, rule);
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
            let mut slopes = zero_sums(comptime!(tiles * plan.columns / 8));
            multiply_across::<F>(&mut slopes, &gradients, &values, lane, tiles, plan);
            #[unroll]
            for row in 0..comptime!(tiles * 2) {
                let from = first_key(block.group, own.places[row], key_group, key_end, rule);
                let to = end_key(block.group, own.places[row], key_group, key_end, rule);
                #[unroll]
                for column in 0..comptime!(plan.columns / 8) {
                    let index = comptime!((row / 2) * (plan.columns / 8) + column);
                    let place = tile_start + (column * 8) as u32 + (lane % 4) * 2;
                    let score = scores.index(index)[row % 2];
                    let slope = slopes.index_mut(index);
                    let mut pair = slope[row % 2];
                    #[unroll]
                    for side in 0..2usize {
                        let at = place + side as u32;
                        let weight = (score.extract(side) * sizes.scale - own_levels[row]).exp();
                        let mut of_weight = pair.extract(side);
                        if comptime!(plan.drops) {
                            let words = (first_words[row], second_words[row]);
                            of_weight *= factor(words, position(key_group, at, rule), &sizes);
                        }
                        let of_score = weight * (of_weight - own_dots[row]) * sizes.scale;
                        pair.insert(side, select(at >= from && at < to, of_score, 0.0f32));
                    }
                    slope[row % 2] = pair;
                }
            }
            let of_scores = left_from_sums::<F>(&slopes, tiles, comptime!(plan.columns));
            multiply_along::<F>(&mut sums, &of_scores, &keys, lane, tiles, plan);
        }
    }
    #[unroll]
    for row in 0..comptime!(tiles * 2) {
        if own.exists[row] {
            let start = target_row(batch, head, own.rows[row], sizes.queries, sizes.heads, plan);
            store_row::<F>(query_gradient, &sums, row, start + (lane % 4) as usize, plan);
        }
    }
}

/// The gradients of keys and values: rows are keys, what passes through shared memory are queries and gradients.
#[cube(launch_unchecked)]
pub(crate) fn tile_key_gradients<F: Float>(
    query: &[Vector<F, Const<8>>],
    key: &[Vector<F, Const<8>>],
    value: &[Vector<F, Const<8>>],
    gradient: &[Vector<F, Const<8>>],
    levels: &[f32],
    dots: &[f32],
    key_gradient: &mut [Vector<F, Const<2>>],
    value_gradient: &mut [Vector<F, Const<2>>],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    gradient_strides: Strides,
    sizes: Sizes,
    all_keys: u32,
    #[comptime] plan: TilePlan,
) {
    let rule = comptime!(plan.rule);
    let tiles = comptime!(plan.row_tiles);
    let rows = comptime!(plan.rows() as u32);
    let columns = comptime!(plan.columns as u32);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let plane = UNIT_POS / LANES;
    let lane = UNIT_POS % LANES;
    let block = last_block_first(CUBE_POS_X, rows, 0u32, all_keys, rule);
    let last = min(block.start + rows, block.end) - 1;
    let own = lane_rows(&block, plane, lane, 0u32, plan);

    let mut queries = Rows::<F>::new_aligned_slice(comptime!(plan.rows().max(plan.columns) * plan.pitch()), 16usize);
    let mut gradients = Rows::<F>::new_aligned_slice(comptime!(plan.rows().max(plan.columns) * plan.pitch()), 16usize);
    let mut tile_levels = Shared::<[f32]>::new_slice(comptime!(plan.columns));
    let mut tile_dots = Shared::<[f32]>::new_slice(comptime!(plan.columns));
    let mut tile_first = Shared::<[u32]>::new_slice(comptime!(plan.columns));
    let mut tile_second = Shared::<[u32]>::new_slice(comptime!(plan.columns));
    load_rows::<F>(
        &mut queries,
        key,
        &key_strides,
        batch,
        head,
        block.group,
        block.start,
        block.end,
        0u32,
        comptime!(plan.rows()),
        plan,
    );
    load_rows::<F>(
        &mut gradients,
        value,
        &value_strides,
        batch,
        head,
        block.group,
        block.start,
        block.end,
        0u32,
        comptime!(plan.rows()),
        plan,
    );
    sync_cube();
    let first_row = plane * comptime!(plan.row_tiles as u32 * 16);
    let keys = left_parts::<F>(&queries, first_row, lane, tiles, plan);
    let values = left_parts::<F>(&gradients, first_row, lane, tiles, plan);

    let mut key_sums = zero_sums(comptime!(tiles * plan.width / 8));
    let mut value_sums = zero_sums(comptime!(tiles * plan.width / 8));
    for query_group in 0..comptime!(groups(rule)) {
        let query_start = places_before(query_group, sizes.first_query, rule);
        let query_end = places_before(query_group, sizes.first_query + sizes.queries, rule);
        let block_from = first_query(block.group, block.start, query_group, query_start, query_end, rule);
        let block_to = end_query(block.group, last, query_group, query_start, query_end, rule);
        for tile_start in range_stepped(block_from, block_to, columns) {
            sync_cube();
            load_rows::<F>(
                &mut queries,
                query,
                &query_strides,
                batch,
                head,
                query_group,
                tile_start,
                block_to,
                sizes.first_query,
                comptime!(plan.columns),
                plan,
            );
            load_rows::<F>(
                &mut gradients,
                gradient,
                &gradient_strides,
                batch,
                head,
                query_group,
                tile_start,
                block_to,
                sizes.first_query,
                comptime!(plan.columns),
                plan,
            );
            if UNIT_POS < columns {
                let place = min(tile_start + UNIT_POS, block_to - 1);
                let row = CUBE_POS_Y * sizes.queries + position(query_group, place, rule) - sizes.first_query;
                tile_levels[UNIT_POS as usize] = levels[row as usize];
                tile_dots[UNIT_POS as usize] = dots[row as usize];
                if comptime!(plan.drops) {
                    let words = row_words(sizes.seed, row as u64);
                    tile_first[UNIT_POS as usize] = words.0;
                    tile_second[UNIT_POS as usize] = words.1;
                }
            }
            sync_cube();
            let mut weights = zero_sums(comptime!(tiles * plan.columns / 8));
            multiply_across::<F>(&mut weights, &keys, &queries, lane, tiles, plan);
            let mut slopes = zero_sums(comptime!(tiles * plan.columns / 8));
            multiply_across::<F>(&mut slopes, &values, &gradients, lane, tiles, plan);
            #[unroll]
            for row in 0..comptime!(tiles * 2) {
                let token = position(block.group, own.places[row], rule);
                let from = first_query(block.group, own.places[row], query_group, query_start, query_end, rule);
                let end = end_query(block.group, own.places[row], query_group, query_start, query_end, rule);
                let to = select(token < sizes.keys, end, 0u32);
                #[unroll]
                for column in 0..comptime!(plan.columns / 8) {
                    let index = comptime!((row / 2) * (plan.columns / 8) + column);
                    let within = (column * 8) as u32 + (lane % 4) * 2;
                    let weight_pair = weights.index_mut(index);
                    let slope_pair = slopes.index_mut(index);
                    let mut weight_values = weight_pair[row % 2];
                    let mut slope_values = slope_pair[row % 2];
                    #[unroll]
                    for side in 0..2usize {
                        let at = within + side as u32;
                        let place = tile_start + at;
                        let is_seen = place >= from && place < to;
                        let score = weight_values.extract(side) * sizes.scale;
                        let weight = select(is_seen, (score - tile_levels[at as usize]).exp(), 0.0f32);
                        let mut kept = 1.0f32;
                        if comptime!(plan.drops) {
                            kept = factor((tile_first[at as usize], tile_second[at as usize]), token, &sizes);
                        }
                        let of_weight = slope_values.extract(side) * kept;
                        let of_score = weight * (of_weight - tile_dots[at as usize]) * sizes.scale;
                        weight_values.insert(side, weight * kept);
                        slope_values.insert(side, select(is_seen, of_score, 0.0f32));
                    }
                    weight_pair[row % 2] = weight_values;
                    slope_pair[row % 2] = slope_values;
                }
            }
            let kept_weights = left_from_sums::<F>(&weights, tiles, comptime!(plan.columns));
            multiply_along::<F>(&mut value_sums, &kept_weights, &gradients, lane, tiles, plan);
            let of_scores = left_from_sums::<F>(&slopes, tiles, comptime!(plan.columns));
            multiply_along::<F>(&mut key_sums, &of_scores, &queries, lane, tiles, plan);
        }
    }
    #[unroll]
    for row in 0..comptime!(tiles * 2) {
        if own.exists[row] {
            let start = target_row(batch, head, own.rows[row], all_keys, sizes.heads, plan) + (lane % 4) as usize;
            store_row::<F>(key_gradient, &key_sums, row, start, plan);
            store_row::<F>(value_gradient, &value_sums, row, start, plan);
        }
    }
}

/// Where a token's row starts in `[batch, tokens, heads, width]`, in pairs of numbers.
#[cube]
fn target_row(batch: u32, head: u32, token: u32, tokens: u32, heads: u32, #[comptime] plan: TilePlan) -> usize {
    let pairs = comptime!(plan.width / 2);
    (batch * tokens + token) as usize * (heads as usize * pairs) + head as usize * pairs
}

/// Writes what a lane holds of a row.
#[cube]
fn store_row<F: Float>(
    target: &mut [Vector<F, Const<2>>],
    sums: &Sums,
    #[comptime] row: usize,
    start: usize,
    #[comptime] plan: TilePlan,
) {
    #[unroll]
    for column in 0..comptime!(plan.width / 8) {
        let sum = sums.index(comptime!((row / 2) * (plan.width / 8) + column));
        target[start + column * 4] = Vector::cast_from(sum[row % 2]);
    }
}
