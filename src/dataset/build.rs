//! Puts the files of one part together: the HDF5 file, its matrix, and who is whose listener.
//!
//! In:  the index, the matrix if there is one, and features and listener tokens clip by clip.
//! Out: `train_shuffled.h5` with `train_appro_shuffled.npy`, `val_sequential.h5` with `val_appro.npy`,
//!      `test_sequential.h5`.
//! Source: `scripts/Data_Script.py`, section 2.6 of the published preparation.
//!
//! Departure: the published script looks the listener up by a letter of a path and cannot finish (defect 1); here the
//! listener of a row is the partner of the clip the row holds.
//! Departure: the order of the rows comes from a seed and is stored (defect 2). Clips that could not be prepared are
//! left out of the file and of the matrix beside it, and the order names the rest.

use std::path::{Path, PathBuf};

use super::{Appropriateness, ClipIndex, DatasetError, Partition, Writer, shuffled_order};
use crate::features::{FeatureDims, SpeakerFeatures};

/// Where the matrix that fits the rows of the prepared file goes.
pub fn appropriateness_path(folder: &Path, partition: Partition) -> PathBuf {
    folder.join(match partition {
        Partition::Train => "train_appro_shuffled.npy",
        Partition::Val => "val_appro.npy",
        Partition::Test => "test_appro.npy",
    })
}

/// The matrix of a part as the challenge hands it out, in the order of the index: `neighbour_emotion_<part>.npy` in
/// `folder`, or the compressed lists `neighbour_<part>_indptr.npy` and `neighbour_<part>_indices.npy`; none if neither
/// is there, as for the published test part.
pub fn published_matrix(folder: &Path, partition: Partition) -> Result<Option<Appropriateness>, DatasetError> {
    let whole = folder.join(format!("neighbour_emotion_{partition}.npy"));
    if whole.exists() {
        return Appropriateness::open(&whole).map(Some);
    }
    let starts = folder.join(format!("neighbour_{partition}_indptr.npy"));
    if starts.exists() {
        let indices = folder.join(format!("neighbour_{partition}_indices.npy"));
        return Appropriateness::open_lists(&starts, &indices).map(Some);
    }
    Ok(None)
}

/// What is to be built.
pub struct Plan<'a> {
    /// Where the files go.
    pub folder: &'a Path,
    /// Which part it is.
    pub partition: Partition,
    /// Its clips.
    pub index: &'a ClipIndex,
    /// Which reactions are appropriate, in the order of the index; published for train and val.
    pub matrix: Option<&'a Appropriateness>,
    /// Widths of the speaker's streams.
    pub dims: FeatureDims,
    /// Frames of every clip.
    pub frame_count: usize,
    /// Shuffles the rows of a training file.
    pub seed: u64,
    /// Texts attached to the file: feature set, options.
    pub notes: &'a [(&'a str, &'a str)],
}

/// A part under construction.
pub struct Builder<'a> {
    plan: Plan<'a>,
    writer: Writer,
    order: Vec<usize>,
    kept: Vec<usize>,
}

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The HDF5 file.
    pub path: PathBuf,
    /// The matrix beside it, if one was given.
    pub matrix: Option<PathBuf>,
    /// Which clip of the index each row holds.
    pub clip_order: Vec<usize>,
}

impl<'a> Builder<'a> {
    /// Begins the files of a part.
    pub fn begin(plan: Plan<'a>) -> Result<Self, DatasetError> {
        let clip_count = plan.index.len();
        if let Some(matrix) = plan.matrix {
            matrix.require_clip_count(clip_count)?;
        }
        let order = match plan.partition {
            Partition::Train => shuffled_order(plan.seed, clip_count),
            Partition::Val | Partition::Test => (0..clip_count).collect(),
        };
        let path = plan.folder.join(plan.partition.file_name());
        let writer = Writer::create(&path, plan.partition, plan.dims, plan.frame_count, plan.notes)?;
        Ok(Self { plan, writer, order, kept: Vec::new() })
    }

    /// The clips in the order in which [`Builder::add`] wants them.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Adds the next row. `tokens_of` gives the tokens of a clip id and is asked for the listener's, in training
    /// files only. Clips that are never added are left out of the file.
    pub fn add(
        &mut self,
        clip: usize,
        speaker: &SpeakerFeatures,
        tokens_of: impl FnOnce(&str) -> Result<[Vec<i32>; 3], DatasetError>,
    ) -> Result<(), DatasetError> {
        let Plan { index, partition, .. } = self.plan;
        let tokens = match partition {
            Partition::Train => Some(tokens_of(index.id(index.partner(clip)))?),
            Partition::Val | Partition::Test => None,
        };
        self.writer.append(&partition.clip_name(index.id(clip)), speaker, tokens.as_ref())?;
        self.kept.push(clip);
        Ok(())
    }

