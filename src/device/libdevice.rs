//! `libdevice.10.bc`, NVIDIA's mathematical functions for kernels: where it is, and how CubeCL is told.
//!
//! In:  places.
//! Out: the variable `CUDA_PATH` of this process, if CubeCL would not find the file by itself.
//! Source: CubeCL looks for `nvvm/libdevice/libdevice.10.bc` in `$CUDA_PATH` and nowhere else if that is set, otherwise in
//! the first of four folders that has `nvvm/libdevice` (`libdevice.rs` of cubecl-llvm 0.11.3). A file elsewhere gets a
//! folder of that layout, with a link to it, in the user's cache.

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};

use unifr_kernels::driver::set_cuda_path;

use crate::files::{FileError, create_folder, open};

/// The file's name, of every CUDA since 9.
const NAME: &str = "libdevice.10.bc";
/// Where it is below CUDA's folder.
const INSIDE: &str = "nvvm/libdevice/libdevice.10.bc";
/// Where CubeCL looks.
const USUAL: [&str; 4] = ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda", "/usr"];
/// The first bytes of every file of LLVM bitcode.
const MAGIC: [u8; 4] = *b"BC\xc0\xde";

/// Why the kernels cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum LibdeviceError {
    /// It is in none of the places.
    #[error("`{NAME}`, which kernels need for exp, tanh and the like, is in none of {}", listed(looked))]
    Missing {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The file that is meant is something else.
    #[error("`{}` is not LLVM bitcode, expected the `{NAME}` of CUDA's toolkit", path.display())]
    NotBitcode {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is too late to tell CubeCL.
    #[error("`CUDA_PATH` has to be `{}`, and can no longer be set as other threads are running", folder.display())]
    TooLate {
        /// What it has to be.
        folder: PathBuf,
    },
}

/// Where the file may be, in the order in which it is looked for.
#[derive(Clone, Debug, Default)]
pub struct LibdevicePlaces {
    /// The file that the user named, `UNIFR_LIBDEVICE`; then nothing else counts.
    pub named: Option<PathBuf>,
    /// CUDA's folder, `CUDA_PATH`.
    pub cuda_path: Option<PathBuf>,
    /// The folder of the program.
    pub program_folder: Option<PathBuf>,
    /// Usual folders of CUDA.
    pub usual: Vec<PathBuf>,
    /// Where a folder for a file without CUDA's layout is made.
    pub cache: PathBuf,
}

impl LibdevicePlaces {
    /// As this process and its environment have them.
    pub fn of_this_process() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Self {
            named: variable("UNIFR_LIBDEVICE"),
            cuda_path: variable("CUDA_PATH"),
            program_folder: env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned())),
            usual: USUAL.map(PathBuf::from).into(),
            cache: cache.unwrap_or_else(env::temp_dir).join("unifr"),
        }
    }

    fn candidates(&self) -> Vec<PathBuf> {
        if let Some(named) = &self.named {
            return vec![named.clone()];
        }
        let cuda_path = self.cuda_path.iter().map(|folder| folder.join(INSIDE));
        let beside = self.program_folder.iter().map(|folder| folder.join(NAME));
        cuda_path.chain(beside).chain(self.usual.iter().map(|folder| folder.join(INSIDE))).collect()
    }

    /// The folder in which CubeCL looks when nobody tells it anything.
    fn by_itself(&self) -> Option<&PathBuf> {
        self.cuda_path.as_ref().or_else(|| self.usual.iter().find(|folder| folder.join("nvvm/libdevice").is_dir()))
    }
}

/// Finds the file and makes CubeCL find it too.
pub(super) fn prepare(places: &LibdevicePlaces) -> Result<(), LibdeviceError> {
    let folder = toolkit(&find(places)?, &places.cache)?;
    if places.by_itself() == Some(&folder) || set_cuda_path(&folder) {
        return Ok(());
    }
    Err(LibdeviceError::TooLate { folder })
}

/// The first of the places that has the file.
fn find(places: &LibdevicePlaces) -> Result<PathBuf, LibdeviceError> {
    let looked = places.candidates();
    let Some(path) = looked.iter().find(|path| path.is_file()).cloned() else {
        return Err(LibdeviceError::Missing { looked });
    };
    let mut start = [0; MAGIC.len()];
    let read = open(&path)?.read(&mut start).map_err(FileError::system("read", &path))?;
    if read < start.len() || start != MAGIC {
        return Err(LibdeviceError::NotBitcode { path });
    }
    Ok(path)
}

