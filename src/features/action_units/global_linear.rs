//! The linear block behind the backbone; what it gives is the feature.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Linear, norm of each channel, ReLU.
#[derive(Module, Debug)]
pub struct GlobalLinear {
    fc: Linear,
    bn: BatchNorm,
}

impl GlobalLinear {
    pub(super) fn new(input: usize, output: usize, device: &Device) -> Self {
        Self { fc: LinearConfig::new(input, output).init(device), bn: BatchNormConfig::new(output).init(device) }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, input]`
    /// - returns: `[batch, tokens, output]`
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let channels_first = self.fc.forward(hidden).swap_dims(1, 2);
        relu(self.bn.forward(channels_first)).swap_dims(1, 2)
    }
}
