//! Attention on a processor: blocks of queries against all keys they see, never a whole score matrix.
//!
//! In:  queries, keys, values on `flex`, any strides; a problem.
//! Out: `[batch, heads, queries, width]`, laid out in memory as `[batch, queries, heads, width]`, so that joining
//! the heads copies nothing; forward keeps one number per row, backward computes the scores again.
//!
//! Every block writes rows of its own, and the gradients of keys and values are summed over a number of stripes
//! that depends on the problem only: the result is the same with any number of threads.
//!
//! Memory grows with the tokens, not with their square: keys and values in another order, in backward two more sets of
//! gradients a stripe (16 stripes over all heads, at most one a block), half a megabyte to two of scores a thread.
//!
//! Measured (`benches/attention.rs`, Xeon with AVX-512, processor time of two threads, 12 heads of 64, 4501
//! tokens): forward 0.70 s, with backward 2.27 s, which is 90 GFLOP/s a thread; with dropout 0.71 and 2.44 s; the
//! published rule 0.16 and 0.59 s, the frame-causal rule 0.39 and 1.51 s. A block of rows against all its keys
//! stays in the second-level cache, so the softmax is the plain one of two passes; exponentials and dropout bits
//! take an eighth of a training step at a width of 24.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use rayon::prelude::*;

use super::grouping::{Block, Grouping};
use super::problem::AttentionProblem;
use super::softmax::{Drop, Part, Row, Statistics, exponentials, gradients};
use crate::cpu::fused::Fused;
use crate::cpu::product::{Matrix, Target, multiply};
use crate::cpu::rows::Rows;
use crate::cpu::scratch;
use crate::cpu::tensor::{Heads, tensor};
use crate::dropout::{row_words, threshold};

/// Backward is cut into at least so many pieces of work, if there are as many blocks.
const BACKWARD_PIECES: usize = 16;

/// The operation.
#[derive(Clone, Debug)]
pub(crate) struct Attention(pub(crate) AttentionProblem);

/// What backward needs: the inputs, the result, and of each row the logarithm of its sum of exponentials.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    inputs: [FlexTensor; 3],
    output: FlexTensor,
    levels: Arc<Vec<f32>>,
}

impl Fused<3> for Attention {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let [query, key, value] = inputs.clone().map(Heads::new);
        let plan = Plan::new(self.0, &query, &key);
        let [heads, queries, width] = [plan.heads, plan.queries, plan.width];
        let (keys_across, values) = (plan.gather_across(&key), plan.gather(&value));
        let mut output = vec![0.0; heads * queries * width];
        let mut levels = vec![0.0; heads * queries];
        let (output_rows, level_rows) = (Rows::new(&mut output, width), Rows::new(&mut levels, 1));
        let blocks = plan.grouping.blocks.len();
        (0..heads * blocks).into_par_iter().for_each(|piece| {
            let (head, block) = (piece / blocks, &plan.grouping.blocks[piece % blocks]);
            let (keys_across, values) = (plan.of_head(&keys_across, head), plan.of_head(&values, head));
            plan.forward_block(head, block, &query, keys_across, values, &output_rows, &level_rows);
        });
        let output = plan.joined(output, queries);
        (output.clone(), Saved { inputs, output, levels: Arc::new(levels) })
    }

    fn backward(&self, saved: Saved, gradient: FlexTensor) -> [FlexTensor; 3] {
        let [query, key, value] = saved.inputs.map(Heads::new);
        let plan = Plan::new(self.0, &query, &key);
        let given = Given {
            query,
            output: Heads::new(saved.output),
            gradient: Heads::new(gradient),
            levels: saved.levels,
            keys: plan.gather(&key),
            keys_across: plan.gather_across(&key),
            values_across: plan.gather_across(&value),
        };
        plan.backward(&given)
    }
}

/// What backward reads.
struct Given {
    query: Heads,
    output: Heads,
    gradient: Heads,
    levels: Arc<Vec<f32>>,
    keys: Vec<f32>,
    keys_across: Vec<f32>,
    values_across: Vec<f32>,
}

