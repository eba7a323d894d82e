//! The operations UniFR is fast because of: attention under a mask rule, dropout with bits of its own, filtered
//! sampling, and what stands around them in a training step. This crate knows tensors and numbers, not faces.
//!
//! Every operation has a *reference*, the same result from ordinary tensor operations; it is what the tests
//! compare with, and what runs on a backend that has no path of its own.

pub mod adamw;
mod allocator;
pub mod attention;
mod cpu;
pub mod cross_entropy;
#[cfg(feature = "cubecl")]
mod cube;
pub mod driver;
pub mod dropout;
#[cfg(feature = "cubecl")]
mod dropout_kernel;
pub mod gelu;
pub mod layer_norm;
#[cfg(feature = "cuda")]
pub mod lowering;
pub mod sampling;

pub use adamw::{AdamWUpdate, Moving};
pub use allocator::keep_freed_pages;
pub use attention::{AttentionProblem, MaskRule, ProblemError, attention};
pub use cross_entropy::cross_entropy;
pub use driver::has_cuda_driver;
pub use dropout::{Dropout, dropout};
pub use gelu::gelu;
pub use layer_norm::layer_norm;
