//! What goes wrong with prepared files, index files and matrices.
//!
//! In:  the file and what was found in it.
//! Out: [`DatasetError`]; the file's path wraps the problem ([`DatasetError::File`]), so both are told once.

use std::path::{Path, PathBuf};

use crate::features::FeaturesError;
use crate::files::FileError;

/// What goes wrong in this room.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Something is wrong with one file; the source says what.
    #[error("could not use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: Box<DatasetError>,
    },
    /// A file cannot be opened, read or written as a whole.
    #[error(transparent)]
    Access(#[from] FileError),
    /// The bytes are no HDF5 file, or a damaged one.
    #[error("it is not a whole HDF5 file: {reason}; copy it again or prepare it again with `unifr prepare`")]
    NotHdf5 {
        /// What the HDF5 reader says.
        reason: String,
    },
    /// A dataset is not in the file.
    #[error("`{name}` is missing, expected {expected}; prepare the file again with `unifr prepare`")]
    Missing {
        /// The dataset.
        name: String,
        /// What it should hold.
        expected: String,
    },
    /// A dataset has another shape than the others ask for.
    #[error("`{name}` has shape {found:?}, expected {expected}")]
    Shape {
        /// The dataset.
        name: String,
        /// Its shape.
        found: Vec<u64>,
        /// The shape it should have.
        expected: String,
    },
    /// A dataset holds another kind of numbers.
    #[error("`{name}` holds elements of type `{found}`, expected `{expected}`")]
    ElementType {
        /// The dataset.
        name: String,
        /// Its type.
        found: String,
        /// The type it should have.
        expected: String,
    },
    /// Rows of a dataset were never written or lie outside the file.
    #[error("`{name}` has no data for clip {row} of {clip_count}; the file is cut off, copy it again")]
    NoData {
        /// The dataset.
        name: String,
        /// The first such row.
        row: usize,
        /// Clips of the file.
        clip_count: usize,
    },
    /// A row beyond the last.
    #[error("clip {row} was asked for, but there are {clip_count} clips")]
    Row {
        /// The row.
        row: usize,
        /// Clips there are.
        clip_count: usize,
    },
    /// Listener tokens are asked for where there are none.
    #[error("there are no listener tokens (`l_tokens`); only training files have them")]
    NoTokens,
    /// A clip to write does not have the streams of the file.
    #[error("clip `{name}` does not fit the file: {problem}")]
    Unfit {
        /// The clip.
        name: String,
        /// What does not fit.
        problem: String,
    },
    /// A name of a partition that there is none of.
    #[error("`{name}` is not a part of the corpus, expected `train`, `val` or `test`")]
    UnknownPartition {
        /// The name.
        name: String,
    },
    /// A line of an index file is not a clip id.
    #[error("line {line} is `{text}`, {reason}")]
    IndexLine {
        /// The line, counted from 1.
        line: usize,
        /// What it says.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An index file has an odd number of lines, or none.
    #[error("it names {count} clips, expected an even number: the two people of a dyad stand half the list apart")]
    IndexCount {
        /// Lines.
        count: usize,
    },
    /// A matrix or an array has another shape than the clips ask for.
    #[error("it has shape {found:?}, expected {expected}")]
    ArrayShape {
        /// Its shape.
        found: Vec<usize>,
        /// The shape it should have.
        expected: String,
    },
    /// A matrix entry that is neither 0 nor 1.
    #[error("entry ({row}, {column}) is `{value}`, expected 0 or 1")]
    MatrixEntry {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// Compressed lists that contradict themselves.
    #[error("row {row} of the lists is broken: {reason}")]
    MatrixLists {
        /// The row.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A row without ones.
    #[error("row {row} has no appropriate reaction, expected at least the clip itself; correct the matrix")]
    NoAppropriate {
        /// The row.
        row: usize,
    },
    /// A row without zeros.
    #[error(
        "row {row} calls every reaction appropriate, so no inappropriate one can be drawn; correct the matrix or train \
         with `train_slm: False`"
    )]
    NoInappropriate {
        /// The row.
        row: usize,
    },
    /// A list of numbers that should hold each of 0..count once.
    #[error("it is not a permutation of 0..{count}: {reason}")]
    Permutation {
        /// How many numbers there should be.
        count: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A clip without a single row of attributes.
    #[error("the attributes of clip `{id}` have no rows, expected one a frame")]
    NoRows {
        /// The clip.
        id: String,
    },
    /// An array in `.npy` format cannot be read.
    #[error(transparent)]
    Array(#[from] crate::files::npy::NpyError),
    /// Attributes of a clip cannot be read.
    #[error(transparent)]
    Attributes(#[from] crate::tokens::TokensError),
}

impl DatasetError {
    /// Says which file the problem is in.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        match self {
            Self::File { .. } | Self::Access(_) | Self::Array(_) => self,
            problem => Self::File { path: path.to_owned(), problem: Box::new(problem) },
        }
    }

    pub(super) fn unfit(name: &str, problem: &FeaturesError) -> Self {
        Self::Unfit { name: name.to_owned(), problem: problem.to_string() }
    }
}
