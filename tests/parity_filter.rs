//! Top-k and top-p keep exactly the tokens that the published filter keeps, and give them the same probabilities.
//!
//! Cases: `unifr/decoding/filter.json` (settings) with `filter.safetensors` (logits before, logits and probabilities
//! after), ties and cumulative sums that hit p exactly among them.

mod golden_cases;

use std::process::ExitCode;
use std::sync::Arc;

use golden_cases::{close, of_kind, root, run, trial};
use libtest_mimic::Trial;
use safetensors::SafeTensors;
use serde_json::{Map, Value};
use unifr_kernels::sampling::{Filter, probabilities};

/// Softmax in `f32` on both sides, of at most some twenty tokens.
const PROBABILITY: f64 = 1e-6;

fn main() -> ExitCode {
    run(of_kind("unifr/decoding", trials())).exit_code()
}

fn trials() -> Vec<Trial> {
    let folder = root().join("unifr/decoding");
    let Ok(text) = std::fs::read_to_string(folder.join("filter.json")) else { return Vec::new() };
    let cases: Map<String, Value> = serde_json::from_str(&text).expect("the golden file is a JSON object");
    let tensors = Arc::new(std::fs::read(folder.join("filter.safetensors")).expect("the tensors beside the settings"));
    let of_case = |(name, case): (String, Value)| {
        let tensors = Arc::clone(&tensors);
        let filter = Filter {
            temperature: 1.0,
            top_k: case.get("top_k")?.as_u64()? as usize,
            top_p: case.get("top_p")?.as_f64()?,
        };
        Some(trial(format!("filter: {name}"), move || check(&name, filter, &tensors)))
    };
    cases.into_iter().filter_map(of_case).collect()
}

fn check(name: &str, filter: Filter, bytes: &[u8]) -> Result<(), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let input = name.split('.').next().expect("a name has a first part");
    let [logits, left, expected] = [format!("{input}.input"), format!("{name}.logits"), format!("{name}.probs")]
        .map(|tensor| values(&file, &tensor));
    let (logits, left, expected) = (logits?, left?, expected?);
    let vocabulary = *file
        .tensor(&format!("{input}.input"))
        .map_err(|error| error.to_string())?
        .shape()
        .last()
        .expect("logits have a last axis");
    let mut found = logits;
    for row in found.chunks_exact_mut(vocabulary) {
        probabilities(row, filter).map_err(|error| error.to_string())?;
    }
    for (place, (found, left)) in found.iter().zip(&left).enumerate() {
        if (*found > 0.0) != (*left > f32::NEG_INFINITY) {
            return Err(format!("element {place}: probability {found}, the published filter leaves the logit {left}"));
        }
    }
    let double = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    close("probabilities", &double(&found), &double(&expected), |_| PROBABILITY)
}

fn values(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    let tensor = file.tensor(name).map_err(|error| format!("`{name}`: {error}"))?;
    Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
