//! `unifr evaluate` as a person runs it: files in, table and exit code out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output};

use unifr::files::npy;
use unifr::tokens::ATTRIBUTE_COUNT;

const CLIPS: usize = 2;
const REACTIONS: usize = 2;
const FRAMES: usize = 60;

/// A folder with listeners, speakers, a matrix, and predictions that are the speakers'.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (listeners, speakers) = (people(1), people(2));
    let shape = [CLIPS, FRAMES, ATTRIBUTE_COUNT];
    npy::write(&folder.path().join("listeners.npy"), &shape, &listeners).unwrap();
    npy::write(&folder.path().join("speakers.npy"), &shape, &speakers).unwrap();
    npy::write(&folder.path().join("matrix.npy"), &[CLIPS, CLIPS], &[1.0, 0.0, 1.0, 1.0]).unwrap();
    write_predictions(folder.path(), "predictions.npy", &mimed(&speakers));
    folder
}

/// Numbers that move and never repeat.
fn people(seed: usize) -> Vec<f64> {
    let value = |index: usize| ((index * 7919 + seed * 104_729) % 1009) as f64 / 1009.0;
    (0..CLIPS * FRAMES * ATTRIBUTE_COUNT).map(value).collect()
}

fn mimed(speakers: &[f64]) -> Vec<f64> {
    speakers.chunks_exact(FRAMES * ATTRIBUTE_COUNT).flat_map(|clip| clip.repeat(REACTIONS)).collect()
}

fn write_predictions(folder: &Path, name: &str, values: &[f64]) {
    npy::write(&folder.join(name), &[CLIPS, REACTIONS, FRAMES, ATTRIBUTE_COUNT], values).unwrap();
}

fn evaluate(folder: &Path, arguments: &str) -> Output {
    let truth = "--listeners listeners.npy --speakers speakers.npy --appropriateness matrix.npy";
    let mut command = Command::new(env!("CARGO_BIN_EXE_unifr"));
    command.current_dir(folder).arg("evaluate").args(arguments.split(' '));
    command.args(truth.split(' ').filter(|_| !arguments.contains("--listeners"))).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn scores_and_baselines_are_printed_and_written() {
    let folder = folder();
    let output = evaluate(
        folder.path(),
        "predictions.npy --baselines --training-listeners listeners.npy --json out/scores.json --text out/metrics.txt",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let names = ["predictions", "random", "mime", "mean sequence", "mean frame"];
    for (line, name) in stdout.lines().skip(1).zip(names) {
        assert!(line.starts_with(name), "{line}");
    }
    let line = std::fs::read_to_string(folder.path().join("out/metrics.txt")).unwrap();
    assert!(line.starts_with("FRC ") && stdout.ends_with(&line), "{line}");
    let json = std::fs::read(folder.path().join("out/scores.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    // The predictions mimic the speakers.
    assert_eq!(json["scores"]["predictions"], json["scores"]["mime"]);
    assert_eq!(json["scores"]["predictions"]["clips"][1]["frsyn"][0]["plain"], 0);
}

#[test]
fn a_value_that_is_no_number_is_named_and_nothing_is_scored() {
    let folder = folder();
    let mut values = mimed(&people(2));
    values[ATTRIBUTE_COUNT + 3] = f64::NAN;
    write_predictions(folder.path(), "nan.npy", &values);
    let output = evaluate(folder.path(), "nan.npy");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr(&output).contains("hold `NaN` at clip 0, reaction 0, frame 1, attribute 3"), "{}", stderr(&output));
}

#[test]
fn a_clip_without_appropriate_reaction_is_named() {
    let folder = folder();
    npy::write(&folder.path().join("matrix.npy"), &[CLIPS, CLIPS], &[1.0, 0.0, 0.0, 0.0]).unwrap();
    let output = evaluate(folder.path(), "predictions.npy");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("row 1 has no appropriate reaction"), "{}", stderr(&output));
}

#[test]
fn predictions_for_test_are_not_measured_with_the_truth_of_val() {
    let folder = folder();
    write_predictions(folder.path(), "test_run_-1_offline_pred.npy", &mimed(&people(2)));
    let output = evaluate(
        folder.path(),
        "test_run_-1_offline_pred.npy --listeners val_l_gt.npy --speakers val_s_gt.npy --appropriateness matrix.npy",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("predictions for `test` cannot be measured with the ground truth of `val`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn arrays_that_do_not_fit_each_other_are_refused_with_both_shapes() {
    let folder = folder();
    npy::write(&folder.path().join("speakers.npy"), &[1, FRAMES, ATTRIBUTE_COUNT], &people(2)[..1500]).unwrap();
    let output = evaluate(folder.path(), "predictions.npy");
    assert_eq!(output.status.code(), Some(2));
    let expected = "the speakers have shape [1, 60, 25], expected [2, 60, 25] like the predictions";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}