/// The folder with CUDA's layout that holds the file; one is made in the cache if it lies elsewhere.
fn toolkit(path: &Path, cache: &Path) -> Result<PathBuf, LibdeviceError> {
    if path.ends_with(INSIDE)
        && let Some(folder) = path.ancestors().nth(3)
    {
        return Ok(folder.to_owned());
    }
    let path = std::fs::canonicalize(path).map_err(FileError::system("find", path))?;
    let folder = cache.join("cuda");
    let link = folder.join(INSIDE);
    if std::fs::read_link(&link).is_ok_and(|target| target == path) {
        return Ok(folder);
    }
    create_folder(link.parent().expect("the link is three folders down"))?;
    replace_link(&path, &link).map_err(FileError::system("link", &link))?;
    Ok(folder)
}

/// A link of that name is there at every moment, for programs that start at the same time.
#[cfg(unix)]
fn replace_link(target: &Path, link: &Path) -> std::io::Result<()> {
    let fresh = link.with_extension(format!("{}.new", std::process::id()));
    std::os::unix::fs::symlink(target, &fresh)?;
    std::fs::rename(&fresh, link)
}

#[cfg(not(unix))]
fn replace_link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::copy(target, link).map(|_| ())
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(path: &Path, bytes: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// All places below one folder; nothing is there yet.
    fn places(root: &Path) -> LibdevicePlaces {
        LibdevicePlaces {
            named: None,
            cuda_path: Some(root.join("toolkit")),
            program_folder: Some(root.join("program")),
            usual: vec![root.join("usual"), root.join("usual too")],
            cache: root.join("cache"),
        }
    }

    #[test]
    fn places_are_tried_in_their_order_and_all_named_when_it_is_in_none() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let expected = [
            root.path().join("toolkit").join(INSIDE),
            root.path().join("program").join(NAME),
            root.path().join("usual").join(INSIDE),
            root.path().join("usual too").join(INSIDE),
        ];
        let LibdeviceError::Missing { looked } = find(&places).unwrap_err() else { panic!("it is nowhere") };
        assert_eq!(looked, expected);
        for path in expected.iter().rev() {
            put(path, b"BC\xc0\xde and more");
            assert_eq!(&find(&places).unwrap(), path);
        }
    }

    #[test]
    fn the_named_file_counts_alone() {
        let root = tempfile::tempdir().unwrap();
        let mut places = places(root.path());
        put(&root.path().join("toolkit").join(INSIDE), b"BC\xc0\xde");
        places.named = Some(root.path().join("mine.bc"));
        let error = find(&places).unwrap_err().to_string();
        let end = format!(" is in none of `{}`", root.path().join("mine.bc").display());
        assert!(error.ends_with(&end), "{error}");
        put(&root.path().join("mine.bc"), b"BC\xc0");
        assert!(matches!(find(&places), Err(LibdeviceError::NotBitcode { .. })));
    }

    #[test]
    fn a_file_in_cudas_layout_needs_no_other_folder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("toolkit").join(INSIDE);
        assert_eq!(toolkit(&path, &root.path().join("cache")).unwrap(), root.path().join("toolkit"));
        assert!(!root.path().join("cache").exists());
    }

    #[test]
    fn a_file_elsewhere_gets_a_folder_that_follows_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = root.path().join("cache");
        for name in ["a.bc", "b.bc", "b.bc"] {
            let path = root.path().join(name);
            put(&path, name.as_bytes());
            let folder = toolkit(&path, &cache).unwrap();
            assert_eq!(fs::read(folder.join(INSIDE)).unwrap(), name.as_bytes());
        }
        assert_eq!(fs::read_dir(cache.join("cuda/nvvm/libdevice")).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn cubecl_looks_in_cuda_path_alone_or_in_the_first_usual_folder() {
        let root = tempfile::tempdir().unwrap();
        let mut places = places(root.path());
        assert_eq!(places.by_itself(), Some(&root.path().join("toolkit")));
        places.cuda_path = None;
        assert_eq!(places.by_itself(), None);
        put(&root.path().join("usual too").join(INSIDE), b"");
        assert_eq!(places.by_itself(), Some(&root.path().join("usual too")));
        assert!(prepare(&places).is_err(), "an empty file is not bitcode");
    }
}
