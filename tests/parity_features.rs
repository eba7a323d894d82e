//! The feature networks against PyTorch: features and intermediate results of every golden case, with weights filled by
//! the deterministic rule; keys and shapes of every parameter; the steps from pictures to inputs.
//!
//! Cases of more than eight blocks need several gigabytes: they run where `UNIFR_LARGE_TESTS` is set.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use libtest_mimic::Trial;
use serde_json::Value;
use unifr::features::action_units::{Mefarg, MefargConfig};
use unifr::features::expression::{ResMaskNet, ResMaskNetConfig};
use unifr::features::pose::{PoseClip, VideoMae, VideoMaeConfig, input_from_clips, position_table, squashed};
use unifr::features::valence_arousal::{EfficientNetB2, EfficientNetB2Config};
use unifr::features::weights::{Network, PublishedNetwork, filled, parameter_shapes};
use unifr::features::{Seen, Trace, input_from_faces, normalised_levels};
use unifr::files::npy::{self, Values};
use unifr::media::ColorImage;

mod fill_rule;
mod golden_cases;

/// Largest difference allowed, over the standard deviation of what is compared. PyTorch's own f32 is up to 7e-6 from its
/// f64; the mildest mistake in the README's list that can be seen costs 3e-4.
const TOLERANCE: f64 = 1e-4;
/// The normalised levels are two roundings of numbers up to 2.7 away from the reference.
const LEVEL_TOLERANCE: f64 = 3e-7;
/// Pictures in [0, 1] after an interpolation in f32.
const PIXEL_TOLERANCE: f64 = 1e-6;
/// Sines of angles up to 511, rounded to f32 on both sides.
const POSITION_TOLERANCE: f64 = 1e-6;
/// The seed of the golden weights.
const SEED: &str = "unifr-a";
/// Cases with more blocks are large.
const MOST_BLOCKS: u64 = 8;

static RES_MASK_NET: LazyLock<ResMaskNet> = LazyLock::new(|| by_rule(ResMaskNetConfig.init(&device())));
static MEFARG: LazyLock<Mefarg> = LazyLock::new(|| by_rule(MefargConfig::default().init(&device())));
static EFFICIENT_NET: LazyLock<EfficientNetB2> = LazyLock::new(|| by_rule(EfficientNetB2Config.init(&device())));

fn main() {
    let folder = golden_cases::root().join("features");
    let mut trials = golden_cases::of_kind("features/rule_vectors.json", rule_trials(&folder));
    trials.extend(golden_cases::of_kind("features/keys", key_trials(&folder)));
    trials.extend(golden_cases::of_kind("features/manifest_face.json", network_trials(&folder, "manifest_face.json")));
    trials
        .extend(golden_cases::of_kind("features/manifest_video.json", network_trials(&folder, "manifest_video.json")));
    trials.extend(golden_cases::of_kind("features inputs", input_trials(&folder)));
    golden_cases::run(trials).exit();
}

fn device() -> Device {
    Device::flex()
}

/// The golden data's name of a network.
fn golden_name(network: Network) -> &'static str {
    match network {
        Network::Expression => "resmasking",
        Network::ActionUnits => "mefarg",
        Network::ValenceArousal => "efficientnet_b2",
        Network::Pose => "videomae_giant",
    }
}

fn by_rule<N: PublishedNetwork>(network: N) -> N {
    let tensors = fill_rule::tensors(&network, golden_name(N::NETWORK), SEED);
    filled(network, &tensors, FloatDType::F32).expect("the rule fills every parameter")
}

