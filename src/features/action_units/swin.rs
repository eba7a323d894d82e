//! The Swin Transformer without its classifier.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};

use super::NORM_EPSILON;
use super::patches::Patches;
use super::stage::Stage;
use crate::features::norm::normalised;
use crate::features::trace::Trace;

/// Sizes of the backbone.
#[derive(Clone, Copy, Debug)]
pub struct SwinConfig {
    /// Channels of the first stage; each of the others doubles them.
    pub width: usize,
    /// Blocks of each stage.
    pub blocks: [usize; 4],
    /// Channels of an attention head.
    pub head_width: usize,
}

impl Default for SwinConfig {
    /// Swin-B.
    fn default() -> Self {
        Self { width: 128, blocks: [2, 2, 18, 2], head_width: 32 }
    }
}

impl SwinConfig {
    /// Channels of the last stage.
    pub fn output(&self) -> usize {
        self.width << 3
    }

    /// Random weights.
    pub fn init(&self, device: &Device) -> Swin {
        let stage = |(number, blocks): (usize, usize)| {
            let width = self.width << number;
            Stage::new(blocks, width, width / self.head_width, number == 3, device)
        };
        Swin {
            patch_embed: Patches::new(self.width, device),
            layers: self.blocks.into_iter().enumerate().map(stage).collect(),
            norm: LayerNormConfig::new(self.output()).init(device),
        }
    }
}

/// The backbone.
#[derive(Module, Debug)]
pub struct Swin {
    patch_embed: Patches,
    layers: Vec<Stage>,
    norm: LayerNorm,
}

impl Swin {
    /// # Shapes
    /// - `faces`: `[batch, 3, 224, 224]`
    /// - returns: `[batch, 49, 8 * width]`
    pub fn forward(&self, faces: Tensor<4>, trace: &mut Trace) -> Tensor<3> {
        let mut hidden = trace.see("patch_embed", self.patch_embed.forward(faces));
        for (number, stage) in self.layers.iter().enumerate() {
            hidden = trace.module(&format!("layers.{number}"), |trace| stage.forward(hidden, trace));
        }
        trace.see("norm", normalised(&self.norm, hidden, NORM_EPSILON))
    }
}
