//! Attention of every token to every token of the clip.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use unifr_kernels::{AttentionProblem, MaskRule, attention};

/// Queries, keys and values of all heads, and the projection of their result. Keys have no bias.
#[derive(Module, Debug)]
pub struct Attention {
    qkv: Linear,
    q_bias: Param<Tensor<1>>,
    v_bias: Param<Tensor<1>>,
    proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    pub(super) fn new(width: usize, heads: usize, device: &Device) -> Self {
        let bias = || Param::from_tensor(Tensor::zeros([width], device));
        Self {
            qkv: LinearConfig::new(width, 3 * width).with_bias(false).init(device),
            q_bias: bias(),
            v_bias: bias(),
            proj: LinearConfig::new(width, width).init(device),
            heads,
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: the same
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, width] = hidden.dims();
        let product = self.qkv.forward(hidden);
        let part = |number: usize| product.clone().slice([0..batch, 0..tokens, number * width..(number + 1) * width]);
        let heads = |part: Tensor<3>| -> Tensor<4> {
            part.reshape([batch, tokens, self.heads, width / self.heads]).swap_dims(1, 2)
        };
        let query = heads(part(0) + self.q_bias.val().unsqueeze());
        let value = heads(part(2) + self.v_bias.val().unsqueeze());
        let problem = AttentionProblem::whole(MaskRule::Full);
        let result = attention(query, heads(part(1)), value, &problem).expect("as many queries as keys");
        self.proj.forward(result.swap_dims(1, 2).reshape([batch, tokens, width]))
    }
}
