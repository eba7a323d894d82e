//! UniFR: the facial reactions of a listener to a speaker, from mp4 to scored predictions.
//!
//! The rooms, in the order in which data flows; each uses only rooms above it:
//!
//! - [`files`]: opened with their path in the error, replaced whole or not at all
//! - [`random`]: seeded streams, one for each use of chance
//! - [`config`]: what a file in `configs/` may say
//! - [`device`]: which device computes, and why
//! - [`report`]: log, progress, per-clip problems, pages with plots
//! - [`media`]: mp4 and wav → frames and samples
//! - [`faces`]: frame → square crop, or none
//! - [`audio`]: samples → numbers
//! - [`features`]: crops, frames and sound → the speaker's seven streams
//! - [`tokens`]: 25 attributes ↔ 3 tokens per frame
//! - [`dataset`]: the HDF5 files, their index and matrix; the synthetic corpus
//! - [`batches`]: rows of a file → tensors on a device
//! - [`model`]: the transformer
//! - [`objectives`]: the three losses
//! - [`optimizer`]: AdamW groups, schedule, global clipping
//! - [`checkpoint`]: save, resume, weights from and for the published code
//! - [`train`]: one step, the loop, the log
//! - [`predict`]: tokens from speaker features, offline and online
//! - [`metrics`]: one file per published score
//! - [`cli`]: one file per verb
//!
//! The operations under the model are a crate of their own, [`kernels`].

pub mod audio;
pub mod batches;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod device;
pub mod faces;
pub mod features;
pub mod files;
pub mod media;
pub mod metrics;
pub mod model;
pub mod objectives;
pub mod optimizer;
pub mod predict;
pub mod random;
pub mod report;
pub mod tokens;
pub mod train;

pub use unifr_kernels as kernels;
