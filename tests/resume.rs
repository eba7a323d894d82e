//! Equal ways to the same weights: stopped and resumed is unbroken, same seed is same bytes, a mean is the sum divided.
//!
//! Everything is compared bit for bit, with dropout and two micro-batches an update.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Device;
use burn_train::Interrupter;
use unifr::checkpoint::{Weights, checkpoints_in, state_of};
use unifr::config::RunConfig;
use unifr::device::Precision;
use unifr::train::{LOG_FILE, Start, TrainOptions, Trained, train};

/// Six updates of two micro-batches of two clips, a checkpoint after every second.
const SIX_UPDATES: &[&str] = &["max_iter: 13", "total_batch_size: 4", "save_interval: 4", "gradient: mean"];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    folder
}

fn trained_from(config: &RunConfig, start: Start, interrupter: Interrupter) -> anyhow::Result<Trained> {
    let options = TrainOptions { start, precision: Precision::F32, reading_threads: 2, interrupter };
    train(config, &Device::flex(), &options)
}

fn trained(config: &RunConfig) -> Trained {
    trained_from(config, Start::Newest, Interrupter::new()).unwrap()
}

/// Why a training that goes on with the newest checkpoint ends.
fn error(config: &RunConfig) -> String {
    format!("{:#}", trained_from(config, Start::Newest, Interrupter::new()).unwrap_err())
}

fn checkpoint(config: &RunConfig, step: u64) -> PathBuf {
    config.run_folder().join(format!("checkpoints/step_{step:07}"))
}

/// The same weights, moments, state and log.
fn assert_same(one: &RunConfig, other: &RunConfig, step: u64) {
    for name in ["model.safetensors", "optimizer.safetensors", "state.json"] {
        let read = |config| fs::read(checkpoint(config, step).join(name)).unwrap();
        assert!(read(one) == read(other), "`{name}` differs after update {step}");
    }
    let log = |config: &RunConfig| fs::read_to_string(config.run_folder().join(LOG_FILE)).unwrap();
    assert_eq!(log(one), log(other));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let folder = folder();
    let config = |runs: &str| tiny::config(folder.path(), runs, "run", SIX_UPDATES);
    let [one, two, mut other] = ["one", "two", "other"].map(config);
    other.train_params.seed = 8;
    for config in [&one, &two, &other] {
        assert!(trained(config).is_complete);
    }
    assert_same(&one, &two, 6);
    let weights = |config| fs::read(checkpoint(config, 6).join("model.safetensors")).unwrap();
    assert!(weights(&one) != weights(&other));
}

#[test]
fn a_run_that_broke_off_and_was_resumed_equals_the_unbroken_one() {
    let folder = folder();
    let [whole, broken] = ["whole", "broken"].map(|runs| tiny::config(folder.path(), runs, "run", SIX_UPDATES));
    trained(&whole);
    trained(&broken);
    // As if it had died in update 5: the log is ahead of the newest checkpoint, another one was half written.
    fs::remove_dir_all(checkpoint(&broken, 4)).unwrap();
    let partial = broken.run_folder().join("checkpoints/.step_0000004.partial");
    fs::rename(checkpoint(&broken, 6), &partial).unwrap();
    let resumed = trained(&broken);
    assert_eq!((resumed.learner.step, resumed.is_complete), (6, true));
    assert_same(&whole, &broken, 4);
    assert_same(&whole, &broken, 6);
    assert!(!partial.exists());
}

#[test]
fn an_interrupted_run_saves_and_goes_on_to_the_same_end() {
    let folder = folder();
    let many = ["max_iter: 61", "total_batch_size: 4", "save_interval: 8", "gradient: mean"];
    let [whole, stopped] = ["whole", "stopped"].map(|runs| tiny::config(folder.path(), runs, "run", &many));
    trained(&whole);
    let interrupter = Interrupter::new();
    let (theirs, first) = (interrupter.clone(), checkpoint(&stopped, 4));
    let stopper = std::thread::spawn(move || {
        while !first.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        theirs.stop(Some("the test asks for it"));
    });
    let halfway = trained_from(&stopped, Start::Newest, interrupter).unwrap();
    stopper.join().unwrap();
    assert!(halfway.checkpoint.join("state.json").is_file());
    assert!((4..=30).contains(&halfway.learner.step));
    assert!(trained(&stopped).is_complete);
    assert_same(&whole, &stopped, 30);
}

