//! Which checkpoints a run has.

use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use super::resume::read_state;
use super::save::STATE_FILE;

/// The folder of checkpoints inside a run's folder.
const CHECKPOINTS: &str = "checkpoints";
/// Where the published code keeps weights inside a run's folder.
const PUBLISHED: &str = "models";

/// Complete checkpoints of a run, oldest first, with their update numbers.
pub fn checkpoints_in(run_folder: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(run_folder.join(CHECKPOINTS)) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let step = path.file_name()?.to_str()?.strip_prefix("step_")?.parse().ok()?;
            path.join(STATE_FILE).is_file().then_some((step, path))
        })
        .collect();
    found.sort();
    found
}

/// The newest checkpoint of a run, ours or a published one.
pub fn latest_checkpoint(run_folder: &Path) -> Result<PathBuf, CheckpointError> {
    if let Some((_, path)) = checkpoints_in(run_folder).pop() {
        return Ok(path);
    }
    let published = run_folder.join(PUBLISHED).join("last.ckpt");
    if published.is_file() { Ok(published) } else { Err(missing("at all", run_folder)) }
}

/// The checkpoint of a published iteration: ours with that count, or `models/iter_N.ckpt`; -1 is the newest.
pub fn checkpoint_of_iteration(run_folder: &Path, iteration: i64) -> Result<PathBuf, CheckpointError> {
    if iteration < 0 {
        return latest_checkpoint(run_folder);
    }
    for (_, path) in checkpoints_in(run_folder) {
        if i64::try_from(read_state(&path)?.iteration) == Ok(iteration) {
            return Ok(path);
        }
    }
    let published = run_folder.join(PUBLISHED).join(format!("iter_{iteration}.ckpt"));
    if published.is_file() { Ok(published) } else { Err(missing(&format!("of iteration {iteration}"), run_folder)) }
}

fn missing(wanted: &str, folder: &Path) -> CheckpointError {
    let iterations: Vec<String> = checkpoints_in(folder)
        .into_iter()
        .filter_map(|(_, path)| Some(read_state(&path).ok()?.iteration.to_string()))
        .collect();
    let found = match iterations.is_empty() {
        true if folder.is_dir() => {
            "the folder holds none; train first, or name another run in `paths.experiment_name`".to_owned()
        }
        true => {
            "there is no such folder; train first, or check `paths.ckpt_root` and `paths.experiment_name`".to_owned()
        }
        false => format!("found iterations {}", iterations.join(", ")),
    };
    CheckpointError::Missing { wanted: wanted.into(), folder: folder.into(), found }
}
