//! `unifr prepare`: clips to a prepared HDF5 file.
//!
//! In:  mp4 files or folders of them; or a part of the published folder tree (`-d train`).
//! Out: the HDF5 file (and, for a part of the tree, its matrix and ground truths); their paths on stdout; how fast each
//! stage was and what was wrong with which clip on stderr. Exit code 1 if a clip had to be left out, 2 if all had to.

mod clips;
mod corpus;
mod listeners;
mod options;
mod work;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::Verdict;
use crate::dataset::Partition;
use options::Options;

/// Turn clips into the features of their speakers, in one HDF5 file.
#[derive(Debug, clap::Args)]
pub struct PrepareArgs {
    /// Clips (mp4), and folders whose clips are all taken.
    #[arg(value_name = "CLIP", required_unless_present = "partition", conflicts_with = "partition")]
    pub clips: Vec<PathBuf>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", default_value = "data/prepared.h5", conflicts_with = "partition")]
    pub out: PathBuf,
    /// Prepare a part of the published folder tree instead: `train`, `val` or `test`.
    #[arg(short = 'd', long = "data-type", alias = "data_type", value_name = "PART")]
    pub partition: Option<Partition>,
    /// Root of the published folder tree, and where its prepared files go.
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub data: PathBuf,
    /// How features are made.
    #[command(flatten)]
    pub options: Options,
}

/// What was written, and whether a clip is missing from it.
struct Written {
    paths: Vec<PathBuf>,
    verdict: Verdict,
}

/// Runs the verb.
pub fn run(arguments: &PrepareArgs) -> anyhow::Result<Verdict> {
    let options = arguments.options.checked().context("could not prepare clips this way")?;
    let written = match arguments.partition {
        None => clips::prepare(&arguments.clips, &arguments.out, &options)?,
        Some(partition) => corpus::prepare(&arguments.data, partition, &options)?,
    };
    print(&written.paths).context("could not write to stdout")?;
    Ok(written.verdict)
}

fn print(paths: &[PathBuf]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    paths.iter().try_for_each(|path| writeln!(out, "{}", path.display()))
}
