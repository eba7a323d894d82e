//! The tensors of a checkpoint by their published names; numbers are read when a parameter asks for them.
//!
//! In:  a file saved by PyTorch (any container since 0.1.10, whole pickled modules among them) or safetensors.
//! Out: [`Tensors`]. Nothing in a pickle is executed: burn's reader knows the few calls that rebuild tensors and
//! modules, and refuses what else would hold one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use burn::store::pytorch_reader::{DType as PytorchKind, PytorchReader};
use safetensors::tensor::{Dtype, Metadata};

use super::{Network, WeightsError};
use crate::files::{FileError, open};

/// Gives the numbers of one tensor, row-major, or says why not.
type ReadValues = Arc<dyn Fn() -> Result<Vec<f32>, String> + Send + Sync>;

/// Named tensors of one file.
pub struct Tensors {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    shape: Vec<usize>,
    read: ReadValues,
}

/// An element type that is read.
#[derive(Clone, Copy)]
enum Kind {
    F64,
    F32,
    F16,
    Bf16,
    /// A count or a flag, never a parameter.
    Other,
}

impl Tensors {
    /// None yet; `path` stands in messages.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), entries: BTreeMap::new() }
    }

    /// Adds a tensor whose numbers `read` makes when they are needed.
    pub fn insert(
        &mut self,
        key: impl Into<String>,
        shape: Vec<usize>,
        read: impl Fn() -> Result<Vec<f32>, String> + Send + Sync + 'static,
    ) {
        self.entries.insert(key.into(), Entry { shape, read: Arc::new(read) });
    }

    /// Opens the checkpoint of a network and looks through its container.
    pub fn open(path: &Path, network: Network) -> Result<Self, WeightsError> {
        let is_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
        let tensors = if is_safetensors { Self::open_safetensors(path)? } else { Self::open_pytorch(path)? };
        Ok(tensors.unpacked(network))
    }

    /// Where they come from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names and shapes, sorted by name.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry.shape.as_slice()))
    }

    /// The numbers of one tensor; refused if they are not as many as its shape has, or not finite.
    pub fn values(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        let fail = |reason: String| WeightsError::Tensor { path: self.path.clone(), key: key.to_owned(), reason };
        let entry = self.entries.get(key).ok_or_else(|| fail("is not there".into()))?;
        let values = (entry.read)().map_err(fail)?;
        let expected: usize = entry.shape.iter().product();
        if values.len() != expected {
            return Err(fail(format!("has {} numbers, expected {expected}", values.len())));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(fail(format!("has a value at {place} that is not finite, expected trained weights"))),
            None => Ok(values),
        }
    }

    fn open_pytorch(path: &Path) -> Result<Self, WeightsError> {
        open(path)?;
        let reader = PytorchReader::new(path).map_err(|error| WeightsError::Format {
            path: path.into(),
            kind: "a checkpoint of PyTorch",
            reason: error.to_string(),
        })?;
        let mut tensors = Self::new(path);
        for (key, tensor) in reader.into_tensors() {
            let kind = match tensor.dtype() {
                PytorchKind::F64 => Kind::F64,
                PytorchKind::F32 => Kind::F32,
                PytorchKind::F16 => Kind::F16,
                PytorchKind::BF16 => Kind::Bf16,
                _ => Kind::Other,
            };
            let shape = tensor.shape().to_vec();
            tensors.insert(key, shape, move || floats(kind, &tensor.read().map_err(|error| read_failed(&error))?));
        }
        Ok(tensors)
    }

    fn open_safetensors(path: &Path) -> Result<Self, WeightsError> {
        let mut file = open(path)?;
        let (start, header) = safetensors_header(&mut file, path)?;
        let file = Arc::new(Mutex::new(file));
        let mut tensors = Self::new(path);
        for (key, info) in header.tensors() {
            let kind = match info.dtype {
                Dtype::F64 => Kind::F64,
                Dtype::F32 => Kind::F32,
                Dtype::F16 => Kind::F16,
                Dtype::BF16 => Kind::Bf16,
                _ => Kind::Other,
            };
            let (begin, end) = info.data_offsets;
            let file = Arc::clone(&file);
            let read = move || floats(kind, &part_of(&file, start + begin as u64, end - begin)?);
            tensors.insert(key, info.shape.clone(), read);
        }
        Ok(tensors)
    }

    /// Only what lies in the container, where there is one, under its plain names.
    fn unpacked(self, network: Network) -> Self {
        let prefixes = network.containers().iter().map(|container| format!("{container}."));
        let prefix = prefixes.into_iter().find(|prefix| self.entries.keys().any(|key| key.starts_with(prefix)));
        let prefix = prefix.unwrap_or_default();
        let plain = |key: &str| key.strip_prefix("module.").unwrap_or(key).to_owned();
        let entries = self.entries.into_iter();
        let entries = entries.filter_map(|(key, entry)| Some((plain(key.strip_prefix(&prefix)?), entry))).collect();
        Self { path: self.path, entries }
    }
}

