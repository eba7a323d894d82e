//! The operations UniFR is fast because of: attention under a mask rule, dropout with bits of its own, and
//! filtered sampling. This crate knows tensors and numbers, not faces.
//!
//! Every operation has a *reference*, the same result from ordinary tensor operations; it is what the tests
//! compare with, and what runs on a backend that has no path of its own.

pub mod attention;
pub mod dropout;
pub mod sampling;

pub use attention::{AttentionProblem, MaskRule, ProblemError, attention};
pub use dropout::{Dropout, dropout};