    /// Finishes the file and writes the matrix of its rows.
    pub fn finish(mut self) -> Result<Built, DatasetError> {
        let Plan { folder, partition, matrix, seed, .. } = self.plan;
        self.writer.set_clip_order(&self.kept, (partition == Partition::Train).then_some(seed));
        let matrix_path = matrix.map(|_| appropriateness_path(folder, partition));
        if let Some((matrix, path)) = matrix.zip(matrix_path.as_ref()) {
            matrix.selected(&self.kept)?.save(path)?;
        }
        self.writer.finish()?;
        Ok(Built { path: folder.join(partition.file_name()), matrix: matrix_path, clip_order: self.kept })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Reader;

    const DIMS: FeatureDims = FeatureDims {
        expression: 1,
        action_units: 1,
        valence_arousal: 1,
        pose: 1,
        filterbank: 1,
        functionals: 1,
        descriptors: 1,
    };

    fn speaker(number: usize) -> SpeakerFeatures {
        let stream = vec![number as f32; 5];
        SpeakerFeatures {
            frame_count: 5,
            expression: stream.clone(),
            action_units: stream.clone(),
            valence_arousal: stream.clone(),
            pose: vec![number as f32],
            filterbank: stream,
            functionals: vec![number as f32],
            descriptors: vec![number as f32],
            has_face: vec![true; 5],
        }
    }

    fn index() -> ClipIndex {
        ClipIndex::from_ids((0..6).map(|number| format!("clip/{number}")).collect()).unwrap()
    }

    fn plan<'a>(folder: &'a Path, partition: Partition, index: &'a ClipIndex, matrix: &'a Appropriateness) -> Plan<'a> {
        let matrix = Some(matrix);
        Plan { folder, partition, index, matrix, dims: DIMS, frame_count: 5, seed: 3, notes: &[] }
    }

    /// The number at the end of a clip's id, as tokens.
    fn tokens_of(id: &str) -> [Vec<i32>; 3] {
        let number = id.rsplit('/').next().and_then(|number| number.parse().ok());
        [(); 3].map(|()| vec![number.unwrap(); 5])
    }

    #[test]
    fn each_row_has_its_own_speaker_the_partners_tokens_and_its_line_of_the_matrix() {
        // The published script took a letter of a path for the partner (defect 1) and forgot the order (defect 2).
        let folder = tempfile::tempdir().unwrap();
        let (index, matrix) =
            (index(), Appropriateness::from_rows((0..6).map(|row| (0..=row).collect()).collect()).unwrap());
        let mut builder = Builder::begin(plan(folder.path(), Partition::Train, &index, &matrix)).unwrap();
        for clip in builder.order().to_vec() {
            builder.add(clip, &speaker(clip), |id| Ok(tokens_of(id))).unwrap();
        }
        let built = builder.finish().unwrap();
        let (reader, matrix) =
            (Reader::open(&built.path).unwrap(), Appropriateness::open(&built.matrix.unwrap()).unwrap());
        let order = reader.clip_order().unwrap().unwrap();
        assert_eq!((&order, order.len()), (&built.clip_order, 6));
        assert_ne!(order, [0, 1, 2, 3, 4, 5]);
        for (row, clip) in order.into_iter().enumerate() {
            assert_eq!(reader.speaker(row).unwrap(), speaker(clip));
            assert_eq!(reader.listener_tokens(row).unwrap()[0], [((clip + 3) % 6) as i32; 5]);
            assert_eq!(reader.name(row).unwrap(), format!("../data/train/Video_files/clip/{clip}.mp4"));
            assert_eq!(matrix.appropriate(row).len(), clip + 1);
        }
    }

    #[test]
    fn a_clip_that_is_left_out_is_left_out_of_the_matrix_too() {
        let folder = tempfile::tempdir().unwrap();
        let (index, matrix) = (index(), Appropriateness::from_rows((0..6).map(|row| vec![row]).collect()).unwrap());
        let mut builder = Builder::begin(plan(folder.path(), Partition::Val, &index, &matrix)).unwrap();
        assert_eq!(builder.order(), [0, 1, 2, 3, 4, 5]);
        for clip in [0, 1, 4, 5] {
            builder.add(clip, &speaker(clip), |id| Ok(tokens_of(id))).unwrap();
        }
        let built = builder.finish().unwrap();
        let reader = Reader::open(&built.path).unwrap();
        assert_eq!((reader.clip_count(), reader.has_tokens()), (4, false));
        assert_eq!(reader.clip_order().unwrap(), Some(vec![0, 1, 4, 5]));
        assert_eq!(Appropriateness::open(&built.matrix.unwrap()).unwrap().clip_count(), 4);
    }

    #[test]
    fn work_that_is_given_up_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (index, matrix) = (index(), Appropriateness::from_rows((0..6).map(|row| vec![row]).collect()).unwrap());
        let mut builder = Builder::begin(plan(folder.path(), Partition::Test, &index, &matrix)).unwrap();
        builder.add(0, &speaker(0), |id| Ok(tokens_of(id))).unwrap();
        drop(builder);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
