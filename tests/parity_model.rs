//! Masks, hidden states, logits, losses and gradients of the published model on its golden batches.

mod golden_cases;
#[path = "golden_cases/model.rs"]
mod golden_model;

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use golden_cases::{close, folders_in, of_kind, root, trial};
use golden_model::{Goldens, devices, flags, floats, listener, model, read, rule, speaker, values};
use libtest_mimic::Trial;
use unifr::batches::{Counted, ListenerBatch, SpeakerBatch};
use unifr::kernels::MaskRule;
use unifr::model::{Direction, Last, Mode, TokenLogits, Transformer, published_name};
use unifr::objectives::{causal_response_loss, masked_response_loss, matching_loss};

/// Single precision noise on values up to 10 is 4e-6; see the README of the golden data.
const FORWARD_TOLERANCE: f64 = 2e-5;
/// Gradients: 1e-5 + 1e-4 · |value|; see the README of the golden data.
const GRADIENT_TOLERANCE: [f64; 2] = [1e-5, 1e-4];
/// The gradient of a key's bias is 0 in exact arithmetic; what is left is rounding.
const KEY_BIAS_NOISE: f64 = 1e-6;

fn main() {
    let models: Vec<PathBuf> = folders_in(&root().join("unifr"))
        .into_iter()
        .filter(|folder| folder.join("weights.safetensors").is_file())
        .collect();
    let of_models = |cases: fn(&Path) -> Vec<Trial>| models.iter().flat_map(|folder| cases(folder)).collect();
    let mut trials = of_kind("masks", of_models(mask_trials));
    for (name, device) in devices() {
        let on_device = |cases: fn(&Path, &'static str, &Device) -> Vec<Trial>| -> Vec<Trial> {
            models.iter().flat_map(|folder| cases(folder, name, &device)).collect()
        };
        trials.extend(of_kind("forward", on_device(forward_trials)));
        trials.extend(of_kind("gradients", on_device(gradient_trials)));
    }
    golden_cases::run(trials).exit();
}

fn mask_trials(folder: &Path) -> Vec<Trial> {
    let path = folder.join("masks.safetensors");
    if !path.is_file() {
        return Vec::new();
    }
    vec![trial(format!("masks {}", folder.display()), move || {
        for (name, golden) in read(&path)? {
            let (kind, step) = name.split_once("_step").ok_or(format!("mask name {name}"))?;
            let rule = rule(kind, step.parse().map_err(|_| format!("mask name {name}"))?);
            let keys = golden.shape[1];
            let wrong = golden
                .values
                .iter()
                .enumerate()
                .find(|(place, blocked)| rule.allows(place / keys, place % keys) == (**blocked != 0.0));
            if let Some((place, blocked)) = wrong {
                return Err(format!("{name}: query {}, key {}: blocked is {blocked}", place / keys, place % keys));
            }
        }
        Ok(())
    })]
}

/// What a pass of the golden files is called and how it is run.
struct Pass {
    batch: String,
    name: String,
    speaker: SpeakerBatch,
    listener: ListenerBatch,
    counted: Option<Counted>,
    rule: MaskRule,
}

impl Pass {
    fn new(batches: &Goldens, batch: &str, name: &str, device: &Device) -> Result<Self, String> {
        let prefix = if name == "slm_neg" { "l_fake" } else { "l" };
        let mut listener = listener(batches, batch, prefix, device);
        let mut counted = None;
        if let Some(rate) = name.strip_prefix("mrm_") {
            listener.known = Some(flags(&batches[&format!("{batch}.l_mask")], device));
            counted = Some(counted_tokens(batches, batch, rate, device)?);
        }
        let rule = name.strip_prefix("crm_").map_or(Ok(MaskRule::Full), |name| {
            let digits = name.find(|c: char| c.is_ascii_digit()).ok_or(format!("pass {name}"))?;
            Ok::<_, String>(rule(&name[..digits], name[digits..].parse().map_err(|_| format!("pass {name}"))?))
        })?;
        let speaker = speaker(batches, batch, device);
        Ok(Self { batch: batch.into(), name: name.into(), speaker, listener, counted, rule })
    }

    fn tokens(&self, model: &Transformer) -> Result<TokenLogits, String> {
        let logits = if self.name.starts_with("crm") {
            model.causal(&self.speaker, &self.listener, Mode::Inference)
        } else {
            model.masked(&self.speaker, &self.listener, Mode::Inference)
        };
        logits.map_err(|error| error.to_string())
    }

    fn loss(&self, model: &Transformer) -> Result<Tensor<1>, String> {
        if self.name.starts_with("slm") {
            let logits = model.matching(&self.speaker, &self.listener, Mode::Inference).map_err(|e| e.to_string())?;
            return Ok(matching_loss(logits, self.name == "slm_pos"));
        }
        let logits = self.tokens(model)?;
        Ok(match &self.counted {
            Some(counted) => masked_response_loss(logits, &self.listener, counted),
            None => causal_response_loss(logits, &self.listener),
        })
    }
}

fn counted_tokens(batches: &Goldens, batch: &str, rate: &str, device: &Device) -> Result<Counted, String> {
    let known = &batches[&format!("{batch}.l_mask")];
    let mut weights = known.clone();
    match rate {
        "rand" => weights = batches[&format!("{batch}.mrm_rand_loss_mask")].clone(),
        "rate0" => weights.values.iter_mut().for_each(|value| *value = 1.0 - *value),
        "rate1" => weights.values.iter_mut().for_each(|value| *value = 1.0),
        other => return Err(format!("unknown counting rate {other}")),
    }
    let count = weights.values.iter().sum::<f64>() as usize;
    Ok(Counted { weights: floats::<3>(&weights, golden_model::dims(&weights), device), count })
}

