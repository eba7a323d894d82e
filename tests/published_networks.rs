//! Weights of the feature networks from files: the publishers' containers, what does not fit, half precision.
//!
//! `publish_networks.py` writes the containers where python3 with torch and timm is there (`$UNIFR_PYTHON` names another
//! python); without it that test says so and passes. The others make their own small files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fill_rule;

use std::path::Path;
use std::process::Command;

use burn::tensor::{Device, FloatDType, Tensor};
use unifr::features::action_units::{Mefarg, MefargConfig, SwinConfig};
use unifr::features::expression::ResMaskNetConfig;
use unifr::features::pose::{PoseClip, VideoMaeConfig};
use unifr::features::valence_arousal::{EfficientNetB2, EfficientNetB2Config};
use unifr::features::weights::{
    Network, PublishedNetwork, RandomWeights, Tensors, WeightsError, WeightsFolder, filled, parameter_shapes,
    random_tensors,
};
use unifr::features::{React2023, React2023Options, WeightsOrigin, check_weights};
use unifr::media::ColorImage;

/// Half precision against f32, over the standard deviation: eight bits of mantissa through a few dozen layers.
const BF16_TOLERANCE: f32 = 0.1;
/// Eleven bits.
const F16_TOLERANCE: f32 = 0.02;
/// Eleven bits through 23 blocks whose rule amplifies what differs (its gain is 1.5), sums of products in f16 as well.
const F16_CONVOLUTIONS_TOLERANCE: f32 = 0.15;
/// Another batch size means other orders of summation.
const BATCH_TOLERANCE: f32 = 1e-5;

fn device() -> Device {
    Device::flex()
}

/// MEFARG with a narrow backbone: the same layers, quick.
fn small() -> Mefarg {
    let backbone = SwinConfig { width: 16, blocks: [2, 2, 2, 2], head_width: 8 };
    MefargConfig { backbone }.init(&device())
}

fn faces(count: usize) -> Tensor<4> {
    let values = fill_rule::float_input("faces", &[count, 3, 224, 224], [0.0, 1.5, 0.5]);
    Tensor::from_data(burn::tensor::TensorData::new(values, [count, 3, 224, 224]), &device())
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// The largest difference over the standard deviation of `expected`.
fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let mean = expected.iter().sum::<f32>() / expected.len() as f32;
    let variance = expected.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / expected.len() as f32;
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    worst / variance.sqrt()
}

/// Writes safetensors of the keys and shapes, all numbers 0.25.
fn write_safetensors(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let (mut header, mut start) = (serde_json::Map::new(), 0);
    for (key, shape) in tensors {
        let end = start + 4 * shape.iter().product::<usize>();
        header.insert(key.clone(), serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}));
        start = end;
    }
    let header = serde_json::Value::from(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(std::iter::repeat_n(0.25_f32.to_le_bytes(), start / 4).flatten());
    std::fs::write(path, bytes).unwrap();
}

/// The keys and shapes of the small network as ME-GraphAU saves them.
fn saved_tensors() -> Vec<(String, Vec<usize>)> {
    let own = parameter_shapes(&small()).into_iter();
    let mut tensors: Vec<_> = own.map(|(key, shape)| (format!("state_dict.module.{key}"), shape)).collect();
    tensors.push(("state_dict.module.head.sc".into(), vec![12, 512]));
    tensors.push(("state_dict.module.global_linear.bn.num_batches_tracked".into(), vec![]));
    tensors.push(("optimizer.step".into(), vec![1]));
    tensors
}

fn loaded(tensors: &[(String, Vec<usize>)]) -> Result<Mefarg, WeightsError> {
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    write_safetensors(file.path(), tensors);
    filled(small(), &Tensors::open(file.path(), Network::ActionUnits)?, FloatDType::F32)
}

#[test]
fn safetensors_fill_a_network_and_what_the_feature_does_not_need_is_passed_over() {
    assert!(loaded(&saved_tensors()).is_ok());
}

#[test]
fn missing_unexpected_and_misshapen_tensors_are_all_named() {
    let mut tensors = saved_tensors();
    tensors.retain(|(key, _)| !key.ends_with("global_linear.fc.bias"));
    tensors.push(("state_dict.module.backbone.extra".into(), vec![3]));
    let norm = tensors.iter_mut().find(|(key, _)| key.ends_with("backbone.norm.weight")).unwrap();
    norm.1 = vec![2, 64];
    let WeightsError::Misfit { misfit, .. } = loaded(&tensors).err().unwrap() else { panic!("not a misfit") };
    assert_eq!(misfit.missing, ["global_linear.fc.bias"]);
    assert_eq!(misfit.unexpected, ["backbone.extra"]);
    assert_eq!(misfit.misshapen, [("backbone.norm.weight".to_owned(), vec![2, 64], vec![128])]);
}

#[test]
fn the_weights_of_another_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_safetensors(&folder.path().join("resmasking.safetensors"), &saved_tensors());
    let weights = WeightsFolder::open(folder.path()).unwrap();
    let message = check_weights(&weights, Network::Expression).unwrap_err().to_string();
    assert!(message.contains("does not hold the weights of ResMasking") && message.contains("missing"), "{message}");
}

