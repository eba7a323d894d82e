//! What is wrong with a file or a flag is said in words: what failed, on which file, what was found and expected, what
//! to do. The real program in an empty folder; never a panic, exit code 1 or 2.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use unifr::dataset::{Partition, Writer};
use unifr::features::{FeatureDims, FeatureSet, SpeakerFeatures};
use unifr::files::npy;
use unifr::tokens::{FrameTokens, TokenArray};

/// Exit code, stdout and stderr of a command line; a panic is never an answer.
fn unifr(folder: &Path, line: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_unifr")).current_dir(folder).args(line.split(' ')).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let errors = text(output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.code().unwrap(), text(output.stdout), errors)
}

/// The command line cannot be done at all: nothing on stdout, and every part of the message on stderr.
fn refused(folder: &Path, line: &str, parts: &[&str]) {
    let (code, out, errors) = unifr(folder, line);
    assert_eq!((code, out.as_str()), (2, ""), "{line}\n{errors}");
    for part in parts {
        assert!(errors.contains(part), "{line}\nexpected: {part}\nfound: {errors}");
    }
}

fn demo_clip() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/speaker.mp4")).unwrap()
}

/// The demo clip without its nth track: the box is called something else, so that it is skipped.
fn without_track(nth: usize) -> Vec<u8> {
    let mut clip = demo_clip();
    let place = clip.windows(4).enumerate().filter(|(_, four)| *four == b"trak").nth(nth).unwrap().0;
    clip[place..place + 4].copy_from_slice(b"free");
    clip
}

/// A folder with one clip, prepared alone: it cannot be done, and the clip is named.
fn refused_clip(bytes: &[u8], parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("clip.mp4"), bytes).unwrap();
    let (code, out, errors) = unifr(folder.path(), "prepare clip.mp4 --frames 20 --out x.h5");
    assert!(code == 1 || code == 2, "{errors}");
    assert_eq!(out, "", "{errors}");
    for part in parts {
        assert!(errors.contains(part), "expected: {part}\nfound: {errors}");
    }
    assert!(!folder.path().join("x.h5").exists());
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (line, path) in [
        ("prepare nowhere.mp4", "nowhere.mp4"),
        ("train --config nowhere.yaml", "nowhere.yaml"),
        ("train --resume artifacts/nowhere", "artifacts/nowhere/config.yaml"),
        ("check nowhere.h5", "nowhere.h5"),
        ("convert nowhere.ckpt", "nowhere.ckpt"),
        ("evaluate nowhere.npy", "data/val_l_gt.npy"),
        ("predict --config nowhere.yaml --out x.npy", "nowhere.yaml"),
    ] {
        refused(folder.path(), line, &[&format!("could not open `{path}`")]);
    }
}

#[test]
fn a_truncated_clip_is_refused_before_it_is_decoded() {
    let clip = demo_clip();
    refused_clip(
        &clip[..clip.len() / 2],
        &["`clip.mp4`: the file is cut short: it has ", "its tables need ", "copy it again"],
    );
}

#[test]
fn a_clip_without_pictures_or_without_sound_is_refused() {
    // Both tracks' boxes: the picture comes first in this clip, or the sound does.
    let mut lacking: Vec<&str> = Vec::new();
    for nth in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clip.mp4"), without_track(nth)).unwrap();
        let (code, _, errors) = unifr(folder.path(), "prepare clip.mp4 --frames 20 --out x.h5");
        assert!(code == 1 || code == 2, "{errors}");
        assert!(errors.contains("clip.mp4"), "{errors}");
        lacking.extend(["no video", "no sound"].iter().filter(|part| errors.contains(**part)));
    }
    lacking.sort_unstable();
    assert_eq!(lacking, ["no sound", "no video"]);
}

/// A folder with a corpus and a trained run `run` of config `c.yaml`.
fn trained() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let keys = ["max_iter: 2", "total_batch_size: 2"];
    fs::write(folder.path().join("c.yaml"), tiny::config_text("run", &keys)).unwrap();
    let (code, _, errors) = unifr(folder.path(), "train --config c.yaml");
    assert_eq!(code, 0, "{errors}");
    folder
}

