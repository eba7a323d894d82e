//! The verbs around tokens, run in an empty folder: `convert`, `decode`, `select`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use unifr::files::npy;
use unifr::tokens::{Attributes, Cells, CodebookBuilder, CodebookSettings, FrameTokens, TokenArray, read_emotion_csv};

const CLIPS: usize = 4;
const REACTIONS: usize = 2;
const FRAMES: usize = 3;
const TOKENS_FILE: &str = "val_x_-1_offline_s8_t1_k0_p1_tokens_pred.npy";
const ATTRIBUTES_FILE: &str = "results/val_x_-1_offline_s8_t1_k0_p1_pred.npy";

/// Attributes whose codebooks have three entries each; valence and arousal are the upper edges of cells.
fn rows() -> [Attributes; 3] {
    std::array::from_fn(|number| {
        std::array::from_fn(|column| match column {
            15 | 16 => number as f64 * 0.25 - 0.025 + 0.0125,
            _ => f64::from(u8::from(column % 3 == number)),
        })
    })
}

/// An empty folder with codebooks of [`rows`] and a prediction that uses all their tokens.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = CodebookBuilder::new(CodebookSettings { cells: Cells::Clamped, ..CodebookSettings::default() });
    builder.add(&rows()).unwrap();
    builder.finish().unwrap().save(&folder.path().join("data/Index")).unwrap();
    tokens().write(&folder.path().join(TOKENS_FILE)).unwrap();
    std::fs::write(folder.path().join("data/val_idx.csv"), "A/1\nB/1\nA/2\nB/2\n").unwrap();
    std::fs::write(folder.path().join("data/5_samples.csv"), "speaker,listener\nB/1,B/2\n").unwrap();
    folder
}

fn tokens() -> TokenArray {
    let mut tokens = TokenArray::zeros(CLIPS, REACTIONS, FRAMES);
    for place in 0..CLIPS * REACTIONS * FRAMES {
        let token = (place % 3) as u32;
        let frame = FrameTokens { action_units: token, expression: 2 - token, valence_arousal: token };
        tokens.set_frame(place / (REACTIONS * FRAMES), place / FRAMES % REACTIONS, place % FRAMES, frame);
    }
    tokens
}

/// Runs the program; returns its exit code, what it wrote to stdout and to stderr.
fn unifr(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_unifr")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn predictions_are_decoded_and_the_samples_picked() {
    let folder = folder();
    let (code, stdout, _) = unifr(folder.path(), &["decode", TOKENS_FILE]);
    assert_eq!((code, stdout.as_str()), (Some(0), format!("{ATTRIBUTES_FILE}\n").as_str()));
    let (shape, values) = npy::read_f64(&folder.path().join(ATTRIBUTES_FILE)).unwrap();
    assert_eq!(shape, [CLIPS, REACTIONS, FRAMES, 25]);

    let (code, stdout, _) = unifr(folder.path(), &["select", ATTRIBUTES_FILE]);
    let samples = "results/val_x_-1_offline_s8_t1_k0_p1_5_samples";
    assert_eq!((code, stdout.as_str()), (Some(0), format!("{samples}\n").as_str()));
    let picked = read_emotion_csv(&folder.path().join(samples).join("B_1_1.csv")).unwrap();
    // Clip 1, reaction 1.
    let start = (REACTIONS + 1) * FRAMES * 25;
    assert_eq!(picked.as_flattened(), &values[start..start + FRAMES * 25]);
}

#[test]
fn a_token_outside_the_codebook_is_named_with_its_place() {
    let folder = folder();
    let mut tokens = tokens();
    tokens.set_frame(3, 1, 2, FrameTokens { valence_arousal: 9000, ..FrameTokens::default() });
    tokens.write(&folder.path().join("wrong.npy")).unwrap();
    let (code, stdout, stderr) = unifr(folder.path(), &["decode", "wrong.npy"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let expected =
        "the valence-arousal token 9000 at clip 3, reaction 1, frame 2 is not in the codebook, which ends at 2";
    assert!(stderr.contains(expected), "{stderr}");
    assert!(!folder.path().join("results/wrong_pred.npy").exists(), "half a file is not left behind");
}

#[test]
fn centres_in_a_pickle_are_converted_once() {
    let folder = folder();
    let index = folder.path().join("data/Index");
    std::fs::remove_file(index.join("kmeans.npy")).unwrap();
    let pickle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickle/kmeans_4.pkl");
    std::fs::copy(pickle, index.join("kmeans.pkl")).unwrap();

    let (code, _, stderr) = unifr(folder.path(), &["decode", TOKENS_FILE]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("run `unifr convert data/Index/kmeans.pkl`"), "{stderr}");

    let (code, stdout, _) = unifr(folder.path(), &["convert", "data/Index/kmeans.pkl"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "data/Index/kmeans.npy\n"));
    assert_eq!(unifr(folder.path(), &["decode", TOKENS_FILE]).0, Some(0));
}

#[test]
fn a_pickle_with_a_callable_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.pkl"), b"cos\nsystem\n(S'touch executed'\ntR.").unwrap();
    let (code, stdout, stderr) = unifr(folder.path(), &["convert", "x.pkl"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let expected = "`x.pkl` asks for `os.system` at byte 0, which is not plain data; pickles are never executed";
    assert!(stderr.contains(expected), "{stderr}");
    assert!(!folder.path().join("executed").exists());
}

#[test]
fn missing_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, path) in [
        (&["convert", "absent.pkl"][..], "absent.pkl"),
        (&["decode", "absent.npy"], "data/Index/AU_index.csv"),
        (&["select", "absent.npy"], "data/val_idx.csv"),
    ] {
        let (code, stdout, stderr) = unifr(folder.path(), arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains(&format!("could not open `{path}`")), "{stderr}");
    }
}
