//! One problem's sizes as the kernels are compiled for them and as a launch hands them over.

use super::common::SizesLaunch;
use super::tensor_cores::TilePlan;
use crate::attention::problem::{AttentionProblem, MaskRule, SPEAKER_TOKENS, TOKENS_PER_FRAME};
use crate::dropout::{Dropout, threshold};

/// One problem with its sizes.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) problem: AttentionProblem,
    pub(super) batch: usize,
    pub(super) heads: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) width: usize,
}

impl Numbers {
    pub(super) fn drops(&self) -> bool {
        self.problem.dropout.is_some_and(|dropout| dropout.probability > 0.0)
    }

    /// What the tensor cores' kernels are compiled for: forward, the gradient of the queries, those of keys and values.
    ///
    /// The more rows a plane works on, the less often it reads a tile from shared memory, and the more registers it
    /// needs: see the table of `ptxas` in `kernels/README.md`.
    pub(super) fn tile_plans(&self) -> [TilePlan; 3] {
        let plan = |row_tiles, columns| TilePlan {
            rule: self.problem.rule,
            width: self.width,
            planes: 4,
            row_tiles,
            columns,
            drops: self.drops(),
        };
        if self.width <= 64 { [plan(2, 32), plan(1, 32), plan(1, 32)] } else { [plan(1, 64), plan(1, 32), plan(1, 16)] }
    }

    pub(super) fn sizes(&self) -> SizesLaunch {
        let ([queries, keys, first_query, heads, threshold], [scale, kept], seed) = self.values();
        SizesLaunch::new(queries, keys, first_query, heads, scale, threshold, kept, seed)
    }

    /// The same numbers as a launch hands them over: each type in the order of its fields.
    #[cfg(feature = "cuda")]
    pub(super) fn push(&self, scalars: &mut cubecl::ScalarBuilder) {
        let (counts, factors, seed) = self.values();
        counts.into_iter().for_each(|count| scalars.push(count));
        factors.into_iter().for_each(|factor| scalars.push(factor));
        scalars.push(seed);
    }

    /// What [`super::common::Sizes`] holds, by type.
    fn values(&self) -> ([u32; 5], [f32; 2], u64) {
        let Dropout { probability, seed } = self.problem.dropout.unwrap_or(Dropout { probability: 0.0, seed: 0 });
        let seen_keys = self.problem.key_limit.unwrap_or(self.keys).min(self.keys);
        let [queries, keys, first_query, heads] =
            [self.queries, seen_keys, self.problem.first_query, self.heads].map(|count| count as u32);
        let factors = [(self.width as f32).sqrt().recip(), (1.0 - probability).recip()];
        ([queries, keys, first_query, heads, threshold(probability)], factors, seed)
    }
}

/// Blocks of `rows` rows at positions `first..end`, those of each group counted up on their own.
pub(super) fn blocks(rule: MaskRule, first: usize, end: usize, rows: usize) -> u32 {
    let speaker = |position: usize| {
        (position / TOKENS_PER_FRAME) * SPEAKER_TOKENS + (position % TOKENS_PER_FRAME).min(SPEAKER_TOKENS)
    };
    if rule == MaskRule::Full {
        return (end - first).div_ceil(rows) as u32;
    }
    let speakers = speaker(end) - speaker(first);
    (speakers.div_ceil(rows) + (end - first - speakers).div_ceil(rows)) as u32
}
