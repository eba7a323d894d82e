//! Checkpoints of the published code: zip archives of PyTorch, read without running anything in them.
//!
//! In:  `iter_N.ckpt`, `last.ckpt`, `.pth`.
//! Out: [`Weights`]; the mask buffers are not weights, but they tell which mask and step the model was trained with.
//! Departure: the published loading lets the buffers override the config silently (defect 20) and counts missing and
//! unexpected keys instead of refusing them (defect 22).

use std::path::Path;

use burn::store::pytorch_reader::{PytorchReader, Tensor};
use safetensors::Dtype;
use unifr_kernels::MaskRule;

use super::error::CheckpointError;
use super::tensors::floats;
use super::weights::Weights;
use crate::config::{CausalMask, TrainedMask};
use crate::model::NamedTensor;

/// The buffer that every block's causal attention carries.
const MASK_BUFFER: &str = ".causal_mask";

/// Reads an archive; wrappers such as `state_dict` or a leading `module.` are looked through.
pub fn read_pytorch(path: &Path) -> Result<Weights, CheckpointError> {
    crate::files::open(path)?;
    let fail = |reason: String| CheckpointError::Format { path: path.into(), kind: "an archive of PyTorch", reason };
    let reader = PytorchReader::new(path).map_err(|error| fail(error.to_string()))?;
    let mut names: Vec<String> = reader.keys();
    names.sort();
    let (mut tensors, mut trained_mask) = (Vec::new(), None);
    for name in names {
        let tensor = reader.get(&name).ok_or_else(|| fail(format!("`{name}` cannot be found again")))?;
        let bytes = tensor.read().map_err(|error| fail(format!("`{name}`: {error}")))?;
        let plain_name = name.strip_prefix("state_dict.").unwrap_or(&name);
        let plain_name = plain_name.strip_prefix("module.").unwrap_or(plain_name);
        if plain_name.ends_with(MASK_BUFFER) {
            let mask = mask_of(tensor.shape(), &bytes).ok_or_else(|| {
                fail(format!("`{name}` is neither the published nor the frame-causal mask at any step"))
            })?;
            trained_mask.get_or_insert(mask);
            continue;
        }
        let values = values_of(tensor, &bytes)
            .ok_or_else(|| fail(format!("`{name}` has elements of type {:?}, expected floats", tensor.dtype())))?;
        tensors.push(NamedTensor { name: plain_name.to_owned(), shape: tensor.shape().to_vec(), values });
    }
    let iteration = path.file_stem().and_then(|stem| stem.to_str()?.strip_prefix("iter_")?.parse().ok());
    Ok(Weights { path: path.into(), tensors, trained_mask, iteration })
}

fn values_of(tensor: &Tensor, bytes: &[u8]) -> Option<Vec<f32>> {
    let kind = match format!("{:?}", tensor.dtype()).as_str() {
        "F32" => Dtype::F32,
        "F64" => Dtype::F64,
        "F16" => Dtype::F16,
        "BF16" => Dtype::BF16,
        _ => return None,
    };
    floats(kind, bytes)
}

/// Which mask a buffer `[1, 1, tokens, tokens]` of blocked flags is.
fn mask_of(shape: &[usize], bytes: &[u8]) -> Option<TrainedMask> {
    let tokens = *shape.last()?;
    if bytes.len() != tokens * tokens {
        return None;
    }
    // Row 0 is a speaker token of frame 0: it sees the speaker tokens of its own chunk.
    let online_step = bytes[..tokens].iter().step_by(6).take_while(|blocked| **blocked == 0).count();
    let is_rule = |rule: MaskRule| {
        bytes.iter().enumerate().all(|(place, blocked)| rule.allows(place / tokens, place % tokens) == (*blocked == 0))
    };
    // The last token stands after the frames, so a chunk that takes the whole clip seems one frame longer.
    [online_step, online_step.saturating_sub(1)].into_iter().filter(|step| *step > 0).find_map(|online_step| {
        if is_rule(MaskRule::Published { online_step }) {
            return Some(TrainedMask { causal_mask: CausalMask::Published, online_step });
        }
        is_rule(MaskRule::FrameCausal { online_step })
            .then_some(TrainedMask { causal_mask: CausalMask::FrameCausal, online_step })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(rule: MaskRule, tokens: usize) -> Vec<u8> {
        (0..tokens * tokens).map(|place| u8::from(!rule.allows(place / tokens, place % tokens))).collect()
    }

    #[test]
    fn a_mask_buffer_tells_the_step_it_was_made_for() {
        for online_step in [1, 2, 5, 20] {
            let shape = [1, 1, 121, 121];
            let published = mask_of(&shape, &buffer(MaskRule::Published { online_step }, 121));
            assert_eq!(published, Some(TrainedMask { causal_mask: CausalMask::Published, online_step }));
            let causal = mask_of(&shape, &buffer(MaskRule::FrameCausal { online_step }, 121));
            assert_eq!(causal, Some(TrainedMask { causal_mask: CausalMask::FrameCausal, online_step }));
        }
        // The mask of an ordinary language model: everything later is blocked.
        let triangle: Vec<u8> = (0..121 * 121).map(|place| u8::from(place % 121 > place / 121)).collect();
        assert_eq!(mask_of(&[1, 1, 121, 121], &triangle), None);
    }
}
