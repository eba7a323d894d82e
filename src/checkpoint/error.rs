//! What can go wrong with checkpoints.

use std::path::PathBuf;

use crate::files::FileError;
use crate::model::ParameterError;

/// Why a checkpoint can't be read, found or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing to load.
    #[error("no checkpoint {wanted} in `{}`: {found}", folder.display())]
    Missing {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The file is not what its name says.
    #[error("`{}` cannot be read as {kind}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it was taken for.
        kind: &'static str,
        /// What did not fit.
        reason: String,
    },
    /// The weights are of another model.
    #[error("`{}` does not fit the model", path.display())]
    Parameters {
        /// The file.
        path: PathBuf,
        /// Which parameters.
        source: ParameterError,
    },
    /// A file whose kind is unknown.
    #[error("`{}` is neither a folder nor a `.safetensors`, `.ckpt`, `.pth` or `.pt` file", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
}
