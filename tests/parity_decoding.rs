//! Decoded tokens and log probabilities of the published model, offline and online, and the mask schedule.

mod golden_cases;
#[path = "golden_cases/model.rs"]
mod golden_model;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use golden_cases::{close, folders_in, of_kind, root, trial};
use golden_model::{Golden, Goldens, json, model, read, rule, speaker};
use libtest_mimic::Trial;
use serde_json::Value;
use unifr::config::{TempDecay, Ties};
use unifr::kernels::sampling::Filter;
use unifr::predict::{Chance, Choice, Decoded, Draw, Lane, OfflineDecoder, OnlineDecoder, tokens_left};

/// Sums of up to sixty logarithms of single precision probabilities; see the README of the golden data.
const LOG_PROBABILITY_TOLERANCE: f64 = 1e-3;

fn main() {
    let folders: Vec<PathBuf> = folders_in(&root().join("unifr"));
    let with = |name: &str| -> Vec<PathBuf> {
        folders.iter().map(|folder| folder.join(name)).filter(|path| path.is_file()).collect()
    };
    let mut trials = of_kind("decoding", with("decode.json").iter().flat_map(|path| decoding_trials(path)).collect());
    let schedules = with("offline_remaining.json")
        .into_iter()
        .map(|path| trial(format!("mask schedule {}", path.display()), move || mask_schedule(&path)));
    trials.extend(of_kind("mask schedule", schedules.collect()));
    golden_cases::run(trials).exit();
}

fn mask_schedule(path: &Path) -> Result<(), String> {
    for (key, left) in json(path)?.as_object().ok_or("an object")? {
        let numbers: Vec<usize> = key.split('|').filter_map(|part| part.parse().ok()).collect();
        let [frames, steps] = numbers[..] else { return Err(format!("key {key}")) };
        let expected: Vec<usize> =
            left.as_array().ok_or("a list")?.iter().filter_map(|n| n.as_u64().map(|n| n as usize)).collect();
        let found: Vec<usize> = (1..=steps).map(|step| tokens_left(3 * frames, step, steps)).collect();
        if found[..expected.len()] != expected {
            return Err(format!("{key}: {found:?}, expected {expected:?}"));
        }
    }
    Ok(())
}

fn decoding_trials(path: &Path) -> Vec<Trial> {
    let Ok(cases) = json(path) else { return Vec::new() };
    let Some(cases) = cases.as_object() else { return Vec::new() };
    cases
        .iter()
        .map(|(name, case)| {
            let (path, name, case) = (path.to_owned(), name.clone(), case.clone());
            trial(format!("decoding {} {name}", path.display()), move || decoding(&path, &name, &case))
        })
        .collect()
}

/// The sampling that the golden run put in the place of chance: given uniforms `(rounds, 3, rows, positions)`, or the most
/// probable token.
fn golden_choice(uniforms: Option<&Golden>, draw: Draw) -> Choice {
    let Some(uniforms) = uniforms else { return Choice::Greedy };
    let [_, modalities, rows, positions] = golden_model::dims::<4>(uniforms);
    let place = ((draw.round * modalities + draw.modality) * rows + draw.row) * positions + draw.position;
    Choice::Uniform(uniforms.values[place])
}

fn decoding(path: &Path, name: &str, case: &Value) -> Result<(), String> {
    let device = Device::flex();
    let folder = path.parent().ok_or("no folder")?;
    let goldens = read(&path.with_file_name("decode.safetensors"))?;
    let batch = if name.contains("odd_length") { "b1" } else { "b0" };
    let speaker = speaker(&read(&folder.join("batches.safetensors"))?, batch, &device);
    let params = &case["params"];
    let whole = |key: &str| params[key].as_u64().map(|n| n as usize).ok_or(format!("no {key}"));
    let real = |key: &str| params[key].as_f64().ok_or(format!("no {key}"));
    let filter = Filter { temperature: real("temperature")?, top_k: whole("top_k")?, top_p: real("top_p")? };
    let lanes: Vec<Lane> =
        (0..speaker.clip_count()).map(|row| Lane { clip: row as u64, reaction: 0, filter }).collect();
    let uniforms = goldens.get(&format!("{name}.uniforms"));
    let choice = |draw: Draw| golden_choice(uniforms, draw);
    let chance = Chance::Given(&choice);
    let model = model(folder, &device)?;
    let decoded = if case["task"] == "offline" {
        let temp_decay = if params["temp_decay"] == "linear" { TempDecay::Linear } else { TempDecay::None };
        let decoder = OfflineDecoder { unmask_steps: whole("step")?, temp_decay, ties: Ties::Published };
        decoder.decode(&model, &speaker, &lanes, chance)
    } else {
        let kind = name.split('_').nth(1).ok_or("a mask kind")?;
        let step = whole("online_step")?;
        let model = model.with_causal_rule(rule(kind, step));
        let decoder = OnlineDecoder { window: step, look_back: whole("online_max_len")? };
        decoder.decode(&model, &speaker, &lanes, chance)
    };
    compare(name, &decoded.map_err(|error| error.to_string())?, &goldens)
}

fn compare(name: &str, decoded: &Decoded, goldens: &Goldens) -> Result<(), String> {
    let tokens: Vec<f64> = decoded.tokens.iter().flatten().flatten().map(|token| f64::from(*token)).collect();
    close("tokens", &tokens, &goldens[&format!("{name}.tokens")].values, |_| f64::MIN_POSITIVE)?;
    let golden = &goldens[&format!("{name}.accumulated_correct")].values;
    close("log probability", &decoded.log_probabilities, golden, |_| LOG_PROBABILITY_TOLERANCE)
}
