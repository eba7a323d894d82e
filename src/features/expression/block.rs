//! The basic block of ResNet: two 3x3 convolutions and a shortcut.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// 2 halves the planes.
    pub stride: usize,
}

impl BlockConfig {
    /// Random weights. The shortcut is a convolution where channels or planes change.
    pub fn init(&self, device: &Device) -> Block {
        let Self { input, output, stride } = *self;
        let shortcut = || {
            let convolution = Conv2dConfig::new([input, output], [1, 1]).with_stride([stride, stride]);
            (convolution.with_bias(false).init(device), BatchNormConfig::new(output).init(device))
        };
        Block {
            conv1: convolution(input, output, stride, device),
            bn1: BatchNormConfig::new(output).init(device),
            conv2: convolution(output, output, 1, device),
            bn2: BatchNormConfig::new(output).init(device),
            downsample: (stride > 1 || input != output).then(shortcut),
        }
    }
}

fn convolution(input: usize, output: usize, stride: usize, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new([input, output], [3, 3]).with_stride([stride, stride]);
    config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).with_bias(false).init(device)
}

/// A residual block.
#[derive(Module, Debug)]
pub struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl Block {
    /// # Shapes
    /// - `planes`: `[batch, input, height, width]`
    /// - returns: `[batch, output, height / stride, width / stride]`
    pub fn forward(&self, planes: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some((convolution, norm)) => norm.forward(convolution.forward(planes.clone())),
            None => planes.clone(),
        };
        let hidden = relu(self.bn1.forward(self.conv1.forward(planes)));
        relu(self.bn2.forward(self.conv2.forward(hidden)) + shortcut)
    }
}
