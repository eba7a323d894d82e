//! The folder of weights and its manifest.
//!
//! In:  a folder with the publishers' files; `manifest.json` beside them, if it has been written.
//! Out: the file of each network and its SHA-256, which goes into the prepared files; a refusal where the manifest says
//! another one.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Network, WeightsError};
use crate::files::{FileError, open, read_bytes, write_atomically};

/// The manifest's name in the folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// What the manifest says about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// Its name in the folder.
    pub file: PathBuf,
    /// Hexadecimal.
    pub sha256: String,
    /// Where it was had from.
    pub source: String,
    /// What its publisher says about its use.
    pub licence: String,
}

/// A folder with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsFolder {
    path: PathBuf,
    manifest: BTreeMap<String, ManifestEntry>,
}

/// A file whose hash is known and, if the manifest has it, right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// Hexadecimal.
    pub sha256: String,
    /// Whether the manifest has it.
    pub is_listed: bool,
}

impl WeightsFolder {
    /// Reads the manifest, if there is one. A folder without any file is found out when one is asked for.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = path.join(MANIFEST_FILE);
        if !file.exists() {
            return Ok(Self { path: path.into(), manifest: BTreeMap::new() });
        }
        let fail = |reason: String| WeightsError::Format { path: file.clone(), kind: "a manifest of weights", reason };
        let manifest: BTreeMap<String, ManifestEntry> =
            serde_json::from_slice(&read_bytes(&file)?).map_err(|error| fail(error.to_string()))?;
        if let Some(name) = manifest.keys().find(|name| name.parse::<Network>().is_err()) {
            return Err(fail(format!("it names `{name}`, expected `exp`, `au`, `va` or `pose`")));
        }
        Ok(Self { path: path.into(), manifest })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a network: the manifest's, else the first of the publisher's names that is there.
    pub fn find(&self, network: Network) -> Result<PathBuf, WeightsError> {
        let listed = self.manifest.get(network.name()).map(|entry| self.path.join(&entry.file));
        let usual = network.file_names().iter().map(|name| self.path.join(name));
        let missing = || WeightsError::Missing { network, folder: self.path.clone() };
        listed.into_iter().chain(usual).find(|path| path.is_file()).ok_or_else(missing)
    }

    /// The file of a network and its hash, compared with the manifest's.
    pub fn checked(&self, network: Network) -> Result<Checked, WeightsError> {
        let path = self.find(network)?;
        let sha256 = sha256_of(&path)?;
        let entry = self.manifest.get(network.name()).filter(|entry| self.path.join(&entry.file) == path);
        match entry {
            Some(entry) if !entry.sha256.eq_ignore_ascii_case(&sha256) => {
                Err(WeightsError::Hash { path, found: sha256, expected: entry.sha256.clone() })
            }
            entry => Ok(Checked { path, sha256, is_listed: entry.is_some() }),
        }
    }

    /// Adds these files to the manifest, with the publishers' pages and licences, and writes it.
    pub fn list(&mut self, files: &[(Network, Checked)]) -> Result<(), WeightsError> {
        for (network, checked) in files {
            let file = checked.path.strip_prefix(&self.path).unwrap_or(&checked.path).to_path_buf();
            let [source, licence] = [network.source(), network.licence()].map(str::to_owned);
            let entry = ManifestEntry { file, sha256: checked.sha256.clone(), source, licence };
            self.manifest.insert(network.name().to_owned(), entry);
        }
        write_atomically(&self.path.join(MANIFEST_FILE), |out| {
            serde_json::to_writer_pretty(&mut *out, &self.manifest)?;
            writeln!(out)
        })?;
        Ok(())
    }
}

fn sha256_of(path: &Path) -> Result<String, FileError> {
    let mut file = open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut bytes).map_err(FileError::system("read", path))?;
        if count == 0 {
            break;
        }
        hash.update(&bytes[..count]);
    }
    Ok(format!("{:x}", hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc`, from the standard.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_listed_file_that_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("enet_b2_8_best.pt");
        std::fs::write(&file, "abc").unwrap();
        let mut weights = WeightsFolder::open(folder.path()).unwrap();
        let checked = weights.checked(Network::ValenceArousal).unwrap();
        assert_eq!((checked.sha256.as_str(), checked.is_listed), (ABC, false));
        weights.list(&[(Network::ValenceArousal, checked)]).unwrap();
        let weights = WeightsFolder::open(folder.path()).unwrap();
        assert!(weights.checked(Network::ValenceArousal).unwrap().is_listed);
        std::fs::write(&file, "abd").unwrap();
        let message = weights.checked(Network::ValenceArousal).unwrap_err().to_string();
        assert!(message.contains(&format!("expected {ABC}")), "{message}");
    }

    #[test]
    fn a_missing_file_is_an_error_of_its_network() {
        let folder = tempfile::tempdir().unwrap();
        let weights = WeightsFolder::open(folder.path()).unwrap();
        assert!(matches!(weights.find(Network::Pose), Err(WeightsError::Missing { network: Network::Pose, .. })));
    }

    #[test]
    fn a_manifest_with_an_unknown_network_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"smile": {"file": "a", "sha256": "", "source": "", "licence": ""}}"#;
        std::fs::write(folder.path().join(MANIFEST_FILE), text).unwrap();
        assert!(WeightsFolder::open(folder.path()).unwrap_err().to_string().contains("`smile`"));
    }
}
