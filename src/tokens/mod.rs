//! Between the 25 attributes of a frame and its 3 tokens.
//!
//! In:  attributes (emotion csv files), the three codebooks.
//! Out: tokens, one of action units, one of the expression, one of valence and arousal; and attributes again.
//! Source: `data/Index/AU_index.csv`, `VA_index.csv` and the k-means of the published system.

mod action_units;
mod arrays;
mod attributes;
mod builder;
mod codebooks;
mod expression;
mod kmeans;
mod nearest_centre;
mod table;
mod valence_arousal;

pub use crate::config::ValenceArousalCells as Cells;
pub use action_units::ActionUnitTable;
pub use arrays::TokenArray;
pub use attributes::{Attributes, COLUMN_NAMES, read_emotion_csv, write_emotion_csv, write_reaction_csv};
pub use builder::{CodebookBuilder, CodebookSettings};
pub use codebooks::{CodebookFiles, Codebooks, Replacements, VocabularySizes};
pub use expression::{Expression, ExpressionCentres};
pub use kmeans::{KMeans, KMeansSettings, Sample, kmeans};
pub use nearest_centre::{Nearest, NearestCentre};
pub use valence_arousal::ValenceArousalTable;

use std::path::PathBuf;

use crate::files::FileError;
use crate::files::npy::NpyError;

/// Action units per frame, columns 0 to 14 of the attributes.
pub const ACTION_UNIT_COUNT: usize = 15;
/// Valence and arousal, columns 15 and 16.
pub const VALENCE_AROUSAL_COUNT: usize = 2;
/// Probabilities of the expressions, columns 17 to 24.
pub const EXPRESSION_COUNT: usize = 8;
/// Attributes per frame.
pub const ATTRIBUTE_COUNT: usize = ACTION_UNIT_COUNT + VALENCE_AROUSAL_COUNT + EXPRESSION_COUNT;

/// The three tokens of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FrameTokens {
    /// Which combination of action units.
    pub action_units: u32,
    /// Which centre of the expressions.
    pub expression: u32,
    /// Which cell of valence and arousal.
    pub valence_arousal: u32,
}

/// What can be wrong with attributes, tokens and codebooks.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// An array file.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A line of a csv file.
    #[error("`{}`, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What was found and expected there.
        problem: String,
    },
    /// A codebook without a single entry, or one that lacks a column.
    #[error("`{}` is not a codebook: {problem}", path.display())]
    Codebook {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// An array of another shape.
    #[error("`{}` has shape {found:?}, expected {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Its shape.
        found: Vec<usize>,
        /// The shape in words.
        expected: &'static str,
    },
    /// The centres are still in a pickle.
    #[error(
        "`{}` is a pickle, which is never executed, and there is no `{}`; run `unifr convert {}`",
        pickle.display(), array.display(), pickle.display()
    )]
    Pickle {
        /// The file that was named.
        pickle: PathBuf,
        /// The file that would be read instead.
        array: PathBuf,
    },
    /// A value that is not a number where one is needed.
    #[error("frame {frame} has {value} as {column}, expected a finite number")]
    NotFinite {
        /// The frame, counted from 0.
        frame: usize,
        /// What was found.
        value: f64,
        /// The column's name.
        column: &'static str,
    },
    /// A token without an entry.
    #[error("the {codebook} token {token} at {place} is not in the codebook, which ends at {last}")]
    UnknownToken {
        /// The codebook's name.
        codebook: &'static str,
        /// The token.
        token: i64,
        /// Clip, reaction and frame, in words.
        place: String,
        /// The codebook's last token.
        last: u32,
    },
    /// Nothing to build codebooks from.
    #[error("no frame was given to build codebooks from, expected at least one")]
    NoFrames,
}
