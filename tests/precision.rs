//! Training with products in 16 bits: the same losses as in 32 within a tolerance, a scale that finds its height, and
//! stopped and resumed is unbroken there too.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use burn_train::Interrupter;
use unifr::config::RunConfig;
use unifr::device::Precision;
use unifr::train::{LOG_FILE, LogTable, OBJECTIVES, Start, TrainOptions, Trained, train};

/// Forty updates of two micro-batches, a checkpoint after every tenth.
const FORTY_UPDATES: &[&str] = &["max_iter: 81", "total_batch_size: 4", "save_interval: 20", "gradient: mean"];
/// Largest difference of a loss from the one in `f32` at the same update, as a share of it, and of the means of the last
/// ten. Roundings of 2^-12 (f16) and 2^-9 (bf16) an operand add up over some dozens of products and forty updates; after a
/// skipped update only the means can be compared, as everything comes one update later.
const TOLERANCES: [(Precision, f64, f64); 2] = [(Precision::F16, 0.0005, 0.01), (Precision::Bf16, 0.01, 0.001)];
/// Updates before the first skipped one at least, so that there is something to compare.
const FEWEST: usize = 10;
/// What is left of the masked loss at the end at most, so that the curves compared are not flat.
const LEFT: f64 = 0.9;

fn trained(config: &RunConfig, precision: Precision) -> Trained {
    let interrupter = Interrupter::new();
    let options = TrainOptions { start: Start::Newest, precision, reading_threads: 1, interrupter };
    train(config, &Device::flex(), &options).unwrap()
}

fn log(config: &RunConfig) -> LogTable {
    LogTable::read(&config.run_folder().join(LOG_FILE)).unwrap()
}

/// A run of its own, without dropout, whose bits are the same anyway.
fn config(folder: &Path, runs: &str) -> RunConfig {
    tiny::config(folder, runs, "run", FORTY_UPDATES)
}

/// One column of a log.
fn curve(log: &LogTable, column: &str) -> Vec<f64> {
    log.curve(column).unwrap().into_iter().map(|(_, value)| value).collect()
}

fn mean_of_last_ten(curve: &[f64]) -> f64 {
    curve[curve.len() - 10..].iter().sum::<f64>() / 10.0
}

#[test]
fn losses_in_16_bits_follow_those_in_32() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let exact = config(folder.path(), "f32");
    trained(&exact, Precision::F32);
    let exact = log(&exact);
    let masked = curve(&exact, "mrm");
    assert!(mean_of_last_ten(&masked) < LEFT * masked[0], "the run learns: {masked:?}");
    for (precision, tolerance, mean_tolerance) in TOLERANCES {
        let rounded = config(folder.path(), &precision.to_string());
        trained(&rounded, precision);
        let rounded = log(&rounded);
        let in_step = curve(&rounded, "skipped").iter().take_while(|skipped| **skipped == 0.0).count();
        assert!(in_step >= FEWEST, "{precision}: only {in_step} updates before the first skipped one");
        for objective in OBJECTIVES {
            let (exact, found) = (curve(&exact, objective), curve(&rounded, objective));
            let apart = (0..in_step).map(|update| ((found[update] - exact[update]).abs() / exact[update], update));
            let (share, update) = apart.max_by(|one, other| one.0.total_cmp(&other.0)).unwrap();
            let values = (found[update], exact[update]);
            assert!(share > 0.0, "{precision} {objective}: nothing was rounded");
            assert!(share < tolerance, "{precision} {objective}: off by {share} at update {update}: {values:?}");
            let (found, exact) = (mean_of_last_ten(&found), mean_of_last_ten(&exact));
            assert!(
                (found / exact - 1.0).abs() < mean_tolerance,
                "{precision} {objective}: in the end {found}, {exact}"
            );
        }
    }
}

#[test]
fn a_run_in_f16_that_was_resumed_equals_the_unbroken_one() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let [whole, broken] = ["whole", "broken"].map(|runs| config(folder.path(), runs));
    let unbroken = trained(&whole, Precision::F16).learner;
    trained(&broken, Precision::F16);
    let checkpoint = |config: &RunConfig, step: u64| config.run_folder().join(format!("checkpoints/step_{step:07}"));
    for step in [30, 40] {
        fs::remove_dir_all(checkpoint(&broken, step)).unwrap();
    }
    let resumed = trained(&broken, Precision::F16).learner;
    assert!(resumed.loss_scaler.is_some_and(|scaler| scaler.good_updates > 0));
    assert_eq!((resumed.loss_scaler, resumed.skipped), (unbroken.loss_scaler, unbroken.skipped));
    for name in ["model.safetensors", "optimizer.safetensors", "state.json"] {
        let read = |config| fs::read(checkpoint(config, 40).join(name)).unwrap();
        assert!(read(&whole) == read(&broken), "`{name}` differs");
    }
    assert_eq!(log(&whole), log(&broken));
}

#[test]
fn too_high_a_scale_is_halved_and_the_update_left_out() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let config = config(folder.path(), "high");
    trained(&config, Precision::F16);
    // As if the scale had grown too far by then: gradients of f16 end at 65504.
    for step in [20, 30, 40] {
        fs::remove_dir_all(config.run_folder().join(format!("checkpoints/step_{step:07}"))).unwrap();
    }
    let state = config.run_folder().join("checkpoints/step_0000010/state.json");
    let text = fs::read_to_string(&state).unwrap();
    let high = text.replace("\"scale\": 65536.0", &format!("\"scale\": {:?}", 2.0_f64.powi(24)));
    assert!(high != text);
    fs::write(&state, high).unwrap();
    let learner = trained(&config, Precision::F16).learner;
    assert_eq!((learner.step, learner.updates_done()), (40, 40 - learner.skipped));
    assert!((1..20).contains(&learner.skipped), "{} skipped", learner.skipped);
    let scale = 2.0_f64.powi(24 - learner.skipped as i32);
    assert_eq!(learner.loss_scaler.map(|scaler| scaler.scale), Some(scale));
    let log = log(&config);
    let at = |column: &str, row: usize| log.curve(column).map(|rows| rows[row].1);
    assert_eq!([10, 11].map(|row| at("loss_scale", row)), [Some(2.0_f64.powi(24)), Some(2.0_f64.powi(23))]);
    assert_eq!(at("learning_rate", 10), at("learning_rate", 11), "a skipped update does not move the schedule");
    assert_eq!([9, 10, 39].map(|row| at("skipped", row)), [Some(0.0), Some(1.0), Some(learner.skipped as f64)]);
}
