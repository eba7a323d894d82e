//! Prepared files: the HDF5 file of a part of the corpus, and what belongs beside it.
//!
//! In:  features and tokens of clips ([`crate::features`], [`crate::tokens`]); index files and matrices as published.
//! Out: [`Writer`] and [`Reader`] of the HDF5 files, [`Appropriateness`], ground truths.
//! Source: sections 2.2 to 2.7 of the published preparation, `scripts/Data_Script.py`.

mod container;
mod error;
pub mod layout;
mod read;
mod shuffle;
mod write;

pub use error::DatasetError;
pub use layout::{Layout, Partition};
pub use read::Reader;
pub use shuffle::{require_permutation, shuffled_order};
pub use write::Writer;
