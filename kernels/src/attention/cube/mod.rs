//! Attention on burn's CubeCL backend: one source for NVIDIA's GPUs, and for the processor in tests.

mod common;
mod decode;
mod launch;
mod launch_tiles;
#[cfg(feature = "cuda")]
mod lowered;
mod numbers;
mod plain_backward;
mod plain_forward;
mod spans;
mod tensor_cores;
mod tile_backward;
mod tile_forward;

pub(crate) use launch::{backward, forward};
#[cfg(feature = "cuda")]
pub use lowered::{ProblemSizes, lowered};
#[cfg(feature = "cuda")]
pub(crate) use tensor_cores::product;