#[test]
fn half_precision_stays_near() {
    let by_rule = |precision| {
        let tensors = fill_rule::tensors(&small(), "mefarg", "seed");
        host(filled(small(), &tensors, precision).unwrap().forward(faces(1)))
    };
    let exact = by_rule(FloatDType::F32);
    for (precision, tolerance) in [(FloatDType::BF16, BF16_TOLERANCE), (FloatDType::F16, F16_TOLERANCE)] {
        let found = distance(&by_rule(precision), &exact);
        assert!(found > 0.0 && found < tolerance, "{precision:?}: {found}");
    }
}

#[test]
fn convolutions_in_half_precision_stay_near() {
    let by_rule = |precision| {
        let network = EfficientNetB2Config.init(&device());
        let tensors = fill_rule::tensors(&network, "efficientnet_b2", "seed");
        host(filled(network, &tensors, precision).unwrap().forward(faces(1)))
    };
    let found = distance(&by_rule(FloatDType::F16), &by_rule(FloatDType::F32));
    assert!(found > 0.0 && found < F16_CONVOLUTIONS_TOLERANCE, "{found}");
}

#[test]
fn a_batch_gives_what_each_face_gives_by_itself() {
    let tensors = random_tensors(&small(), 3);
    let network = filled(small(), &tensors, FloatDType::F32).unwrap();
    let together = host(network.forward(faces(2)));
    let first = host(network.forward(faces(2).narrow(0, 0, 1)));
    assert!(distance(&together[..first.len()], &first) < BATCH_TOLERANCE);
}

/// Loads the published containers and compares one row of each network with the rule's own weights.
#[test]
fn the_publishers_containers_are_read() {
    const BLOCKS: usize = 1;
    let python = std::env::var("UNIFR_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_packages = Command::new(&python).args(["-c", "import timm, torch"]).output();
    if !has_packages.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} with torch and timm is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/publish_networks.py");
    let written = Command::new(&python).arg(script).arg(folder.path()).arg(BLOCKS.to_string()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let mut weights = WeightsFolder::open(folder.path()).unwrap();
    let checked = [Network::Expression, Network::ActionUnits, Network::ValenceArousal]
        .map(|network| (network, check_weights(&weights, network).unwrap()));
    weights.list(&checked).unwrap();
    let message = check_weights(&weights, Network::Pose).unwrap_err().to_string();
    assert!(message.contains("507 missing"), "39 of 40 blocks, 13 tensors each: {message}");
    let options = React2023Options { pose_blocks: BLOCKS, ..React2023Options::default() };
    let networks = React2023::load(&weights, &options, &device()).unwrap();
    assert!(networks.origins().iter().all(|(_, origin)| matches!(origin, WeightsOrigin::File { .. })));
    rows_are_the_rules(&networks, BLOCKS);
}

fn rows_are_the_rules(networks: &React2023, blocks: usize) {
    let face = ColorImage { width: 128, height: 128, pixels: fill_rule::picture("face", 128, 128) };
    let rows = networks.describe(std::slice::from_ref(&face));
    let input = unifr::features::input_from_faces(std::slice::from_ref(&face), &device());
    let expression = by_rule(ResMaskNetConfig.init(&device()), "resmasking").forward(input.clone());
    assert_eq!(rows.expression, host(expression));
    let units = by_rule(MefargConfig::default().init(&device()), "mefarg").forward(input.clone());
    assert_eq!(rows.action_units, host(units));
    let network: EfficientNetB2 = by_rule(EfficientNetB2Config.init(&device()), "efficientnet_b2");
    assert_eq!(rows.valence_arousal, host(network.forward(input)));
    let clip = PoseClip::from_frames([&face; 5]);
    let pose = by_rule(VideoMaeConfig { blocks, ..VideoMaeConfig::default() }.init(&device()), "videomae_giant");
    let input = unifr::features::pose::input_from_clips(std::slice::from_ref(&clip), &device());
    assert_eq!(networks.pose(&[clip]), host(pose.forward(input)));
}

fn by_rule<N: PublishedNetwork>(network: N, name: &str) -> N {
    let tensors = fill_rule::tensors(&network, name, "unifr-a");
    filled(network, &tensors, FloatDType::F32).unwrap()
}

#[test]
fn random_weights_are_used_only_where_named() {
    let folder = tempfile::tempdir().unwrap();
    let weights = WeightsFolder::open(folder.path()).unwrap();
    let random = RandomWeights::of(&[Network::Expression], 5);
    let options = React2023Options { random, pose_blocks: 1, ..React2023Options::default() };
    let error = React2023::load(&weights, &options, &device()).err().unwrap();
    assert!(matches!(error, WeightsError::Missing { network: Network::ActionUnits, .. }), "{error}");
}

#[test]
fn the_command_names_what_is_missing_and_lists_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    let shapes: Vec<_> = parameter_shapes(&EfficientNetB2Config.init(&device())).into_iter().collect();
    write_safetensors(&folder.path().join("enet_b2_8_best.safetensors"), &shapes);
    let check = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unifr"));
        let output = command.args(["weights", "check"]).arg(folder.path()).args(options).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = check(&["--write"]);
    assert_eq!(code, Some(1), "three files are missing");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("exp: no weights of ResMasking") && lines[0].contains("https://"), "{text}");
    assert!(lines[2].starts_with("va: well: ") && lines[2].ends_with("not in the manifest"), "{text}");
    assert!(lines[3].starts_with("pose: no weights of VideoMAE"), "{text}");
    assert!(check(&[]).1.contains("as in the manifest"));
}
