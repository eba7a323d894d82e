//! A checkpoint saved by PyTorch as the published code saves it: read strictly, mask and iteration recognised, found by
//! `unifr test -i 7`, converted.
//!
//! `tests/fixtures/checkpoint/make_checkpoint.py` wrote it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use unifr::checkpoint::{Weights, checkpoint_of_iteration, sizes_of};
use unifr::config::{CausalMask, TrainedMask};
use unifr::kernels::MaskRule;
use unifr::model::{ModelConfig, NamedTensor, Transformer, parameters};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoint/iter_7.ckpt")
}

fn weights() -> Weights {
    Weights::read(&fixture()).unwrap()
}

/// A model of the fixture's sizes.
fn model() -> Transformer {
    let (dims, vocabulary) = sizes_of(&weights().tensors).unwrap();
    let sizes = ModelConfig {
        frames: 50,
        dims,
        vocabulary,
        blocks: 1,
        heads: 2,
        width: 12,
        embedding_dropout: 0.0,
        residual_dropout: 0.0,
        attention_dropout: 0.0,
        causal_rule: MaskRule::Published { online_step: 5 },
    };
    sizes.init(0, &Device::flex()).unwrap()
}

/// Why weights changed in some way do not fit.
fn refused(change: impl FnOnce(&mut Vec<NamedTensor>)) -> String {
    let mut weights = weights();
    change(&mut weights.tensors);
    let error = anyhow::Error::from(weights.load_into(model()).unwrap_err());
    format!("{error:#}")
}

#[test]
fn mask_and_iteration_are_recognised() {
    let weights = weights();
    assert_eq!(weights.trained_mask, Some(TrainedMask { causal_mask: CausalMask::Published, online_step: 5 }));
    assert_eq!(weights.iteration, Some(7));
    assert!(!weights.tensors.iter().any(|tensor| tensor.name.ends_with("causal_mask")), "a buffer is no weight");
}

#[test]
fn every_weight_finds_its_place_and_comes_out_as_it_went_in() {
    let mut given = weights().tensors;
    given.sort_by(|one, other| one.name.cmp(&other.name));
    let loaded = parameters(&weights().load_into(model()).unwrap());
    assert_eq!(given.len(), loaded.len());
    for (given, loaded) in given.iter().zip(&loaded) {
        assert_eq!(given, loaded);
    }
    // The heads of the script: 23 codes of action units, width 12.
    let head = given.iter().find(|tensor| tensor.name == "head_AU.weight").unwrap();
    assert_eq!(head.shape, [23, 12]);
}

#[test]
fn missing_extra_and_misshapen_weights_are_named() {
    // The published code only counted them (defect 22).
    let start = format!("`{}` does not fit the model: ", fixture().display());
    let missing = refused(|tensors| tensors.retain(|tensor| tensor.name != "head_slm.weight"));
    assert!(missing.starts_with(&start) && missing.contains("missing [\"head_slm.weight\"]"), "{missing}");
    let extra = refused(|tensors| {
        let more = NamedTensor { name: "decoder.weight".into(), shape: vec![1], values: vec![0.0] };
        tensors.push(more);
    });
    assert!(extra.starts_with(&start) && extra.contains("not part of the model [\"decoder.weight\"]"), "{extra}");
    let misshapen = refused(|tensors| {
        tensors.iter_mut().find(|tensor| tensor.name == "s_pose_me").unwrap().shape = vec![12];
    });
    assert!(misshapen.starts_with(&start), "{misshapen}");
    assert!(misshapen.ends_with("`s_pose_me` has shape [12], expected [1, 1, 12]"), "{misshapen}");
    let damaged = refused(|tensors| {
        tensors.iter_mut().find(|tensor| tensor.name == "s_pose_me").unwrap().values[3] = f32::NAN;
    });
    assert!(
        damaged.ends_with("`s_pose_me` has a value at 3 that is not finite, expected trained weights"),
        "{damaged}"
    );
}

#[test]
fn a_published_run_folder_is_searched_by_iteration() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    fs::create_dir(&models).unwrap();
    fs::copy(fixture(), models.join("iter_7.ckpt")).unwrap();
    fs::copy(fixture(), models.join("last.ckpt")).unwrap();
    let found = |iteration| checkpoint_of_iteration(folder.path(), iteration);
    assert_eq!(found(7).unwrap(), models.join("iter_7.ckpt"));
    assert_eq!(found(-1).unwrap(), models.join("last.ckpt"));
    let error = found(8).unwrap_err().to_string();
    assert!(error.starts_with("no checkpoint of iteration 8 in `"), "{error}");
}