/// The problem with its sizes and its blocks; `heads` counts over the batch.
struct Plan {
    problem: AttentionProblem,
    grouping: Grouping,
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    drop: Option<Drop>,
}

impl Plan {
    fn new(problem: AttentionProblem, query: &Heads, key: &Heads) -> Self {
        let [batch, heads, queries, width] = query.shape;
        let keys = key.shape[2];
        let drop = problem.dropout.filter(|dropout| dropout.probability > 0.0).map(|dropout| Drop {
            threshold: threshold(dropout.probability),
            kept: (1.0 - dropout.probability).recip(),
        });
        let grouping = Grouping::new(&problem, queries, keys);
        Self { problem, grouping, batch, heads: batch * heads, queries, keys, width, drop }
    }

    fn scale(&self) -> f32 {
        (self.width as f32).sqrt().recip()
    }

    /// Keys or values in the order of slots, `[heads, slots, width]`.
    fn gather(&self, source: &Heads) -> Vec<f32> {
        let mut gathered = vec![0.0; self.heads * self.keys * self.width];
        gathered.par_chunks_exact_mut((self.keys * self.width).max(1)).enumerate().for_each(|(head, slots)| {
            for (slot, position) in slots.chunks_exact_mut(self.width).zip(&self.grouping.positions) {
                slot.copy_from_slice(source.row(head, *position as usize));
            }
        });
        gathered
    }

    /// The same, `[heads, width, slots]`: the products that need it this way then read it as it lies.
    fn gather_across(&self, source: &Heads) -> Vec<f32> {
        let mut gathered = vec![0.0; self.heads * self.keys * self.width];
        gathered.par_chunks_exact_mut((self.keys * self.width).max(1)).enumerate().for_each(|(head, across)| {
            for (slot, position) in self.grouping.positions.iter().enumerate() {
                for (place, value) in source.row(head, *position as usize).iter().enumerate() {
                    across[place * self.keys + slot] = *value;
                }
            }
        });
        gathered
    }

