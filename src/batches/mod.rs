//! From prepared files to what a step of training or a prediction takes.
//!
//! In:  rows of a prepared file and its matrix ([`crate::dataset`]).
//! Out: items in plain numbers ([`TrainingItem`], [`SpeakerItem`]), read ahead by a [`Loader`].
//! Source: `src/utils/dataset.py`.

mod collate;
mod loader;
pub mod masking;
mod sample;

pub use collate::{Counted, ListenerBatch, SpeakerBatch, TrainingBatch};
pub use loader::{Loader, LoaderOptions};
pub use sample::{ItemOptions, ReactionTokens, SpeakerItem, TrainingItem, TrainingItems, pose_per_frame, standardised};

/// What goes wrong with batches.
#[derive(Debug, thiserror::Error)]
pub enum BatchesError {
    /// A clip cannot be read.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
}
