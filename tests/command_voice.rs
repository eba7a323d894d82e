//! `unifr voice` in an empty folder: what it writes is what the reference gives for the golden sounds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden_cases;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unifr::files::npy;

/// Runs the program; returns its exit code, what it wrote to stdout and to stderr.
fn unifr(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_unifr")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Every golden sound; none of them is reported, not passed over.
fn sounds() -> Vec<PathBuf> {
    let sounds = golden_cases::files("compare2016", "wav");
    if sounds.is_empty() {
        eprintln!("skipped: no golden sounds under {}", golden_cases::root().display());
    }
    sounds
}

/// How many values are further from the reference's than rounding; the columns one by one are `parity_compare`'s.
fn differing(found: &[f32], golden: &Path) -> usize {
    let expected = npy::read_f32(golden).unwrap().1;
    assert_eq!(found.len(), expected.len(), "{}", golden.display());
    let is_far = |(a, b): &(&f32, &f32)| !(a.is_nan() && b.is_nan()) && (**a - **b).abs() > 2e-5 * b.abs().max(1.0);
    found.iter().zip(&expected).filter(is_far).count()
}

#[test]
fn the_command_writes_what_the_reference_gives() {
    let folder = tempfile::tempdir().unwrap();
    for sound in sounds() {
        fs::copy(&sound, folder.path().join("sound.wav")).unwrap();
        for (flag, ending) in [("--functionals", "func.npy"), ("--lld", "lld.npy")] {
            let (code, out, errors) = unifr(folder.path(), &["voice", "sound.wav", flag, "-o", "out.npy"]);
            let golden = sound.with_extension(ending);
            let found = npy::read_f32(&folder.path().join("out.npy")).unwrap().1;
            let far = differing(&found, &golden);
            // The README of the golden data lets a thousandth of the values differ.
            assert!(far * 1000 <= found.len(), "{}: {far} of {} values", golden.display(), found.len());
            let is_too_short = found.iter().all(|value| value.is_nan());
            assert_eq!((code, out.as_str()), (Some(i32::from(is_too_short)), "out.npy\n"), "{errors}");
        }
    }
}

#[test]
fn csv_has_a_line_of_names_and_as_many_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sound) = sounds().into_iter().next() else { return };
    let (code, out, errors) = unifr(folder.path(), &["voice", sound.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{errors}");
    let columns: Vec<usize> = out.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [6373, 6373]);
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, errors) = unifr(folder.path(), &["voice", "missing.wav"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains("could not open `missing.wav`"), "{errors}");
    fs::write(folder.path().join("text.wav"), "no sound at all").unwrap();
    let (code, _, errors) = unifr(folder.path(), &["voice", "text.wav"]);
    assert_eq!(code, Some(2), "{errors}");
    let (code, _, errors) = unifr(folder.path(), &["voice", "text.wav", "-o", "out.txt"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("expected `.csv` or `.npy`"), "{errors}");
}
