//! Files that are not what they should be: each gives its sentence, none a panic, a hang or a wrong number.
//!
//! The damaged files are made from one that our own writer made; the one written by h5py is in `parity_data`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use unifr::dataset::{DatasetError, Partition, Reader, Severity, Writer, check};
use unifr::features::{FeatureDims, SpeakerFeatures};
use unifr::tokens::VocabularySizes;

const DIMS: FeatureDims = FeatureDims {
    expression: 3,
    action_units: 5,
    valence_arousal: 2,
    pose: 4,
    filterbank: 6,
    functionals: 7,
    descriptors: 8,
};
const FRAMES: usize = 10;

fn speaker() -> SpeakerFeatures {
    SpeakerFeatures {
        frame_count: FRAMES,
        expression: vec![1.0; 30],
        action_units: vec![2.0; 50],
        valence_arousal: vec![3.0; 20],
        pose: vec![4.0; 8],
        filterbank: vec![5.0; 60],
        functionals: vec![6.0; 7],
        descriptors: vec![7.0; 8],
        has_face: vec![true; FRAMES],
    }
}

fn tokens() -> [Vec<i32>; 3] {
    [vec![1; FRAMES], vec![2; FRAMES], vec![3; FRAMES]]
}

/// A file of clips that `change` may spoil.
fn file(folder: &Path, change: impl Fn(usize, &mut SpeakerFeatures, &mut [Vec<i32>; 3])) -> PathBuf {
    let path = folder.join("train_shuffled.h5");
    let mut writer = Writer::create(&path, Partition::Train, DIMS, FRAMES, &[]).unwrap();
    for row in 0..4 {
        let (mut speaker, mut tokens) = (speaker(), tokens());
        change(row, &mut speaker, &mut tokens);
        writer.append(&format!("clip/{row}"), &speaker, Some(&tokens)).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn good(folder: &Path) -> PathBuf {
    file(folder, |_, _, _| {})
}

/// The error and its causes in one line.
fn sentence(error: &DatasetError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(reason) = cause {
        text = format!("{text}: {reason}");
        cause = reason.source();
    }
    text
}

fn problems(path: &Path) -> Vec<String> {
    let sizes = VocabularySizes { action_units: 2, expression: 3, valence_arousal: 4 };
    let findings = check(path, Some(sizes), &mut |_, _| {}).unwrap().findings;
    findings.into_iter().filter(|finding| finding.severity == Severity::Problem).map(|finding| finding.text).collect()
}

fn notes(path: &Path) -> Vec<String> {
    let findings = check(path, None, &mut |_, _| {}).unwrap().findings;
    findings.into_iter().filter(|finding| finding.severity == Severity::Note).map(|finding| finding.text).collect()
}

#[test]
fn a_good_file_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let path = good(folder.path());
    assert!(problems(&path).is_empty() && notes(&path).is_empty());
}

#[test]
fn a_missing_file_is_named() {
    let error = Reader::open(Path::new("nowhere/train_shuffled.h5")).err().unwrap();
    assert!(sentence(&error).starts_with("could not open `nowhere/train_shuffled.h5`: No such file"), "{error}");
}

#[test]
fn what_is_no_hdf5_file_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("zeros.h5", vec![0; 4096]), ("empty.h5", Vec::new()), ("text.h5", b"speaker,listener".to_vec())]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let text = sentence(&Reader::open(&path).err().unwrap());
        assert!(
            text.starts_with(&format!("could not use `{}`: it is not a whole HDF5 file", path.display())),
            "{text}"
        );
        assert!(text.ends_with("copy it again or prepare it again with `unifr prepare`"), "{text}");
        assert_eq!(problems(&path).len(), 1);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = good(folder.path());
    let bytes = std::fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(97) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(Reader::open(&path).is_err(), "cut to {length} of {} bytes", bytes.len());
        assert!(!problems(&path).is_empty());
    }
}

#[test]
fn other_widths_than_asked_for_are_told_with_both_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = good(folder.path());
    let error = Reader::open(&path).unwrap().require_dims(&FeatureDims { action_units: 6, ..DIMS }).unwrap_err();
    let expected = format!("could not use `{}`: `s_AU` has shape [4, 10, 5], expected [4, 10, 6]", path.display());
    assert_eq!(sentence(&error), expected);
}

