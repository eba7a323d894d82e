//! `unifr check`: says everything that is wrong with prepared files.
//!
//! In:  paths of HDF5 files, and the folder of the codebooks if tokens are to be checked against them.
//! Out: one line of description a file and one line a finding on stdout; exit code 0 if no file has a problem, 1 if
//! one has, 2 if a file could not be opened.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Verdict;
use crate::dataset::{Checked, Severity, check};
use crate::report::Progress;
use crate::tokens::{Cells, CodebookFiles, Codebooks, VocabularySizes};

/// Check prepared HDF5 files completely and say what is wrong with them.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Prepared files, such as `data/train_shuffled.h5`.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder with `AU_index.csv`, `kmeans.npy` and `VA_index.csv`: listener tokens must be in these codebooks.
    #[arg(long, value_name = "FOLDER")]
    pub codebooks: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &CheckArgs) -> anyhow::Result<Verdict> {
    let vocabularies = arguments.codebooks.as_deref().map(vocabularies_in).transpose()?;
    let mut verdict = Verdict::AllWell;
    for path in &arguments.files {
        let mut progress = None;
        let checked = check(path, vocabularies, &mut |_, clip_count| {
            progress.get_or_insert_with(|| Progress::new("checking", "clips", clip_count as u64)).advance(1);
        })?;
        drop(progress);
        print(path, &checked).context("could not write to stdout")?;
        if !checked.is_well() {
            verdict = Verdict::SomeBad;
        }
    }
    Ok(verdict)
}

fn vocabularies_in(folder: &Path) -> anyhow::Result<VocabularySizes> {
    let codebooks = Codebooks::load(&CodebookFiles::in_folder(folder), Cells::default());
    Ok(codebooks.context("could not read the codebooks")?.sizes())
}

fn print(path: &Path, checked: &Checked) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match &checked.layout {
        Some((layout, clip_count)) => {
            let kind = if layout.has_tokens { "with" } else { "without" };
            writeln!(
                out,
                "{}: {clip_count} clips of {} frames, {kind} listener tokens",
                path.display(),
                layout.frame_count
            )?;
        }
        None => writeln!(out, "{}: not a prepared file", path.display())?,
    }
    for finding in &checked.findings {
        let severity = match finding.severity {
            Severity::Note => "note",
            Severity::Problem => "problem",
        };
        writeln!(out, "  {severity}: {}", finding.text)?;
    }
    if checked.findings.is_empty() {
        writeln!(out, "  all well")?;
    }
    Ok(())
}