#[test]
fn a_run_that_starts_anew_replaces_the_checkpoints_of_the_old_one() {
    // Checkpoints of the same updates were once left as they were, so the old weights came back.
    let folder = folder();
    let [fresh, again] = ["fresh", "again"].map(|runs| tiny::config(folder.path(), runs, "run", SIX_UPDATES));
    let mut old = again.clone();
    old.train_params.seed = 8;
    trained(&old);
    trained(&fresh);
    let anew = trained_from(&again, Start::Anew, Interrupter::new()).unwrap();
    assert_eq!(anew.checkpoint, checkpoint(&again, 6));
    assert_same(&fresh, &again, 6);
}

#[test]
fn going_back_to_an_iteration_sets_later_checkpoints_aside() {
    let folder = folder();
    let [whole, back] = ["whole", "back"].map(|runs| tiny::config(folder.path(), runs, "run", SIX_UPDATES));
    trained(&whole);
    trained(&back);
    let stopped = Interrupter::new();
    stopped.stop(None);
    // Two micro-batches an update: iteration 4 is update 2.
    let halted = trained_from(&back, Start::Iteration(4), stopped).unwrap();
    assert_eq!(halted.learner.step, 2);
    let steps: Vec<u64> = checkpoints_in(&back.run_folder()).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [2]);
    trained(&back);
    assert_same(&whole, &back, 6);
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let folder = folder();
    let config = tiny::config(folder.path(), "runs", "run", SIX_UPDATES);
    trained(&config);
    let before = fs::read(config.run_folder().join(LOG_FILE)).unwrap();
    assert!(trained(&config).is_complete);
    assert_eq!(fs::read(config.run_folder().join(LOG_FILE)).unwrap(), before);
}

/// Moments of the first update, whose gradients were put together this way.
fn moments(folder: &Path, gradient: &str, max_norm: &str) -> Weights {
    let keys = ["max_iter: 3", "total_batch_size: 4", gradient, max_norm];
    let runs = format!("{gradient}-{max_norm}").replace(": ", "-");
    let config = tiny::config(folder, &runs, "run", &keys);
    trained(&config);
    Weights::read(&checkpoint(&config, 1).join("optimizer.safetensors")).unwrap()
}

#[test]
fn mean_gradients_are_the_sum_divided_by_the_micro_batches_clipped_or_not() {
    let folder = folder();
    // Halves are exact. A limit that bites is divided too, but its norm has a small number added before the division.
    for (max_norm, tolerance) in [("max_norm: 0", 0.0), ("max_norm: 0.01", 1e-3)] {
        let sum = moments(folder.path(), "gradient: sum", max_norm);
        let mean = moments(folder.path(), "gradient: mean", max_norm);
        assert!(!sum.tensors.is_empty());
        for (sum, mean) in sum.tensors.iter().zip(&mean.tensors) {
            // The second moment is made of squares.
            let factor = if sum.name.starts_with("exp_avg_sq.") { 4.0 } else { 2.0 };
            for (place, (sum_value, mean_value)) in sum.values.iter().zip(&mean.values).enumerate() {
                let limit = tolerance * sum_value.abs().max(f32::MIN_POSITIVE);
                // Below the smallest normal number halves are rounded.
                let is_tiny = sum_value.abs() < 8.0 * f32::MIN_POSITIVE;
                let difference = (sum_value - factor * mean_value).abs();
                assert!(is_tiny || difference <= limit, "{} {place}: {sum_value} {mean_value}", sum.name);
            }
        }
    }
}