/// Exit code, stdout and stderr of a command line.
fn unifr(folder: &Path, line: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_unifr")).current_dir(folder).args(line.split(' ')).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn test_finds_the_published_weights_and_their_mask_wins_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let models = folder.path().join("artifacts/published/models");
    fs::create_dir_all(&models).unwrap();
    fs::copy(fixture(), models.join("iter_7.ckpt")).unwrap();
    let text = tiny::config_text("published", &[]).replace("dim_embed: 16", "dim_embed: 12");
    fs::write(folder.path().join("c.yaml"), text).unwrap();
    let (code, out, errors) = unifr(folder.path(), "test -i 7 -p -t online --config c.yaml");
    let expected = "artifacts/published/test_result/val_published_7_online_s5_t1_k0_p1_tokens_pred.npy\n";
    assert_eq!((code, out.as_str()), (0, expected), "{errors}");
    let warning = "warn: the checkpoint was trained with the mask `published` and `online_step` 5, which replaces \
                   `frame-causal` and 5 of the config";
    assert!(errors.contains(warning), "{errors}");
}

#[test]
fn training_goes_on_from_a_published_iteration_and_refuses_another_mask() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_data(folder.path());
    let models = folder.path().join("artifacts/published/models");
    fs::create_dir_all(&models).unwrap();
    fs::copy(fixture(), models.join("iter_7.ckpt")).unwrap();
    let (_, codes) = sizes_of(&weights().tensors).unwrap();
    let text = tiny::config_text("published", &["max_iter: 10", "total_batch_size: 2"])
        .replace("dim_embed: 16", "dim_embed: 12")
        .replace("n_l_AU: auto", &format!("n_l_AU: {}", codes.action_units))
        .replace("n_l_exp: auto", &format!("n_l_exp: {}", codes.expression))
        .replace("n_l_VA: auto", &format!("n_l_VA: {}", codes.valence_arousal));
    fs::write(folder.path().join("c.yaml"), &text).unwrap();
    let (code, _, errors) = unifr(folder.path(), "train -c 7 --config c.yaml");
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("was trained with the mask `published` and `online_step` 5"), "{errors}");

    let text = text.replace("causal_mask: frame-causal", "causal_mask: published");
    fs::write(folder.path().join("c.yaml"), text).unwrap();
    let (code, out, errors) = unifr(folder.path(), "train -c 7 --config c.yaml");
    // Micro-batches of two clips and updates of two: iteration 7 is update 7, and the last before 10 is update 9.
    assert_eq!((code, out.as_str()), (0, "artifacts/published/checkpoints/step_0000009\n"), "{errors}");
    assert!(errors.contains("at update 7; the optimizer starts anew"), "{errors}");
}

#[test]
fn converted_weights_are_the_same_with_mask_and_iteration() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture(), folder.path().join("iter_7.ckpt")).unwrap();
    let (code, out, errors) = unifr(folder.path(), "convert iter_7.ckpt -o new/y.safetensors");
    assert_eq!((code, out.as_str()), (0, "new/y.safetensors\n"), "{errors}");
    let (mut before, after) = (weights(), Weights::read(&folder.path().join("new/y.safetensors")).unwrap());
    before.tensors.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(before.tensors == after.tensors);
    assert_eq!((before.trained_mask, before.iteration), (after.trained_mask, after.iteration));
    let (code, _, errors) = unifr(folder.path(), "convert iter_7.ckpt -o y.npy");
    assert_eq!(code, 2);
    assert!(errors.contains("`y.npy` is for weights, expected a name in `.safetensors`"), "{errors}");
}

#[test]
fn what_is_no_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ckpt");
    let whole = fs::read(fixture()).unwrap();
    for bytes in [&b"not weights"[..], &whole[..whole.len() / 2], &[]] {
        fs::write(&path, bytes).unwrap();
        let error = Weights::read(&path).unwrap_err().to_string();
        let start = format!("`{}` cannot be read as an archive of PyTorch: ", path.display());
        assert!(error.starts_with(&start), "{error}");
    }
}
