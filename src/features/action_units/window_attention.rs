//! Attention inside each window, with a learned bias for each pair of places.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::WINDOW;
use super::windows::bias_rows;

/// Queries, keys and values of all heads, the projection of their result, and the biases.
#[derive(Module, Debug)]
pub struct WindowAttention {
    qkv: Linear,
    proj: Linear,
    relative_position_bias_table: Param<Tensor<2>>,
    #[module(skip)]
    heads: usize,
}

impl WindowAttention {
    pub(super) fn new(width: usize, heads: usize, device: &Device) -> Self {
        let linear = |output| LinearConfig::new(width, output).init(device);
        let places = (2 * WINDOW - 1) * (2 * WINDOW - 1);
        Self {
            qkv: linear(3 * width),
            proj: linear(width),
            relative_position_bias_table: Param::from_tensor(Tensor::zeros([places, heads], device)),
            heads,
        }
    }

    /// # Shapes
    /// - `windows`: `[batch * windows, 49, width]`
    /// - `mask`: `[windows, 1, 49, 49]`, added to the scores
    /// - returns: `[batch * windows, 49, width]`
    pub fn forward(&self, windows: Tensor<3>, mask: Option<Tensor<4>>) -> Tensor<3> {
        let [count, tokens, width] = windows.dims();
        let head_width = width / self.heads;
        let parts: Tensor<5> = self.qkv.forward(windows).reshape([count, tokens, 3, self.heads, head_width]);
        let parts = parts.permute([2, 0, 3, 1, 4]);
        let part = |number: usize| -> Tensor<4> { parts.clone().narrow(0, number, 1).squeeze_dim(0) };
        let query = part(0).mul_scalar((head_width as f64).sqrt().recip());
        let scores = self.biased(query.matmul(part(1).swap_dims(2, 3)), mask);
        let result = softmax(scores, 3).matmul(part(2));
        self.proj.forward(result.swap_dims(1, 2).reshape([count, tokens, width]))
    }

    /// # Shapes
    /// - `scores`: `[batch * windows, heads, 49, 49]`
    /// - returns: the same
    fn biased(&self, scores: Tensor<4>, mask: Option<Tensor<4>>) -> Tensor<4> {
        let [count, heads, tokens, _] = scores.dims();
        let rows = bias_rows(&scores.device());
        let bias = self.relative_position_bias_table.val().select(0, rows).swap_dims(0, 1);
        let bias: Tensor<4> = bias.reshape([1, heads, tokens, tokens]);
        let Some(mask) = mask else { return scores + bias };
        let added = bias + mask.cast(scores.dtype());
        let windows = added.dims()[0];
        let scores: Tensor<5> = scores.reshape([count / windows, windows, heads, tokens, tokens]);
        (scores + added.unsqueeze_dim(0)).reshape([count, heads, tokens, tokens])
    }
}
