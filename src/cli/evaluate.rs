//! `unifr evaluate`: scores a file of predictions, ours or anyone's.
//!
//! In:  a `.npy` file of attributes or tokens, the ground truths and the appropriateness matrix.
//! Out: the table of scores and the published line on stdout; JSON and the published text file where asked for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use super::{Verdict, open_matrix};
use crate::config::RunConfig;
use crate::dataset::Appropriateness;
use crate::metrics::{self, Clips, Predictions, Scores, baselines};
use crate::report;
use crate::tokens::{CodebookFiles, Codebooks, TokensError};

/// Score predicted reactions against the real ones.
#[derive(Debug, clap::Args)]
pub struct EvaluateArgs {
    /// Attributes `[clips, reactions, frames, 25]`, or tokens `[3, clips, reactions, frames]`, as `.npy`.
    #[arg(value_name = "PREDICTIONS")]
    pub predictions: PathBuf,
    /// Where the ground truths, the matrix and the codebooks are; the published defaults without it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Attributes of the real listeners, `[clips, frames, 25]`, instead of the config's.
    #[arg(long, value_name = "FILE")]
    pub listeners: Option<PathBuf>,
    /// Attributes of the speakers, `[clips, frames, 25]`, instead of the config's.
    #[arg(long, value_name = "FILE")]
    pub speakers: Option<PathBuf>,
    /// Which real reactions are appropriate, `[clips, clips]`, instead of the config's `val_appro`.
    #[arg(long, value_name = "FILE")]
    pub appropriateness: Option<PathBuf>,
    /// Folder with `AU_index.csv`, `kmeans.npy` and `VA_index.csv` for tokens, instead of the config's files.
    #[arg(long, value_name = "FOLDER")]
    pub codebooks: Option<PathBuf>,
    /// Score the challenge's naive baselines too.
    #[arg(long)]
    pub baselines: bool,
    /// Attributes of the training clips' listeners, `[clips, frames, 25]`, for the two mean baselines.
    #[arg(long, value_name = "FILE", requires = "baselines")]
    pub training_listeners: Option<PathBuf>,
    /// Write all scores, with the values of every clip, as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the published line, as in the published `…metrics.txt`.
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
}

/// Seed of the random baseline.
const BASELINE_SEED: u64 = 100;

/// Runs the verb.
pub fn run(arguments: &EvaluateArgs) -> anyhow::Result<Verdict> {
    let config = config(arguments)?;
    let truth = Truth::read(arguments, &config)?;
    let predictions = metrics::read_predictions(&arguments.predictions, || codebooks(arguments, &config))
        .with_context(|| format!("could not read the predictions `{}`", arguments.predictions.display()))?;
    let mut rows = vec![("predictions", truth.scores("predictions", &predictions)?)];
    if arguments.baselines {
        rows.extend(truth.baseline_scores(arguments, predictions.reaction_count())?);
    }
    let rows: Vec<(&str, &Scores)> = rows.iter().map(|(name, scores)| (*name, scores)).collect();
    if let Some(path) = &arguments.json {
        metrics::write_json(path, &rows)?;
    }
    if let Some(path) = &arguments.text {
        metrics::write_published_line(path, rows[0].1)?;
    }
    print(&rows).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

fn config(arguments: &EvaluateArgs) -> anyhow::Result<RunConfig> {
    let Some(path) = &arguments.config else { return Ok(RunConfig::default()) };
    let loaded = RunConfig::load(path)?;
    loaded.notes.iter().for_each(|note| log::info!("{note}"));
    Ok(loaded.config)
}

fn codebooks(arguments: &EvaluateArgs, config: &RunConfig) -> Result<Codebooks, TokensError> {
    let files = match &arguments.codebooks {
        Some(folder) => CodebookFiles::in_folder(folder),
        None => CodebookFiles::from(&config.test_params),
    };
    Codebooks::load(&files, config.tokens.valence_arousal_cells)
}

/// What predictions are measured with.
struct Truth {
    listeners: Clips,
    speakers: Clips,
    neighbours: Appropriateness,
}

impl Truth {
    fn read(arguments: &EvaluateArgs, config: &RunConfig) -> anyhow::Result<Self> {
        let listeners = arguments.listeners.as_ref().unwrap_or(&config.test_params.listener_truth);
        let speakers = arguments.speakers.as_ref().unwrap_or(&config.test_params.speaker_truth);
        let matrix = arguments.appropriateness.as_ref().unwrap_or(&config.paths.val_appro);
        let predicted = metrics::partition_of_file(&arguments.predictions);
        for truth in [listeners, speakers] {
            if let (Some(predicted), Some(truth)) = (predicted, metrics::partition_of_file(truth)) {
                metrics::same_partition(predicted, truth)?;
            }
        }
        let read = |what, path: &PathBuf| {
            Clips::read(what, path).with_context(|| format!("could not read the {what} `{}`", path.display()))
        };
        Ok(Self {
            listeners: read("listeners", listeners)?,
            speakers: read("speakers", speakers)?,
            neighbours: open_matrix(matrix)?,
        })
    }

    fn scores(&self, label: &str, predictions: &Predictions) -> anyhow::Result<Scores> {
        let progress = ScoreBars::new(label);
        let watcher = |progress_made| progress.show(progress_made);
        let scores = metrics::evaluate(predictions, &self.listeners, &self.speakers, &self.neighbours, &watcher);
        progress.finish();
        scores.with_context(|| format!("could not score the {label}"))
    }

    fn baseline_scores(
        &self,
        arguments: &EvaluateArgs,
        reaction_count: usize,
    ) -> anyhow::Result<Vec<(&'static str, Scores)>> {
        let speakers = &self.speakers;
        let random = baselines::random(speakers, reaction_count, BASELINE_SEED)?;
        let mut rows = vec![("random", self.scores("random", &random)?)];
        rows.push(("mime", self.scores("mime", &baselines::mime(speakers, reaction_count)?)?));
        let Some(path) = &arguments.training_listeners else {
            log::warn!("the mean baselines are left out: they need `--training-listeners`");
            return Ok(rows);
        };
        let training = Clips::read("training listeners", path)
            .with_context(|| format!("could not read the training listeners `{}`", path.display()))?;
        let sequence = baselines::mean_sequence(&training, speakers, reaction_count)?;
        rows.push(("mean sequence", self.scores("mean sequence", &sequence)?));
        let frame = baselines::mean_frame(&training, speakers, reaction_count)?;
        rows.push(("mean frame", self.scores("mean frame", &frame)?));
        Ok(rows)
    }
}

/// One progress bar after the other, one a score.
struct ScoreBars<'a> {
    label: &'a str,
    shown: Mutex<Option<(&'static str, report::Progress)>>,
}

impl<'a> ScoreBars<'a> {
    fn new(label: &'a str) -> Self {
        Self { label, shown: Mutex::new(None) }
    }

    fn show(&self, progress: metrics::Progress) {
        // A thread that panicked has left at worst an old bar.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.as_ref().is_none_or(|(score, _)| *score != progress.score) {
            let label = format!("{} of {}", progress.score, self.label);
            *shown = Some((progress.score, report::Progress::new(label, "reactions", progress.total as u64)));
        }
        if let Some((_, bar)) = &*shown {
            bar.advance(1);
        }
    }

    fn finish(self) {
        drop(self.shown);
    }
}

fn print(rows: &[(&str, &Scores)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{}", metrics::table(rows))?;
    writeln!(out, "{}", metrics::published_line(rows[0].1))
}
