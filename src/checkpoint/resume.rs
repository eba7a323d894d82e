//! Reading a checkpoint back: the run goes on as if it had never stopped.

use std::path::Path;

use burn::tensor::Device;

use super::error::CheckpointError;
use super::save::{OPTIMIZER_FILE, STATE_FILE};
use super::state::{LAYOUT, RunState};
use super::tensors;
use super::weights::Weights;
use crate::files::read_text;
use crate::model::Transformer;
use crate::optimizer::{AdamW, AdamWSettings};

/// A run as it was when its checkpoint was saved.
#[derive(Debug)]
pub struct Resumed {
    /// The weights in their model.
    pub model: Transformer,
    /// The optimizer with its memory.
    pub optimizer: AdamW,
    /// Where the run stood.
    pub state: RunState,
}

/// Loads a checkpoint folder into a model of the right sizes.
pub fn resume(
    folder: &Path,
    model: Transformer,
    settings: AdamWSettings,
    device: &Device,
) -> Result<Resumed, CheckpointError> {
    let state = read_state(folder)?;
    let model = Weights::read(folder)?.load_into(model)?;
    let optimizer = read_optimizer(folder, settings, &state, device)?;
    Ok(Resumed { model, optimizer, state })
}

/// The optimizer's memory alone, e.g. for a finetuning that inherits it.
pub fn read_optimizer(
    folder: &Path,
    settings: AdamWSettings,
    state: &RunState,
    device: &Device,
) -> Result<AdamW, CheckpointError> {
    let path = folder.join(OPTIMIZER_FILE);
    let (moments, _) = tensors::read(&path)?;
    let expected = 2 * state.parameter_steps.len();
    if moments.len() != expected {
        let reason = format!("found {} tensors, expected {expected}", moments.len());
        return Err(CheckpointError::Format { path, kind: "moments of the optimizer", reason });
    }
    Ok(AdamW::with_state(settings, moments, &state.parameter_steps, &device.clone().inner()))
}

pub(super) fn read_state(folder: &Path) -> Result<RunState, CheckpointError> {
    let path = folder.join(STATE_FILE);
    let text = read_text(&path)?;
    let fail = |reason: String| CheckpointError::Format { path: path.clone(), kind: "the state of a run", reason };
    let state: RunState = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    if state.layout != LAYOUT {
        return Err(fail(format!("its layout is {}, this version of UniFR reads {LAYOUT}", state.layout)));
    }
    Ok(state)
}

/// Where the run of a checkpoint stood; none if `path` is not one of our checkpoint folders.
pub fn state_of(path: &Path) -> Option<Result<RunState, CheckpointError>> {
    path.join(STATE_FILE).is_file().then(|| read_state(path))
}
