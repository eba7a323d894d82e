//! Any clips to one prepared file, without listeners.
//!
//! In:  mp4 files and folders.
//! Out: an HDF5 file of the published layout; each row is named after its clip's path.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Written;
use super::options::CheckedOptions;
use super::work::{prepare_all, verdict_of};
use crate::dataset::{Partition, Writer};
use crate::report::Problems;

/// Prepares the clips into `out`.
pub fn prepare(named: &[PathBuf], out: &Path, options: &CheckedOptions) -> anyhow::Result<Written> {
    let paths = found_clips(named)?;
    let dims = options.prepare.feature_set.dims();
    let deed = || format!("could not write `{}`", out.display());
    // No listener is known, as in the published test part.
    let writer = Writer::create(out, Partition::Test, dims, options.frame_count, &options.borrowed_notes());
    let mut writer = writer.with_context(deed)?;
    let problems = Problems::default();
    let done = prepare_all(&paths, options, &problems, |position, clip| {
        let name = paths[position].to_string_lossy();
        writer.append(&name, &clip.features, None).with_context(deed)
    })?;
    if done.kept_count == 0 {
        bail!("{}", problems.summary(paths.len(), "clips").unwrap_or_default());
    }
    writer.finish().with_context(deed)?;
    Ok(Written { paths: vec![out.to_owned()], verdict: verdict_of(&problems, paths.len()) })
}

/// Files as they are named; the clips of folders in the order of their paths.
fn found_clips(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = paths.len();
            add_clips_of(path, &mut paths).with_context(|| format!("could not list folder `{}`", path.display()))?;
            if paths.len() == before {
                bail!("folder `{}` has no file that ends in `.mp4`", path.display());
            }
        } else {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

fn add_clips_of(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        // A link to a folder may lead back here.
        if path.is_dir() && !path.is_symlink() {
            add_clips_of(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mp4")) {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_named_files_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.mp4", "b/1.MP4", "a.mp4", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = found_clips(&[PathBuf::from("x.mov"), folder.path().to_owned()]).unwrap();
        let expected = ["a.mp4", "b/1.MP4", "c.mp4"].map(|name| folder.path().join(name));
        assert_eq!(found[0], PathBuf::from("x.mov"));
        assert_eq!(found[1..], expected);
    }

    #[test]
    fn a_folder_without_clips_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = found_clips(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(message.contains("has no file that ends in `.mp4`"), "{message}");
    }
}
