//! `unifr prepare`, the real program in an empty folder: what it writes, prints and how it exits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use unifr::dataset::{Partition, Reader};
use unifr::features::FeatureSet;
use unifr::tokens::{Attributes, write_emotion_csv};

/// Frames of every prepared clip here: few, so that the tests are quick.
const FRAMES: usize = 20;

fn demo_clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/speaker.mp4")
}

/// Exit code, stdout and stderr of `unifr prepare` with these arguments.
fn prepare(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let frames = FRAMES.to_string();
    let program = Command::new(env!("CARGO_BIN_EXE_unifr"))
        .args(["prepare", "--frames", &frames])
        .args(arguments)
        .current_dir(folder)
        .output();
    let done = program.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_clip_becomes_a_file_with_the_features_of_its_face_and_voice() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(demo_clip(), folder.path().join("a.mp4")).unwrap();
    let (code, out, errors) = prepare(folder.path(), &["a.mp4", "--out", "new/prepared.h5"]);
    assert_eq!((code, out.as_str()), (0, "new/prepared.h5\n"), "{errors}");
    assert!(errors.contains("decode: ") && errors.contains("frames/s"), "{errors}");
    let reader = Reader::open(&folder.path().join("new/prepared.h5")).unwrap();
    assert_eq!((reader.clip_count(), reader.dims()), (1, FeatureSet::Compact.dims()));
    assert_eq!(reader.name(0).unwrap(), "a.mp4");
    let speaker = reader.speaker(0).unwrap();
    assert!(speaker.has_face.iter().all(|has_face| *has_face));
    assert!(speaker.expression.iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(reader.attributes().unwrap().contains(&("feature_set".to_owned(), "compact".to_owned())));
}

#[test]
fn a_broken_clip_is_named_and_left_out_and_the_exit_code_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(demo_clip()).unwrap();
    std::fs::write(folder.path().join("whole.mp4"), &whole).unwrap();
    std::fs::write(folder.path().join("cut.mp4"), &whole[..whole.len() / 2]).unwrap();
    let (code, out, errors) = prepare(folder.path(), &["."]);
    assert_eq!((code, out.as_str()), (1, "data/prepared.h5\n"), "{errors}");
    assert!(errors.contains("1 of 2 clips could not be used") && errors.contains("`./cut.mp4`"), "{errors}");
    assert_eq!(Reader::open(&folder.path().join("data/prepared.h5")).unwrap().names(), ["./whole.mp4"]);
}

#[test]
fn a_missing_clip_alone_is_work_that_cannot_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, errors) = prepare(folder.path(), &["nowhere.mp4"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.contains("nowhere.mp4"), "{errors}");
    assert!(!folder.path().join("data/prepared.h5").exists());
}

#[test]
fn the_published_networks_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, errors) = prepare(folder.path(), &["a.mp4", "--feature-set", "react2023"]);
    assert_eq!(code, 2);
    assert!(errors.contains("not in this build yet"), "{errors}");
}

/// The published tree with two people: `a/1` and `b/1` react to each other, each with its own action units.
fn tree(folder: &Path) {
    let root = folder.join("data");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("train_idx.csv"), "a/1\nb/1\n").unwrap();
    for (number, id) in ["a/1", "b/1"].into_iter().enumerate() {
        let video = Partition::Train.video_path(&root, id);
        std::fs::create_dir_all(video.parent().unwrap()).unwrap();
        std::fs::copy(demo_clip(), video).unwrap();
        let mut attributes: Attributes = [0.0; 25];
        attributes[0] = number as f64;
        let emotion = Partition::Train.emotion_path(&root, id);
        std::fs::create_dir_all(emotion.parent().unwrap()).unwrap();
        write_emotion_csv(&emotion, &[attributes; FRAMES]).unwrap();
    }
}

#[test]
fn a_training_row_holds_the_tokens_of_the_speakers_partner() {
    // The published script looked the partner up by a letter of a path and could not finish (defect 1).
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let (code, out, errors) = prepare(folder.path(), &["-d", "train"]);
    assert_eq!((code, out.as_str()), (0, "data/train_shuffled.h5\n"), "{errors}");
    let reader = Reader::open(&folder.path().join("data/train_shuffled.h5")).unwrap();
    let order = reader.clip_order().unwrap().unwrap();
    for (row, clip) in order.into_iter().enumerate() {
        // Combinations are numbered in ascending order: that of clip 0 is token 0, that of clip 1 is token 1.
        assert_eq!(reader.listener_tokens(row).unwrap()[0], vec![1 - clip as i32; FRAMES]);
    }
    assert!(folder.path().join("data/Index/AU_index.csv").exists());
}

#[test]
fn a_listener_without_attributes_costs_its_speaker_the_row() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    std::fs::remove_file(Partition::Train.emotion_path(&folder.path().join("data"), "b/1")).unwrap();
    let (code, _, errors) = prepare(folder.path(), &["-d", "train"]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("1 of 2 clips could not be used") && errors.contains("Emotion/b/1.csv"), "{errors}");
    let reader = Reader::open(&folder.path().join("data/train_shuffled.h5")).unwrap();
    assert_eq!(reader.clip_order().unwrap(), Some(vec![1]));
}