fn read_failed(error: &std::io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Where the numbers begin, and the header, checked against the real size of the file.
fn safetensors_header(file: &mut File, path: &Path) -> Result<(u64, Metadata), WeightsError> {
    let fail = |reason: String| WeightsError::Format { path: path.into(), kind: "safetensors", reason };
    let size = file.metadata().map_err(FileError::system("read", path))?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|error| fail(error.to_string()))?;
    let length = u64::from_le_bytes(length);
    if length > size.saturating_sub(8) {
        return Err(fail(format!("its header would be {length} bytes long, the file has {size}")));
    }
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text).map_err(|error| fail(error.to_string()))?;
    let header: Metadata = serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
    let start = 8 + length;
    if start + header.data_len() as u64 != size {
        return Err(fail(format!(
            "its header describes {} bytes of numbers, found {}",
            header.data_len(),
            size - start
        )));
    }
    Ok((start, header))
}

fn part_of(file: &Mutex<File>, start: u64, length: usize) -> Result<Vec<u8>, String> {
    let mut file = file.lock().map_err(|_| "cannot be read: another thread failed at it".to_owned())?;
    let mut bytes = vec![0; length];
    let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes));
    read.map(|()| bytes).map_err(|error| read_failed(&error))
}

/// Little-endian numbers of any floating type.
fn floats(kind: Kind, bytes: &[u8]) -> Result<Vec<f32>, String> {
    Ok(match kind {
        Kind::F64 => bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Kind::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Kind::F16 => {
            bytes.as_chunks().0.iter().map(|bytes| burn::tensor::f16::from_le_bytes(*bytes).to_f32()).collect()
        }
        Kind::Bf16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16))
            .collect(),
        Kind::Other => return Err("has elements that are no floating point numbers, expected weights".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A safetensors file of one-element tensors, by hand.
    fn file_of(keys: &[&str]) -> tempfile::NamedTempFile {
        let entries = keys.iter().enumerate().map(|(number, key)| {
            format!(
                "\"{key}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{},{}]}}",
                number * 4,
                number * 4 + 4
            )
        });
        let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        (0..keys.len()).for_each(|number| bytes.extend((number as f32).to_le_bytes()));
        let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn keys(tensors: &Tensors) -> Vec<&str> {
        tensors.shapes().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_container_hides_what_lies_beside_it() {
        let file = file_of(&["optimizer.a", "state_dict.module.b", "state_dict.c"]);
        let tensors = Tensors::open(file.path(), Network::ActionUnits).unwrap();
        assert_eq!(keys(&tensors), ["b", "c"]);
        assert_eq!(tensors.values("c").unwrap(), [2.0]);
    }

    #[test]
    fn plain_names_need_no_container() {
        let file = file_of(&["a", "module.b"]);
        assert_eq!(keys(&Tensors::open(file.path(), Network::Expression).unwrap()), ["a", "b"]);
    }

    #[test]
    fn truncated_files_and_values_that_are_not_finite_are_refused() {
        let file = file_of(&["a", "b"]);
        let bytes = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), &bytes[..bytes.len() - 1]).unwrap();
        let message = Tensors::open(file.path(), Network::Pose).err().unwrap().to_string();
        assert!(message.ends_with("its header describes 8 bytes of numbers, found 7"), "{message}");
        let mut tensors = Tensors::new("made");
        tensors.insert("a", vec![2], || Ok(vec![1.0, f32::NAN]));
        assert!(tensors.values("a").unwrap_err().to_string().contains("at 1 that is not finite"));
    }
}
