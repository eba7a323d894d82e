//! The scores equal those of the published code, over every golden case that is found.
//!
//! Oracle: `unifr/metrics` of the golden data, written by the published code in NumPy, PyTorch and tslearn.

mod golden_cases;

use std::path::{Path, PathBuf};

use golden_cases::{close, files, of_kind, trial};
use libtest_mimic::Trial;
use safetensors::{Dtype, SafeTensors};
use unifr::dataset::Appropriateness;
use unifr::metrics::{self, Clips, Predictions};

const KIND: &str = "unifr/metrics";

/// Both sides compute in double precision from the same `f32` arrays; only the order of sums differs.
const RELATIVE: f64 = 1e-9;
/// Correlations near 0 lose relative, not absolute, precision; the curve is stored in `f32`.
const CURVE: f64 = 1e-7;
/// The published mean of offsets is taken in `f32`.
const SYNCHRONY: f64 = 1e-5;
/// The published matrix root is computed by an iteration that stops near this.
const FRECHET: f64 = 1e-6;
/// The same for a singular covariance, where that root is least exact.
const FRECHET_SINGULAR: f64 = 1e-5;

fn main() {
    let mut trials = Vec::new();
    for path in files(KIND, "json") {
        if !path.with_extension("safetensors").exists() {
            continue;
        }
        let stem = path.file_stem().expect("a json file has a name").to_string_lossy().into_owned();
        if stem == "frechet" {
            trials.push(trial(stem, move || frechet(&path)));
        } else {
            trials.extend(trials_of_case(&stem, &path));
        }
    }
    golden_cases::run(of_kind(KIND, trials)).exit();
}

/// One stored intermediate or result, and what compares ours with it.
type Check = fn(&Case) -> Result<(), String>;

fn trials_of_case(stem: &str, path: &Path) -> Vec<Trial> {
    let checks: [(&str, Check); 7] = [
        ("six values", six_values),
        ("per reaction", per_reaction),
        ("per sample", per_sample),
        ("concordance row", concordance_row),
        ("distance row", distance_row),
        ("lag curve", lag_curve),
        ("offsets", offsets),
    ];
    let of_check = |(name, check): (&str, Check)| {
        let path: PathBuf = path.to_owned();
        trial(format!("{stem}: {name}"), move || check(&Case::read(&path)?))
    };
    checks.into_iter().map(of_check).collect()
}

struct Case {
    values: serde_json::Value,
    bytes: Vec<u8>,
    predictions: Predictions,
    listeners: Clips,
    speakers: Clips,
    neighbours: Appropriateness,
}

impl Case {
    fn read(path: &Path) -> Result<Self, String> {
        let (values, bytes) = read_pair(path)?;
        let tensor = |name: &str| tensor(&bytes, name);
        let (shape, prediction) = tensor("pred")?;
        let people = |name: &'static str| {
            let (shape, values) = tensor(name)?;
            Clips::new(name, &shape, values).map_err(|error| error.to_string())
        };
        let (shape_of_matrix, matrix) = tensor("appropriateness")?;
        let ones = |row: &[f64]| (0u32..).zip(row).filter(|(_, mark)| **mark > 0.0).map(|(clip, _)| clip).collect();
        let rows = matrix.chunks(shape_of_matrix[1]).map(ones).collect();
        Ok(Self {
            predictions: Predictions::new(&shape, prediction).map_err(|error| error.to_string())?,
            listeners: people("listener_gt")?,
            speakers: people("speaker_gt")?,
            neighbours: Appropriateness::from_rows(rows).map_err(|error| error.to_string())?,
            values,
            bytes,
        })
    }

    fn stored(&self, name: &str) -> Result<Vec<f64>, String> {
        Ok(tensor(&self.bytes, name)?.1)
    }

    fn value(&self, name: &str) -> Result<f64, String> {
        self.values[name].as_f64().ok_or_else(|| format!("`{name}` is no number in the json"))
    }

    fn scores(&self) -> Result<metrics::Scores, String> {
        metrics::evaluate(&self.predictions, &self.listeners, &self.speakers, &self.neighbours, &|_| ())
            .map_err(|error| error.to_string())
    }
}

fn read_pair(json: &Path) -> Result<(serde_json::Value, Vec<u8>), String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let values = serde_json::from_slice(&read(json)?).map_err(|error| error.to_string())?;
    Ok((values, read(&json.with_extension("safetensors"))?))
}

/// Shape and values of a tensor, whatever its type.
fn tensor(bytes: &[u8], name: &str) -> Result<(Vec<usize>, Vec<f64>), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let view = file.tensor(name).map_err(|error| format!("`{name}`: {error}"))?;
    let data = view.data();
    let values = match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect(),
        Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
        Dtype::I64 => data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
        Dtype::U8 => data.iter().map(|&byte| f64::from(byte)).collect(),
        other => return Err(format!("`{name}` has the type {other:?}")),
    };
    Ok((view.shape().to_vec(), values))
}

