//! One block: attention and an MLP, each added to what it reads, each behind a layer norm.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use unifr_kernels::{AttentionProblem, Dropout, MaskRule, dropout, gelu, layer_norm};

use super::attention::{Attention, Direction};
use super::config::ModelConfig;
use super::product::product;
use super::transformer::{Mode, Rows};
use crate::device::Precision;

/// The two-layer perceptron of a block.
#[derive(Module, Debug)]
pub struct Mlp {
    /// From the model's width to four times as much.
    pub widen: Linear,
    /// And back.
    pub narrow: Linear,
}

impl Mlp {
    fn new(width: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self { widen: linear(width, 4 * width), narrow: linear(4 * width, width) }
    }

    fn forward(&self, hidden: Tensor<3>, drop: Option<Dropout>, precision: Precision) -> Tensor<3> {
        let wide = gelu(product(&self.widen, hidden, precision));
        dropout(product(&self.narrow, wide, precision), drop)
    }
}

/// Added to the variance before its root is taken; PyTorch's default.
const NORM_EPSILON: f64 = 1e-5;

/// A burn layer norm, run by the kernel that does forward and backward in one pass each.
pub(super) fn normalised(norm: &LayerNorm, hidden: Tensor<3>) -> Tensor<3> {
    let bias = norm.beta.as_ref().expect("every norm of the model has a bias");
    layer_norm(hidden, norm.gamma.val(), bias.val(), NORM_EPSILON)
}

/// The dropouts of one block in one pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drops {
    pub(super) attention: Option<Dropout>,
    pub(super) attention_output: Option<Dropout>,
    pub(super) mlp: Option<Dropout>,
}

/// A block; both directions share its norms and its MLP.
#[derive(Module, Debug)]
pub struct Block {
    /// Norm before attention.
    pub attention_norm: LayerNorm,
    /// Attention over the whole clip.
    pub bidirectional: Attention,
    /// Attention into the past.
    pub causal: Attention,
    /// Norm before the MLP.
    pub mlp_norm: LayerNorm,
    /// The perceptron.
    pub mlp: Mlp,
}

impl Block {
    pub(super) fn new(config: &ModelConfig, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(config.width).init(device);
        let attention = || Attention::new(config.width, config.heads, device);
        Self {
            attention_norm: norm(),
            bidirectional: attention(),
            causal: attention(),
            mlp_norm: norm(),
            mlp: Mlp::new(config.width, device),
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: `[batch, picked tokens, width]`
    pub(super) fn forward(
        &self,
        hidden: Tensor<3>,
        direction: Direction,
        causal_rule: MaskRule,
        rows: Rows,
        drops: Drops,
        precision: Precision,
    ) -> Tensor<3> {
        let (attention, rule) = match direction {
            Direction::Bidirectional => (&self.bidirectional, MaskRule::Full),
            Direction::Causal => (&self.causal, causal_rule),
        };
        let normed = normalised(&self.attention_norm, hidden.clone());
        let problem = AttentionProblem::whole(rule);
        let hidden = rows.pick(hidden) + attention.forward(normed, problem, rows, drops, precision);
        let normed = normalised(&self.mlp_norm, hidden.clone());
        hidden + self.mlp.forward(normed, drops.mlp, precision)
    }

    /// The dropouts of block number `index`.
    pub(super) fn drops(index: usize, config: &ModelConfig, mode: Mode) -> Drops {
        // Places 0..6 belong to the six embeddings; each block has four of its own from 8 on.
        let place = 8 + 4 * index as u64;
        Drops {
            attention: mode.dropout(place, config.attention_dropout),
            attention_output: mode.dropout(place + 1, config.residual_dropout),
            mlp: mode.dropout(place + 2, config.residual_dropout),
        }
    }
}
