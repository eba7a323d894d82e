//! Training: one update, the loop around it, its log.
//!
//! In:  a config, prepared files, a device.
//! Out: a run's folder: `config.yaml`, `log.csv`, events for TensorBoard, `checkpoints/`.

mod log;
mod plan;
mod run;
mod step;
mod tensorboard;

pub use log::{EVENT_FILE, LOG_FILE, LogError, LogTable, RunLog};
pub use plan::{Plan, PlanError, model_sizes};
pub use run::{Start, TrainOptions, Trained, config_of_run, train};
pub use step::{Learner, Losses, OBJECTIVES, StepSettings, UpdateReport, parameter_count};
