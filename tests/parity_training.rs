//! Five updates of the published training: losses, learning rates, gradient norms, weights and optimizer memory.

mod golden_cases;
#[path = "golden_cases/model.rs"]
mod golden_model;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use golden_cases::{close, folders_in, of_kind, root, trial};
use golden_model::{Goldens, dims, floats, json, listener, model, read, rule, speaker};
use libtest_mimic::Trial;
use serde_json::Value;
use unifr::batches::{Counted, TrainingBatch};
use unifr::model::parameters;
use unifr::optimizer::{AdamW, decays};
use unifr::train::{Learner, OBJECTIVES, StepSettings};

/// Losses after weights that have moved a little differently; see the README of the golden data.
const LOSS_TOLERANCE: f64 = 1e-4;
/// Weights: the largest difference and its mean; see the README of the golden data.
const WEIGHT_TOLERANCE: f64 = 1e-4;
const MEAN_WEIGHT_TOLERANCE: f64 = 2e-6;
/// Norms are sums of a hundred thousand squares in single precision.
const NORM_TOLERANCE: f64 = 1e-4;

fn main() {
    let runs: Vec<PathBuf> = folders_in(&root().join("unifr"))
        .iter()
        .flat_map(|folder| golden_cases::files_in(folder, "json"))
        .filter(|path| path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.starts_with("train_")))
        .collect();
    let mut trials = of_kind("training", runs.iter().map(|path| training_trial(path)).collect());
    trials.extend(of_kind("optimizer groups", runs.iter().map(|path| group_trial(path)).collect()));
    golden_cases::run(trials).exit();
}

fn training_trial(path: &Path) -> Trial {
    let path = path.to_owned();
    trial(format!("training {}", path.display()), move || training(&path))
}

fn part(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(format!("{}_{name}.safetensors", path.file_stem().expect("a file").to_string_lossy()))
}

fn training(path: &Path) -> Result<(), String> {
    let device = Device::flex().autodiff();
    let run = json(path)?;
    let batches = read(&part(path, "batches"))?;
    let kind = if run["config"]["causal_mask"] == "corrected" { "corr" } else { "ref" };
    let online_step = run["config"]["online_step"].as_u64().ok_or("no online_step")? as usize;
    let folder = path.parent().ok_or("no folder")?;
    let settings = settings(&run)?;
    let model = model(folder, &device)?.with_causal_rule(rule(kind, online_step));
    let mut learner = Learner::new(model, AdamW::default());
    let accumulation = run["config"]["n_accumulation"].as_u64().ok_or("no n_accumulation")? as usize;
    let iterations = run["iters"].as_array().ok_or("no iterations")?;
    let steps = run["opt_steps"].as_array().ok_or("no steps")?;
    for (micro_batches, step) in iterations.chunks(accumulation).zip(steps) {
        let rate = step["lr"].as_f64().ok_or("no lr")?;
        let inputs: Vec<_> =
            micro_batches.iter().map(|iteration| Ok(batch(&run, &batches, iteration, &device))).collect();
        let report = learner.update(inputs, &settings, rate).map_err(|error| error.to_string())?;
        let place = format!("iteration {}", step["iter"]);
        compare_losses(&place, &report.losses, micro_batches)?;
        if let Some(norm) = step["grad_norm_before_clip"].as_f64() {
            close(&format!("{place}: norm"), &[report.gradient_norm], &[norm], |norm| NORM_TOLERANCE * norm)?;
        }
    }
    compare_weights(&learner, &read(&part(path, "params"))?)?;
    compare_moments(&learner, &read(&part(path, "adam"))?)
}

fn settings(run: &Value) -> Result<StepSettings, String> {
    let config = &run["config"];
    Ok(StepSettings {
        matching: config["train_slm"].as_bool().ok_or("no train_slm")?,
        causal: config["mode"] == "pretrain",
        mean_gradient: false,
        max_norm: config["max_norm"].as_f64().ok_or("no max_norm")?,
        seed: 0,
    })
}

