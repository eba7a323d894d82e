//! The small model of the golden cases and its batches.
#![allow(dead_code, reason = "each parity test uses its own part of this helper")]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use unifr::batches::{ListenerBatch, SpeakerBatch};
use unifr::features::FeatureDims;
use unifr::kernels::MaskRule;
use unifr::model::{ModelConfig, NamedTensor, Transformer, load_parameters};
use unifr::tokens::VocabularySizes;

/// A tensor of a golden file, any type, as doubles.
#[derive(Clone, Debug)]
pub struct Golden {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

pub type Goldens = BTreeMap<String, Golden>;

/// Every tensor of a safetensors file.
pub fn read(path: &Path) -> Result<Goldens, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let values = numbers(view.dtype(), view.data());
            (name, Golden { shape: view.shape().to_vec(), values })
        })
        .collect())
}

fn numbers(kind: Dtype, bytes: &[u8]) -> Vec<f64> {
    match kind {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        Dtype::I64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
        Dtype::I32 => bytes.as_chunks().0.iter().map(|b| f64::from(i32::from_le_bytes(*b))).collect(),
        Dtype::U8 | Dtype::BOOL => bytes.iter().map(|b| f64::from(*b)).collect(),
        other => panic!("golden files hold no {other:?}"),
    }
}

pub fn json(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Sizes of the model of a golden folder, without dropout.
pub fn config(folder: &Path) -> Result<ModelConfig, String> {
    let file = json(&folder.join("config.json"))?;
    let size = |key: &str| file["transformer"][key].as_u64().map(|n| n as usize).ok_or(format!("no {key}"));
    Ok(ModelConfig {
        frames: size("max_n_frame")?,
        dims: FeatureDims {
            expression: size("dim_s_exp")?,
            action_units: size("dim_s_AU")?,
            valence_arousal: size("dim_s_VA")?,
            pose: size("dim_s_pose")?,
            filterbank: size("dim_s_MFCC")?,
            functionals: size("dim_s_GeMAPfunc")?,
            descriptors: size("dim_s_GeMAPlld")?,
        },
        vocabulary: VocabularySizes {
            action_units: size("n_l_AU")?,
            expression: size("n_l_exp")?,
            valence_arousal: size("n_l_VA")?,
        },
        blocks: size("n_layer")?,
        heads: size("n_head")?,
        width: size("dim_embed")?,
        embedding_dropout: 0.0,
        residual_dropout: 0.0,
        attention_dropout: 0.0,
        causal_rule: MaskRule::Published { online_step: 1 },
    })
}

/// The model of a golden folder with its weights.
pub fn model(folder: &Path, device: &Device) -> Result<Transformer, String> {
    let fresh = config(folder)?.init(0, device).map_err(|error| error.to_string())?;
    let tensors = read(&folder.join("weights.safetensors"))?
        .into_iter()
        .map(|(name, golden)| NamedTensor {
            name,
            shape: golden.shape,
            values: golden.values.iter().map(|value| *value as f32).collect(),
        })
        .collect();
    load_parameters(fresh, tensors).map_err(|error| error.to_string())
}

/// The mask rule that a golden name like `ref1` or `corr5` means.
pub fn rule(kind: &str, online_step: usize) -> MaskRule {
    if kind == "ref" { MaskRule::Published { online_step } } else { MaskRule::FrameCausal { online_step } }
}

pub fn floats<const D: usize>(golden: &Golden, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = golden.values.iter().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub fn dims<const D: usize>(golden: &Golden) -> [usize; D] {
    golden.shape.clone().try_into().expect("rank of a golden tensor")
}

pub fn integers(golden: &Golden, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i64> = golden.values.iter().map(|value| *value as i64).collect();
    Tensor::from_data(TensorData::new(values, dims::<2>(golden)), device)
}

pub fn flags<const D: usize>(golden: &Golden, device: &Device) -> Tensor<D, Bool> {
    let values: Vec<bool> = golden.values.iter().map(|value| *value != 0.0).collect();
    Tensor::from_data(TensorData::new(values, dims::<D>(golden)), device)
}

/// The speaker of a golden batch.
pub fn speaker(batches: &Goldens, batch: &str, device: &Device) -> SpeakerBatch {
    let get = |key: &str| &batches[&format!("{batch}.{key}")];
    let stream = |key: &str| floats::<3>(get(key), dims(get(key)), device);
    let vector = |key: &str| {
        let [clips, _, width] = dims::<3>(get(key));
        floats::<2>(get(key), [clips, width], device)
    };
    SpeakerBatch {
        expression: stream("s_exp"),
        action_units: stream("s_AU"),
        valence_arousal: stream("s_VA"),
        pose: stream("s_pose"),
        filterbank: stream("s_MFCC"),
        functionals: vector("s_GeMAPfunc"),
        descriptors: vector("s_GeMAPlld"),
        has_face: flags(get("is_face"), device),
    }
}

/// The listener of a golden batch, `l` or `l_fake`, all tokens known.
pub fn listener(batches: &Goldens, batch: &str, prefix: &str, device: &Device) -> ListenerBatch {
    let tokens = |kind: &str| integers(&batches[&format!("{batch}.{prefix}_{kind}")], device);
    ListenerBatch { action_units: tokens("AU"), expression: tokens("exp"), valence_arousal: tokens("VA"), known: None }
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The devices that a whole model is compared on: the processor, and with the features for it the CubeCL runtimes, where
/// our kernels run inside burn's fused streams. On the CubeCL CPU runtime only where `UNIFR_CUBECL_MODEL` is set: LLVM takes
/// minutes for burn's matrix products there.
#[allow(dead_code, reason = "each test program uses a part of this")]
pub fn devices() -> Vec<(&'static str, Device)> {
    #[allow(unused_mut, reason = "the other devices come with their features")]
    let mut devices = vec![("cpu", Device::flex())];
    #[cfg(feature = "cubecl-cpu")]
    if std::env::var_os("UNIFR_CUBECL_MODEL").is_some() {
        devices.push(("cubecl-cpu", Device::cpu()));
    } else {
        eprintln!(
            "skipped: the trials on the CubeCL CPU runtime, which take long; set `UNIFR_CUBECL_MODEL` to run them"
        );
    }
    #[cfg(feature = "cuda")]
    if unifr::kernels::has_cuda_driver() {
        devices.push(("cuda", Device::cuda(0)));
    } else {
        eprintln!("skipped: the trials on CUDA, as no driver answers here");
    }
    devices
}
