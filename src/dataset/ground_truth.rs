//! Ground truths beside a prepared file: what speakers and listeners really did, as attributes.
//!
//! In:  the emotion files of the clips ([`crate::tokens::read_emotion_csv`]).
//! Out: `val_s_gt.npy` and `val_l_gt.npy`, `f64`, `[clips, frames, 25]`; the listener's rows are the partner's.
//! Source: section 2.7 of the published preparation.
//!
//! Departure: the published preparation writes them in one go with the features after hours of work (defect 6); here
//! they are a step of their own. It needs exactly 750 rows per clip (defect 3); here the rule of [`fitted_rows`] holds.

use std::path::{Path, PathBuf};

use super::{ClipIndex, DatasetError, Partition};
use crate::files::npy;
use crate::tokens::Attributes;

/// Where the attributes of the speakers go.
pub fn speaker_truth_path(folder: &Path, partition: Partition) -> PathBuf {
    folder.join(format!("{partition}_s_gt.npy"))
}

/// Where the attributes of the listeners go.
pub fn listener_truth_path(folder: &Path, partition: Partition) -> PathBuf {
    folder.join(format!("{partition}_l_gt.npy"))
}

/// Writes both ground truths of the clips `order`, one clip in memory at a time.
///
/// `attributes_of` reads the attributes of one clip id.
pub fn write_ground_truths(
    folder: &Path,
    partition: Partition,
    index: &ClipIndex,
    order: &[usize],
    frame_count: usize,
    mut attributes_of: impl FnMut(&str) -> Result<Vec<Attributes>, DatasetError>,
) -> Result<(), DatasetError> {
    let width = size_of::<Attributes>() / size_of::<f64>();
    let shape = [order.len(), frame_count, width];
    let mut rows_of = |clip: usize| {
        let id = index.id(clip);
        let rows = fitted_rows(attributes_of(id)?, frame_count);
        let rows = rows.ok_or_else(|| DatasetError::NoRows { id: id.to_owned() })?;
        Ok::<_, DatasetError>(rows.as_flattened().to_vec())
    };
    npy::write_blocks(&speaker_truth_path(folder, partition), &shape, order.iter().map(|clip| rows_of(*clip)))?;
    let listeners = order.iter().map(|clip| rows_of(index.partner(*clip)));
    npy::write_blocks(&listener_truth_path(folder, partition), &shape, listeners)
}

/// Attributes or tokens cut to `frame_count` frames, or the last one repeated up to it; none if there is no frame.
///
/// Departure: any other number of frames aborts the published preparation (defect 3).
pub fn fitted_rows<T: Clone>(mut rows: Vec<T>, frame_count: usize) -> Option<Vec<T>> {
    let last = rows.last()?.clone();
    rows.resize(frame_count, last);
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_of_a_clip_is_its_partner() {
        let folder = tempfile::tempdir().unwrap();
        let index = ClipIndex::from_ids(["a", "b", "c", "d"].map(str::to_owned).to_vec()).unwrap();
        let attributes_of = |id: &str| Ok(vec![[f64::from(id.as_bytes()[0]); 25]; 3]);
        write_ground_truths(folder.path(), Partition::Val, &index, &[0, 1, 2, 3], 2, attributes_of).unwrap();
        let letters = |path: PathBuf| {
            let (shape, values) = npy::read_f64(&path).unwrap();
            assert_eq!(shape, [4, 2, 25]);
            values.chunks(50).map(|clip| clip[49] as u8 as char).collect::<String>()
        };
        assert_eq!(letters(speaker_truth_path(folder.path(), Partition::Val)), "abcd");
        assert_eq!(letters(listener_truth_path(folder.path(), Partition::Val)), "cdab");
    }

    #[test]
    fn rows_are_cut_or_the_last_is_repeated() {
        assert_eq!(fitted_rows(vec![1, 2, 3], 2), Some(vec![1, 2]));
        assert_eq!(fitted_rows(vec![1, 2], 4), Some(vec![1, 2, 2, 2]));
        assert_eq!(fitted_rows(Vec::<u8>::new(), 4), None);
    }
}
