//! Checkpoints: what a run needs to go on, and weights from and for the published code.
//!
//! In:  a [`crate::model::Transformer`], its optimizer, where the run stands.
//! Out: a folder that is complete or absent; weights in safetensors under the published names.

mod error;
mod find;
mod publisher;
mod resume;
mod save;
mod state;
mod tensors;
mod weights;

pub use error::CheckpointError;
pub use find::{checkpoint_of_iteration, checkpoints_in, latest_checkpoint};
pub use publisher::read_pytorch;
pub use resume::{Resumed, read_optimizer, resume, state_of};
pub use save::{save, set_aside_after};
pub use state::{LAYOUT, RunState};
pub use weights::{Weights, sizes_of};
