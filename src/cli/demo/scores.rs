//! The scores of the demo: both tasks, the naive baselines, the ceiling, and the wrong speaker.

use std::path::PathBuf;

use crate::config::RunConfig;
use crate::dataset::Appropriateness;
use crate::dataset::synthetic::{Ceiling, SyntheticCorpus};
use crate::metrics::{Clips, Predictions, Progress, Scores, baselines, evaluate, table};
use crate::tokens::{CodebookFiles, Codebooks, TokenArray};

/// The held-out part of the corpus.
pub(super) struct HeldOut {
    pub(super) dataset: PathBuf,
    pub(super) codebooks: Codebooks,
    pub(super) speakers: Clips,
    pub(super) listeners: Clips,
    pub(super) matrix: Appropriateness,
    training_listeners: Clips,
}

impl HeldOut {
    pub(super) fn read(corpus: &SyntheticCorpus, config: &RunConfig) -> anyhow::Result<Self> {
        let [training, held_out, _] = &corpus.partitions;
        let files = CodebookFiles::from(&config.test_params);
        Ok(Self {
            dataset: held_out.dataset.clone(),
            codebooks: Codebooks::load(&files, config.tokens.valence_arousal_cells)?,
            speakers: Clips::read("speakers", &held_out.speaker_truth)?,
            listeners: Clips::read("listeners", &held_out.listener_truth)?,
            matrix: Appropriateness::open(&held_out.matrix)?,
            training_listeners: Clips::read("training listeners", &training.listener_truth)?,
        })
    }

    fn scores(&self, predictions: &Predictions, matrix: &Appropriateness) -> anyhow::Result<Scores> {
        Ok(evaluate(predictions, &self.listeners, &self.speakers, matrix, &|_: Progress| {})?)
    }

    fn shape(&self, reactions: usize) -> [usize; 4] {
        [self.listeners.clip_count(), reactions, self.listeners.frame_count(), crate::tokens::ATTRIBUTE_COUNT]
    }
}

/// All rows of the table.
pub(super) struct Board {
    pub(super) rows: Vec<(&'static str, Scores)>,
}

/// Labels of the rows that the report compares with.
pub(super) const OFFLINE: &str = "offline";
pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE_SWAPPED: &str = "offline, another clip's speaker";
pub(super) const ONLINE_SWAPPED: &str = "online, another clip's speaker";
pub(super) const CEILING: &str = "ceiling: another valid reaction";
const BASELINES: [&str; 4] = ["random", "mime", "mean sequence", "mean frame"];

/// Scores everything on the held-out part.
pub(super) fn score(held_out: &HeldOut, offline: &TokenArray, online: &TokenArray, seed: u64) -> anyhow::Result<Board> {
    let matrix = &held_out.matrix;
    let mut rows = Vec::new();
    for (label, swapped, tokens) in [(OFFLINE, OFFLINE_SWAPPED, offline), (ONLINE, ONLINE_SWAPPED, online)] {
        let predictions = Predictions::from_tokens(tokens, &held_out.codebooks)?;
        rows.push((label, held_out.scores(&predictions, matrix)?));
        rows.push((swapped, held_out.scores(&of_other_speakers(&predictions, held_out)?, matrix)?));
    }
    let count = offline.reaction_count;
    let baselines = [
        baselines::random(&held_out.speakers, count, seed)?,
        baselines::mime(&held_out.speakers, count)?,
        baselines::mean_sequence(&held_out.training_listeners, &held_out.speakers, count)?,
        baselines::mean_frame(&held_out.training_listeners, &held_out.speakers, count)?,
    ];
    for (label, predictions) in BASELINES.into_iter().zip(&baselines) {
        rows.push((label, held_out.scores(predictions, matrix)?));
    }
    rows.push((CEILING, ceiling(held_out, count)?));
    Ok(Board { rows })
}

/// Another valid reaction of the same speaker in place of the prediction, measured against the ones that are left.
fn ceiling(held_out: &HeldOut, reactions: usize) -> anyhow::Result<Scores> {
    let lists: Vec<Vec<u32>> =
        (0..held_out.matrix.clip_count()).map(|row| held_out.matrix.appropriate(row).to_vec()).collect();
    let ceiling = Ceiling::new(&lists, 0)
        .ok_or_else(|| anyhow::anyhow!("a clip of the corpus has no second valid reaction, so there is no ceiling"))?;
    let values = ceiling.predictions(held_out.listeners.values(), reactions);
    let predictions = Predictions::new(&held_out.shape(reactions), values)?;
    held_out.scores(&predictions, &Appropriateness::from_rows(ceiling.appropriate)?)
}

/// What the model does for the next clip whose reactions do not fit this one.
fn of_other_speakers(predictions: &Predictions, held_out: &HeldOut) -> anyhow::Result<Predictions> {
    let clips = predictions.clip_count();
    let other = |clip: usize| {
        (1..clips)
            .map(|shift| (clip + shift) % clips)
            .find(|other| !held_out.matrix.is_appropriate(clip, *other))
            .unwrap_or((clip + 1) % clips)
    };
    let values = (0..clips).flat_map(|clip| predictions.clip(other(clip)).iter().copied()).collect();
    Ok(Predictions::new(&held_out.shape(predictions.reaction_count()), values)?)
}

impl Board {
    pub(super) fn text(&self) -> String {
        let rows: Vec<(&str, &Scores)> = self.rows.iter().map(|(label, scores)| (*label, scores)).collect();
        let gaps = [OFFLINE, ONLINE].map(|label| format!("{label} {:.0} %", 100.0 * self.gap_closed(label)));
        format!(
            "Scores on held-out speakers of the synthetic corpus:\n\n{}\nOf the gap in FRCorr between the best baseline and the ceiling, closed: {}\n",
            table(&rows),
            gaps.join(", ")
        )
    }

    pub(super) fn scores(&self, label: &str) -> &Scores {
        let row = self.rows.iter().find(|(name, _)| *name == label);
        &row.expect("every label of the board has a row").1
    }

    /// The best baseline's FRCorr, mean over reactions.
    pub(super) fn best_baseline(&self) -> f64 {
        BASELINES.iter().map(|label| self.scores(label).frcorr.mean_over_reactions).fold(f64::NEG_INFINITY, f64::max)
    }

    /// How much of the way from the best baseline to the ceiling a row goes, in FRCorr.
    pub(super) fn gap_closed(&self, label: &str) -> f64 {
        let base = self.best_baseline();
        let top = self.scores(CEILING).frcorr.mean_over_reactions;
        (self.scores(label).frcorr.mean_over_reactions - base) / (top - base)
    }
}