fn read_json(path: &Path) -> Value {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().filter_map(Value::as_f64).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|number| number as usize).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn read_numbers(path: &Path) -> Result<Vec<f64>, String> {
    Ok(npy::read(path).map_err(|error| error.to_string())?.to_f64())
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

// The rule.

fn rule_trials(folder: &Path) -> Vec<Trial> {
    let vectors = read_json(&folder.join("rule_vectors.json"));
    let mut trials = Vec::new();
    for (name, expected) in vectors["fnv1a64"].as_object().into_iter().flatten() {
        let (name, expected) = (name.clone(), expected.clone());
        trials.push(golden_cases::trial(format!("rule: hash of `{name}`"), move || {
            same(&format!("{:016x}", fill_rule::hash(&name)).as_str(), &text(&expected))
        }));
    }
    for (name, expected) in vectors["streams"].as_object().into_iter().flatten() {
        let (name, expected) = (name.clone(), expected.clone());
        trials.push(golden_cases::trial(format!("rule: stream `{name}`"), move || stream_equal(&name, &expected)));
    }
    for expected in list(&vectors["parameters"]) {
        let name = format!("rule: `{}` of {}", text(&expected["key"]), text(&expected["network"]));
        trials.push(golden_cases::trial(name, move || parameter_equal(&expected)));
    }
    trials
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn stream_equal(name: &str, expected: &Value) -> Result<(), String> {
    let seed = fill_rule::hash(name);
    for (number, bits) in (0..).zip(list(&expected["u64"])) {
        same(&format!("{:016x}", fill_rule::bits(seed, number)).as_str(), &text(&bits))?;
    }
    let integers: Vec<f64> = (0..8).map(|number| fill_rule::integer(seed, number) as f64).collect();
    golden_cases::close("integers", &integers, &numbers(&expected["k"]), |_| 0.0)
}

fn parameter_equal(expected: &Value) -> Result<(), String> {
    let shape = sizes(&expected["shape"]);
    let values = fill_rule::parameter(SEED, text(&expected["network"]), text(&expected["key"]), &shape);
    let first: Vec<String> = values.iter().take(4).map(|value| format!("{:08x}", value.to_bits())).collect();
    same(&first, &list(&expected["first4_f32_bits"]).iter().map(|bits| text(bits).to_owned()).collect())?;
    let last = values.last().map(|value| format!("{:08x}", value.to_bits()));
    same(&last.as_deref(), &Some(text(&expected["last_f32_bits"])))
}

// Keys and shapes.

type Shapes = std::collections::BTreeMap<String, Vec<usize>>;

fn key_trials(folder: &Path) -> Vec<Trial> {
    let trial = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        golden_cases::trial(format!("keys of {name}"), move || keys_equal(&path, &name))
    };
    golden_cases::files_in(&folder.join("keys"), "tsv").into_iter().map(trial).collect()
}

/// The network's parameters are those of the role `feature`; those that it skips are all of other roles.
fn keys_equal(path: &Path, name: &str) -> Result<(), String> {
    let device = device();
    let found = match name {
        "resmasking" => parameter_shapes(&ResMaskNetConfig.init(&device)),
        "mefarg" => parameter_shapes(&MefargConfig::default().init(&device)),
        "efficientnet_b2" => parameter_shapes(&EfficientNetB2Config.init(&device)),
        "videomae_giant" => parameter_shapes(&VideoMaeConfig::default().init(&device)),
        other => return Err(format!("`{other}` is not a network")),
    };
    let table = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut expected = Shapes::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[3] == "feature" {
            let shape: Vec<usize> = fields[1].split('x').filter_map(|size| size.parse().ok()).collect();
            let (mean, scale) = fill_rule::mean_and_scale(name, fields[0], &shape);
            let given = [fields[4], fields[5]].map(|field| field.parse::<f64>().unwrap_or(f64::NAN));
            golden_cases::close(fields[0], &[mean, scale], &given, |_| 1e-15)?;
            expected.insert(fields[0].to_owned(), shape);
        }
    }
    let differing = |a: &Shapes, b: &Shapes| {
        a.iter().find(|(key, shape)| b.get(*key) != Some(*shape)).map(|(key, shape)| format!("`{key}` {shape:?}"))
    };
    same(&(differing(&found, &expected), differing(&expected, &found)), &(None, None))
}

// The networks.

fn network_trials(folder: &Path, manifest: &str) -> Vec<Trial> {
    let cases = read_json(&folder.join(manifest));
    let trial = |case: Value| {
        let is_large = case["input"]["depth"].as_u64().is_some_and(|blocks| blocks > MOST_BLOCKS);
        let name = format!("{} {}", text(&case["network"]), text(&case["case"]));
        let folder = folder.to_path_buf();
        golden_cases::trial(name, move || case_close(&folder, &case))
            .with_ignored_flag(is_large && std::env::var_os("UNIFR_LARGE_TESTS").is_none())
    };
    list(&cases["cases"]).into_iter().map(trial).collect()
}

