//! Output file names and the sampling of the ten reactions equal the published ones.
//!
//! Cases: `unifr/decoding/names.json`, one per test config; the configs are those in `configs/`.

mod golden_cases;

use std::path::Path;
use std::process::ExitCode;

use golden_cases::{files, of_kind, run, trial};
use libtest_mimic::Trial;
use serde_json::{Map, Value};
use unifr::config::{RunConfig, Task};

fn main() -> ExitCode {
    let names = |path: &&std::path::PathBuf| path.file_stem().is_some_and(|stem| stem == "names");
    let trials = files("unifr/decoding", "json").iter().filter(names).flat_map(|path| of_file(path)).collect();
    run(of_kind("unifr/decoding/names.json", trials)).exit_code()
}

fn of_file(path: &Path) -> Vec<Trial> {
    let text = std::fs::read_to_string(path).expect("the golden file can be read");
    let cases: Map<String, Value> = serde_json::from_str(&text).expect("the golden file is a JSON object");
    cases.into_iter().map(|(file, case)| of_config(&file, case)).collect()
}

/// Ignored where `configs/` has no such file: the case does not say what is in it.
fn of_config(file: &str, case: Value) -> Trial {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(file);
    let known = path.exists();
    trial(format!("names: {file}"), move || check(&path, &case)).with_ignored_flag(!known)
}

fn check(path: &Path, case: &Value) -> Result<(), String> {
    let config = RunConfig::load(path).map_err(|error| error.to_string())?.config;
    reactions(&config, &case["per_reaction"])?;
    for (key, expected) in case["files"].as_object().ok_or("`files` is no object")? {
        // A key with the task alone stands for a combination that fails in the original (defect 28).
        let [task, dataset, iteration] = key.split('|').collect::<Vec<_>>()[..] else { continue };
        let task: Task = task.parse()?;
        let found = config.output_names(task, dataset, iteration.parse().expect("an iteration")).tokens();
        if Some(found.as_str()) != expected.as_str() {
            return Err(format!("{key}: found {found}, expected {expected}"));
        }
    }
    Ok(())
}

/// Exact: the same additions of the same doubles.
fn reactions(config: &RunConfig, expected: &Value) -> Result<(), String> {
    let expected = expected.as_array().ok_or("`per_reaction` is no list")?;
    let found = config.sampling_per_reaction();
    if found.len() != expected.len() {
        return Err(format!("{} reactions, expected {}", found.len(), expected.len()));
    }
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = expected["top_k"].as_u64() == Some(found.top_k as u64)
            && expected["top_p"].as_f64() == Some(found.top_p)
            && expected["temperature"].as_f64() == Some(found.temperature);
        if !same {
            return Err(format!("reaction {place}: found {found:?}, expected {expected}"));
        }
    }
    Ok(())
}
