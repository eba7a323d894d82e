//! `unifr weights check`: says which weights of the feature networks are there, and whether they fit.
//!
//! In:  a folder with the publishers' files and, if it has one, its manifest.
//! Out: a line for each network on stdout: its file and SHA-256, or what is wrong; exit code 1 if something is.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::Verdict;
use crate::features::check_weights;
use crate::features::weights::{Checked, MANIFEST_FILE, Network, WeightsError, WeightsFolder};

/// Look after the weights of the published feature networks.
#[derive(Debug, clap::Args)]
pub struct WeightsArgs {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Debug, clap::Subcommand)]
enum Deed {
    /// Check that every network's file is there, is the one of the manifest, and has the network's names and shapes.
    Check(CheckArgs),
}

/// Arguments of the check.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The folder with the publishers' files; each is named, with its publisher's page, where it is missing.
    #[arg(default_value = "data/weights", value_name = "FOLDER")]
    folder: PathBuf,
    /// Write the files that fit into the folder's manifest, with their SHA-256, source and licence.
    #[arg(long)]
    write: bool,
}

/// Runs the verb.
pub fn run(arguments: &WeightsArgs) -> anyhow::Result<Verdict> {
    let Deed::Check(arguments) = &arguments.deed;
    let mut folder = WeightsFolder::open(&arguments.folder)?;
    let results = Network::ALL.map(|network| (network, check_weights(&folder, network)));
    print(&results).context("could not write to stdout")?;
    let all_well = results.iter().all(|(_, result)| result.is_ok());
    if arguments.write {
        let fitting = results.into_iter().filter_map(|(network, result)| Some((network, result.ok()?)));
        folder.list(&fitting.collect::<Vec<_>>())?;
        log::info!("wrote `{}`", arguments.folder.join(MANIFEST_FILE).display());
    }
    Ok(if all_well { Verdict::AllWell } else { Verdict::SomeBad })
}

fn print(results: &[(Network, Result<Checked, WeightsError>)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (network, result) in results {
        match result {
            Ok(Checked { path, sha256, is_listed }) => {
                let note = if *is_listed { "as in the manifest" } else { "not in the manifest" };
                writeln!(out, "{network}: well: {} sha256:{sha256}, {note}", path.display())?;
            }
            Err(error) => writeln!(out, "{network}: {error}")?,
        }
    }
    Ok(())
}
