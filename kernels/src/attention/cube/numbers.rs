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
        let dropout = self.problem.dropout.unwrap_or(Dropout { probability: 0.0, seed: 0 });
        SizesLaunch::new(
            self.queries as u32,
            self.seen_keys(),
            self.problem.first_query as u32,
            self.heads as u32,
            (self.width as f32).sqrt().recip(),
            threshold(dropout.probability),
            (1.0 - dropout.probability).recip(),
            dropout.seed,
        )
    }

    /// The same numbers as a launch hands them over.
    #[cfg(feature = "cuda")]
    pub(super) fn push(&self, scalars: &mut cubecl::ScalarBuilder) {
        let dropout = self.problem.dropout.unwrap_or(Dropout { probability: 0.0, seed: 0 });
        scalars.push(self.queries as u32);
        scalars.push(self.seen_keys());
        scalars.push(self.problem.first_query as u32);
        scalars.push(self.heads as u32);
        scalars.push((self.width as f32).sqrt().recip());
        scalars.push(threshold(dropout.probability));
        scalars.push((1.0 - dropout.probability).recip());
        scalars.push(dropout.seed);
    }

    fn seen_keys(&self) -> u32 {
        self.problem.key_limit.unwrap_or(self.keys).min(self.keys) as u32
    }
}

/// Rows of a block.
pub(super) fn rows_of_tiles(plan: TilePlan) -> usize {
    plan.rows()
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
