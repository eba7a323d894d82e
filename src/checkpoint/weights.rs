//! Weights from anywhere: our checkpoints, safetensors, archives of PyTorch.

use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use super::publisher::read_pytorch;
use super::save::MODEL_FILE;
use super::tensors;
use crate::config::TrainedMask;
use crate::features::FeatureDims;
use crate::model::{NamedTensor, Transformer, load_parameters};
use crate::tokens::VocabularySizes;

/// Weights on the host, under published names and in the published layout.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Where they come from.
    pub path: PathBuf,
    /// The parameters.
    pub tensors: Vec<NamedTensor>,
    /// The mask that they were trained with, if the file tells.
    pub trained_mask: Option<TrainedMask>,
    /// The published iteration, if the file tells.
    pub iteration: Option<u64>,
}

impl Weights {
    /// Reads a checkpoint folder, a `.safetensors` file, or a `.ckpt`, `.pth` or `.pt` archive.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        if path.is_dir() {
            return Self::read_safetensors(&path.join(MODEL_FILE));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Self::read_safetensors(path),
            Some("ckpt" | "pth" | "pt") => read_pytorch(path),
            _ => Err(CheckpointError::Kind { path: path.into() }),
        }
    }

    /// Writes them as safetensors, with what they tell.
    pub fn write_safetensors(&self, path: &Path) -> Result<(), CheckpointError> {
        let mask = self.trained_mask.map(|mask| serde_json::to_string(&mask).expect("plain data has a JSON form"));
        let iteration = self.iteration.map(|iteration| iteration.to_string());
        let notes = [("format", Some("pt".to_owned())), ("trained_mask", mask), ("iteration", iteration)];
        let notes = notes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        tensors::write(path, &self.tensors, &notes)
    }

    /// Puts the weights into a model; strict.
    pub fn load_into(self, model: Transformer) -> Result<Transformer, CheckpointError> {
        load_parameters(model, self.tensors).map_err(|source| CheckpointError::Parameters { path: self.path, source })
    }

    fn read_safetensors(path: &Path) -> Result<Self, CheckpointError> {
        let (tensors, notes) = tensors::read(path)?;
        let trained_mask = match notes.get("trained_mask") {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|error| CheckpointError::Format {
                path: path.into(),
                kind: "weights",
                reason: format!("its note `trained_mask` is `{text}`: {error}"),
            })?),
        };
        let iteration = notes.get("iteration").and_then(|text| text.parse().ok());
        Ok(Self { path: path.into(), tensors, trained_mask, iteration })
    }
}

/// The sizes that weights imply: stream widths and vocabularies. None if a parameter that tells one is missing.
pub fn sizes_of(tensors: &[NamedTensor]) -> Option<(FeatureDims, VocabularySizes)> {
    let size = |name: &str, axis: usize| {
        tensors.iter().find(|tensor| tensor.name == name).and_then(|tensor| tensor.shape.get(axis).copied())
    };
    let dims = FeatureDims {
        expression: size("s_exp_proj.weight", 1)?,
        action_units: size("s_AU_proj.weight", 1)?,
        valence_arousal: size("s_VA_proj.weight", 1)?,
        pose: size("s_pose_proj.weight", 1)?,
        filterbank: size("s_MFCC_proj.weight", 1)?,
        functionals: size("s_GeMAPfunc_proj.weight", 1)?,
        descriptors: size("s_GeMAPlld_proj.weight", 1)?,
    };
    let vocabulary = VocabularySizes {
        action_units: size("head_AU.weight", 0)?,
        expression: size("head_exp.weight", 0)?,
        valence_arousal: size("head_VA.weight", 0)?,
    };
    Some((dims, vocabulary))
}