#[test]
fn a_missing_dataset_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("few.h5");
    let mut builder = hdf5::FileBuilder::new();
    builder.create_dataset("s_exp").with_f32_data(&[0.0; 60]).with_shape(&[2, 10, 3]);
    builder.write(&path).unwrap();
    let text = sentence(&Reader::open(&path).err().unwrap());
    assert!(text.contains("`s_AU` is missing, expected [clips, frames, width]; prepare the file again"), "{text}");
    assert_eq!(problems(&path).len(), 8);
}

#[test]
fn wrong_shapes_and_types_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.h5");
    let mut builder = hdf5::FileBuilder::new();
    for (name, shape) in [("s_exp", [2, 10, 3]), ("s_AU", [2, 10, 5]), ("s_VA", [2, 9, 2]), ("s_pose", [3, 2, 4])] {
        let count = shape.iter().product::<u64>() as usize;
        builder.create_dataset(name).with_f32_data(&vec![0.0; count]).with_shape(&shape);
    }
    builder.create_dataset("s_MFCC").with_f64_data(&[0.0; 120]).with_shape(&[2, 10, 6]);
    builder.create_dataset("s_GeMapfunc").with_f32_data(&[0.0; 14]).with_shape(&[2, 7]);
    builder.create_dataset("s_GeMaplld").with_f32_data(&[0.0; 16]).with_shape(&[2, 8]);
    builder.create_dataset("is_face").with_i64_data(&[0; 20]).with_shape(&[2, 10]);
    builder.create_dataset("s_name").with_vlen_strings(&["a", "b"]);
    builder.write(&path).unwrap();
    let expected = [
        "`s_VA` has shape [2, 9, 2], expected [2, 10, 2]",
        "`s_pose` has shape [3, 2, 4], expected [2, 2, 4]",
        "`s_MFCC` holds elements of type `f64`, expected `f32`",
        "`is_face` holds elements of type `i64`, expected `i32`",
    ];
    assert_eq!(problems(&path), expected);
}

#[test]
fn numbers_that_are_none_are_counted_and_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), |row, speaker, _| {
        if row == 2 {
            speaker.expression[4] = f32::NAN;
            speaker.expression[29] = f32::INFINITY;
            speaker.functionals[1] = f32::NAN;
        }
    });
    let text = "`s_exp` has NaN or infinite values (2), the first NaN in clip 2 at [1, 1], expected numbers; prepare \
                these clips again";
    assert_eq!(problems(&path), [text]);
    let text = "`s_GeMapfunc` has NaN or infinite values (1), the first NaN in clip 2 at [1]; they are read as 0";
    assert_eq!(notes(&path), [text]);
    // The reader hands them over as they are.
    assert!(Reader::open(&path).unwrap().speaker(2).unwrap().functionals[1].is_nan());
}

#[test]
fn tokens_beyond_their_codebook_are_counted_and_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), |row, _, tokens| {
        if row == 1 {
            (tokens[1][7], tokens[2][3]) = (3, -1);
        }
    });
    let hint = "prepare the file with the codebooks it is used with";
    let expected = [
        format!(
            "`l_tokens` has tokens of expression out of range (1), the first `3` in clip 1 at frame 7, expected 0 to 2; {hint}"
        ),
        format!(
            "`l_tokens` has tokens of valence-arousal out of range (1), the first `-1` in clip 1 at frame 3, expected 0 to 3; \
             {hint}"
        ),
    ];
    assert_eq!(problems(&path), expected);
}

#[test]
fn clips_without_any_face_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), |row, speaker, _| {
        if row == 3 {
            speaker.has_face.fill(false);
        }
    });
    assert_eq!(notes(&path), ["1 of 4 clips show no face in any frame, the first is clip 3"]);
}

