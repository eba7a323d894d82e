//! Codebooks made from a corpus.
//!
//! In:  the attributes of its clips, one clip after the other.
//! Out: every combination of action units and every cell that occurs, in ascending order; centres by k-means.

use std::collections::{BTreeSet, HashMap};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::codebooks::{check_finite, parts_of};
use super::table::key;
use super::valence_arousal::Cell;
use super::{
    ACTION_UNIT_COUNT, ActionUnitTable, Attributes, Cells, Codebooks, ExpressionCentres, KMeansSettings, Sample,
    TokensError, ValenceArousalTable, kmeans,
};
use crate::random::{Owner, stream};

/// How to build codebooks from a corpus.
#[derive(Clone, Copy, Debug)]
pub struct CodebookSettings {
    /// Centres of the expressions; fewer where the corpus has fewer distinct ones.
    pub expression_count: usize,
    /// Frames whose expressions are clustered, at least 1; drawn evenly where the corpus has more.
    pub sample_limit: usize,
    /// Rounds of k-means at most.
    pub round_limit: usize,
    /// Seed of the draw and of k-means.
    pub seed: u64,
    /// How valence and arousal find their cell.
    pub cells: Cells,
}

impl Default for CodebookSettings {
    fn default() -> Self {
        Self {
            expression_count: 8000, // as published
            sample_limit: 400_000,  // 50 per centre
            round_limit: 100,
            seed: 100, // the published seed
            cells: Cells::default(),
        }
    }
}

/// Collects a corpus clip by clip. Memory: the distinct combinations and the drawn frames.
pub struct CodebookBuilder {
    settings: CodebookSettings,
    action_units: HashMap<[u64; ACTION_UNIT_COUNT], [f64; ACTION_UNIT_COUNT]>,
    cells: BTreeSet<Cell>,
    expressions: Vec<Sample>,
    frame_count: u64,
    chance: ChaCha8Rng,
}

impl CodebookBuilder {
    /// Starts with nothing.
    pub fn new(settings: CodebookSettings) -> Self {
        Self {
            settings,
            action_units: HashMap::new(),
            cells: BTreeSet::new(),
            expressions: Vec::new(),
            frame_count: 0,
            // Place 0 is the start of k-means.
            chance: stream(settings.seed, Owner::Clustering, [1, 0, 0]),
        }
    }

    /// Takes the frames of one clip. The result depends on the order of the clips.
    pub fn add(&mut self, rows: &[Attributes]) -> Result<(), TokensError> {
        for (frame, row) in rows.iter().enumerate() {
            check_finite(frame, row, Cells::Clamped)?;
            let (action_units, pair, expression) = parts_of(row);
            self.action_units.insert(key(&action_units), action_units);
            self.cells.insert(self.settings.cells.cell_of(pair));
            self.add_expression(expression.map(|value| value as f32));
        }
        Ok(())
    }

    /// Keeps the first `sample_limit` frames, then lets frame n replace one with probability `sample_limit / n`:
    /// every frame is kept with the same probability (Vitter's algorithm R).
    fn add_expression(&mut self, expression: Sample) {
        self.frame_count += 1;
        if self.expressions.len() < self.settings.sample_limit {
            self.expressions.push(expression);
            return;
        }
        let place = self.chance.random_range(0..self.frame_count) as usize;
        if let Some(kept) = self.expressions.get_mut(place) {
            *kept = expression;
        }
    }

    /// Makes the codebooks.
    pub fn finish(self) -> Result<Codebooks, TokensError> {
        if self.expressions.is_empty() {
            return Err(TokensError::NoFrames);
        }
        let CodebookSettings { expression_count: centre_count, round_limit, seed, cells, .. } = self.settings;
        let found = kmeans(&self.expressions, KMeansSettings { centre_count, seed, round_limit });
        // Rounded here, so that the codebooks in memory are those in the file.
        let centres = found.centres.into_iter().map(|centre| centre.map(|value| f64::from(value as f32))).collect();
        Ok(Codebooks {
            action_units: ActionUnitTable::of_combinations(self.action_units.into_values()),
            expression: ExpressionCentres::new(centres),
            valence_arousal: ValenceArousalTable::of_cells(&self.cells),
            cells,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Attributes> {
        let mut chance = stream(1, Owner::Synthesis, [0; 3]);
        (0..count)
            .map(|_| std::array::from_fn(|column| if column < 15 { 0.0 } else { chance.random::<f64>() }))
            .collect()
    }

    #[test]
    fn every_frame_of_the_corpus_is_met_by_its_codebooks() {
        for cells in [Cells::Published, Cells::Clamped] {
            let rows = rows(500);
            let mut builder =
                CodebookBuilder::new(CodebookSettings { expression_count: 20, cells, ..CodebookSettings::default() });
            rows.chunks(75).for_each(|clip| builder.add(clip).unwrap());
            let books = builder.finish().unwrap();
            let (_, replacements) = books.tokens_from_attributes(&rows).unwrap();
            assert_eq!((replacements.action_units, replacements.valence_arousal), (0, 0));
            assert_eq!((books.sizes().action_units, books.sizes().expression), (1, 20));
        }
    }

    #[test]
    fn frames_are_drawn_evenly_from_the_whole_corpus() {
        let mut builder = CodebookBuilder::new(CodebookSettings { sample_limit: 1000, ..CodebookSettings::default() });
        for frame in 0..10_000_i16 {
            builder.add_expression([f32::from(frame); 8]);
        }
        // The mean of 1000 of the numbers below 10 000 lies within 5 sigma (2887 / sqrt(1000) = 91) of 5000.
        let mean = builder.expressions.iter().map(|sample| sample[0]).sum::<f32>() / 1000.0;
        assert!((mean - 5000.0).abs() < 456.0, "{mean}");
    }

    #[test]
    fn no_frames_make_no_codebooks() {
        let error = CodebookBuilder::new(CodebookSettings::default()).finish().unwrap_err();
        assert!(matches!(error, TokensError::NoFrames));
    }
}
