//! The rule with which the golden networks and their inputs were filled, so that no weights have to be stored.
//!
//! Source: the README of the golden features. `rule_vectors.json` holds this file.
#![allow(dead_code, reason = "each test uses its own part of this helper")]

use unifr::features::weights::{PublishedNetwork, Tensors, parameter_shapes};

/// The steps of a coarse input: squares of this side share a number.
const CELL: usize = 16;

/// FNV-1a, 64 bit.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Element `number` of the stream `name`: splitmix64.
pub fn bits(seed: u64, number: u64) -> u64 {
    let z = seed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The 24-bit integer of an element.
pub fn integer(seed: u64, number: u64) -> i64 {
    (bits(seed, number) >> 40) as i64 - (1 << 23)
}

/// The same in [-1, 1).
pub fn unit(seed: u64, number: u64) -> f64 {
    integer(seed, number) as f64 / f64::from(1 << 23)
}

/// The golden data's name of a network, and what its larger parameters are multiplied by.
fn gain(network: &str, key: &str) -> f64 {
    match network {
        "resmasking" => 0.9,
        "efficientnet_b2" if key.contains(".se.") => 0.3,
        "efficientnet_b2" => 1.5,
        _ => 1.0,
    }
}

/// Mean and scale of a parameter.
pub fn mean_and_scale(network: &str, key: &str, shape: &[usize]) -> (f64, f64) {
    if key.ends_with("running_var") {
        (1.0, 0.5)
    } else if key.ends_with("running_mean") {
        (0.0, 0.1)
    } else if key.ends_with("relative_position_bias_table") {
        (0.0, 0.5)
    } else if shape.len() >= 2 {
        (0.0, gain(network, key) * (3.0 / shape[1..].iter().product::<usize>() as f64).sqrt())
    } else if key.rsplit('.').next() == Some("weight") {
        (1.0, 0.1)
    } else {
        (0.0, 0.1)
    }
}

/// A parameter under a weight seed.
pub fn parameter(weight_seed: &str, network: &str, key: &str, shape: &[usize]) -> Vec<f32> {
    let (mean, scale) = mean_and_scale(network, key, shape);
    let seed = hash(&format!("{weight_seed}/w/{network}/{key}"));
    (0..shape.iter().product::<usize>() as u64).map(|number| (mean + scale * unit(seed, number)) as f32).collect()
}

/// Every parameter of a network.
pub fn tensors<N: PublishedNetwork>(network: &N, name: &str, weight_seed: &str) -> Tensors {
    let mut tensors = Tensors::new(format!("{name} by the rule"));
    for (key, shape) in parameter_shapes(network) {
        let (weight_seed, name, own_key, sizes) = (weight_seed.to_owned(), name.to_owned(), key.clone(), shape.clone());
        tensors.insert(key, shape, move || Ok(parameter(&weight_seed, &name, &own_key, &sizes)));
    }
    tensors
}

/// `mean + a * coarse + b * fine` over the last two axes of `shape`.
pub fn float_input(stream: &str, shape: &[usize], [mean, a, b]: [f64; 3]) -> Vec<f32> {
    let [coarse, fine] = ["coarse", "fine"].map(|part| hash(&format!("{stream}/{part}")));
    let (height, width) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let cells = (height / CELL) * (width / CELL);
    let value = |number: usize| {
        let (plane, y, x) = (number / (height * width), number / width % height, number % width);
        let cell = plane * cells + y / CELL * (width / CELL) + x / CELL;
        (mean + a * unit(coarse, cell as u64) + b * unit(fine, number as u64)) as f32
    };
    (0..shape.iter().product()).map(value).collect()
}

/// Bytes of a picture of three channels, the channel last.
pub fn picture(stream: &str, height: usize, width: usize) -> Vec<u8> {
    let [coarse, fine] = ["coarse", "fine"].map(|part| hash(&format!("{stream}/{part}")));
    let across = width.div_ceil(CELL);
    let value = |number: usize| {
        let (y, x, channel) = (number / 3 / width, number / 3 % width, number % 3);
        let cell = (y / CELL * across + x / CELL) * 3 + channel;
        let level = 128.0 + 96.0 * unit(coarse, cell as u64) + 24.0 * unit(fine, number as u64);
        level.floor().clamp(0.0, 255.0) as u8
    };
    (0..height * width * 3).map(value).collect()
}