#[test]
fn clips_that_do_not_fit_are_refused_before_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.h5");
    let mut writer = Writer::create(&path, Partition::Train, DIMS, FRAMES, &[]).unwrap();
    let short = SpeakerFeatures { filterbank: vec![0.0; 59], ..speaker() };
    let text = writer.append("a", &short, Some(&tokens())).unwrap_err().to_string();
    assert_eq!(text, "clip `a` does not fit the file: the filterbank stream has 59 values, expected 60");
    let text = writer.append("a", &speaker(), None).unwrap_err().to_string();
    assert!(text.ends_with("it has no listener tokens, and a training file needs them"), "{text}");
    let text = writer.append("a", &speaker(), Some(&[vec![0; 9], vec![0; 10], vec![0; 10]])).unwrap_err().to_string();
    assert!(text.ends_with("its listener tokens have [9, 10, 10] frames, expected 10"), "{text}");
    writer.append("a", &speaker(), Some(&tokens())).unwrap();
    writer.finish().unwrap();
    assert_eq!(Reader::open(&path).unwrap().clip_count(), 1);
}

#[test]
fn compressed_files_and_files_cut_in_other_pieces_are_read_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (good(folder.path()), folder.path().join("packed.h5"));
    let mut builder = hdf5::FileBuilder::new();
    let mut floats = |name: &str, shape: &[u64], chunk: &[u64], value: f32| {
        let count = shape.iter().product::<u64>() as usize;
        let dataset = builder.create_dataset(name);
        dataset.with_f32_data(&vec![value; count]).with_shape(shape).with_chunks(chunk).with_shuffle().with_deflate(4);
    };
    floats("s_exp", &[4, 10, 3], &[3, 7, 2], 1.0);
    floats("s_AU", &[4, 10, 5], &[1, 10, 5], 2.0);
    floats("s_VA", &[4, 10, 2], &[4, 1, 1], 3.0);
    floats("s_pose", &[4, 2, 4], &[2, 2, 2], 4.0);
    floats("s_MFCC", &[4, 10, 6], &[1, 10, 6], 5.0);
    floats("s_GeMapfunc", &[4, 7], &[4, 7], 6.0);
    floats("s_GeMaplld", &[4, 8], &[1, 3], 7.0);
    builder.create_dataset("is_face").with_i32_data(&[1; 40]).with_shape(&[4, 10]);
    builder.create_dataset("s_name").with_vlen_strings(&["a", "b", "c", "d"]);
    builder.write(&packed).unwrap();
    let (plain, packed) = (Reader::open(&plain).unwrap(), Reader::open(&packed).unwrap());
    for row in 0..4 {
        assert_eq!(packed.speaker(row).unwrap(), plain.speaker(row).unwrap());
    }
    assert!(sentence(&packed.listener_tokens(0).unwrap_err()).ends_with("only training files have them"));
    assert!(sentence(&packed.speaker(4).unwrap_err()).ends_with("clip 4 was asked for, but there are 4 clips"));
}

#[test]
fn many_threads_read_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let reader = Reader::open(&good(folder.path())).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|turn| assert_eq!(reader.speaker(turn % 4).unwrap(), speaker())));
        }
    });
}

#[test]
fn work_that_is_cut_off_keeps_the_clips_of_the_last_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (path, growing) = (folder.path().join("train.h5"), folder.path().join("train.h5.unfinished"));
    let mut writer = Writer::create(&path, Partition::Train, DIMS, FRAMES, &[]).unwrap();
    writer.append("a", &speaker(), Some(&tokens())).unwrap();
    assert!(Reader::open(&growing).is_err());
    writer.commit().unwrap();
    writer.append("b", &speaker(), Some(&tokens())).unwrap();
    let reader = Reader::open(&growing).unwrap();
    assert_eq!((reader.names(), reader.speaker(0).unwrap()), (&["a".to_owned()][..], speaker()));
    assert!(!path.exists());
    writer.finish().unwrap();
    assert_eq!(Reader::open(&path).unwrap().names(), ["a", "b"]);
    assert!(!growing.exists());
}

#[test]
fn notes_and_names_in_any_language_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("val.h5");
    let long = "ж".repeat(100_000);
    let notes = [("feature_set", "compact"), ("options", long.as_str())];
    let mut writer = Writer::create(&path, Partition::Val, DIMS, FRAMES, &notes).unwrap();
    writer.append("日本/1", &speaker(), None).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.name(0).unwrap(), "日本/1");
    let attributes = reader.attributes().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = [("feature_set", "compact"), ("options", &long), ("partition", "val"), ("unifr_version", version)];
    assert_eq!(attributes, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    // The widths are not those of the feature set that the file names.
    assert!(problems(&path)[0].starts_with("`s_exp` has rows of shape [10, 3], expected [10, 256]"));
}