fn case_close(folder: &Path, case: &Value) -> Result<(), String> {
    let mut trace = Trace::recording();
    let input = &case["input"];
    let feature: Vec<f32> = match text(&case["network"]) {
        "resmasking" => host(RES_MASK_NET.traced(faces(folder, input)?, &mut trace)),
        "mefarg" => host(MEFARG.traced(faces(folder, input)?, &mut trace)),
        "efficientnet_b2" => host(EFFICIENT_NET.traced(faces(folder, input)?, &mut trace)),
        "videomae_giant" => host(video(case).traced(clips(folder, input)?, &mut trace)),
        other => return Err(format!("`{other}` is not a network")),
    };
    let seen = trace.into_seen();
    for (name, expected) in case["intermediates"].as_object().into_iter().flatten() {
        summary_close(name, &seen, expected)?;
    }
    let outputs = &case["outputs"];
    output_close("feature", folder, &outputs["feature"], &feature)?;
    match seen.iter().find(|seen| seen.name == "mean_tokens") {
        Some(mean) => output_close("mean_tokens", folder, &outputs["mean_tokens"], &mean.values),
        None => Ok(()),
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("features are f32")
}

fn video(case: &Value) -> VideoMae {
    let blocks = case["input"]["depth"].as_u64().unwrap_or(40) as usize;
    by_rule(VideoMaeConfig { blocks, ..VideoMaeConfig::default() }.init(&device()))
}

fn output_close(what: &str, folder: &Path, expected: &Value, found: &[f32]) -> Result<(), String> {
    let file = read_numbers(&folder.join(text(&expected["file"])))?;
    let tolerance = TOLERANCE * expected["std"].as_f64().unwrap_or(0.0);
    golden_cases::close(what, &wide(found), &file, |_| tolerance)
}

fn summary_close(name: &str, seen: &[Seen], expected: &Value) -> Result<(), String> {
    let seen = seen.iter().find(|seen| seen.name == name).ok_or_else(|| format!("`{name}` was not seen"))?;
    same(&seen.shape, &sizes(&expected["shape"])).map_err(|text| format!("shape of {name}: {text}"))?;
    let values = wide(&seen.values);
    let stride = expected["stride"].as_u64().unwrap_or(1) as usize;
    let (first, strided) = (&expected["first16"], &expected["strided16"]);
    let tolerance = TOLERANCE * expected["std"].as_f64().unwrap_or(0.0);
    let beginning: Vec<f64> = values.iter().take(list(first).len()).copied().collect();
    golden_cases::close(&format!("beginning of {name}"), &beginning, &numbers(first), |_| tolerance)?;
    let sample: Vec<f64> = values.iter().step_by(stride).take(list(strided).len()).copied().collect();
    golden_cases::close(&format!("sample of {name}"), &sample, &numbers(strided), |_| tolerance)?;
    let expected = ["mean", "std", "min", "max"].map(|key| expected[key].as_f64().unwrap_or(f64::NAN));
    golden_cases::close(&format!("statistics of {name}"), &statistics(&values), &expected, |_| tolerance)
}

/// Mean, standard deviation of the population, least and largest.
fn statistics(values: &[f64]) -> [f64; 4] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let [least, most] = [f64::min, f64::max].map(|of| values.iter().copied().fold(values[0], of));
    [mean, variance.sqrt(), least, most]
}

// Inputs.

fn faces(folder: &Path, input: &Value) -> Result<Tensor<4>, String> {
    let tensor = match text(&input["kind"]) {
        "float_rule" | "zeros" => Tensor::from_data(rule_data(input), &device()),
        "face128_bgr_rule" => {
            let shape = sizes(&input["shape"]);
            let pixels = fill_rule::picture(text(&input["stream"]), shape[0], shape[1]);
            input_from_faces(&[ColorImage { width: shape[1], height: shape[0], pixels }], &device())
        }
        "face128_bgr_file" => input_from_faces(&pictures(&folder.join(text(&input["file"])))?, &device()),
        other => return Err(format!("`{other}` is not a kind of input")),
    };
    input_close(&tensor, input)?;
    Ok(tensor)
}

fn clips(folder: &Path, input: &Value) -> Result<Tensor<5>, String> {
    if text(&input["kind"]) != "video_rgb_u8_file" {
        let tensor = Tensor::from_data(rule_data(input), &device());
        input_close(&tensor, input)?;
        return Ok(tensor);
    }
    let frames = pictures(&folder.join(text(&input["file"])))?;
    let first = read_numbers(&folder.join(text(&input["resized_first_frame_of_first_clip"])))?;
    golden_cases::close("first frame", &wide(&squashed(&frames[0])), &first, |_| PIXEL_TOLERANCE)?;
    let (groups, _) = frames.as_chunks::<5>();
    let clips: Vec<PoseClip> = groups.iter().map(|frames| PoseClip::from_frames(frames.each_ref())).collect();
    Ok(input_from_clips(&clips, &device()))
}

