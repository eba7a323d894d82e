//! Writing a checkpoint: three files in a folder that gets its name when all of them are on the disk.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use super::find::checkpoints_in;
use super::state::RunState;
use super::tensors::{self, Notes};
use crate::files::{create_folder, open, write_atomically};
use crate::model::{Transformer, parameters};
use crate::optimizer::AdamW;

/// Weights, under the published names.
pub(super) const MODEL_FILE: &str = "model.safetensors";
/// Moments: `exp_avg.<name>`, `exp_avg_sq.<name>`, flat.
pub(super) const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// A [`RunState`].
pub(super) const STATE_FILE: &str = "state.json";

/// Saves to `<folder>/step_0002000` and returns that path; a complete checkpoint of that name is left as it is.
pub fn save(
    folder: &Path,
    model: &Transformer,
    optimizer: &AdamW,
    mut state: RunState,
) -> Result<PathBuf, CheckpointError> {
    let name = format!("step_{:07}", state.step);
    let (target, partial) = (folder.join(&name), folder.join(format!(".{name}.partial")));
    if target.join(STATE_FILE).is_file() {
        return Ok(target);
    }
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(CheckpointError::system("remove", &partial))?;
    }
    create_folder(&partial)?;
    let (moments, steps) = optimizer.state();
    state.parameter_steps = steps;
    let state_text = serde_json::to_string_pretty(&state).expect("plain data has a JSON form");
    tensors::write(&partial.join(MODEL_FILE), &parameters(model), &notes(&state))?;
    tensors::write(&partial.join(OPTIMIZER_FILE), &moments, &Notes::new())?;
    write_atomically(&partial.join(STATE_FILE), |file| file.write_all(state_text.as_bytes()))?;
    fs::rename(&partial, &target).map_err(CheckpointError::system("rename to its final name", &partial))?;
    #[cfg(unix)]
    open(folder)?.sync_all().map_err(CheckpointError::system("write", folder))?;
    Ok(target)
}

/// Puts checkpoints after update `step` out of the way of a run that goes on from there: they belong to another future,
/// and the next resume would take them for the newest. Returns how many there were; they stay as `.step_0002000.replaced`.
pub fn set_aside_after(run_folder: &Path, step: u64) -> Result<usize, CheckpointError> {
    let later: Vec<_> = checkpoints_in(run_folder).into_iter().filter(|(found, _)| *found > step).collect();
    for (found, path) in &later {
        let aside = path.with_file_name(format!(".step_{found:07}.replaced"));
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(CheckpointError::system("remove", &aside))?;
        }
        fs::rename(path, &aside).map_err(CheckpointError::system("set aside", path))?;
    }
    Ok(later.len())
}

/// What weights that travel alone have to tell.
fn notes(state: &RunState) -> Notes {
    let mask = serde_json::to_string(&state.trained_mask).expect("plain data has a JSON form");
    Notes::from([
        ("format".to_owned(), "pt".to_owned()),
        ("unifr_version".to_owned(), state.version.clone()),
        ("trained_mask".to_owned(), mask),
        ("iteration".to_owned(), state.iteration.to_string()),
    ])
}
