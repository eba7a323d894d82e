//! From hidden states to logits.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::config::ModelConfig;
use super::product::product;
use crate::device::Precision;

/// The four read-outs; none has a bias, none shares its weights with an embedding.
#[derive(Module, Debug)]
pub struct Heads {
    /// Does this listener belong to this speaker: class 1 yes, class 0 no.
    pub matching: Linear,
    /// Scores of the action-unit codes.
    pub action_units: Linear,
    /// Scores of the expression codes.
    pub expression: Linear,
    /// Scores of the valence-arousal codes.
    pub valence_arousal: Linear,
}

/// Logits of the three codebooks at every frame.
#[derive(Clone, Debug)]
pub struct TokenLogits {
    /// `[batch, frames, action-unit codes]`
    pub action_units: Tensor<3>,
    /// `[batch, frames, expression codes]`
    pub expression: Tensor<3>,
    /// `[batch, frames, valence-arousal codes]`
    pub valence_arousal: Tensor<3>,
}

impl Heads {
    pub(super) fn new(config: &ModelConfig, device: &Device) -> Self {
        let linear = |classes| LinearConfig::new(config.width, classes).with_bias(false).init(device);
        Self {
            matching: linear(2),
            action_units: linear(config.vocabulary.action_units),
            expression: linear(config.vocabulary.expression),
            valence_arousal: linear(config.vocabulary.valence_arousal),
        }
    }

    /// Reads each codebook's logits at its own token of each frame.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, frames * 3, width]`, three rows a frame
    pub fn tokens(&self, hidden: Tensor<3>, precision: Precision) -> TokenLogits {
        let [batch, rows, width] = hidden.dims();
        let frames = hidden.reshape([batch, rows / 3, 3, width]);
        let slot = |slot: usize| frames.clone().narrow(2, slot, 1).reshape([batch, rows / 3, width]);
        TokenLogits {
            action_units: product(&self.action_units, slot(0), precision),
            expression: product(&self.expression, slot(1), precision),
            valence_arousal: product(&self.valence_arousal, slot(2), precision),
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, 1, width]`
    /// - returns: `[batch, 2]`
    pub fn matching(&self, hidden: Tensor<3>, precision: Precision) -> Tensor<2> {
        let [batch, _, width] = hidden.dims();
        product(&self.matching, hidden.reshape([batch, width]), precision)
    }
}
