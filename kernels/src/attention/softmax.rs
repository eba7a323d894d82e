//! What happens to the scores of a block between the products of matrices, row by row: exponentials and their
//! sum on the way forward, gradients on the way back.
//!
//! Dropped weights get their bits here, from the row and the key's position, so none are stored.

use crate::cpu::functions::exp;
use crate::cpu::simd::{LANES, sum_of, vectorised};
use crate::dropout::bits;

/// Columns of a block's scores that one row sees, without gaps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) column: usize,
    pub(super) slot: usize,
    pub(super) length: usize,
}

/// One row of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    /// What it sees of the speaker and of the listener.
    pub(super) parts: [Part; 2],
    /// Where the row's dropout bits come from.
    pub(super) words: [u32; 2],
}

/// Dropout of a block: bits below the threshold drop, what is kept is multiplied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drop {
    pub(super) threshold: u32,
    pub(super) kept: f32,
}

/// Largest score of a row, and the sum of exp(score - largest).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    pub(super) largest: f32,
    pub(super) sum: f32,
}

vectorised! {
    /// Turns scores into exp(score - largest of the row), 0 where the row sees nothing or the weight is dropped.
    ///
    /// The sum has the dropped weights in it: dropout comes after the softmax.
    pub(super) fn exponentials<const FUSED: bool>(
        scores: &mut [f32],
        columns: usize,
        rows: &[Row],
        positions: &[u32],
        drop: Option<Drop>,
        statistics: &mut [Statistics],
    ) {
        for ((scores, row), statistics) in scores.chunks_exact_mut(columns).zip(rows).zip(statistics) {
            clear_unseen(scores, row);
            let mut largest = f32::NEG_INFINITY;
            for part in row.parts {
                largest = largest_of(&scores[part.column..part.column + part.length], largest);
            }
            let mut sum = 0.0;
            for part in row.parts {
                let scores = &mut scores[part.column..part.column + part.length];
                let positions = &positions[part.slot..part.slot + part.length];
                sum += match drop {
                    Some(drop) => exponentials_of::<FUSED, true>(scores, positions, largest, row.words, drop.threshold),
                    None => exponentials_of::<FUSED, false>(scores, positions, largest, row.words, 0),
                };
            }
            *statistics = Statistics { largest, sum };
        }
    }
}

vectorised! {
    /// Turns scores into dropped weights, and gradients of dropped weights into gradients of scores.
    ///
    /// `level` is the logarithm of a row's sum of exponentials, `share` the sum over the row of weight times gradient.
    pub(super) fn gradients<const FUSED: bool>(
        scores: &mut [f32],
        slopes: &mut [f32],
        columns: usize,
        rows: &[Row],
        positions: &[u32],
        drop: Option<Drop>,
        levels: &[f32],
        shares: &[f32],
    ) {
        let blocks = scores.chunks_exact_mut(columns).zip(slopes.chunks_exact_mut(columns));
        for (((scores, slopes), row), (level, share)) in blocks.zip(rows).zip(levels.iter().zip(shares)) {
            clear_unseen(scores, row);
            clear_unseen(slopes, row);
            for part in row.parts {
                let scores = &mut scores[part.column..part.column + part.length];
                let slopes = &mut slopes[part.column..part.column + part.length];
                let positions = &positions[part.slot..part.slot + part.length];
                if let Some(drop) = drop {
                    gradients_of::<FUSED, true>(scores, slopes, positions, row.words, drop, *level, *share);
                } else {
                    let drop = Drop { threshold: 0, kept: 1.0 };
                    gradients_of::<FUSED, false>(scores, slopes, positions, row.words, drop, *level, *share);
                }
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn clear_unseen(values: &mut [f32], row: &Row) {
    let [first, second] = row.parts;
    values[..first.column].fill(0.0);
    values[first.column + first.length..second.column].fill(0.0);
    values[second.column + second.length..].fill(0.0);
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn largest_of(scores: &[f32], start: f32) -> f32 {
    let (chunks, tail) = scores.as_chunks::<LANES>();
    let mut lanes = [start; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(tail).fold(start, |largest, score| if *score > largest { *score } else { largest })
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn exponentials_of<const FUSED: bool, const DROPS: bool>(
    scores: &mut [f32],
    positions: &[u32],
    largest: f32,
    words: [u32; 2],
    threshold: u32,
) -> f32 {
    let (chunks, tail) = scores.as_chunks_mut::<LANES>();
    let (position_chunks, position_tail) = positions.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (chunk, positions) in chunks.iter_mut().zip(position_chunks) {
        for lane in 0..LANES {
            let weight = exp::<FUSED>(chunk[lane] - largest);
            sums[lane] += weight;
            chunk[lane] = if DROPS && bits(words, positions[lane]) < threshold { 0.0 } else { weight };
        }
    }
    for (lane, (score, position)) in tail.iter_mut().zip(position_tail).enumerate() {
        let weight = exp::<FUSED>(*score - largest);
        sums[lane] += weight;
        *score = if DROPS && bits(words, *position) < threshold { 0.0 } else { weight };
    }
    sum_of(sums)
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn gradients_of<const FUSED: bool, const DROPS: bool>(
    scores: &mut [f32],
    slopes: &mut [f32],
    positions: &[u32],
    words: [u32; 2],
    drop: Drop,
    level: f32,
    share: f32,
) {
    for ((score, slope), position) in scores.iter_mut().zip(slopes).zip(positions) {
        let weight = exp::<FUSED>(*score - level);
        let factor = if DROPS && bits(words, *position) < drop.threshold { 0.0 } else { drop.kept };
        *score = weight * factor;
        *slope = weight * (factor * *slope - share);
    }
}
