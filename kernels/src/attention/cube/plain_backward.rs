//! Backward without tensor cores: two kernels that compute the scores again, one a row of queries a unit, one a row
//! of keys a unit. Each gradient is written by one unit in a fixed order: the same bits in every run.
//!
//! In:  what forward was given and gave, and the gradient of its output.
//! Out: gradients `[batch, tokens, heads, width]`.
//!
//! With P = softmax(scores), M the factors of dropout and O = (P ∘ M) V:
//! dV = (P ∘ M)ᵀ dO, dS = P ∘ (M ∘ dO Vᵀ − Δ), Δ = rows' sums of dO ∘ O, dQ = dS K / √width, dK = dSᵀ Q / √width
//! (Dao et al., FlashAttention, algorithm 4; Δ is unchanged by dropout).

use cubecl::prelude::*;

use super::common::{Block, Sizes, Strides, block, factor, row_words};
use super::plain_forward::{PlainPlan, Tile, add_scaled, dot, load_row, load_tile, zeros};
use super::spans::{end_key, end_query, first_key, first_query, groups, places_before, position};

/// Δ of each row: the sum of products of the output and its gradient.
#[cube(launch_unchecked)]
pub(crate) fn output_dots<F: Float>(
    output: &[Vector<F, Const<4>>],
    gradient: &[Vector<F, Const<4>>],
    dots: &mut [f32],
    output_strides: Strides,
    gradient_strides: Strides,
    heads: u32,
    queries: u32,
    #[comptime] vectors: usize,
) {
    let row_of_all = ABSOLUTE_POS;
    if row_of_all < dots.len() {
        let row = row_of_all as u32 % queries;
        let head_of_all = row_of_all as u32 / queries;
        let (batch, head) = (head_of_all / heads, head_of_all % heads);
        let output_row = output_strides.row(batch, head, row);
        let gradient_row = gradient_strides.row(batch, head, row);
        let mut sum = Vector::<f32, Const<4>>::new(0.0f32);
        #[unroll]
        for vector in 0..vectors {
            let left = Vector::<f32, Const<4>>::cast_from(output[output_row + vector]);
            let right = Vector::<f32, Const<4>>::cast_from(gradient[gradient_row + vector]);
            sum = fma(left, right, sum);
        }
        dots[row_of_all] = (sum.extract(0usize) + sum.extract(1usize)) + (sum.extract(2usize) + sum.extract(3usize));
    }
}

/// The gradient of the queries: one unit a row of queries.
#[cube(launch_unchecked)]
pub(crate) fn plain_query_gradient<F: Float>(
    query: &[Vector<F, Const<4>>],
    key: &[Vector<F, Const<4>>],
    value: &[Vector<F, Const<4>>],
    gradient: &[Vector<F, Const<4>>],
    levels: &[f32],
    dots: &[f32],
    query_gradient: &mut [Vector<F, Const<4>>],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    gradient_strides: Strides,
    sizes: Sizes,
    #[comptime] plan: PlainPlan,
) {
    let rule = comptime!(plan.rule);
    let vectors = comptime!(plan.vectors);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let Block { group, start, end } =
        block(CUBE_POS_X, CUBE_DIM, sizes.first_query, sizes.first_query + sizes.queries, rule);
    let last = min(start + CUBE_DIM, end) - 1;
    let is_active = start + UNIT_POS < end;
    let place = min(start + UNIT_POS, last);
    let row = position(group, place, rule) - sizes.first_query;
    let row_of_all = CUBE_POS_Y * sizes.queries + row;
    let words = row_words(sizes.seed, row_of_all as u64);
    let own = load_row::<F>(query, query_strides.row(batch, head, row), vectors);
    let own_gradient = load_row::<F>(gradient, gradient_strides.row(batch, head, row), vectors);
    let level = levels[row_of_all as usize];
    let own_dot = dots[row_of_all as usize];

    let mut keys = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut values = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut sum = zeros(vectors);
    #[unroll]
    for key_group in 0..comptime!(groups(rule)) {
        let key_end = places_before(key_group, sizes.keys, rule);
        let from = first_key(group, place, key_group, key_end, rule);
        let to = end_key(group, place, key_group, key_end, rule);
        let block_from = first_key(group, start, key_group, key_end, rule);
        let block_to = end_key(group, last, key_group, key_end, rule);
        for tile_start in range_stepped(block_from, block_to, comptime!(plan.tile as u32)) {
            sync_cube();
            load_tile::<F>(&mut keys, key, &key_strides, batch, head, key_group, tile_start, block_to, 0u32, plan);
            load_tile::<F>(
                &mut values,
                value,
                &value_strides,
                batch,
                head,
                key_group,
                tile_start,
                block_to,
                0u32,
                plan,
            );
            sync_cube();
            let tile_end = min(tile_start + comptime!(plan.tile as u32), to);
            for key_place in max(tile_start, from)..tile_end {
                let slot = (key_place - tile_start) as usize * vectors;
                let weight = (dot(&own, &keys, slot, vectors) * sizes.scale - level).exp();
                let mut of_weight = dot(&own_gradient, &values, slot, vectors);
                if comptime!(plan.drops) {
                    of_weight *= factor(words, position(key_group, key_place, rule), &sizes);
                }
                let of_score = weight * (of_weight - own_dot) * sizes.scale;
                add_scaled(&mut sum, of_score, &keys, slot, vectors);
            }
        }
    }
    if is_active {
        let target =
            (batch * sizes.queries + row) as usize * (sizes.heads as usize * vectors) + head as usize * vectors;
        #[unroll]
        for vector in 0..vectors {
            query_gradient[target + vector] = Vector::cast_from(sum[vector]);
        }
    }
}

