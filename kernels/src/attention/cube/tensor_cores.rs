//! Products of 16-bit tiles on tensor cores, as the attention kernels use them: `mma.m16n8k16` with `f32` sums,
//! operands from shared memory through `ldmatrix`.
//!
//! A *fragment* is what one lane holds of a tile. With lane = 4 · line + pair, it holds of the sums rows `line` and
//! `line + 8`, columns `2 · pair` and `2 · pair + 1` (PTX ISA, "Matrix Fragments for mma.m16n8k16"). That two sums
//! side by side are what the left operand of the next product wants there, is what makes it unnecessary to move
//! weights through memory.
//!
//! Rows in shared memory are a vector (16 bytes) longer than they need be: then the eight rows of an `ldmatrix` lie in
//! different banks.

use cubecl::cmma::{MatrixIdent, MmaDefinition};
use cubecl::features::MmaConfig;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::common::Strides;
use super::spans::position;
use crate::attention::problem::MaskRule;

/// Numbers in a vector: 16 bytes.
pub(crate) const VECTOR: usize = 8;
/// Lanes of a plane; the fragments are made for this number.
pub(crate) const LANES: u32 = 32;

/// The product of the kernels, for operands of that type, as a device advertises it.
pub(crate) fn product(element: ElemType) -> MmaConfig {
    MmaConfig { a_type: element, b_type: element, cd_type: f32::cube_type(), m: 16, n: 8, k: 16 }
}

/// Rows in shared memory.
pub(crate) type Rows<F> = Shared<[Vector<F, Const<8>>]>;
/// One lane's part of an operand.
pub(crate) type Part<F> = Array<Vector<F, Const<2>>>;
/// One lane's parts of several operands.
pub(crate) type Parts<F> = Sequence<Part<F>>;
/// One lane's parts of several sums.
pub(crate) type Sums = Sequence<Array<Vector<f32, Const<2>>>>;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TilePlan {
    pub(crate) rule: MaskRule,
    /// Width of a head, a multiple of 16.
    pub(crate) width: usize,
    /// Planes of a cube.
    pub(crate) planes: usize,
    /// Tiles of 16 rows that a plane works on.
    pub(crate) row_tiles: usize,
    /// Rows of the other side in shared memory at a time, a multiple of 16.
    pub(crate) columns: usize,
    pub(crate) drops: bool,
}

impl TilePlan {
    /// Rows that a cube works on.
    pub(crate) fn rows(self) -> usize {
        self.planes * self.row_tiles * 16
    }

    /// Units of a cube.
    pub(crate) fn units(self) -> u32 {
        self.planes as u32 * LANES
    }

    /// Vectors from one row in shared memory to the next.
    pub(crate) fn pitch(self) -> usize {
        self.width / VECTOR + 1
    }
}

/// Copies rows of a tensor into shared memory: places `start..`, as many as `count`; zeros at and behind `end`.
#[cube]
pub(crate) fn load_rows<F: Float>(
    rows: &mut Rows<F>,
    source: &[Vector<F, Const<8>>],
    strides: &Strides,
    batch: u32,
    head: u32,
    group: u32,
    start: u32,
    end: u32,
    first: u32,
    #[comptime] count: usize,
    #[comptime] plan: TilePlan,
) {
    let vectors = comptime!((plan.width / VECTOR) as u32);
    let units = comptime!(plan.planes as u32 * LANES);
    let rounds = comptime!((count * plan.width / VECTOR).div_ceil(plan.planes * LANES as usize) as u32);
    #[unroll]
    for round in 0..rounds {
        let index = round * units + UNIT_POS;
        let row = index / vectors;
        let column = index % vectors;
        if comptime!((count * plan.width / VECTOR).is_multiple_of(plan.planes * LANES as usize))
            || row < comptime!(count as u32)
        {
            let place = start + row;
            let mut vector = Vector::<F, Const<8>>::new(F::new(0.0f32));
            if place < end {
                vector = source[strides.row(batch, head, position(group, place, plan.rule) - first) + column as usize];
            }
            rows[(row * comptime!(plan.pitch() as u32) + column) as usize] = vector;
        }
    }
}

/// Left operands: 16 rows from `first_row` on for each of `tiles` tiles, all columns.
#[cube]
pub(crate) fn left_parts<F: Float>(
    rows: &Rows<F>,
    first_row: u32,
    lane: u32,
    #[comptime] tiles: usize,
    #[comptime] plan: TilePlan,
) -> Parts<F> {
    let definition = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
    let mut parts = Parts::<F>::new();
    #[unroll]
    for tile in 0..tiles {
        #[unroll]
        for step in 0..comptime!(plan.width / 16) {
            let row = first_row + (tile * 16) as u32 + lane % 16;
            let at = (row * comptime!(plan.pitch() as u32) + (step * 2) as u32 + lane / 16) as usize;
            parts.push(definition.load_matrix::<_, Const<2>>(&rows[at..at + 1], MatrixIdent::A, 4usize, false));
        }
    }
    parts
}

