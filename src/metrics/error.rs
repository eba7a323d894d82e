//! What can be wrong with numbers that are to be scored.
//!
//! In:  what was found, and where.
//! Out: [`MetricsError`], a sentence each.

use crate::dataset::{DatasetError, Partition};
use crate::files::FileError;
use crate::files::npy::NpyError;
use crate::tokens::TokensError;

/// Why there is no score.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// An array has another shape than it must have.
    #[error("the {what} have shape {found:?}, expected {expected}")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape in words.
        expected: String,
    },
    /// A value is not a number.
    #[error("the {what} hold `{value}` at {place}, and no score is defined there")]
    NotFinite {
        /// Which array.
        what: &'static str,
        /// The value.
        value: f64,
        /// Clip, reaction, frame and attribute, counted from 0.
        place: String,
    },
    /// The neighbour lists do not fit the clips.
    #[error("the appropriateness matrix does not fit the predictions")]
    Neighbours(#[source] DatasetError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Array(#[from] NpyError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Tokens cannot be decoded.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// Predictions of one part of the corpus were to be compared with reactions of another.
    #[error(
        "predictions for `{predictions}` cannot be measured with the ground truth of `{truth}`: name the files of \
             `{predictions}`; the published corpus has no ground truth for `test`"
    )]
    OtherPartition {
        /// The partition that was predicted.
        predictions: Partition,
        /// The partition of the real reactions.
        truth: Partition,
    },
    /// Two sets of frames cannot be compared.
    #[error("a Fréchet distance needs at least 2 rows of equal width on both sides, found {real:?} and {generated:?}")]
    Frechet {
        /// Rows and width of the real set.
        real: [usize; 2],
        /// Rows and width of the generated set.
        generated: [usize; 2],
    },
}
