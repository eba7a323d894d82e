//! What a prepared HDF5 file holds: names, shapes and element types of its datasets.
//!
//! In:  the widths of the streams ([`FeatureDims`]) and the length of a clip.
//! Out: [`Layout`], one [`Column`] per dataset of numbers, in the order the file stores them.
//! Source: `scripts/Data_Script.py`, the `create_dataset` calls. The first axis of every dataset is the clip.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DatasetError;
use crate::features::{FRAMES_PER_POSE, FeatureDims};

/// Names of the clips: variable-length UTF-8 strings.
pub const NAMES: &str = "s_name";
/// What the speaker's face expresses, `[clips, frames, width]`.
pub const EXPRESSION: &str = "s_exp";
/// Which muscles of the speaker's face are at work, `[clips, frames, width]`.
pub const ACTION_UNITS: &str = "s_AU";
/// How pleasant and how excited the speaker's face is, `[clips, frames, width]`.
pub const VALENCE_AROUSAL: &str = "s_VA";
/// The speaker's head and body, `[clips, frames / 5, width]`.
pub const POSE: &str = "s_pose";
/// Log mel energies of the speaker's voice, `[clips, frames, width]`; called MFCC in the published files.
pub const FILTERBANK: &str = "s_MFCC";
/// Statistics of the speaker's voice, `[clips, width]`; called GeMAPS in the published files, with this spelling.
pub const FUNCTIONALS: &str = "s_GeMapfunc";
/// The speaker's voice at a low rate, `[clips, width]`; called GeMAPS in the published files, with this spelling.
pub const DESCRIPTORS: &str = "s_GeMaplld";
/// Whether the speaker's face was found, `[clips, frames]`, 0 or 1.
pub const HAS_FACE: &str = "is_face";
/// The listener's reaction, `[clips, 3, frames]`; rows are action units, expression, valence-arousal.
pub const LISTENER_TOKENS: &str = "l_tokens";
/// Our own addition to training files: row `r` holds clip `clip_order[r]` of the index file.
pub const CLIP_ORDER: &str = "clip_order";

/// Tokens per frame: action units, expression, valence-arousal.
pub const TOKENS_PER_FRAME: usize = 3;

/// A part of the corpus, as published: people of one part are in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Partition {
    /// Has listener tokens, shuffled rows and a matrix that is shuffled alike.
    Train,
    /// Has ground truths beside the file.
    Val,
    /// Has neither.
    Test,
}

impl Partition {
    /// All three, in the published order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The name of the folder under `data/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// The published name of the prepared file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Train => "train_shuffled.h5",
            Self::Val => "val_sequential.h5",
            Self::Test => "test_sequential.h5",
        }
    }

    /// The published name of the list of clips.
    pub const fn index_file_name(self) -> &'static str {
        match self {
            Self::Train => "train_idx.csv",
            Self::Val => "val_idx.csv",
            Self::Test => "test_idx.csv",
        }
    }

    /// The name a clip has inside the prepared file: the path of its video as the published script used it.
    pub fn clip_name(self, id: &str) -> String {
        format!("../data/{}/Video_files/{id}.mp4", self.name())
    }

    /// Where the published tree keeps a clip's video.
    pub fn video_path(self, data_root: &Path, id: &str) -> PathBuf {
        data_root.join(self.name()).join("Video_files").join(format!("{id}.mp4"))
    }

    /// Where the published tree keeps a clip's attributes.
    pub fn emotion_path(self, data_root: &Path, id: &str) -> PathBuf {
        data_root.join(self.name()).join("Emotion").join(format!("{id}.csv"))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Partition {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let found = Self::ALL.into_iter().find(|partition| partition.name() == text);
        found.ok_or_else(|| DatasetError::UnknownPartition { name: text.to_owned() })
    }
}

/// How one number of a dataset is stored; both are little-endian and take 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE single precision.
    Float32,
    /// Two's complement.
    Int32,
}

impl Element {
    /// Bytes of one number.
    pub const BYTES: usize = 4;
}

impl fmt::Display for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Float32 => "f32",
            Self::Int32 => "i32",
        })
    }
}

/// One dataset of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the file.
    pub name: &'static str,
    /// Its shape after the clip axis.
    pub row_shape: Vec<usize>,
    /// How its numbers are stored.
    pub element: Element,
}

impl Column {
    /// Numbers of one clip.
    pub fn row_count(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// Bytes of one clip.
    pub fn row_bytes(&self) -> usize {
        self.row_count() * Element::BYTES
    }

    /// The whole shape in a file of `clip_count` clips.
    pub fn shape(&self, clip_count: usize) -> Vec<u64> {
        std::iter::once(clip_count).chain(self.row_shape.iter().copied()).map(|extent| extent as u64).collect()
    }
}

/// What one clip of a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Widths of the speaker's streams.
    pub dims: FeatureDims,
    /// Frames of every clip.
    pub frame_count: usize,
    /// Whether the listener's tokens are there: true for training files.
    pub has_tokens: bool,
}

impl Layout {
    /// The datasets of numbers, in the order in which a clip is stored.
    pub fn columns(&self) -> Vec<Column> {
        let Self { dims, frame_count, has_tokens } = *self;
        let float =
            |name, row_shape: &[usize]| Column { name, row_shape: row_shape.to_vec(), element: Element::Float32 };
        let int = |name, row_shape: &[usize]| Column { name, row_shape: row_shape.to_vec(), element: Element::Int32 };
        let mut columns = vec![
            float(EXPRESSION, &[frame_count, dims.expression]),
            float(ACTION_UNITS, &[frame_count, dims.action_units]),
            float(VALENCE_AROUSAL, &[frame_count, dims.valence_arousal]),
            float(POSE, &[frame_count / FRAMES_PER_POSE, dims.pose]),
            float(FILTERBANK, &[frame_count, dims.filterbank]),
            float(FUNCTIONALS, &[dims.functionals]),
            float(DESCRIPTORS, &[dims.descriptors]),
            int(HAS_FACE, &[frame_count]),
        ];
        if has_tokens {
            columns.push(int(LISTENER_TOKENS, &[TOKENS_PER_FRAME, frame_count]));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSet;

    #[test]
    fn one_published_training_clip_takes_82_8_megabytes() {
        // Section 2.5 of the specification: 82.8 MB a clip, 436 GB for 5268 clips.
        let layout = Layout { dims: FeatureSet::React2023.dims(), frame_count: 750, has_tokens: true };
        let bytes: usize = layout.columns().iter().map(Column::row_bytes).sum();
        assert_eq!((bytes + 50_000) / 100_000, 828);
        assert_eq!((bytes as u64 * 5268 + 500_000_000) / 1_000_000_000, 436);
    }

    #[test]
    fn names_of_partitions_are_read_back_and_others_are_refused() {
        for partition in Partition::ALL {
            assert_eq!(partition.name().parse::<Partition>().unwrap(), partition);
        }
        assert!("validation".parse::<Partition>().is_err());
    }

    #[test]
    fn a_clip_is_named_by_the_path_the_published_script_used() {
        assert_eq!(Partition::Val.clip_name("UDIVA/talk/1/FC1/2"), "../data/val/Video_files/UDIVA/talk/1/FC1/2.mp4");
    }
}