/// A prepared file of one clip with these widths and this value in its filterbank.
fn write_clip(path: &Path, dims: FeatureDims, value: f32) {
    let (frames, width) = (tiny::FRAMES, dims.filterbank);
    let rows = |width: usize| vec![0.5; frames * width];
    let speaker = SpeakerFeatures {
        frame_count: frames,
        expression: rows(dims.expression),
        action_units: rows(dims.action_units),
        valence_arousal: rows(dims.valence_arousal),
        pose: vec![0.5; frames / 5 * dims.pose],
        filterbank: vec![value; frames * width],
        functionals: vec![0.5; dims.functionals],
        descriptors: vec![0.5; dims.descriptors],
        has_face: vec![true; frames],
    };
    let mut writer = Writer::create(path, Partition::Val, dims, frames, &[]).unwrap();
    writer.append("clip/1", &speaker, None).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_file_of_other_widths_or_without_what_is_needed_is_refused() {
    let folder = trained();
    let dims = FeatureSet::Compact.dims();
    let other = FeatureDims { pose: dims.pose + 1, ..dims };
    write_clip(&folder.path().join("other.h5"), other, 0.5);
    let line = "predict --config c.yaml --data other.h5 --out x.npy";
    refused(folder.path(), line, &["the model was trained with other features", "other.h5", "s_pose", "25", "24"]);
    fs::write(folder.path().join("text.h5"), "no HDF5").unwrap();
    let line = "predict --config c.yaml --data text.h5 --out x.npy";
    refused(folder.path(), line, &["could not read the speakers", "text.h5", "HDF5"]);
    // The validation part has no tokens to learn from.
    let text = tiny::config_text("other", &[]) + "  training_set: data/val_sequential.h5\n";
    fs::write(folder.path().join("val.yaml"), text).unwrap();
    refused(folder.path(), "train --config val.yaml", &["the training set cannot be trained on", "val_sequential.h5"]);
}

#[test]
fn features_that_are_no_numbers_are_found_by_check() {
    let folder = tempfile::tempdir().unwrap();
    write_clip(&folder.path().join("nan.h5"), FeatureSet::Compact.dims(), f32::NAN);
    let (code, out, _) = unifr(folder.path(), "check nan.h5");
    assert_eq!(code, 1);
    assert!(out.contains("problem: `s_MFCC` has NaN or infinite values"), "{out}");
    assert!(out.contains("prepare these clips again"), "{out}");
}

#[test]
fn a_pickle_with_a_callable_is_never_executed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.pkl"), b"cos\nsystem\n(S'touch executed'\ntR.").unwrap();
    let parts = ["could not convert `x.pkl`", "asks for `os.system`", "pickles are never executed"];
    refused(folder.path(), "convert x.pkl", &parts);
    assert!(!folder.path().join("executed").exists());
}

#[test]
fn unknown_keys_and_impossible_values_are_all_told_with_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let text = "train_params: {max_itr: 10, batch_size: 0, shuffle_listener: 2}\nmodel: {causal_mask: causal}\n";
    fs::write(folder.path().join("c.yaml"), text).unwrap();
    let parts = [
        "error: `c.yaml` has 4 problems\n",
        "`train_params.max_itr` is not a known key; the nearest is `train_params.max_iter`",
        "`train_params.batch_size` is `0`, expected a whole number from 1 to",
        "`train_params.shuffle_listener` is `2`, expected a number in [0, 1]",
        "`model.causal_mask` is `causal`, expected `published` or `frame-causal`",
    ];
    refused(folder.path(), "train --config c.yaml", &parts);
    fs::write(folder.path().join("c.yaml"), "model: [").unwrap();
    refused(folder.path(), "train --config c.yaml", &["error: `c.yaml` is not YAML: "]);
    assert!(!folder.path().join("artifacts").exists());
}

#[test]
fn a_size_that_the_data_lacks_is_named_with_both_numbers() {
    let folder = trained();
    let text = tiny::config_text("other", &[]).replace("dim_s_pose: auto", "dim_s_pose: 1408");
    fs::write(folder.path().join("c2.yaml"), text).unwrap();
    let parts = [
        "error: could not train `c2.yaml`\n",
        "caused by: `model.transformer_config.params.dim_s_pose` is 1408, but the prepared file has 24",
        "correct the config, or write `auto`",
    ];
    refused(folder.path(), "train --config c2.yaml", &parts);
}