/// Sums of zero.
#[cube]
pub(crate) fn zero_sums(#[comptime] count: usize) -> Sums {
    let mut sums = Sums::new();
    #[unroll]
    for _ in 0..count {
        let mut sum = Array::<Vector<f32, Const<2>>>::new(2usize);
        sum[0] = Vector::new(0.0f32);
        sum[1] = Vector::new(0.0f32);
        sums.push(sum);
    }
    sums
}

/// Half of what an `ldmatrix` of four matrices gives: one right operand.
#[cube]
fn right_part<F: Float>(four: &Part<F>, #[comptime] half: usize) -> Part<F> {
    let mut part = Part::<F>::new(2usize);
    part[0] = four[half * 2];
    part[1] = four[half * 2 + 1];
    part
}

/// `sums[tile][column] += left[tile] · rowᵀ` for the rows in shared memory: a column of sums for each row.
///
/// `left` has `width / 16` parts a tile, `sums` has `plan.columns / 8` a tile.
#[cube]
pub(crate) fn multiply_across<F: Float>(
    sums: &mut Sums,
    left: &Parts<F>,
    rows: &Rows<F>,
    lane: u32,
    #[comptime] tiles: usize,
    #[comptime] plan: TilePlan,
) {
    let definition = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
    #[unroll]
    for step in 0..comptime!(plan.width / 16) {
        #[unroll]
        for pair in 0..comptime!(plan.columns / 16) {
            let row = (pair * 16) as u32 + lane % 8 + (lane / 16) * 8;
            let column = (step * 2) as u32 + (lane / 8) % 2;
            let at = (row * comptime!(plan.pitch() as u32) + column) as usize;
            let four = definition.load_matrix::<_, Const<2>>(&rows[at..at + 1], MatrixIdent::B, 4usize, false);
            #[unroll]
            for half in 0..2usize {
                let right = right_part::<F>(&four, half);
                #[unroll]
                for tile in 0..tiles {
                    definition.execute_inplace(
                        left.index(comptime!(tile * (plan.width / 16) + step)),
                        &right,
                        sums.index_mut(comptime!(tile * (plan.columns / 8) + pair * 2 + half)),
                    );
                }
            }
        }
    }
}

/// `sums[tile] += left[tile] · rows`: `left` has `plan.columns / 16` parts a tile, `sums` has `width / 8` a tile.
#[cube]
pub(crate) fn multiply_along<F: Float>(
    sums: &mut Sums,
    left: &Parts<F>,
    rows: &Rows<F>,
    lane: u32,
    #[comptime] tiles: usize,
    #[comptime] plan: TilePlan,
) {
    let definition = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
    #[unroll]
    for step in 0..comptime!(plan.columns / 16) {
        #[unroll]
        for pair in 0..comptime!(plan.width / 16) {
            let row = (step * 16) as u32 + lane % 16;
            let at = (row * comptime!(plan.pitch() as u32) + (pair * 2) as u32 + lane / 16) as usize;
            let four = definition.load_matrix::<_, Const<2>>(&rows[at..at + 1], MatrixIdent::B, 4usize, true);
            #[unroll]
            for half in 0..2usize {
                let right = right_part::<F>(&four, half);
                #[unroll]
                for tile in 0..tiles {
                    definition.execute_inplace(
                        left.index(comptime!(tile * (plan.columns / 16) + step)),
                        &right,
                        sums.index_mut(comptime!(tile * (plan.width / 8) + pair * 2 + half)),
                    );
                }
            }
        }
    }
}

/// Sums as left operands of the next product, rounded to 16 bits.
#[cube]
pub(crate) fn left_from_sums<F: Float>(sums: &Sums, #[comptime] tiles: usize, #[comptime] columns: usize) -> Parts<F> {
    let mut parts = Parts::<F>::new();
    #[unroll]
    for tile in 0..tiles {
        #[unroll]
        for step in 0..comptime!(columns / 16) {
            let first = sums.index(comptime!(tile * (columns / 8) + step * 2));
            let second = sums.index(comptime!(tile * (columns / 8) + step * 2 + 1));
            let mut part = Part::<F>::new(4usize);
            part[0] = Vector::cast_from(first[0]);
            part[1] = Vector::cast_from(first[1]);
            part[2] = Vector::cast_from(second[0]);
            part[3] = Vector::cast_from(second[1]);
            parts.push(part);
        }
    }
    parts
}

/// The largest value of the four lanes that share a row.
#[cube]
pub(crate) fn row_max(value: f32) -> f32 {
    let other = max(value, plane_shuffle_xor(value, 1u32));
    max(other, plane_shuffle_xor(other, 2u32))
}

/// The sum over the four lanes that share a row.
#[cube]
pub(crate) fn row_sum(value: f32) -> f32 {
    let other = value + plane_shuffle_xor(value, 1u32);
    other + plane_shuffle_xor(other, 2u32)
}
