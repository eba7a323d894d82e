//! The masking block: a small U-net that weighs the channels at each pixel.

use burn::module::Module;
use burn::nn::conv::{ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, Tensor};

use super::block::{Block, BlockConfig};
use crate::features::trace::Trace;

/// Sizes of a mask.
#[derive(Clone, Copy, Debug)]
pub struct MaskConfig {
    /// Channels of what is masked.
    pub channels: usize,
    /// How many times the channels double on the way down; the planes halve once less.
    pub depth: usize,
}

impl MaskConfig {
    /// Random weights.
    pub fn init(&self, device: &Device) -> Mask {
        let width = |level: usize| self.channels << level;
        let block = |input, output| BlockConfig { input, output, stride: 1 }.init(device);
        let down = (1..=self.depth).map(|level| block(width(level - 1), width(level)));
        // A block on the way up reads the upsampled planes and, beside them, those of the same size from the way down.
        let up = (2..=self.depth).rev().map(|level| block(width(level), width(level - 1)));
        let last = block(width(1), width(0));
        let up_pools = (2..=self.depth).rev().map(|level| {
            let up = ConvTranspose2dConfig::new([width(level), width(level - 1)], [2, 2]).with_stride([2, 2]);
            (up.init(device), BatchNormConfig::new(width(level - 1)).init(device))
        });
        Mask {
            blocks: down.chain(up).chain([last]).collect(),
            up_pools: up_pools.collect(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            depth: self.depth,
        }
    }
}

/// A masking block. `blocks` are the publisher's `conv1` to `conv{2 depth}`: down, up, last.
#[derive(Module, Debug)]
pub struct Mask {
    blocks: Vec<Block>,
    up_pools: Vec<(ConvTranspose2d, BatchNorm)>,
    pool: MaxPool2d,
    #[module(skip)]
    depth: usize,
}

impl Mask {
    /// # Shapes
    /// - `planes`: `[batch, channels, height, width]`
    /// - returns: the same; the channels of a pixel sum up to 1
    pub fn forward(&self, planes: Tensor<4>, trace: &mut Trace) -> Tensor<4> {
        let mut block =
            |number: usize, planes| trace.see(&format!("conv{}", number + 1), self.blocks[number].forward(planes));
        let mut levels = vec![block(0, planes)];
        for number in 1..self.depth {
            levels.push(block(number, self.pool.forward(levels[number - 1].clone())));
        }
        let mut hidden = levels.pop().expect("a mask has at least one level");
        for (number, (up, norm)) in self.up_pools.iter().enumerate() {
            let beside = levels.pop().expect("a level for each way up");
            let upsampled = relu(norm.forward(up.forward(hidden)));
            hidden = block(self.depth + number, Tensor::cat(vec![upsampled, beside], 1));
        }
        softmax(block(self.blocks.len() - 1, hidden), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_shape_and_weighs_the_channels_of_each_pixel() {
        let device = Device::flex();
        let mask = MaskConfig { channels: 4, depth: 3 }.init(&device);
        assert_eq!(mask.blocks.len(), 6);
        let planes = Tensor::<4>::ones([1, 4, 8, 8], &device);
        let weights = mask.forward(planes, &mut Trace::off());
        assert_eq!(weights.dims(), [1, 4, 8, 8]);
        let sums = weights.sum_dim(1).into_data().try_into_vec::<f32>().unwrap();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5));
    }
}