    fn of_head<'a>(&self, gathered: &'a [f32], head: usize) -> &'a [f32] {
        &gathered[head * self.keys * self.width..][..self.keys * self.width]
    }

    /// A tensor `[batch, heads, tokens, width]` from values in the order `[batch, tokens, heads, width]`.
    fn joined(&self, values: Vec<f32>, tokens: usize) -> FlexTensor {
        tensor(values, &[self.batch, tokens, self.heads / self.batch.max(1), self.width]).transpose(1, 2)
    }

    /// Number of a token's row in values in the order `[batch, tokens, heads, width]`.
    fn joined_row(&self, head: usize, token: usize, tokens: usize) -> usize {
        let heads = self.heads / self.batch;
        ((head / heads) * tokens + token) * heads + head % heads
    }

    /// What the rows of a block see, and where their dropout bits come from.
    fn rows(&self, head: usize, block: &Block) -> Vec<Row> {
        let second_column = block.slots[0].len();
        let seed = self.problem.dropout.map_or(0, |dropout| dropout.seed);
        let part = |seen: Range<usize>, first_slot: usize, first_column: usize| {
            if seen.is_empty() {
                return Part { column: first_column, slot: 0, length: 0 };
            }
            Part { column: first_column + seen.start - first_slot, slot: seen.start, length: seen.len() }
        };
        let row = |query: &usize| {
            let [speaker, listener] = self.grouping.visible(*query);
            Row {
                parts: [part(speaker, block.slots[0].start, 0), part(listener, block.slots[1].start, second_column)],
                words: row_words(seed, (head * self.queries + query) as u64),
            }
        };
        block.queries.iter().map(row).collect()
    }

    /// Scores of a block, or products of its gradients with values: `[rows, columns of the block]`.
    fn across(&self, block: &Block, left: &[f32], right_across: &[f32], products: &mut [f32]) {
        let (rows, columns) = (block.queries.len(), block.columns());
        for (slots, column) in block.segments() {
            let target = Target { values: &mut products[column..], row_stride: columns };
            let right = Matrix::columns_of(&right_across[slots.start..], self.width, slots.len(), self.keys);
            multiply(target, Matrix::dense(left, rows, self.width), right, 1.0, false);
        }
    }

    /// Sum over the columns of a block of weights times what stands in the slots: `[rows, width]`.
    fn along(&self, block: &Block, weights: &[f32], right: &[f32], factor: f32, sums: &mut [f32]) {
        let (rows, columns) = (block.queries.len(), block.columns());
        for (number, (slots, column)) in block.segments().enumerate() {
            let left = Matrix::columns_of(&weights[column..], rows, slots.len(), columns);
            let right = Matrix::dense(&right[slots.start * self.width..], slots.len(), self.width);
            multiply(Target { values: sums, row_stride: self.width }, left, right, factor, number > 0);
        }
    }

    /// Adds to each slot the sum over the rows of a block of weights times the rows of `right`.
    fn down(&self, block: &Block, weights: &[f32], right: &[f32], sums: &mut [f32]) {
        let (rows, columns) = (block.queries.len(), block.columns());
        for (slots, column) in block.segments() {
            let left = Matrix::columns_of(&weights[column..], rows, slots.len(), columns).transposed();
            let target = Target { values: &mut sums[slots.start * self.width..], row_stride: self.width };
            multiply(target, left, Matrix::dense(right, rows, self.width), 1.0, true);
        }
    }

    fn copy_rows(&self, head: usize, block: &Block, source: &Heads, factor: f32, into: &mut [f32]) {
        for (row, query) in into.chunks_exact_mut(self.width).zip(&block.queries) {
            for (value, source) in row.iter_mut().zip(source.row(head, *query)) {
                *value = source * factor;
            }
        }
    }

    #[allow(unsafe_code, clippy::too_many_arguments)]
    fn forward_block(
        &self,
        head: usize,
        block: &Block,
        query: &Heads,
        keys_across: &[f32],
        values: &[f32],
        output: &Rows<'_>,
        levels: &Rows<'_>,
    ) {
        let (rows, columns) = (block.queries.len(), block.columns());
        if columns == 0 {
            // Nobody sees a key: output and levels stay the zeros they are.
            return;
        }
        let views = self.rows(head, block);
        let mut statistics = vec![Statistics::default(); rows];
        scratch::with(rows * (columns + 2 * self.width), |memory| {
            let (scores, memory) = memory.split_at_mut(rows * columns);
            let (queries, sums) = memory.split_at_mut(rows * self.width);
            self.copy_rows(head, block, query, self.scale(), queries);
            self.across(block, queries, keys_across, scores);
            exponentials(scores, columns, &views, &self.grouping.positions, self.drop, &mut statistics);
            self.along(block, scores, values, self.drop.map_or(1.0, |drop| drop.kept), sums);
            for ((query, sums), found) in block.queries.iter().zip(sums.chunks_exact(self.width)).zip(&statistics) {
                // SAFETY: each query stands in one block of its head, and each block is worked on by one thread.
                let row = unsafe { output.row(self.joined_row(head, *query, self.queries)) };
                if found.sum == 0.0 {
                    continue;
                }
                row.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum / found.sum);
                // SAFETY: as above.
                let level = unsafe { levels.row(head * self.queries + query) };
                level[0] = found.largest + found.sum.ln();
            }
        });
    }

    /// Gradients of queries, keys and values.
    fn backward(&self, given: &Given) -> [FlexTensor; 3] {
        let blocks = &self.grouping.blocks;
        let stripes = BACKWARD_PIECES.div_ceil(self.heads.max(1)).clamp(1, blocks.len().max(1));
        let blocks_in_stripe = blocks.len().div_ceil(stripes).max(1);
        let slots = self.keys * self.width;
        let mut query_gradient = vec![0.0; self.heads * self.queries * self.width];
        // Of each head and stripe: the gradients of all keys, then of all values.
        let mut partial = vec![0.0; self.heads * stripes * 2 * slots];
        let query_rows = Rows::new(&mut query_gradient, self.width);
        partial.par_chunks_exact_mut((2 * slots).max(1)).enumerate().for_each(|(piece, partial)| {
            let (head, stripe) = (piece / stripes, piece % stripes);
            let (keys, values) = partial.split_at_mut(slots);
            for block in blocks.iter().skip(stripe * blocks_in_stripe).take(blocks_in_stripe) {
                self.backward_block(head, block, given, &query_rows, keys, values);
            }
        });
        let [key_gradient, value_gradient] = [0, 1].map(|side| self.summed(&partial, stripes, side));
        [self.joined(query_gradient, self.queries), key_gradient, value_gradient]
    }

    #[allow(unsafe_code)]
    fn backward_block(
        &self,
        head: usize,
        block: &Block,
        given: &Given,
        query_gradient: &Rows<'_>,
        key_gradient: &mut [f32],
        value_gradient: &mut [f32],
    ) {
        let (rows, columns) = (block.queries.len(), block.columns());
        if columns == 0 {
            return;
        }
        let views = self.rows(head, block);
        let levels: Vec<f32> = block.queries.iter().map(|query| given.levels[head * self.queries + query]).collect();
        scratch::with(rows * (2 * columns + 3 * self.width), |memory| {
            let (scores, memory) = memory.split_at_mut(rows * columns);
            let (slopes, memory) = memory.split_at_mut(rows * columns);
            let (queries, memory) = memory.split_at_mut(rows * self.width);
            let (gradient, sums) = memory.split_at_mut(rows * self.width);
            self.copy_rows(head, block, &given.query, self.scale(), queries);
            self.copy_rows(head, block, &given.gradient, 1.0, gradient);
            let shares = shares(head, block, &given.output, gradient, self.width);
            self.across(block, queries, self.of_head(&given.keys_across, head), scores);
            self.across(block, gradient, self.of_head(&given.values_across, head), slopes);
            gradients(scores, slopes, columns, &views, &self.grouping.positions, self.drop, &levels, &shares);
            self.down(block, scores, gradient, value_gradient);
            self.down(block, slopes, queries, key_gradient);
            self.along(block, slopes, self.of_head(&given.keys, head), self.scale(), sums);
            for (query, sums) in block.queries.iter().zip(sums.chunks_exact(self.width)) {
                // SAFETY: each query stands in one block of its head, and each block is worked on by one thread.
                let row = unsafe { query_gradient.row(self.joined_row(head, *query, self.queries)) };
                row.copy_from_slice(sums);
            }
        });
    }

    /// The gradients of keys (0) or values (1): summed over the stripes in their order, back at their positions.
    #[allow(unsafe_code)]
    fn summed(&self, partial: &[f32], stripes: usize, side: usize) -> FlexTensor {
        let slots = self.keys * self.width;
        let mut gradient = vec![0.0; self.heads * slots];
        let rows = Rows::new(&mut gradient, self.width);
        partial.par_chunks_exact((2 * slots * stripes).max(1)).enumerate().for_each(|(head, of_head)| {
            for (slot, position) in self.grouping.positions.iter().enumerate() {
                // SAFETY: each position stands in one slot of its head, and each head is worked on by one thread.
                let row = unsafe { rows.row(self.joined_row(head, *position as usize, self.keys)) };
                for of_stripe in of_head.chunks_exact(2 * slots) {
                    let part = &of_stripe[side * slots + slot * self.width..][..self.width];
                    row.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                }
            }
        });
        self.joined(gradient, self.keys)
    }
}

/// Of each row the sum of result times gradient, which is the sum of weight times gradient of the weight.
fn shares(head: usize, block: &Block, output: &Heads, gradient: &[f32], width: usize) -> Vec<f32> {
    let dot =
        |(query, gradient): (&usize, &[f32])| output.row(head, *query).iter().zip(gradient).map(|(a, b)| a * b).sum();
    block.queries.iter().zip(gradient.chunks_exact(width)).map(dot).collect()
}
