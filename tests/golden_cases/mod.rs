//! Where the golden cases are, and what is reported when a kind has none.
//!
//! `$UNIFR_GOLDEN_DIR` names a folder with the layout of `tests/golden`; the default is that folder.
#![allow(dead_code, reason = "each parity test uses its own part of this helper")]

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

/// The folder of all golden cases.
pub fn root() -> PathBuf {
    std::env::var_os("UNIFR_GOLDEN_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
}

/// The clips with a real face, which are not part of this repository; absent on most machines.
pub fn media_folder() -> PathBuf {
    folder_beside("UNIFR_MEDIA_DIR", "../shared/media")
}

/// The published index files and matrices, which are not part of this repository.
pub fn splits_folder() -> PathBuf {
    folder_beside("UNIFR_SPLITS_DIR", "../shared/data/react2023")
}

fn folder_beside(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(default), PathBuf::from)
}

/// All files of `kind` (a folder below the root) with that extension, sorted by name; none if the folder is absent.
pub fn files(kind: &str, extension: &str) -> Vec<PathBuf> {
    files_in(&root().join(kind), extension)
}

/// All files in `folder` with that extension, sorted by name; none if the folder is absent.
pub fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

/// All folders in `folder`, sorted by name; none if it is absent.
pub fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths
}

/// The trials of one kind; an ignored one that says so where no case was found.
pub fn of_kind(kind: &str, trials: Vec<Trial>) -> Vec<Trial> {
    if trials.is_empty() {
        let name = format!("{kind}: no cases under {}", root().display());
        return vec![Trial::test(name, || Ok(())).with_ignored_flag(true)];
    }
    trials
}

/// One trial that fails with the text of its error.
pub fn trial(name: impl Into<String>, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(Failed::from))
}

/// Runs the trials like the standard test harness does.
pub fn run(trials: Vec<Trial>) -> Conclusion {
    libtest_mimic::run(&Arguments::from_args(), trials)
}

/// Compares two slices; on failure names the worst element, its place and both values.
pub fn close(what: &str, found: &[f64], expected: &[f64], tolerance: impl Fn(f64) -> f64) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} values, expected {}", found.len(), expected.len()));
    }
    let mut worst: Option<(f64, usize)> = None;
    for (place, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = a.total_cmp(b).is_eq() || (a.is_nan() && b.is_nan());
        let excess = if same { 0.0 } else { (a - b).abs() / tolerance(*b) };
        let excess = if excess.is_nan() { f64::INFINITY } else { excess };
        if excess > worst.map_or(1.0, |(most, _)| most) {
            worst = Some((excess, place));
        }
    }
    match worst {
        None => Ok(()),
        Some((excess, place)) => Err(format!(
            "{what}: worst at {place}: found {}, expected {}, {excess:.2} times the tolerance",
            found[place], expected[place]
        )),
    }
}
