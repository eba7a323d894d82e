//! One block: attention and a perceptron, each added to what it reads, each behind a norm.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};

use super::NORM_EPSILON;
use super::attention::Attention;
use crate::features::mlp::Mlp;
use crate::features::norm::normalised;
use crate::features::trace::Trace;

/// A block.
#[derive(Module, Debug)]
pub struct Block {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    pub(super) fn new(width: usize, heads: usize, inner: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(width).init(device);
        Self {
            norm1: norm(),
            attn: Attention::new(width, heads, device),
            norm2: norm(),
            mlp: Mlp::new(width, inner, device),
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: the same
    pub fn forward(&self, hidden: Tensor<3>, trace: &mut Trace) -> Tensor<3> {
        let normed = trace.see("norm1", normalised(&self.norm1, hidden.clone(), NORM_EPSILON));
        let hidden = hidden + trace.see("attn", self.attn.forward(normed));
        let normed = normalised(&self.norm2, hidden.clone(), NORM_EPSILON);
        hidden + trace.see("mlp", self.mlp.forward(normed))
    }
}
