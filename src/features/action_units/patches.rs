//! A face cut into patches of 4x4, each a token.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};

use super::NORM_EPSILON;
use crate::features::norm::normalised;

/// Side of a patch.
const PATCH: usize = 4;

/// The first layer.
#[derive(Module, Debug)]
pub struct Patches {
    proj: Conv2d,
    norm: LayerNorm,
}

impl Patches {
    pub(super) fn new(width: usize, device: &Device) -> Self {
        let proj = Conv2dConfig::new([3, width], [PATCH, PATCH]).with_stride([PATCH, PATCH]);
        Self { proj: proj.init(device), norm: LayerNormConfig::new(width).init(device) }
    }

    /// # Shapes
    /// - `faces`: `[batch, 3, height, width]`
    /// - returns: `[batch, height / 4 * width / 4, channels]`, rows first
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<3> {
        let faces = faces.cast(self.proj.weight.val().dtype());
        let tokens: Tensor<3> = self.proj.forward(faces).flatten(2, 3);
        normalised(&self.norm, tokens.swap_dims(1, 2), NORM_EPSILON)
    }
}
