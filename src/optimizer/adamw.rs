//! AdamW with decoupled decay; moments are kept under the published parameter names, so that a checkpoint holds them.
//!
//! Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization"; the order of operations is PyTorch's.
//! Why not burn's: its state is addressed by ids that change from process to process and its record is its own
//! format; ours has to be found again by name, in safetensors.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use unifr_kernels::{AdamWUpdate, Moving};

use super::groups::decays;
use crate::model::{NamedTensor, Transformer, published_name};

/// The constants of the published optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWSettings {
    /// Share of the old first moment that stays.
    pub beta_1: f64,
    /// Share of the old second moment that stays.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decay of the group that decays, times the learning rate.
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.95, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// What the optimizer remembers of one parameter, flat, in the layout of the model.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of its square.
    pub second: Tensor<1>,
    /// Updates so far.
    pub steps: u64,
}

/// The optimizer and its memory.
#[derive(Clone, Debug, Default)]
pub struct AdamW {
    /// Constants.
    pub settings: AdamWSettings,
    moments: BTreeMap<String, Moments>,
}

impl AdamW {
    /// An optimizer that has seen nothing.
    pub fn new(settings: AdamWSettings) -> Self {
        Self { settings, moments: BTreeMap::new() }
    }

    /// One update. Parameters without a gradient are left alone entirely: no decay, no step count.
    ///
    /// `scale` multiplies every gradient before it is used; it carries mean and clipping.
    pub fn update(
        &mut self,
        model: Transformer,
        gradients: GradientsParams,
        scale: f64,
        learning_rate: f64,
    ) -> Transformer {
        model.map(&mut Update { path: Vec::new(), optimizer: self, gradients, scale, learning_rate })
    }

    /// The memory on the host: `exp_avg.<name>`, `exp_avg_sq.<name>`, and each parameter's step count.
    pub fn state(&self) -> (Vec<NamedTensor>, BTreeMap<String, u64>) {
        let tensors = self.moments.iter().flat_map(|(name, moments)| {
            [("exp_avg", &moments.first), ("exp_avg_sq", &moments.second)].map(|(kind, tensor)| NamedTensor {
                name: format!("{kind}.{name}"),
                shape: tensor.dims().to_vec(),
                values: tensor.clone().into_data().try_into_vec().expect("moments are f32"),
            })
        });
        let steps = self.moments.iter().map(|(name, moments)| (name.clone(), moments.steps)).collect();
        (tensors.collect(), steps)
    }

    /// The reverse of [`Self::state`]; a parameter whose moments are incomplete starts anew.
    pub fn with_state(
        settings: AdamWSettings,
        tensors: Vec<NamedTensor>,
        steps: &BTreeMap<String, u64>,
        device: &Device,
    ) -> Self {
        let mut tensors: BTreeMap<String, Vec<f32>> = tensors.into_iter().map(|t| (t.name, t.values)).collect();
        let mut tensor = |kind: &str, name: &str| {
            let values = tensors.remove(&format!("{kind}.{name}"))?;
            let count = values.len();
            Some(Tensor::<1>::from_data(TensorData::new(values, [count]), device))
        };
        let moments = steps
            .iter()
            .filter_map(|(name, steps)| {
                let (first, second) = (tensor("exp_avg", name)?, tensor("exp_avg_sq", name)?);
                Some((name.clone(), Moments { first, second, steps: *steps }))
            })
            .collect();
        Self { settings, moments }
    }

    /// The memory of one parameter.
    pub fn moments(&self, published_name: &str) -> Option<&Moments> {
        self.moments.get(published_name)
    }
}

struct Update<'a> {
    path: Vec<String>,
    optimizer: &'a mut AdamW,
    gradients: GradientsParams,
    scale: f64,
    learning_rate: f64,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let name = published_name(&self.path.join("."));
        let count = gradient.shape().num_elements();
        let zeros = || Tensor::zeros([count], &gradient.device());
        let Moments { first, second, steps } = self.optimizer.moments.remove(&name).unwrap_or_else(|| Moments {
            first: zeros(),
            second: zeros(),
            steps: 0,
        });
        let update = self.optimizer.settings.update(&name, D, steps + 1, self.scale, self.learning_rate);
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let parameter = tensor.inner().reshape([count]);
        let moved = update.apply(Moving { parameter, first, second }, gradient.reshape([count]));
        let (first, second) = (moved.first, moved.second);
        self.optimizer.moments.insert(name, Moments { first, second, steps: steps + 1 });
        let tensor = Tensor::from_inner(moved.parameter.reshape(shape)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

impl AdamWSettings {
    /// The numbers of one parameter's update.
    fn update(&self, name: &str, rank: usize, step: u64, gradient_scale: f64, learning_rate: f64) -> AdamWUpdate {
        AdamWUpdate {
            learning_rate,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            weight_decay: if decays(name, rank) { self.weight_decay } else { 0.0 },
            step,
            gradient_scale,
        }
    }
}
