//! Files of every kind: opened with their path in the error, replaced whole or not at all.
//!
//! In:  paths.
//! Out: bytes, text, numbers ([`npy`]), plain Python data ([`pickle`]).

pub mod npy;
pub mod pickle;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What can go wrong with a file as such.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused; the source says why.
    #[error("could not {deed} `{}`", path.display())]
    System {
        /// The deed as a verb, e.g. `open`.
        deed: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The bytes are not text.
    #[error("`{}` is not UTF-8 text: byte {place} does not fit", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that does not fit, counted from 0.
        place: usize,
    },
    /// The target of a write is a folder, a device or the like.
    #[error("`{}` exists and is not a regular file, so it is not replaced", path.display())]
    NotRegular {
        /// The target.
        path: PathBuf,
    },
}

impl FileError {
    /// Names the deed and the file that the system refused, for `map_err`.
    pub fn system(deed: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::System { deed, path, source }
    }
}

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(FileError::system("open", path))
}

/// All bytes of a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(FileError::system("read", path))?;
    Ok(bytes)
}

/// All text of a file, which must be UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path)?)
        .map_err(|error| FileError::NotText { path: path.into(), place: error.utf8_error().valid_up_to() })
}

/// Makes a folder and those above it; fine if it is there already.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(FileError::system("create the folder", path))
}

/// Writes a file so that `path` holds either what it held before or all of the new content, whatever happens.
///
/// Folders above it are made. The content goes to a file beside it, is brought to the disk, then takes its name.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FileError> {
    replace_atomically(path, |file| {
        let mut buffered = BufWriter::with_capacity(1 << 20, file);
        write(&mut buffered).and_then(|()| buffered.flush()).map_err(FileError::system("write", path))
    })
}

/// [`write_atomically`] for those who need the file itself, with their own errors.
pub(crate) fn replace_atomically<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<(), E> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(FileError::NotRegular { path: path.into() }.into());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    create_folder(folder)?;
    let partial = Partial::beside(path, folder);
    let file = File::create_new(&partial.path).map_err(FileError::system("write", path))?;
    fill(&file)?;
    file.sync_all().map_err(FileError::system("write", path))?;
    std::fs::rename(&partial.path, path).map_err(FileError::system("write", path))?;
    // The new name itself is on the disk only once the folder is.
    #[cfg(unix)]
    open(folder)?.sync_all().map_err(FileError::system("write", folder))?;
    Ok(())
}

/// The unfinished file beside the target; removed when dropped, unless it has been renamed by then.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(path: &Path, folder: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self { path: folder.join(format!(".{name}.{}-{number}.partial", std::process::id())) }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing to report: after the rename there is no such file, and before it an error is on its way.
        std::fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/numbers.txt");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomically(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("the pen broke"))
        });
        assert!(failed.unwrap_err().to_string().contains("numbers.txt"));
        assert_eq!(read_text(&path).unwrap(), "old");
        assert_eq!(names_in(path.parent().unwrap()), ["numbers.txt"]);
    }

    #[test]
    fn a_finished_write_replaces_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.txt");
        for content in ["first", "second"] {
            write_atomically(&path, |out| out.write_all(content.as_bytes())).unwrap();
            assert_eq!(read_text(&path).unwrap(), content);
        }
        assert_eq!(names_in(folder.path()), ["numbers.txt"]);
    }

    #[test]
    fn folders_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(folder.path(), |out| out.write_all(b"x")).unwrap_err();
        assert!(matches!(error, FileError::NotRegular { .. }));
    }

    #[test]
    fn errors_name_the_file_and_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.txt");
        assert_eq!(open(&path).unwrap_err().to_string(), format!("could not open `{}`", path.display()));
        std::fs::write(&path, b"ab\xff").unwrap();
        assert!(read_text(&path).unwrap_err().to_string().ends_with("is not UTF-8 text: byte 2 does not fit"));
    }
}
