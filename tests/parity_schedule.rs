//! Learning-rate multipliers equal those of the published scheduler object.
//!
//! Cases: `unifr/schedule/*.json`. Steps are already divided in the cases of whole configs, whose names also say which
//! file in `configs/` and how many devices they belong to.

mod golden_cases;

use std::path::Path;
use std::process::ExitCode;

use golden_cases::{close, files, of_kind, run, trial};
use libtest_mimic::Trial;
use serde_json::{Map, Value};
use unifr::config::{Keep, RunConfig, SchedulerParams};
use unifr::optimizer::{ScheduleError, WarmupKeepCosine};

/// Both sides compute in double with the same operations; only the order of two products may differ.
const RELATIVE: f64 = 1e-12;
/// The last bit of the smallest rates, where the cosine has cancelled.
const ABSOLUTE: f64 = 1e-20;

fn main() -> ExitCode {
    let trials = files("unifr/schedule", "json").iter().flat_map(|path| of_file(path)).collect();
    run(of_kind("unifr/schedule", trials)).exit_code()
}

fn of_file(path: &Path) -> Vec<Trial> {
    let text = std::fs::read_to_string(path).expect("the golden file can be read");
    let cases: Map<String, Value> = serde_json::from_str(&text).expect("the golden file is a JSON object");
    let all = cases.clone();
    cases
        .into_iter()
        .map(|(name, case)| {
            let all = all.clone();
            trial(format!("schedule: {name}"), move || check(&name, &case, &all))
        })
        .collect()
}

fn check(name: &str, case: &Value, all: &Map<String, Value>) -> Result<(), String> {
    let Some(multipliers) = case.get("multiplier") else { return fresh_object(name, case, all) };
    match schedule(case) {
        // Refused by ours: the published object repeats 0 until the keep phase is over.
        Err(ScheduleError::NothingToKeep { .. }) if multipliers["0"].as_f64() == Some(0.0) => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(ours) => compare("multiplier", multipliers, &ours, 1.0)?,
    }
    let Some((file, devices)) = name.split_once("|gpus=") else { return Ok(()) };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(file);
    if !path.exists() {
        return Ok(());
    }
    let config = RunConfig::load(&path).map_err(|error| error.to_string())?.config;
    let accumulation =
        config.n_acc(devices.parse().expect("a number of devices")).map_err(|error| error.to_string())?;
    let expected = ["n_accumulation", "optimizer_steps_in_run"].map(|key| case[key].as_u64());
    let found = [accumulation, (config.train_params.max_iter - 1) / accumulation];
    if expected != found.map(Some) {
        return Err(format!("accumulation and steps: found {found:?}, expected {expected:?}"));
    }
    let from_config = WarmupKeepCosine::new(config.scheduler(), accumulation).map_err(|error| error.to_string())?;
    compare("lr of the config", &case["lr"], &from_config, config.learning_rate_base())
}

fn compare(what: &str, values: &Value, schedule: &WarmupKeepCosine, factor: f64) -> Result<(), String> {
    let values = values.as_object().ok_or("expected numbers by step")?;
    let steps: Vec<u64> = values.keys().map(|step| step.parse().expect("a step")).collect();
    let expected: Vec<f64> = values.values().map(|value| value.as_f64().expect("a number")).collect();
    let found: Vec<f64> = steps.iter().map(|step| factor * schedule.multiplier(*step)).collect();
    close(&format!("{what} at steps {steps:?}"), &found, &expected, |value| ABSOLUTE + RELATIVE * value.abs())
}

/// The steps of a case as they are, already divided where that applies.
fn schedule(case: &Value) -> Result<WarmupKeepCosine, ScheduleError> {
    let steps = |key: &str| case.get(key).map_or(0, |steps| steps.as_u64().expect("a count of steps"));
    let rate = |key: &str| case[key].as_f64().expect("a rate");
    let params = SchedulerParams {
        warm_up_steps: steps("warm_up_steps"),
        keep_steps: steps("keep_steps"),
        max_decay_steps: steps("max_decay_steps"),
        lr_start: rate("lr_start"),
        lr_max: rate("lr_max"),
        lr_min: rate("lr_min"),
        keep: Keep::Published,
    };
    WarmupKeepCosine::new(&params, 1)
}

/// What the published object returns when it is made anew inside the keep phase, as after a resume: 0 (defect 17).
///
/// Ours is a pure function of the step: it must give what the unbroken object gives, and that is not 0.
fn fresh_object(name: &str, case: &Value, all: &Map<String, Value>) -> Result<(), String> {
    let unbroken =
        name.split(',').next().and_then(|base| all.get(base)).ok_or("the case names no unbroken schedule")?;
    let ours = schedule(unbroken).map_err(|error| error.to_string())?;
    for (step, forgotten) in case.as_object().ok_or("expected numbers by step")? {
        let found = ours.multiplier(step.parse().expect("a step"));
        if Some(found) == forgotten.as_f64() || Some(found) != unbroken["multiplier"][step].as_f64() {
            return Err(format!("at step {step}: found {found}, the unbroken value was expected"));
        }
    }
    Ok(())
}
