//! Initial weights, each parameter from a stream of its own name, so that adding one changes no other.
//!
//! Source: `_init_weights` of the published model: N(0, 0.02) for linear and code-table weights, the two
//! projections of a block's residual branches narrower by √(2 · blocks), biases and learned vectors 0, norms 1.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand::Rng;

use super::names::published_name;
use super::transformer::Transformer;
use crate::random::{Owner, stream};

/// Spread of the initial weights.
const SPREAD: f64 = 0.02;

pub(super) fn initialize(model: Transformer, seed: u64) -> Transformer {
    let blocks = model.blocks.len();
    model.map(&mut Initializer { path: Vec::new(), seed, blocks })
}

struct Initializer {
    path: Vec<String>,
    seed: u64,
    blocks: usize,
}

impl ModuleMapper for Initializer {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = published_name(&self.path.join("."));
        if name == "time_emb" {
            return param;
        }
        let spread = self.spread(&name, D);
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let tracked = tensor.is_require_grad();
            let fresh = match spread {
                Some(spread) => {
                    let values = normal(shape.num_elements(), spread, self.seed, &name);
                    Tensor::from_data(TensorData::new(values, shape), &device)
                }
                None if name.ends_with("weight") => Tensor::ones(shape, &device),
                None => Tensor::zeros(shape, &device),
            };
            fresh.set_require_grad(tracked)
        })
    }
}

impl Initializer {
    fn spread(&self, name: &str, rank: usize) -> Option<f64> {
        let is_weight = rank == 2 && name.ends_with(".weight");
        let narrow = name.ends_with("c_proj.weight").then(|| SPREAD / (2.0 * self.blocks as f64).sqrt());
        is_weight.then(|| narrow.unwrap_or(SPREAD))
    }
}

/// Numbers from N(0, spread), by the method of Box and Muller.
fn normal(count: usize, spread: f64, seed: u64, name: &str) -> Vec<f32> {
    let mut dice = stream(seed, Owner::Weights, [hash(name), 0, 0]);
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let radius = (-2.0 * (1.0 - dice.random::<f64>()).ln()).sqrt() * spread;
        let angle = std::f64::consts::TAU * dice.random::<f64>();
        values.push((radius * angle.cos()) as f32);
        values.push((radius * angle.sin()) as f32);
    }
    values.truncate(count);
    values
}

/// FNV-1a, 64 bit.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