fn rule_data(input: &Value) -> TensorData {
    let shape = sizes(&input["shape"]);
    let factors = ["mean", "a", "b"].map(|key| input[key].as_f64().unwrap_or(0.0));
    let values = if text(&input["kind"]) == "zeros" {
        vec![0.0; shape.iter().product()]
    } else {
        fill_rule::float_input(text(&input["stream"]), &shape, factors)
    };
    TensorData::new(values, shape)
}

fn input_close<const D: usize>(tensor: &Tensor<D>, input: &Value) -> Result<(), String> {
    let values = wide(&host(tensor.clone()));
    let stats = &input["input_stats"];
    let tolerance = |_| LEVEL_TOLERANCE;
    golden_cases::close("input", &values[..16], &numbers(&stats["first16"]), tolerance)?;
    let [mean, deviation, ..] = statistics(&values);
    let expected = ["mean", "std"].map(|key| stats[key].as_f64().unwrap_or(f64::NAN));
    golden_cases::close("statistics of the input", &[mean, deviation], &expected, |_| LEVEL_TOLERANCE)
}

/// All pictures of a file, blue first; the file's last axis is red first where it has five axes.
fn pictures(path: &Path) -> Result<Vec<ColorImage>, String> {
    let array = npy::read(path).map_err(|error| error.to_string())?;
    let Values::U8(mut bytes) = array.values else { return Err(format!("`{}` has no bytes", path.display())) };
    let [height, width, _] = array.shape[array.shape.len() - 3..] else { return Err("too few axes".into()) };
    if array.shape.len() == 5 {
        bytes.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    }
    let image = |pixels: &[u8]| ColorImage { width, height, pixels: pixels.to_vec() };
    Ok(bytes.chunks_exact(height * width * 3).map(image).collect())
}

fn input_trials(folder: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    let levels = folder.join("pre/normalise_lut.npy");
    if levels.exists() {
        trials.push(golden_cases::trial("normalised levels", move || {
            let table = normalised_levels();
            let found: Vec<f64> = (0..768).map(|place| f64::from(table[place % 3][place / 3])).collect();
            golden_cases::close("level", &found, &read_numbers(&levels)?, |_| LEVEL_TOLERANCE)
        }));
    }
    let manifest = read_json(&folder.join("manifest_video.json"));
    if let Some(positions) = manifest.get("pos_embed").cloned() {
        let folder = folder.to_path_buf();
        trials.push(golden_cases::trial("positions", move || positions_close(&folder, &positions)));
    }
    if let Some(case) = manifest.get("resize_only").cloned() {
        let folder = folder.to_path_buf();
        trials.push(golden_cases::trial("squashed frame", move || squashed_close(&folder, &case)));
    }
    trials
}

fn positions_close(folder: &Path, case: &Value) -> Result<(), String> {
    let [tokens, width] = sizes(&case["shape"])[..] else { return Err("expected two axes".into()) };
    let table = position_table(tokens, width);
    let rows = sizes(&case["rows"]).into_iter().flat_map(|row| &table[row * width..(row + 1) * width]);
    let found: Vec<f64> = rows.map(|value| f64::from(*value)).collect();
    let expected = read_numbers(&folder.join(text(&case["file"])))?;
    golden_cases::close("position", &found, &expected, |_| POSITION_TOLERANCE)
}

/// Every fourth row and column of a large picture.
fn squashed_close(folder: &Path, case: &Value) -> Result<(), String> {
    let shape = sizes(&case["shape"]);
    let mut pixels = fill_rule::picture(text(&case["stream"]), shape[0], shape[1]);
    pixels.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    let values = squashed(&ColorImage { width: shape[1], height: shape[0], pixels });
    let side = 224;
    let rows = values.chunks_exact(side).enumerate().filter(|(row, _)| row % side % 4 == 0);
    let found: Vec<f64> = rows.flat_map(|(_, row)| row.iter().step_by(4)).map(|value| f64::from(*value)).collect();
    golden_cases::close("pixel", &found, &read_numbers(&folder.join(text(&case["file"])))?, |_| PIXEL_TOLERANCE)
}