/// Iteration i uses batch `t{(i - 1) mod 2}`; it counts the masked tokens and those whose draw is below the rate.
fn batch(run: &Value, batches: &Goldens, iteration: &Value, device: &Device) -> TrainingBatch {
    let name = format!("t{}", iteration["batch"]);
    let known = &batches[&format!("{name}.l_mask")];
    let draws = &batches[&format!("{name}.mrm_uniform")];
    let rate = run["config"]["mrm_sample_rate"].as_f64().expect("a rate");
    let mut weights = known.clone();
    for (weight, draw) in weights.values.iter_mut().zip(&draws.values) {
        *weight = f64::from(u8::from(*weight == 0.0 || *draw < rate));
    }
    let count = weights.values.iter().sum::<f64>() as usize;
    let mut fitting = listener(batches, &name, "l", device);
    fitting.known = Some(golden_model::flags(known, device));
    TrainingBatch {
        speaker: speaker(batches, &name, device),
        listener: fitting,
        impostor: listener(batches, &name, "l_fake", device),
        counted: Counted { weights: floats::<3>(&weights, dims(&weights), device), count },
    }
}

fn compare_losses(place: &str, found: &[Option<f64>; 4], micro_batches: &[Value]) -> Result<(), String> {
    for (name, found) in OBJECTIVES.iter().zip(found) {
        let golden: Vec<f64> =
            micro_batches.iter().filter_map(|iteration| iteration["losses"][name].as_f64()).collect();
        let golden = (!golden.is_empty()).then(|| golden.iter().sum::<f64>() / golden.len() as f64);
        match (found, golden) {
            (None, None) => {}
            (Some(found), Some(golden)) => {
                close(&format!("{place}: {name}"), &[*found], &[golden], |_| LOSS_TOLERANCE)?;
            }
            (found, golden) => return Err(format!("{place}: {name} is {found:?}, expected {golden:?}")),
        }
    }
    Ok(())
}

fn compare_weights(learner: &Learner, goldens: &Goldens) -> Result<(), String> {
    let (mut sum, mut count) = (0.0, 0);
    for tensor in parameters(&learner.model).iter().filter(|tensor| !tensor.name.ends_with("key.bias")) {
        let golden = goldens.get(&tensor.name).ok_or(format!("no golden {}", tensor.name))?;
        let found: Vec<f64> = tensor.values.iter().map(|value| f64::from(*value)).collect();
        close(&tensor.name, &found, &golden.values, |_| WEIGHT_TOLERANCE)?;
        sum += found.iter().zip(&golden.values).map(|(a, b)| (a - b).abs()).sum::<f64>();
        count += found.len();
    }
    let mean = sum / f64::from(count as u32);
    if mean < MEAN_WEIGHT_TOLERANCE { Ok(()) } else { Err(format!("mean difference of weights: {mean}")) }
}

fn compare_moments(learner: &Learner, goldens: &Goldens) -> Result<(), String> {
    let mut names: Vec<&str> = goldens.keys().filter_map(|key| key.strip_prefix("exp_avg.")).collect();
    names.retain(|name| !name.ends_with("key.bias"));
    for name in names {
        let moments = learner.optimizer.moments(name).ok_or(format!("no moments of {name}"))?;
        for (kind, tensor) in [("exp_avg", &moments.first), ("exp_avg_sq", &moments.second)] {
            let golden = &goldens[&format!("{kind}.{name}")];
            // Ours lie in the layout of the model; the published layout of linear weights is the transposed one.
            let tensor = tensor.clone();
            let found = if golden.shape.len() == 2 && decays(name, 2) {
                let [rows, columns] = dims::<2>(golden);
                golden_model::values(tensor.reshape([columns, rows]).swap_dims(0, 1))
            } else {
                golden_model::values(tensor)
            };
            let largest = golden.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            close(&format!("{kind}.{name}"), &found, &golden.values, |value| {
                1e-3 * largest + 1e-2 * value.abs() + 1e-9
            })?;
        }
    }
    Ok(())
}

fn group_trial(path: &Path) -> Trial {
    let path = path.to_owned();
    trial(format!("optimizer groups {}", path.display()), move || {
        let run = json(&path)?;
        let goldens = read(&part(&path, "params"))?;
        for (key, expected) in [("group_decay", true), ("group_no_decay", false)] {
            for name in run[key].as_array().ok_or(format!("no {key}"))? {
                let name = name.as_str().ok_or("a name")?;
                let rank = goldens.get(name).ok_or(format!("no golden {name}"))?.shape.len();
                if decays(name, rank) != expected {
                    return Err(format!("{name}: decays is {}, expected {expected}", !expected));
                }
            }
        }
        let known = ["group_decay", "group_no_decay"].map(|key| run[key].as_array().map_or(0, Vec::len));
        let count = known.iter().sum::<usize>();
        if count == goldens.len() {
            Ok(())
        } else {
            Err(format!("{count} names in groups, {} parameters", goldens.len()))
        }
    })
}