#[test]
fn tokens_outside_the_codebook_are_named_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let mut tokens = TokenArray::zeros(8, 10, tiny::FRAMES);
    tokens.set_frame(3, 1, 2, FrameTokens { expression: 9000, ..FrameTokens::default() });
    tokens.write(&folder.path().join("wrong.npy")).unwrap();
    let part = "the expression token 9000 at clip 3, reaction 1, frame 2 is not in the codebook, which ends at 31";
    refused(folder.path(), "decode wrong.npy", &["could not decode `wrong.npy`", part]);
    let read = "could not read the predictions `wrong.npy`";
    refused(
        folder.path(),
        "evaluate wrong.npy --codebooks data/Index --appropriateness data/val_appro.npy",
        &[read, part],
    );
    npy::write(&folder.path().join("flat.npy"), &[3], &[1_i64, 2, 3]).unwrap();
    refused(folder.path(), "decode flat.npy", &["could not read the tokens", "`flat.npy` has shape [3], expected"]);
}

#[test]
fn weights_that_are_of_another_model_or_no_weights_are_refused() {
    let folder = trained();
    let text = tiny::config_text("run", &[]).replace("n_layer: 1", "n_layer: 2");
    fs::write(folder.path().join("deeper.yaml"), text).unwrap();
    let path = "artifacts/run/checkpoints/step_0000001/model.safetensors";
    let parts = [&format!("`{path}` does not fit the model"), "missing", "blocks.1."];
    refused(folder.path(), "predict --config deeper.yaml --out x.npy", &parts);
    fs::write(folder.path().join("text.safetensors"), "no weights").unwrap();
    let line = "predict --config c.yaml --weights text.safetensors --out x.npy";
    let parts = ["could not read the trained weights", "`text.safetensors` cannot be read as safetensors: "];
    refused(folder.path(), line, &parts);
    let line = "predict --config c.yaml --weights c.yaml --out x.npy";
    refused(folder.path(), line, &["`c.yaml` is neither a folder nor a `.safetensors`, `.ckpt`, `.pth` or `.pt` file"]);
}

#[test]
fn a_run_or_an_iteration_that_is_not_there_says_what_is() {
    let folder = trained();
    let parts = ["no checkpoint of iteration 5 in `artifacts/run`: found iterations 1"];
    refused(folder.path(), "test -p -i 5 --config c.yaml", &parts);
    fs::write(folder.path().join("other.yaml"), tiny::config_text("other", &[])).unwrap();
    let parts = ["no checkpoint at all in `artifacts/other`", "train first, or check `paths.ckpt_root`"];
    refused(folder.path(), "test -p -i -1 --config other.yaml", &parts);
    let parts = ["no predicted tokens to measure; run with `-p` first", "could not open `artifacts/run/test_result/"];
    refused(folder.path(), "test -m --config c.yaml", &parts);
    refused(folder.path(), "test --config c.yaml", &["nothing to do: give `-p` to predict, `-m` to measure, or both"]);
}

#[test]
fn an_online_step_other_than_the_trained_one_is_refused() {
    let folder = trained();
    let text = tiny::config_text("run", &[]).replace("online_step: 5, online", "online_step: 10, online");
    fs::write(folder.path().join("c10.yaml"), text).unwrap();
    let part = "`model.decoding_params.online_step` is `10`, expected 5, the step the model was trained with";
    refused(folder.path(), "test -p -t online --config c10.yaml", &[part]);
}

#[test]
fn a_device_that_is_not_there_says_what_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), tiny::config_text("run", &[])).unwrap();
    let word = "the device is `gpu`, expected `auto`, `cpu`, `cubecl-cpu`, `cuda`, `cuda:N`";
    refused(folder.path(), "train --config c.yaml --device gpu", &[word]);
    if cfg!(not(feature = "cuda")) {
        let parts = ["this build has no CUDA; build with `--features cuda`, or use `--device cpu`"];
        refused(folder.path(), "train --config c.yaml --device cuda", &parts);
    }
}

#[test]
fn a_training_set_that_is_not_there_is_named_with_the_deed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), tiny::config_text("run", &[])).unwrap();
    let parts =
        ["error: could not train `c.yaml`\n", "caused by: could not read the training set\n", "data/train_shuffled.h5"];
    refused(folder.path(), "train --config c.yaml", &parts);
    let made: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(made.len(), 1, "nothing is made before everything is there: {made:?}");
}
