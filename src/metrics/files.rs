//! Predictions from files, scores into files.
//!
//! In:  `.npy` files of attributes `[clips, reactions, frames, 25]` or of tokens `[3, clips, reactions, frames]`.
//! Out: [`Predictions`]; the scores as JSON and as the published line of text.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{MetricsError, Predictions, Scores, published_line};
use crate::dataset::Partition;
use crate::files::{npy, write_atomically};
use crate::tokens::{Codebooks, TokenArray, TokensError};

/// Reads attributes of any float type, or tokens, which `codebooks` decodes when it is asked for.
///
/// Arrays of integers whose first axis is 3 are tokens.
pub fn read_predictions(
    path: &Path,
    codebooks: impl FnOnce() -> Result<Codebooks, TokensError>,
) -> Result<Predictions, MetricsError> {
    let array = npy::read(path)?;
    let is_float = matches!(array.values, npy::Values::F32(_) | npy::Values::F64(_));
    if let (false, &[3, clip_count, reaction_count, frame_count]) = (is_float, array.shape.as_slice()) {
        let values = array.into_i64().expect("all types but the two of floats are integers");
        let tokens = TokenArray { clip_count, reaction_count, frame_count, values };
        return Predictions::from_tokens(&tokens, &codebooks()?);
    }
    Predictions::new(&array.shape.clone(), array.into_f64())
}

/// The part of the corpus that the name of a prediction or of a ground truth begins with, as in `val_l_gt.npy`.
pub fn partition_of_file(path: &Path) -> Option<Partition> {
    let name = path.file_name()?.to_str()?;
    name.split_once('_')?.0.parse().ok()
}

/// Writes named scores, with the values of every clip, and the version that computed them.
pub fn write_json(path: &Path, rows: &[(&str, &Scores)]) -> Result<(), MetricsError> {
    let scores: Map<String, Value> = rows.iter().map(|(name, scores)| ((*name).to_owned(), json!(scores))).collect();
    let content = json!({ "unifr_version": env!("CARGO_PKG_VERSION"), "scores": scores });
    Ok(write_atomically(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &content)?;
        out.write_all(b"\n")
    })?)
}

/// Writes the published `…metrics.txt`: one line.
pub fn write_published_line(path: &Path, scores: &Scores) -> Result<(), MetricsError> {
    Ok(write_atomically(path, |out| writeln!(out, "{}", published_line(scores)))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{ATTRIBUTE_COUNT, Cells, CodebookFiles};

    #[test]
    fn names_say_which_part_of_the_corpus_they_belong_to() {
        let of = |name: &str| partition_of_file(Path::new(name));
        assert_eq!(of("data/val_l_gt.npy"), Some(Partition::Val));
        assert_eq!(of("test_pretrain-cos-klr_-1_offline_s8_tokens_pred.npy"), Some(Partition::Test));
        assert_eq!(of("predictions.npy"), None);
        assert_eq!(of("val/x.npy"), None);
    }

    #[test]
    fn floats_are_attributes_and_integers_are_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        let absent = CodebookFiles::in_folder(folder.path());
        let read = || read_predictions(&path, || Codebooks::load(&absent, Cells::default()));
        npy::write(&path, &[3, 1, 2, ATTRIBUTE_COUNT], &[0.5_f32; 6 * ATTRIBUTE_COUNT]).unwrap();
        assert_eq!(read().unwrap().clip_count(), 3);
        npy::write(&path, &[3, 1, 2, 4], &[0_i64; 24]).unwrap();
        assert!(read().unwrap_err().to_string().contains("AU_index.csv"));
        npy::write(&path, &[2, 1, 2, 4], &[0.5_f64; 16]).unwrap();
        assert!(read().unwrap_err().to_string().ends_with("expected [clips, reactions, frames, 25]"));
    }
}
