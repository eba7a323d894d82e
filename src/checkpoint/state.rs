//! Where a run stands, as it is written beside the weights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::TrainedMask;
use crate::optimizer::LossScaler;

/// The version of this file's layout.
pub const LAYOUT: u32 = 1;

/// Everything but weights and moments. Every stream of randomness is a pure function of the seed and these counts, so
/// they are the streams' whole state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Version of this layout.
    pub layout: u32,
    /// UniFR's version.
    pub version: String,
    /// Updates done; names the folder.
    pub step: u64,
    /// The published iteration: micro-batches per device done.
    pub iteration: u64,
    /// Items of the training set read so far; the next one has this number.
    pub items_read: u64,
    /// Updates that were skipped because a loss or a gradient was not finite.
    #[serde(default)]
    pub skipped: u64,
    /// The scale of losses and when it last changed; none unless products are in `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scaler: Option<LossScaler>,
    /// Seed of all streams.
    pub seed: u64,
    /// The mask that the causal pass was trained with.
    pub trained_mask: TrainedMask,
    /// Updates that each parameter has seen, by published name.
    pub parameter_steps: BTreeMap<String, u64>,
}
