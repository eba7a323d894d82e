//! VideoMAE V2 up to the norm behind the mean over its tokens.

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::NORM_EPSILON;
use super::block::Block;
use super::positions::position_table;
use crate::features::norm::normalised;
use crate::features::trace::Trace;
use crate::features::weights::{Network, PublishedNetwork};

/// Frames, rows and columns of a patch.
const PATCH: [usize; 3] = [2, 14, 14];

/// Sizes of the network.
#[derive(Clone, Copy, Debug)]
pub struct VideoMaeConfig {
    /// Blocks; 40 as published.
    pub blocks: usize,
    /// Channels.
    pub width: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Channels inside the perceptron.
    pub inner: usize,
}

impl Default for VideoMaeConfig {
    /// The giant: 6144 is 48 / 11 times 1408.
    fn default() -> Self {
        Self { blocks: 40, width: 1408, heads: 16, inner: 6144 }
    }
}

impl VideoMaeConfig {
    /// Random weights.
    pub fn init(&self, device: &Device) -> VideoMae {
        let block = |_| Block::new(self.width, self.heads, self.inner, device);
        VideoMae {
            patch_embed: PatchEmbed { proj: Conv3dConfig::new([3, self.width], PATCH).with_stride(PATCH).init(device) },
            blocks: (0..self.blocks).map(block).collect(),
            fc_norm: LayerNormConfig::new(self.width).init(device),
        }
    }
}

/// Patches of two frames, each a token.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    proj: Conv3d,
}

impl PatchEmbed {
    /// # Shapes
    /// - `clips`: `[batch, 3, frames, height, width]`
    /// - returns: `[batch, tokens, channels]`: time, rows, columns
    pub fn forward(&self, clips: Tensor<5>) -> Tensor<3> {
        let clips = clips.cast(self.proj.weight.val().dtype());
        let planes: Tensor<3> = self.proj.forward(clips).flatten(2, 4);
        planes.swap_dims(1, 2)
    }
}

/// The network without its classifier.
#[derive(Module, Debug)]
pub struct VideoMae {
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    fc_norm: LayerNorm,
}

impl VideoMae {
    /// The feature of each clip.
    ///
    /// # Shapes
    /// - `clips`: `[clips, 3, frames, 224, 224]`, frames in pairs; an odd last one is not seen
    /// - returns: `[clips, 1408]`
    pub fn forward(&self, clips: Tensor<5>) -> Tensor<2> {
        self.traced(clips, &mut Trace::off())
    }

    /// The same, with a look inside; `mean_tokens` is what the last norm reads.
    pub fn traced(&self, clips: Tensor<5>, trace: &mut Trace) -> Tensor<2> {
        let tokens = trace.see("patch_embed", self.patch_embed.forward(clips));
        let [_, count, width] = tokens.dims();
        let positions = TensorData::new(position_table(count, width), [1, count, width]);
        let positions = Tensor::<3>::from_data(positions, &tokens.device()).cast(tokens.dtype());
        let mut hidden = trace.see("pos_drop", tokens + positions);
        for (number, block) in self.blocks.iter().enumerate() {
            hidden = trace.module(&format!("blocks.{number}"), |trace| block.forward(hidden, trace));
        }
        let mean: Tensor<2> = hidden.cast(DType::F32).mean_dim(1).squeeze_dim(1);
        let mean = trace.see("mean_tokens", mean);
        normalised(&self.fc_norm, mean, NORM_EPSILON).cast(DType::F32)
    }
}

impl PublishedNetwork for VideoMae {
    const NETWORK: Network = Network::Pose;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::weights::parameter_shapes;

    #[test]
    fn keys_and_sizes_are_the_publishers() {
        let shapes = parameter_shapes(&VideoMaeConfig::default().init(&Device::flex()));
        assert_eq!(shapes["patch_embed.proj.weight"], [1408, 3, 2, 14, 14]);
        assert_eq!(shapes["blocks.39.attn.qkv.weight"], [4224, 1408]);
        assert_eq!(shapes["blocks.0.mlp.fc2.weight"], [1408, 6144]);
        assert_eq!(shapes.values().map(|shape| shape.iter().product::<usize>()).sum::<usize>(), 1_011_610_752);
    }
}
