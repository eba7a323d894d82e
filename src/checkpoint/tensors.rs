//! Named tensors to and from safetensors.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::error::CheckpointError;
use crate::files::{FileError, read_bytes, write_atomically};
use crate::model::NamedTensor;

/// The text beside the tensors.
pub(super) type Notes = HashMap<String, String>;

pub(super) fn write(path: &Path, tensors: &[NamedTensor], notes: Notes) -> Result<(), CheckpointError> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view =
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).expect("a tensor holds what its shape says");
        (tensor.name.clone(), view)
    });
    let file = safetensors::serialize(views, Some(notes)).map_err(|error| format_error(path, &error))?;
    write_atomically(path, |out| out.write_all(&file))?;
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<(Vec<NamedTensor>, Notes), CheckpointError> {
    let bytes = read_bytes(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format_error(path, &error))?;
    let notes = header.metadata().clone().unwrap_or_default();
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
