//! The two-layer perceptron in the blocks of both transformers.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use unifr_kernels::gelu;

/// Widen, GELU, narrow.
#[derive(Module, Debug)]
pub struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    /// From `width` to `inner` and back.
    pub fn new(width: usize, inner: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self { fc1: linear(width, inner), fc2: linear(inner, width) }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: the same
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.fc2.forward(gelu(self.fc1.forward(hidden)))
    }
}
