//! Config: what a file in `configs/` may say, with the published keys, names and defaults.
//!
//! In:  a YAML file that was written for the published system or for UniFR.
//! Out: [`RunConfig`], plain data that was checked; nothing after this room parses a setting.
//! Source: the published command lines and configuration keys; `configs/README.md` lists every key.

mod checks;
mod choices;
#[cfg(test)]
mod docs;
mod keys;
mod load;
mod model;
mod names;
mod number;
mod online_step;
mod problem;
mod run;

pub use choices::{
    CausalMask, Crop, Features, Filterbank, Gradient, Keep, Mode, OptimizerOnFinetune, PoseWindow, PrecisionChoice,
    Task, TempDecay, Ties, ValenceArousalCells,
};
pub use keys::{KeyDoc, Origin};
pub use load::Loaded;
pub use model::{DecodingParams, ModelParams, Params, SchedulerParams, TransformerParams};
pub use names::{OutputNames, REACTION_COUNT, Sampling};
pub use number::{Number, Size, python_text};
pub use online_step::TrainedMask;
pub use problem::{ConfigError, Problem};
pub use run::{
    GROUPS, IDLE_KEYS, Paths, PrepareConfig, RunConfig, ScheduleStep, TestParams, TokensConfig, TrainParams,
};