fn forward_trials(folder: &Path, on: &'static str, device: &Device) -> Vec<Trial> {
    let path = folder.join("forward.safetensors");
    let Ok(goldens) = read(&path) else { return Vec::new() };
    let mut passes: Vec<(String, String)> = goldens
        .keys()
        .filter_map(|key| {
            let mut parts = key.split('.');
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        })
        .collect();
    passes.dedup();
    passes
        .into_iter()
        .map(|(batch, name)| {
            let (folder, goldens, device) = (folder.to_owned(), goldens.clone(), device.clone());
            trial(format!("forward {} {batch}.{name} on {on}", folder.display()), move || {
                forward(&folder, &goldens, &batch, &name, &device)
            })
        })
        .collect()
}

fn forward(folder: &Path, goldens: &Goldens, batch: &str, name: &str, device: &Device) -> Result<(), String> {
    let batches = read(&folder.join("batches.safetensors"))?;
    let pass = Pass::new(&batches, batch, name, device)?;
    let model = model(folder, device)?.with_causal_rule(pass.rule);
    let check = |what: &str, found: Vec<f64>| match goldens.get(&format!("{batch}.{name}.{what}")) {
        Some(golden) => close(what, &found, &golden.values, |_| FORWARD_TOLERANCE),
        None => Ok(()),
    };
    check("loss", values(pass.loss(&model)?))?;
    let (direction, last) = match &name[..3] {
        "slm" => (Direction::Bidirectional, Last::Matching),
        "mrm" => (Direction::Bidirectional, Last::Voice),
        _ => (Direction::Causal, Last::Nothing),
    };
    if last == Last::Matching {
        let logits = model.matching(&pass.speaker, &pass.listener, Mode::Inference).map_err(|e| e.to_string())?;
        check("logits", values(logits))?;
    } else {
        let logits = pass.tokens(&model)?;
        check("logits_AU", values(logits.action_units))?;
        check("logits_exp", values(logits.expression))?;
        check("logits_VA", values(logits.valence_arousal))?;
    }
    let trace = model.trace(&pass.speaker, &pass.listener, direction, last).map_err(|e| e.to_string())?;
    for (number, hidden) in trace.hidden.into_iter().enumerate() {
        let what = if number == 0 { "x0".to_owned() } else { format!("block{}", number - 1) };
        check(&what, values(hidden))?;
    }
    check("ln_f", values(trace.normed))
}

fn gradient_trials(folder: &Path, on: &'static str, device: &Device) -> Vec<Trial> {
    golden_cases::files_in(folder, "safetensors")
        .into_iter()
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.strip_prefix("grads_")?.to_owned();
            let (folder, device) = (folder.to_owned(), device.clone().autodiff());
            Some(trial(format!("gradients {} {name} on {on}", folder.display()), move || {
                gradients(&folder, &path, &name, &device)
            }))
        })
        .collect()
}

fn gradients(folder: &Path, path: &Path, name: &str, device: &Device) -> Result<(), String> {
    let goldens = read(path)?;
    let batches = read(&folder.join("batches.safetensors"))?;
    // The README of the golden data: gradients are of batch b0.
    let pass = Pass::new(&batches, "b0", name, device)?;
    assert_eq!(pass.batch, "b0");
    let model = model(folder, device)?.with_causal_rule(pass.rule);
    let gradients = pass.loss(&model)?.backward();
    let mut visitor =
        Compare { path: Vec::new(), gradients: &gradients, goldens: &goldens, problems: Vec::new(), seen: 0 };
    model.visit(&mut visitor);
    if visitor.seen != goldens.len() {
        visitor.problems.push(format!("{} of {} golden gradients found", visitor.seen, goldens.len()));
    }
    if visitor.problems.is_empty() { Ok(()) } else { Err(visitor.problems.join("\n")) }
}

struct Compare<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    goldens: &'a Goldens,
    problems: Vec<String>,
    seen: usize,
}

impl ModuleVisitor for Compare<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = published_name(&self.path.join("."));
        let gradient = param.val().grad(self.gradients);
        let Some(golden) = self.goldens.get(&name) else {
            if let Some(gradient) = gradient.filter(|_| name != "time_emb") {
                let largest = values(gradient).into_iter().fold(0.0, |most: f64, value| most.max(value.abs()));
                if largest > 0.0 {
                    self.problems.push(format!("{name}: gradient up to {largest} where the original has none"));
                }
            }
            return;
        };
        self.seen += 1;
        let Some(gradient) = gradient else {
            if golden.values.iter().any(|value| *value != 0.0) {
                self.problems.push(format!("{name}: no gradient"));
            }
            return;
        };
        let gradient = if unifr::model::is_transposed(&name, D) { gradient.swap_dims(0, 1) } else { gradient };
        let found = values(gradient);
        let result = if name.ends_with("key.bias") {
            close(&name, &found, &vec![0.0; found.len()], |_| KEY_BIAS_NOISE)
        } else {
            close(&name, &found, &golden.values, |value| GRADIENT_TOLERANCE[0] + GRADIENT_TOLERANCE[1] * value.abs())
        };
        self.problems.extend(result.err());
    }
}
