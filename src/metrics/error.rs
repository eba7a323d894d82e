//! What can be wrong with numbers that are to be scored.

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
    /// A clip has no appropriate reaction at all.
    #[error("row {row} of the appropriateness matrix marks no reaction, so clip {row} cannot be compared with any")]
    NoNeighbour {
        /// The row, counted from 0.
        row: usize,
    },
    /// A neighbour list names a clip that does not exist.
    #[error("row {row} of the appropriateness matrix names clip {neighbour}, but there are only {clip_count} clips")]
    UnknownNeighbour {
        /// The row, counted from 0.
        row: usize,
        /// The clip it names.
        neighbour: u32,
        /// How many clips there are.
        clip_count: usize,
    },
    /// Predictions of one part of the corpus were to be compared with reactions of another.
    #[error(
        "predictions for `{predictions}` cannot be measured with the ground truth of `{truth}`: name the files of \
             `{predictions}`; the published corpus has no ground truth for `test`"
    )]
    OtherPartition {
        /// The partition that was predicted.
        predictions: String,
        /// The partition of the real reactions.
        truth: String,
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