/// A pretrained run called `pretrained`, and a finetuning of one update after it.
fn finetuned(folder: &Path, optimizer: &str) -> (RunConfig, RunConfig) {
    let pretrain = tiny::config(folder, optimizer, "pretrained", SIX_UPDATES);
    trained(&pretrain);
    let choice = format!("optimizer_on_finetune: {optimizer}");
    let keys = ["mode: finetune", "max_iter: 3", "total_batch_size: 4", &choice];
    let finetune = tiny::config(folder, optimizer, "finetuned", &keys);
    assert_eq!(trained(&finetune).learner.step, 1);
    (pretrain, finetune)
}

fn values(checkpoint: &Path, name: &str) -> Vec<f32> {
    let weights = Weights::read(checkpoint).unwrap();
    weights.tensors.into_iter().find(|tensor| tensor.name == name).unwrap().values
}

#[test]
fn finetuning_starts_from_the_pretrained_weights_and_leaves_the_causal_attention() {
    let folder = folder();
    let (pretrain, finetune) = finetuned(folder.path(), "fresh");
    let both = |name| [checkpoint(&pretrain, 6), checkpoint(&finetune, 1)].map(|path| values(&path, name));
    let [before, after] = both("blocks.0.cas_attn.query.weight");
    assert_eq!(before, after);
    let [before, after] = both("blocks.0.bi_attn.query.weight");
    assert_ne!(before, after);
    // One update moves a weight by about the learning rate, at most 2e-3; a fresh model differs by more.
    let farthest = before.iter().zip(&after).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
    assert!(farthest < 0.01, "{farthest}");
}

#[test]
fn the_optimizer_starts_anew_or_is_inherited_as_the_config_says() {
    let folder = folder();
    for (choice, updates) in [("fresh", 1), ("inherited", 7)] {
        let (_, finetune) = finetuned(folder.path(), choice);
        let state = state_of(&checkpoint(&finetune, 1)).unwrap().unwrap();
        assert_eq!(state.parameter_steps["blocks.0.bi_attn.query.weight"], updates, "{choice}");
    }
}

#[test]
fn finetuning_without_a_pretrained_run_says_where_it_looked() {
    let folder = folder();
    let config =
        tiny::config(folder.path(), "runs", "finetuned", &["mode: finetune", "max_iter: 3", "total_batch_size: 4"]);
    let error = error(&config);
    let place = folder.path().join("runs/pretrained");
    let expected = format!("finetuning starts from a pretrained run: no checkpoint at all in `{}`", place.display());
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.contains("train first"), "{error}");
}

#[test]
fn a_checkpoint_that_was_not_finished_does_not_count() {
    let folder = folder();
    let config = tiny::config(folder.path(), "runs", "run", SIX_UPDATES);
    trained(&config);
    let checkpoints = config.run_folder().join("checkpoints");
    fs::create_dir(checkpoints.join(".step_0000009.partial")).unwrap();
    fs::create_dir(checkpoints.join("step_0000008")).unwrap();
    let steps: Vec<u64> = checkpoints_in(&config.run_folder()).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [2, 4, 6]);
}

#[test]
fn damaged_checkpoints_are_refused_with_the_file_and_the_reason() {
    let folder = folder();
    let config = tiny::config(folder.path(), "runs", "run", SIX_UPDATES);
    trained(&config);
    let newest = checkpoint(&config, 6);
    for (name, kind) in [
        ("state.json", "the state of a run"),
        ("model.safetensors", "safetensors"),
        ("optimizer.safetensors", "safetensors"),
    ] {
        let path = newest.join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = error(&config);
        let expected = format!("`{}` cannot be read as {kind}: ", path.display());
        assert!(error.starts_with(&expected), "{error}");
        fs::write(&path, whole).unwrap();
    }
    assert!(trained(&config).is_complete);
}

#[test]
fn a_checkpoint_of_another_mask_is_not_gone_on_with() {
    let folder = folder();
    let mut config = tiny::config(folder.path(), "runs", "run", SIX_UPDATES);
    trained(&config);
    config.model.transformer_config.params.online_step = 1;
    let error = error(&config);
    assert!(error.contains("trained with the mask `frame-causal` and `online_step` 5"), "{error}");
    assert!(error.contains("start anew with `--restart-train`"), "{error}");
}
