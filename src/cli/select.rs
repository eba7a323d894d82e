//! `unifr select`: picks the five clips that are shown as pictures, as the published `util.py -s` does.
//!
//! In:  attributes of a whole val prediction, `[clips, reactions, frames, 25]`; `val_idx.csv` and `5_samples.csv`.
//! Out: a folder `…5_samples` with one csv file per clip and reaction, `<id with _ for />_<reaction>.csv`.
//!
//! Departure: the published script writes a pickle, from which a second one (`read.py`, defect 38) is to write these
//! csv files; here they are written at once, under the same names.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::Verdict;
use crate::dataset::ClipIndex;
use crate::files::npy;
use crate::tokens::{ATTRIBUTE_COUNT, write_reaction_csv};

/// Pick the clips that are shown as pictures out of a decoded prediction.
#[derive(Debug, clap::Args)]
pub struct SelectArgs {
    /// Attributes of all val clips as `unifr decode` writes them: `…pred.npy`.
    #[arg(value_name = "ATTRIBUTES")]
    pub attributes: PathBuf,
    /// The clips of the prediction, one id a line.
    #[arg(long, value_name = "FILE", default_value = "data/val_idx.csv")]
    pub index: PathBuf,
    /// The clips to pick: a header line, then `speaker,listener` on each line.
    #[arg(long, value_name = "FILE", default_value = "data/5_samples.csv")]
    pub samples: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: &SelectArgs) -> anyhow::Result<Verdict> {
    let index = ClipIndex::read(&arguments.index).context("could not read the clips of the prediction")?;
    let clips = index.samples(&arguments.samples).context("could not read the clips to pick")?;
    let mut reader = npy::Reader::open(&arguments.attributes).context("could not read the attributes")?;
    let shape = reader.shape().to_vec();
    ensure!(
        matches!(shape.as_slice(), &[clip_count, _, _, ATTRIBUTE_COUNT] if clip_count == index.len()),
        "`{}` has shape {shape:?}, expected [{}, reactions, frames, {ATTRIBUTE_COUNT}] for the clips of `{}`",
        arguments.attributes.display(),
        index.len(),
        arguments.index.display()
    );
    let folder = samples_folder(&arguments.attributes);
    for clip in clips {
        let values = reader.rows(clip..clip + 1).context("could not read the attributes")?.into_f64();
        write_reactions(&folder, index.id(clip), values.as_chunks().0, shape[2])?;
    }
    writeln!(io::stdout(), "{}", folder.display()).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

/// One file for each reaction to one clip.
fn write_reactions(folder: &Path, id: &str, rows: &[[f64; ATTRIBUTE_COUNT]], frame_count: usize) -> anyhow::Result<()> {
    let name = id.replace('/', "_");
    for (reaction, rows) in rows.chunks(frame_count.max(1)).enumerate() {
        let path = folder.join(format!("{name}_{reaction}.csv"));
        write_reaction_csv(&path, rows).context("could not write a reaction")?;
    }
    Ok(())
}

/// `x_5_samples` beside `x_pred.npy`.
fn samples_folder(attributes: &Path) -> PathBuf {
    let stem = attributes.file_stem().unwrap_or_default().to_string_lossy();
    let start = stem.strip_suffix("pred").map_or_else(|| format!("{stem}_"), str::to_owned);
    attributes.with_file_name(format!("{start}5_samples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reaction_to_a_picked_clip_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("index.csv"), "A/1\nB/1\nA/2\nB/2\n").unwrap();
        std::fs::write(path("samples.csv"), "speaker,listener\nB/1,B/2").unwrap();
        // Four clips of 2 reactions of 3 frames; every value is its place.
        let values: Vec<f64> = (0..4 * 2 * 3 * 25).map(f64::from).collect();
        npy::write(&path("val_x_pred.npy"), &[4, 2, 3, 25], &values).unwrap();
        let arguments =
            SelectArgs { attributes: path("val_x_pred.npy"), index: path("index.csv"), samples: path("samples.csv") };
        run(&arguments).unwrap();
        for reaction in 0..2 {
            let found = crate::tokens::read_emotion_csv(&path(&format!("val_x_5_samples/B_1_{reaction}.csv"))).unwrap();
            let start = (2 + reaction) * 75;
            assert_eq!(found.as_flattened(), &values[start..start + 75]);
        }
        assert_eq!(std::fs::read_dir(path("val_x_5_samples")).unwrap().count(), 2);
    }
}
