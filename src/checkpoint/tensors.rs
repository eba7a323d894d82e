//! Named tensors to and from safetensors.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::{Map, json};

use super::error::CheckpointError;
use crate::files::{FileError, read_bytes, write_atomically};
use crate::model::NamedTensor;

/// The text beside the tensors.
pub(super) type Notes = BTreeMap<String, String>;

/// The numbers start at a multiple of this, as in files of the `safetensors` crate.
const HEADER_UNIT: usize = 8;

/// Writes floats under their names, sorted, so that equal tensors and notes are equal bytes.
///
/// The format is a length, a header in JSON, the numbers; the crate's own writer puts the notes in an order of chance.
pub(super) fn write(path: &Path, tensors: &[NamedTensor], notes: &Notes) -> Result<(), CheckpointError> {
    let mut tensors: Vec<&NamedTensor> = tensors.iter().collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let header = header(&tensors, notes);
    write_atomically(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for tensor in tensors {
            let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            out.write_all(&bytes)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Notes, then type, shape and place of each tensor; spaces fill it up to whole numbers of [`HEADER_UNIT`] bytes.
fn header(tensors: &[&NamedTensor], notes: &Notes) -> String {
    let mut header = Map::new();
    if !notes.is_empty() {
        header.insert("__metadata__".to_owned(), json!(notes));
    }
    let mut start = 0;
    for tensor in tensors {
        let end = start + size_of_val(tensor.values.as_slice());
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
        header.insert(tensor.name.clone(), entry);
        start = end;
    }
    let mut text = serde_json::Value::from(header).to_string();
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(HEADER_UNIT) - text.len()));
    text
}

pub(super) fn read(path: &Path) -> Result<(Vec<NamedTensor>, Notes), CheckpointError> {
    let bytes = read_bytes(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format_error(path, &error))?;
    let notes = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format_error(path, &error))?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.tensors() {
        if view.dtype() == Dtype::BOOL || view.dtype() == Dtype::U8 {
            continue;
        }
        let values = floats(view.dtype(), view.data()).ok_or_else(|| CheckpointError::Format {
            path: path.into(),
            kind: "weights",
            reason: format!("`{name}` has elements of type {:?}, expected floating point numbers", view.dtype()),
        })?;
        tensors.push(NamedTensor { name, shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, notes))
}

/// Little-endian numbers of any floating type.
pub(super) fn floats(kind: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let values = match kind {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::BF16 => {
            bytes.as_chunks().0.iter().map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16)).collect()
        }
        Dtype::F16 => bytes.as_chunks().0.iter().map(|b| burn::tensor::f16::from_le_bytes(*b).to_f32()).collect(),
        _ => return None,
    };
    Some(values)
}

fn format_error(path: &Path, error: &safetensors::SafeTensorError) -> CheckpointError {
    CheckpointError::Format { path: path.into(), kind: "safetensors", reason: error.to_string() }
}

impl CheckpointError {
    pub(super) fn system(deed: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File(FileError::system(deed, &path)(source))
    }
}
