//! `unifr synth` as a person runs it: an empty folder in, a corpus and its paths out.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::{Command, Output};

fn synth(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unifr"));
    command.current_dir(folder).arg("synth").args(arguments.split(' ')).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_path_on_stdout_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), "corpus --frames 50 --train 16 --val 8 --test 8");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), 18);
    for line in stdout.lines() {
        let path = line.split(':').next().unwrap();
        assert!(folder.path().join(path).is_file(), "{line}");
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/train_shuffled.h5"), "precious").unwrap();
    let output = synth(folder.path(), "data --frames 50 --train 16 --val 8 --test 8");
    assert_eq!(output.status.code(), Some(2));
    let message = "`data` is not empty, expected an empty or new folder; name another one or add `--replace`";
    assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(folder.path().join("data/train_shuffled.h5")).unwrap(), b"precious");
}

#[test]
fn sizes_that_cannot_be_made_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), "corpus --val 12");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`val` is 12, expected a multiple of 8"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
