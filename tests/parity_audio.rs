//! The filterbank against python_speech_features, and against what the published script makes of a whole clip.
//!
//! Cases: `features/audio/cases.json` under the golden root, and `*.logfbank_*.npy` beside the media clips.

mod golden_cases;

use std::path::Path;

use libtest_mimic::Trial;
use ndarray::Array2;
use serde_json::Value;
use unifr::audio::{CepstrumSettings, Filterbank, FilterbankReading, FilterbankSettings, cepstrum_rows};
use unifr::files::npy;
use unifr::media::read_sound;

/// Of log values; the cases' own tolerance.
const TOLERANCE: f64 = 1e-4;
/// At the floor of -36.0437, where an energy of zero and one of 1e-16 differ; the cases' own tolerance.
const FLOOR_TOLERANCE: f64 = 1e-3;
/// Below this a value is at the floor.
const FLOOR: f64 = -36.0;
/// Of a whole clip, in the mean and at worst: AAC decoders differ by 2 of 32768, which faint bands notice.
const CLIP_MEAN_TOLERANCE: f64 = 2e-3;
const CLIP_WORST_TOLERANCE: f64 = 0.3;

fn main() {
    let cases = golden_cases::root().join("features/audio/cases.json");
    let mut trials = golden_cases::of_kind("features/audio", trials_of_cases(&cases));
    trials.extend(golden_cases::of_kind("media filterbanks", trials_of_clips()));
    golden_cases::run(trials).exit()
}

fn trials_of_cases(path: &Path) -> Vec<Trial> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let listed: Value = serde_json::from_str(&text).expect("the list of cases is JSON");
    let cases = listed["cases"].as_array().expect("the list has cases").clone();
    cases
        .into_iter()
        .map(|case| {
            let name = format!("features/audio/{}", case["name"].as_str().expect("a case has a name"));
            golden_cases::trial(name, move || run_case(&case))
        })
        .collect()
}

fn run_case(case: &Value) -> Result<(), String> {
    let number = |name: &str| case["params"][name].as_f64().ok_or(format!("no `{name}` in the case"));
    let bank = Filterbank::new(FilterbankSettings {
        rate_hz: case["rate"].as_f64().ok_or("no `rate` in the case")?,
        window_secs: number("winlen")?,
        step_secs: number("winstep")?,
        filter_count: number("nfilt")? as usize,
        fft_size: number("nfft")? as usize,
        low_hz: number("lowfreq")?,
        high_hz: number("highfreq")?,
        pre_emphasis: number("preemph")?,
    })
    .map_err(|error| error.to_string())?;
    let signal = signal_of(case["signal"].as_str().ok_or("no `signal` in the case")?)?;
    let found = match case["function"].as_str() {
        Some("logfbank") => bank.log_rows(&signal),
        Some("mfcc") => {
            let settings = CepstrumSettings {
                count: number("numcep")? as usize,
                lifter: number("ceplifter")? as usize,
                replaces_first_by_energy: case["params"]["appendEnergy"] == Value::Bool(true),
            };
            cepstrum_rows(&bank, &signal, &settings)
        }
        other => return Err(format!("unknown function {other:?}")),
    };
    let file = golden_cases::root().join("features").join(case["out"].as_str().ok_or("no `out` in the case")?);
    let (_, expected) = npy::read_f64(&file).map_err(|error| error.to_string())?;
    golden_cases::close("rows", &found, &expected, tolerance_of)
}

fn tolerance_of(expected: f64) -> f64 {
    if expected < FLOOR { FLOOR_TOLERANCE } else { TOLERANCE }
}

/// The signal that a case describes in words: which channel of the stereo file, and how many samples of it.
fn signal_of(words: &str) -> Result<Vec<f64>, String> {
    if let Some(count) = words.strip_suffix(" zeros") {
        return Ok(vec![0.0; count.parse().map_err(|_| format!("no count in `{words}`"))?]);
    }
    let path = golden_cases::root().join("features/audio/stereo_i16.npy");
    let stereo: Array2<i16> = ndarray_npy::read_npy(&path).map_err(|error| error.to_string())?;
    let stereo: Vec<f64> = stereo.iter().map(|sample| f64::from(*sample)).collect();
    let channels = || stereo.chunks_exact(2);
    let signal: Vec<f64> = if words.contains("flattened") {
        stereo
    } else if words.contains("(L+R)/2") || words.contains("mono mix") {
        channels().map(|pair| f64::midpoint(pair[0], pair[1])).collect()
    } else if words.contains("left") {
        channels().map(|pair| pair[0]).collect()
    } else {
        return Err(format!("no signal is known for `{words}`"));
    };
    let count = words.strip_prefix("first ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    Ok(signal[..count.unwrap_or(signal.len()).min(signal.len())].to_vec())
}

fn trials_of_clips() -> Vec<Trial> {
    let readings = [("logfbank_mono", FilterbankReading::Mono), ("logfbank_interleaved", FilterbankReading::Published)];
    let files = golden_cases::files_in(&golden_cases::media_folder(), "npy");
    let cases = files.into_iter().filter_map(|path| {
        let (clip, kind) = path.file_stem()?.to_str()?.split_once('.')?;
        let reading = readings.iter().find(|(name, _)| *name == kind)?.1;
        let movie = path.with_file_name(format!("{clip}.mp4"));
        Some((format!("media/{clip}.{kind}"), path, movie, reading))
    });
    cases
        .map(|(name, path, movie, reading)| golden_cases::trial(name, move || run_clip(&path, &movie, reading)))
        .collect()
}

fn run_clip(path: &Path, movie: &Path, reading: FilterbankReading) -> Result<(), String> {
    let (shape, expected) = npy::read_f64(path).map_err(|error| error.to_string())?;
    let sound = read_sound(movie).map_err(|error| error.to_string())?;
    let rows = reading.rows(&sound, shape[0]).map_err(|error| error.to_string())?;
    let found: Vec<f64> = rows.values.iter().map(|value| f64::from(*value)).collect();
    golden_cases::close("rows", &found, &expected, |_| CLIP_WORST_TOLERANCE)?;
    let distance = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum::<f64>() / found.len() as f64;
    if distance > CLIP_MEAN_TOLERANCE {
        return Err(format!("rows are {distance} away in the mean, expected at most {CLIP_MEAN_TOLERANCE}"));
    }
    Ok(())
}
