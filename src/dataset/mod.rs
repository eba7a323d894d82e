//! Prepared files: the HDF5 file of a part of the corpus, and what belongs beside it.
//!
//! In:  features and tokens of clips ([`crate::features`], [`crate::tokens`]); index files and matrices as published.
//! Out: [`Writer`] and [`Reader`] of the HDF5 files, [`Appropriateness`], ground truths; [`Builder`] makes all of them.
//! Source: sections 2.2 to 2.7 of the published preparation, `scripts/Data_Script.py`.

mod appropriateness;
mod build;
mod check;
mod container;
mod error;
mod ground_truth;
mod index;
pub mod layout;
mod probe;
mod read;
mod shuffle;
pub mod synthetic;
mod tally;
mod write;

pub use appropriateness::Appropriateness;
pub use build::{Builder, Built, Plan, appropriateness_path, published_matrix};
pub use check::{Checked, Finding, Severity, check};
pub use error::DatasetError;
pub use ground_truth::{fitted_rows, listener_truth_path, speaker_truth_path, write_ground_truths};
pub use index::ClipIndex;
pub use layout::{Layout, Partition};
pub use read::Reader;
pub use shuffle::{require_permutation, shuffled_order};
pub use write::Writer;
