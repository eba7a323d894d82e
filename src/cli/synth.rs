//! `unifr synth`: writes the synthetic conversation corpus.
//!
//! In:  a folder, a seed, sizes.
//! Out: prepared files, matrices, ground truths, index files and codebooks in the folder; their paths and the sizes
//! of the codebooks on stdout; exit code 2 if the folder holds something already.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Verdict;
use crate::dataset::synthetic::{SyntheticCorpus, SyntheticSettings, write_corpus};
use crate::report::Progress;

/// Write a made-up corpus whose listeners react to their speakers, ready to train on.
#[derive(Debug, clap::Args)]
pub struct SynthArgs {
    /// Folder to write into; it must be empty or new.
    #[arg(value_name = "OUT_FOLDER")]
    pub folder: PathBuf,
    /// Seed of everything: same seed, same bytes.
    #[arg(long, default_value_t = SyntheticSettings::default().seed)]
    pub seed: u64,
    /// Frames of every clip, 25 a second: a multiple of 5, at least 50.
    #[arg(long, default_value_t = SyntheticSettings::default().frames)]
    pub frames: usize,
    /// Clips to train with, a multiple of 8.
    #[arg(long, default_value_t = SyntheticSettings::default().train_clips)]
    pub train: usize,
    /// Clips of the validation part, a multiple of 8.
    #[arg(long, default_value_t = SyntheticSettings::default().val_clips)]
    pub val: usize,
    /// Clips of the test part, a multiple of 8.
    #[arg(long, default_value_t = SyntheticSettings::default().test_clips)]
    pub test: usize,
    /// Write even if the folder is not empty; files of the same names are replaced.
    #[arg(long)]
    pub replace: bool,
}

/// Runs the verb.
pub fn run(arguments: &SynthArgs) -> anyhow::Result<Verdict> {
    let SynthArgs { ref folder, seed, frames, train, val, test, replace } = *arguments;
    let settings = SyntheticSettings { seed, frames, train_clips: train, val_clips: val, test_clips: test };
    settings.check().context("could not make a synthetic corpus")?;
    if !replace && holds_something(folder) {
        bail!(
            "`{}` is not empty, expected an empty or new folder; name another one or add `--replace`",
            folder.display()
        );
    }
    let progress = Progress::new("writing", "clips", (train + val + test) as u64);
    let corpus = write_corpus(folder, &settings, |_, _| progress.advance(1))
        .with_context(|| format!("could not write a synthetic corpus into `{}`", folder.display()))?;
    progress.finish();
    print(&corpus).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

fn holds_something(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn print(corpus: &SyntheticCorpus) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for part in &corpus.partitions {
        for path in [&part.index, &part.dataset, &part.matrix, &part.speaker_truth, &part.listener_truth] {
            writeln!(out, "{}", path.display())?;
        }
    }
    let (books, sizes) = (&corpus.codebooks, corpus.sizes);
    writeln!(out, "{}: {} tokens", books.action_units.display(), sizes.action_units)?;
    writeln!(out, "{}: {} tokens", books.expression.display(), sizes.expression)?;
    writeln!(out, "{}: {} tokens", books.valence_arousal.display(), sizes.valence_arousal)
}
