//! `unifr synth`, `train`, `test`, `predict`, `decode`, `evaluate`: the whole way of a run, the real program in an
//! empty folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use unifr::files::npy;

/// Clips of the validation part.
const CLIPS: usize = 8;
/// More updates than are done before a signal comes.
const MANY: &[&str] = &["max_iter: 201", "total_batch_size: 2", "save_interval: 2"];
/// Three updates of two micro-batches.
const FEW: &[&str] = &["max_iter: 7", "total_batch_size: 4", "save_interval: 2", "gradient: mean"];

fn program(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unifr"));
    command.current_dir(folder).args(line.split(' '));
    command
}

/// Exit code, stdout and stderr of a command line.
fn unifr(folder: &Path, line: &str) -> (i32, String, String) {
    told(program(folder, line).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder with a corpus made by `unifr synth`, and configs `pretrained.yaml` and `finetuned.yaml`.
fn folder(pretraining: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("synth data --frames {} --train 16 --val {CLIPS} --test 8", tiny::FRAMES);
    let (code, _, errors) = unifr(folder.path(), &line);
    assert_eq!(code, 0, "{errors}");
    let finetuning: Vec<&str> = FEW.iter().copied().chain(["mode: finetune"]).collect();
    for (name, keys) in [("pretrained", pretraining), ("finetuned", &finetuning)] {
        fs::write(folder.path().join(format!("{name}.yaml")), tiny::config_text(name, keys)).unwrap();
    }
    folder
}

/// Runs a training until its first checkpoint, and then asks it to stop as Ctrl-C does.
fn stopped_by_ctrl_c(folder: &Path, line: &str) -> (i32, String, String) {
    let mut command = program(folder, line);
    let child: Child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let first = folder.join("artifacts/pretrained/checkpoints/step_0000002");
    while !first.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    told(child.wait_with_output().unwrap())
}

#[test]
fn ctrl_c_saves_and_a_resumed_run_goes_on_to_its_end() {
    let folder = folder(MANY);
    let (code, out, errors) = stopped_by_ctrl_c(folder.path(), "train --config pretrained.yaml");
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("stopped; go on with `unifr train --resume artifacts/pretrained`"), "{errors}");
    let newest = folder.path().join(out.trim_end());
    assert!(newest.join("state.json").is_file() && newest.join("model.safetensors").is_file(), "{out}");
    assert_ne!(out, "artifacts/pretrained/checkpoints/step_0000200\n", "it was stopped before its end");

    let (code, out, errors) = unifr(folder.path(), "train --resume artifacts/pretrained");
    assert_eq!((code, out.as_str()), (0, "artifacts/pretrained/checkpoints/step_0000200\n"), "{errors}");
    let log = fs::read_to_string(folder.path().join("artifacts/pretrained/log.csv")).unwrap();
    assert_eq!(log.lines().count(), 201, "a head, and a row for every update");
}

/// The shape of an array file below `folder`.
fn shape(folder: &Path, name: &str) -> Vec<usize> {
    npy::read(&folder.join(name)).unwrap().shape
}

#[test]
fn the_originals_command_lines_leave_files_with_the_published_names() {
    let folder = folder(FEW);
    let folder = folder.path();
    for name in ["pretrained", "finetuned"] {
        let (code, out, errors) = unifr(folder, &format!("train --config {name}.yaml -n 1 -l 1"));
        let expected = format!("artifacts/{name}/checkpoints/step_0000003\n");
        assert_eq!((code, out), (0, expected), "{errors}");
    }
    // Three updates of two micro-batches: iteration 6.
    for (run, iteration, task, steps) in [("finetuned", "6", "offline", 8), ("pretrained", "-1", "online", 5)] {
        let line = format!("test -i {iteration} -t {task} -d val -p -m -hf -s -ap --config {run}.yaml");
        let (code, out, errors) = unifr(folder, &line);
        assert_eq!(code, 0, "{errors}");
        let stem = format!("val_{run}_{iteration}_{task}_s{steps}_t1_k0_p1_");
        let tokens = format!("artifacts/{run}/test_result/{stem}tokens_pred.npy");
        let attributes = format!("results/{stem}pred.npy");
        let probabilities = format!("artifacts/{run}/test_result/{stem}probs.npy");
        let [text, json] = ["txt", "json"].map(|kind| format!("artifacts/{run}/test_log/{stem}metrics.{kind}"));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..5], [&tokens, &probabilities, &attributes, &text, &json]);
        let line = lines[lines.len() - 1];
        for name in ["FRC ", ", FRDist ", ", FRDiv ", ", FRVar ", ", FRDvs ", ", FRSyn "] {
            assert!(line.contains(name), "{out}");
        }
        assert_eq!(fs::read_to_string(folder.join(text)).unwrap().trim_end(), line);
        let scores: serde_json::Value = serde_json::from_slice(&fs::read(folder.join(json)).unwrap()).unwrap();
        assert!(scores.to_string().contains("frcorr"), "{scores}");
        assert_eq!(shape(folder, &tokens), [3, CLIPS, 10, tiny::FRAMES]);
        assert_eq!(shape(folder, &attributes), [CLIPS, 10, tiny::FRAMES, 25]);
        let (shape, values) = npy::read_f64(&folder.join(probabilities)).unwrap();
        assert_eq!(shape, [CLIPS, 10]);
        assert!(values.iter().all(|value| value.is_finite() && *value < 0.0));
        decoded_and_measured_alone(folder, &tokens, &attributes, line);
    }
}

/// `decode` and `evaluate` come to what `test` came to.
fn decoded_and_measured_alone(folder: &Path, tokens: &str, attributes: &str, line: &str) {
    let (code, out, errors) = unifr(folder, &format!("decode {tokens} --results again"));
    assert_eq!(code, 0, "{errors}");
    let again = fs::read(folder.join(out.trim_end())).unwrap();
    assert!(again == fs::read(folder.join(attributes)).unwrap());
    let (code, out, errors) = unifr(folder, &format!("evaluate {attributes} --appropriateness data/val_appro.npy"));
    assert_eq!((code, out.lines().last()), (0, Some(line)), "{errors}");
}

#[test]
fn predict_writes_what_test_writes_and_the_test_part_is_not_measured() {
    let folder = folder(FEW);
    let folder = folder.path();
    assert_eq!(unifr(folder, "train --config pretrained.yaml").0, 0);
    let (code, _, errors) = unifr(folder, "test -i -1 -d test -p -m --config pretrained.yaml");
    assert_eq!(code, 2);
    assert!(errors.contains("there is no ground truth of the test part, so it cannot be measured"), "{errors}");
    assert!(errors.contains("use `-d val`, or leave out `-m`"), "{errors}");
    let (code, out, errors) = unifr(folder, "test -i -1 -d test -p --config pretrained.yaml");
    assert_eq!(code, 0, "{errors}");
    let line =
        "predict --config pretrained.yaml --data data/test_sequential.h5 --out new/tokens.npy --probabilities p.npy";
    assert_eq!(unifr(folder, line).1, "new/tokens.npy\np.npy\n");
    assert!(fs::read(folder.join("new/tokens.npy")).unwrap() == fs::read(folder.join(out.trim_end())).unwrap());
    assert_eq!(shape(folder, "p.npy"), [8, 10]);
}
