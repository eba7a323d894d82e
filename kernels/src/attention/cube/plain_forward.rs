//! Forward without tensor cores: one unit works on one row of queries, a tile of keys and values at a time in
//! shared memory, softmax online in `f32`.
//!
//! In:  queries, keys, values of any float type, any strides but unbroken rows.
//! Out: `[batch, queries, heads, width]`, and of each row the logarithm of its sum of exponentials.
//!
//! This is the path of `f32` on a GPU and of everything on the CubeCL CPU runtime.

use cubecl::prelude::*;

use super::common::{Block, Sizes, Strides, block, factor, row_words};
use super::spans::{end_key, first_key, groups, places_before, position};
use crate::attention::problem::MaskRule;

/// What the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlainPlan {
    pub(crate) rule: MaskRule,
    /// Vectors of four numbers in a row.
    pub(crate) vectors: usize,
    /// Keys in shared memory at a time.
    pub(crate) tile: usize,
    pub(crate) drops: bool,
}

/// Rows of one tensor that all units of a cube look at.
pub(crate) type Tile = Shared<[Vector<f32, Const<4>>]>;

/// Copies the rows of `tile` places from `start` on; what lies at or behind `end` is left as it is.
#[cube]
pub(crate) fn load_tile<F: Float>(
    tile: &mut Tile,
    source: &[Vector<F, Const<4>>],
    strides: &Strides,
    batch: u32,
    head: u32,
    group: u32,
    start: u32,
    end: u32,
    first: u32,
    #[comptime] plan: PlainPlan,
) {
    let vectors = comptime!(plan.vectors as u32);
    let count = min(end - start, comptime!(plan.tile as u32)) * vectors;
    for index in range_stepped(UNIT_POS, count, CUBE_DIM) {
        let token = position(group, start + index / vectors, plan.rule) - first;
        let from = strides.row(batch, head, token) + (index % vectors) as usize;
        tile[index as usize] = Vector::cast_from(source[from]);
    }
}

/// A row of a tensor in registers.
#[cube]
pub(crate) fn load_row<F: Float>(
    source: &[Vector<F, Const<4>>],
    start: usize,
    #[comptime] vectors: usize,
) -> Array<Vector<f32, Const<4>>> {
    let mut row = Array::<Vector<f32, Const<4>>>::new(vectors);
    #[unroll]
    for vector in 0..vectors {
        row[vector] = Vector::cast_from(source[start + vector]);
    }
    row
}

/// Registers full of zeros.
#[cube]
pub(crate) fn zeros(#[comptime] vectors: usize) -> Array<Vector<f32, Const<4>>> {
    let mut row = Array::<Vector<f32, Const<4>>>::new(vectors);
    #[unroll]
    for vector in 0..vectors {
        row[vector] = Vector::new(0.0f32);
    }
    row
}

/// Sum of products of a row in registers with a row of a tile.
#[cube]
pub(crate) fn dot(row: &Array<Vector<f32, Const<4>>>, tile: &Tile, start: usize, #[comptime] vectors: usize) -> f32 {
    let mut sum = Vector::<f32, Const<4>>::new(0.0f32);
    #[unroll]
    for vector in 0..vectors {
        sum = fma(row[vector], tile[start + vector], sum);
    }
    (sum.extract(0usize) + sum.extract(1usize)) + (sum.extract(2usize) + sum.extract(3usize))
}

/// `row += factor · tile row`.
#[cube]
pub(crate) fn add_scaled(
    row: &mut Array<Vector<f32, Const<4>>>,
    factor: f32,
    tile: &Tile,
    start: usize,
    #[comptime] vectors: usize,
) {
    #[unroll]
    for vector in 0..vectors {
        row[vector] = fma(Vector::new(factor), tile[start + vector], row[vector]);
    }
}

/// One block of queries against all keys it sees.
#[cube(launch_unchecked)]
pub(crate) fn plain_forward<F: Float>(
    query: &[Vector<F, Const<4>>],
    key: &[Vector<F, Const<4>>],
    value: &[Vector<F, Const<4>>],
    output: &mut [Vector<F, Const<4>>],
    levels: &mut [f32],
    query_strides: Strides,
    key_strides: Strides,
    value_strides: Strides,
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

    let mut keys = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut values = Tile::new_slice(comptime!(plan.tile * plan.vectors));
    let mut sum = zeros(vectors);
    let mut highest = f32::min_value();
    let mut total = 0.0f32;
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
                let score = dot(&own, &keys, slot, vectors) * sizes.scale;
                if score > highest {
                    let shrink = (highest - score).exp();
                    total *= shrink;
                    #[unroll]
                    for vector in 0..vectors {
                        sum[vector] = sum[vector] * Vector::new(shrink);
                    }
                    highest = score;
                }
                let weight = (score - highest).exp();
                total += weight;
                if comptime!(plan.drops) {
                    let kept = weight * factor(words, position(key_group, key_place, rule), &sizes);
                    add_scaled(&mut sum, kept, &values, slot, vectors);
                } else {
                    add_scaled(&mut sum, weight, &values, slot, vectors);
                }
            }
        }
    }
    if is_active {
        // A row that sees no key gives zeros.
        let is_empty = total == 0.0f32;
        let inverse = select(is_empty, 0.0f32, 1.0f32 / total);
        let target =
            (batch * sizes.queries + row) as usize * (sizes.heads as usize * vectors) + head as usize * vectors;
        #[unroll]
        for vector in 0..vectors {
            output[target + vector] = Vector::cast_from(sum[vector] * Vector::new(inverse));
        }
        levels[row_of_all as usize] = select(is_empty, 0.0f32, highest + total.ln());
    }
}
