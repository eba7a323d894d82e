//! `unifr decode`: turns predicted tokens into attributes, as the published `util.py -d` does.
//!
//! In:  tokens `[3, clips, reactions, frames]`, the codebooks.
//! Out: attributes `[clips, reactions, frames, 25]` in `results/…pred.npy`; its path on stdout.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Verdict;
use crate::tokens::{Cells, CodebookFiles, Codebooks, TokenArray};

/// Turn predicted tokens into attributes.
#[derive(Debug, clap::Args)]
pub struct DecodeArgs {
    /// Tokens as `unifr test` writes them: `…tokens_pred.npy`.
    #[arg(value_name = "TOKENS")]
    pub tokens: PathBuf,
    /// Folder with `AU_index.csv`, `kmeans.npy` and `VA_index.csv`.
    #[arg(long, value_name = "FOLDER", default_value = "data/Index")]
    pub codebooks: PathBuf,
    /// Folder for the attributes; made if it is not there.
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    pub results: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: &DecodeArgs) -> anyhow::Result<Verdict> {
    let codebooks = Codebooks::load(&CodebookFiles::in_folder(&arguments.codebooks), Cells::default())
        .context("could not read the codebooks")?;
    let tokens = TokenArray::read(&arguments.tokens).context("could not read the tokens")?;
    let path = arguments.results.join(attributes_name(&arguments.tokens));
    codebooks
        .write_attributes(&path, &tokens)
        .with_context(|| format!("could not decode `{}`", arguments.tokens.display()))?;
    writeln!(io::stdout(), "{}", path.display()).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

/// `x_pred.npy` for `x_tokens_pred.npy`; other names get `_pred` at their end.
fn attributes_name(tokens: &Path) -> String {
    let stem = tokens.file_stem().unwrap_or_default().to_string_lossy();
    match stem.strip_suffix("tokens_pred") {
        Some(start) => format!("{start}pred.npy"),
        None => format!("{stem}_pred.npy"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_published_ones() {
        let name = |tokens: &str| attributes_name(Path::new(tokens));
        assert_eq!(name("ckpts/x/val_x_-1_offline_s8_tokens_pred.npy"), "val_x_-1_offline_s8_pred.npy");
        assert_eq!(name("mine.npy"), "mine_pred.npy");
    }
}