fn relative(expected: f64) -> f64 {
    RELATIVE * expected.abs()
}

fn six_values(case: &Case) -> Result<(), String> {
    let scores = case.scores()?;
    let pairs = [
        ("FRCorr", scores.frcorr.sum_over_reactions, RELATIVE),
        ("FRDist", scores.frdist.sum_over_reactions, RELATIVE),
        ("FRDiv_smse", scores.frdiv, RELATIVE),
        ("FRVar", scores.frvar, RELATIVE),
        ("FRDvs", scores.frdvs, RELATIVE),
        ("FRSyn_first_reaction_only", scores.frsyn.published_first_reaction, SYNCHRONY),
        ("FRSyn_all_reactions", scores.frsyn.published_all_reactions, SYNCHRONY),
    ];
    for (name, found, tolerance) in pairs {
        close(name, &[found], &[case.value(name)?], |expected| tolerance * expected.abs())?;
    }
    Ok(())
}

fn per_reaction(case: &Case) -> Result<(), String> {
    let scores = case.scores()?;
    let frcorr: Vec<f64> = scores.clips.iter().flat_map(|clip| clip.frcorr.clone()).collect();
    let frdist: Vec<f64> = scores.clips.iter().flat_map(|clip| clip.frdist.clone()).collect();
    close("per_reaction_FRC", &frcorr, &case.stored("per_reaction_FRC")?, relative)?;
    close("per_reaction_FRD", &frdist, &case.stored("per_reaction_FRD")?, relative)
}

fn per_sample(case: &Case) -> Result<(), String> {
    let scores = case.scores()?;
    let frcorr: Vec<f64> = scores.clips.iter().map(|clip| clip.frcorr.iter().sum()).collect();
    let frdist: Vec<f64> = scores.clips.iter().map(|clip| clip.frdist.iter().sum()).collect();
    close("per_sample_FRC", &frcorr, &case.stored("per_sample_FRC")?, relative)?;
    close("per_sample_FRD", &frdist, &case.stored("per_sample_FRD")?, relative)
}

fn concordance_row(case: &Case) -> Result<(), String> {
    let prediction = case.predictions.reaction(0, 0);
    let with = |clip| metrics::concordance(case.listeners.clip(clip), prediction);
    let found: Vec<f64> = (0..case.listeners.clip_count()).map(with).collect();
    let name = "ccc_s0_r0_against_all_listeners";
    close(name, &found, &case.stored(name)?, relative)
}

/// The smallest distance over the neighbours, every pair in full, equals the stored one: nothing is lost by pruning.
fn distance_row(case: &Case) -> Result<(), String> {
    let expected = case.stored("per_reaction_FRD")?;
    let to = |&clip: &u32| metrics::distance(case.predictions.reaction(0, 0), case.listeners.clip(clip as usize));
    let found = case.neighbours.appropriate(0).iter().map(to).fold(f64::INFINITY, f64::min);
    close("per_reaction_FRD", &[found], &expected[..1], relative)
}

fn lag_curve(case: &Case) -> Result<(), String> {
    let found = metrics::published_curve(case.predictions.reaction(0, 0), case.speakers.clip(0));
    let found: Vec<f64> = found.into_iter().map(f64::from).collect();
    close("tlcc_curve_s0_r0", &found, &case.stored("tlcc_curve_s0_r0")?, |_| CURVE)
}

fn offsets(case: &Case) -> Result<(), String> {
    let found = metrics::frsyn(&case.predictions, &case.speakers, &|_| ());
    let found: Vec<f64> = found.iter().map(|synchrony| synchrony.published as f64).collect();
    close("tlcc_offset", &found, &case.stored("tlcc_offset")?, |_| 0.0)
}

fn frechet(path: &Path) -> Result<(), String> {
    let (values, bytes) = read_pair(path)?;
    let cases = values.as_object().ok_or("the json holds no object")?;
    for (name, expected) in cases {
        let (shape, real) = tensor(&bytes, &format!("{name}.real"))?;
        let (_, generated) = tensor(&bytes, &format!("{name}.fake"))?;
        let expected = expected.as_f64().ok_or("the distance is no number")?;
        let found = metrics::frechet_distance(&real, &generated, shape[1]).map_err(|error| error.to_string())?;
        let tolerance = if shape[0] <= shape[1] { FRECHET_SINGULAR } else { FRECHET };
        close(name, &[found], &[expected], |expected| tolerance * expected)?;
    }
    Ok(())
}
