//! Optimizer: AdamW in two groups, the learning-rate schedule, clipping by the norm over all parameters, the scale of
//! losses in `f16`.
//!
//! In:  a model, the gradients of one update, its number.
//! Out: the updated model.

mod adamw;
mod clipping;
mod groups;
mod loss_scale;
mod schedule;

pub use adamw::{AdamW, AdamWSettings, Moments};
pub use clipping::{clip_factor, global_norm};
pub use groups::decays;
pub use loss_scale::LossScaler;
pub use schedule::{ScheduleError, WarmupKeepCosine};
