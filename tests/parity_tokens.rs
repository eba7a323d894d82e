//! Tokens and attributes against those of the original.
//!
//! Cases: every `tokens*.safetensors` in `unifr/data`, with the codebooks `*_small*` (or of the same ending) beside it.
//! Tolerance: none, tokens and decoded attributes are equal.

mod golden_cases;

use std::path::{Path, PathBuf};

use golden_cases::{files, of_kind, run, trial};
use safetensors::{Dtype, SafeTensors};
use unifr::tokens::{ATTRIBUTE_COUNT, Cells, CodebookFiles, Codebooks, TokenArray};

const KIND: &str = "unifr/data";

fn main() {
    let cases = files(KIND, "safetensors");
    let cases = cases.into_iter().filter(|path| name_of(path).starts_with("tokens"));
    let trials = cases.flat_map(|path| {
        let name = name_of(&path);
        let (encode, decode) = (path.clone(), path);
        [
            trial(format!("{name}: attributes to tokens"), move || encodes(&encode)),
            trial(format!("{name}: tokens to attributes"), move || decodes(&decode)),
        ]
    });
    run(of_kind(KIND, trials.collect())).exit();
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The codebooks in the folder of a case, under the published reading.
fn codebooks_beside(path: &Path) -> Result<Codebooks, String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let named = |start: &str| -> Result<PathBuf, String> {
        let mut found = golden_cases::files_in(folder, "csv");
        found.extend(golden_cases::files_in(folder, "npy"));
        found
            .into_iter()
            .find(|path| name_of(path).starts_with(start))
            .ok_or(format!("no {start}* in `{}`", folder.display()))
    };
    let files = CodebookFiles {
        action_units: named("AU_index")?,
        expression: named("exp_centers")?,
        valence_arousal: named("VA_index")?,
    };
    Codebooks::load(&files, Cells::Published).map_err(|error| error.to_string())
}

fn encodes(path: &Path) -> Result<(), String> {
    let books = codebooks_beside(path)?;
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let [units, pairs, expressions] = ["AU", "VA", "exp"].map(|name| numbers(&tensors, &format!("encode.{name}")));
    let (units, pairs, expressions) = (units?, pairs?, expressions?);
    let rows: Vec<[f64; ATTRIBUTE_COUNT]> = (units.chunks_exact(15).zip(pairs.chunks_exact(2)))
        .zip(expressions.chunks_exact(8))
        .map(|((units, pair), expression)| {
            std::array::from_fn(|column| match column {
                0..15 => units[column],
                15..17 => pair[column - 15],
                _ => expression[column - 17],
            })
        })
        .collect();
    let (tokens, _) = books.tokens_from_attributes(&rows).map_err(|error| error.to_string())?;
    equal("action units", tokens.iter().map(|token| token.action_units), &numbers(&tensors, "encode.token_AU")?)?;
    equal("expression", tokens.iter().map(|token| token.expression), &numbers(&tensors, "encode.token_exp")?)?;
    equal("valence-arousal", tokens.iter().map(|token| token.valence_arousal), &numbers(&tensors, "encode.token_VA")?)
}

fn equal(what: &str, found: impl Iterator<Item = u32>, expected: &[f64]) -> Result<(), String> {
    let found: Vec<f64> = found.map(f64::from).collect();
    golden_cases::close(what, &found, expected, |_| f64::MIN_POSITIVE)
}

fn decodes(path: &Path) -> Result<(), String> {
    let books = codebooks_beside(path)?;
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let tensor = tensors.tensor("decode.tokens").map_err(|error| error.to_string())?;
    let &[3, clip_count, reaction_count, frame_count] = tensor.shape() else {
        return Err(format!("decode.tokens has shape {:?}", tensor.shape()));
    };
    let values = numbers(&tensors, "decode.tokens")?.into_iter().map(|token| token as i64).collect();
    let tokens = TokenArray { clip_count, reaction_count, frame_count, values };
    let mut found = Vec::new();
    for clip in 0..clip_count {
        found.extend(books.attributes_from_clip(&tokens, clip).map_err(|error| error.to_string())?);
    }
    golden_cases::close("attributes", found.as_flattened(), &numbers(&tensors, "decode.out")?, |_| f64::MIN_POSITIVE)
}

fn numbers(tensors: &SafeTensors, name: &str) -> Result<Vec<f64>, String> {
    let tensor = tensors.tensor(name).map_err(|error| format!("{name}: {error}"))?;
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F64 => Ok(data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()),
        Dtype::F32 => Ok(data.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect()),
        Dtype::I64 => Ok(data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect()),
        other => Err(format!("{name} is of type {other:?}")),
    }
}