/// The gradients of keys and values: one unit a row of keys, tiles of queries.
#[cube(launch_unchecked)]
pub(crate) fn plain_key_gradients<F: Float>(
    query: &[Vector<F, Const<4>>],
    key: &[Vector<F, Const<4>>],
    value: &[Vector<F, Const<4>>],
    gradient: &[Vector<F, Const<4>>],
    levels: &[f32],
    dots: &[f32],
    key_gradient: &mut [Vector<F, Const<4>>],
    value_gradient: &mut [Vector<F, Const<4>>],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
    gradient_strides: Strides,
    sizes: Sizes,
    all_keys: u32,
    #[comptime] plan: PlainPlan,
) {
    let rule = comptime!(plan.rule);
    let vectors = comptime!(plan.vectors);
    let batch = CUBE_POS_Y / sizes.heads;
    let head = CUBE_POS_Y % sizes.heads;
    let Block { group, start, end } = block(CUBE_POS_X, CUBE_DIM, 0u32, all_keys, rule);
    let last = min(start + CUBE_DIM, end) - 1;
    let is_active = start + UNIT_POS < end;
    let place = min(start + UNIT_POS, last);
    let column = position(group, place, rule);
    let is_seen = column < sizes.keys;
    let own = load_row::<F>(key, key_strides.row(batch, head, column), vectors);
    let own_value = load_row::<F>(value, value_strides.row(batch, head, column), vectors);

    let mut queries = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut gradients = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut key_sum = zeros(vectors);
    let mut value_sum = zeros(vectors);
    #[unroll]
    for query_group in 0..comptime!(groups(rule)) {
        let query_start = places_before(query_group, sizes.first_query, rule);
        let query_end = places_before(query_group, sizes.first_query + sizes.queries, rule);
        let from = first_query(group, place, query_group, query_start, query_end, rule);
        let to = select(is_seen, end_query(group, place, query_group, query_start, query_end, rule), 0u32);
        let block_from = first_query(group, start, query_group, query_start, query_end, rule);
        let block_to = end_query(group, last, query_group, query_start, query_end, rule);
        for tile_start in range_stepped(block_from, block_to, comptime!(plan.tile as u32)) {
            sync_cube();
            load_tile::<F>(
                &mut queries,
                query,
                &query_strides,
                batch,
                head,
                query_group,
                tile_start,
                block_to,
                sizes.first_query,
                plan,
            );
            load_tile::<F>(
                &mut gradients,
                gradient,
                &gradient_strides,
                batch,
                head,
                query_group,
                tile_start,
                block_to,
                sizes.first_query,
                plan,
            );
            sync_cube();
            let tile_end = min(tile_start + comptime!(plan.tile as u32), to);
            for query_place in max(tile_start, from)..tile_end {
                let slot = (query_place - tile_start) as usize * vectors;
                let row = position(query_group, query_place, rule) - sizes.first_query;
                let row_of_all = CUBE_POS_Y * sizes.queries + row;
                let weight = (dot(&own, &queries, slot, vectors) * sizes.scale - levels[row_of_all as usize]).exp();
                let mut of_weight = dot(&own_value, &gradients, slot, vectors);
                if comptime!(plan.drops) {
                    let kept = factor(row_words(sizes.seed, row_of_all as u64), column, &sizes);
                    of_weight *= kept;
                    add_scaled(&mut value_sum, weight * kept, &gradients, slot, vectors);
                } else {
                    add_scaled(&mut value_sum, weight, &gradients, slot, vectors);
                }
                let of_score = weight * (of_weight - dots[row_of_all as usize]) * sizes.scale;
                add_scaled(&mut key_sum, of_score, &queries, slot, vectors);
            }
        }
    }
    if is_active {
        let target = (batch * all_keys + column) as usize * (sizes.heads as usize * vectors) + head as usize * vectors;
        #[unroll]
        for vector in 0..vectors {
            key_gradient[target + vector] = Vector::cast_from(key_sum[vector]);
            value_gradient[target + vector] = Vector::cast_from(value_sum[vector]);
        }
    }
}
