//! One block: attention in windows and a perceptron, each added to what it reads, each behind a norm.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};

use super::NORM_EPSILON;
use super::window_attention::WindowAttention;
use super::windows::{rolled, tokens_from_windows, windows_from_tokens};
use crate::features::mlp::Mlp;
use crate::features::norm::normalised;

/// Times the width inside the perceptron.
const MLP_RATIO: usize = 4;

/// A block.
#[derive(Module, Debug)]
pub struct Block {
    norm1: LayerNorm,
    attn: WindowAttention,
    norm2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    pub(super) fn new(width: usize, heads: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(width).init(device);
        Self {
            norm1: norm(),
            attn: WindowAttention::new(width, heads, device),
            norm2: norm(),
            mlp: Mlp::new(width, MLP_RATIO * width, device),
        }
    }

    /// With a mask the grid is shifted; the mask is that of `shift_mask` of the windows.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: the same
    pub fn forward(&self, hidden: Tensor<3>, mask: Option<Tensor<4>>) -> Tensor<3> {
        let (batch, is_shifted) = (hidden.dims()[0], mask.is_some());
        let normed = normalised(&self.norm1, hidden.clone(), NORM_EPSILON);
        let normed = if is_shifted { rolled(normed, false) } else { normed };
        let attended = tokens_from_windows(self.attn.forward(windows_from_tokens(normed), mask), batch);
        let hidden = hidden + if is_shifted { rolled(attended, true) } else { attended };
        let normed = normalised(&self.norm2, hidden.clone(), NORM_EPSILON);
        hidden + self.mlp.forward(normed)
    }
}
