//! `unifr check`, the real program in an empty folder: what it prints and how it exits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Command;

use unifr::dataset::{Partition, Writer};
use unifr::features::{FeatureDims, SpeakerFeatures};

const DIMS: FeatureDims = FeatureDims {
    expression: 1,
    action_units: 1,
    valence_arousal: 1,
    pose: 1,
    filterbank: 1,
    functionals: 1,
    descriptors: 1,
};

/// A file of one clip of five frames whose filterbank holds `value`.
fn file(folder: &Path, value: f32) {
    let stream = vec![1.0; 5];
    let speaker = SpeakerFeatures {
        frame_count: 5,
        expression: stream.clone(),
        action_units: stream.clone(),
        valence_arousal: stream,
        pose: vec![1.0],
        filterbank: vec![value; 5],
        functionals: vec![1.0],
        descriptors: vec![1.0],
        has_face: vec![true; 5],
    };
    let mut writer = Writer::create(&folder.join("val.h5"), Partition::Val, DIMS, 5, &[]).unwrap();
    writer.append("clip/1", &speaker, None).unwrap();
    writer.finish().unwrap();
}

/// Exit code, stdout and stderr of `unifr check` with these arguments.
fn check(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let program = Command::new(env!("CARGO_BIN_EXE_unifr")).arg("check").args(arguments).current_dir(folder).output();
    let done = program.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_good_file_is_well() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), 1.0);
    let (code, out, _) = check(folder.path(), &["val.h5"]);
    assert_eq!((code, out.as_str()), (0, "val.h5: 1 clips of 5 frames, without listener tokens\n  all well\n"));
}

#[test]
fn a_file_with_nan_exits_with_1_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), f32::NAN);
    let (code, out, _) = check(folder.path(), &["val.h5"]);
    let expected = "val.h5: 1 clips of 5 frames, without listener tokens\n  problem: `s_MFCC` has NaN or infinite values \
                    (5), the first NaN in clip 0 at [0, 0], expected numbers; prepare these clips again\n";
    assert_eq!((code, out.as_str()), (1, expected));
}

#[test]
fn what_is_no_hdf5_file_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("zeros.h5"), [0; 1000]).unwrap();
    let (code, out, _) = check(folder.path(), &["zeros.h5"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("zeros.h5: not a prepared file\n  problem: it is not a whole HDF5 file: "), "{out}");
}

#[test]
fn a_missing_file_exits_with_2_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = check(folder.path(), &["nowhere.h5"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("could not open `nowhere.h5`"), "{err}");
}
