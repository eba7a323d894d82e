//! Channels weighed by what the whole plane shows.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::{sigmoid, silu};
use burn::tensor::{Device, Tensor};

use crate::features::planes::means;

/// A small perceptron on the means of the channels gives each channel its weight.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    conv_reduce: Conv2d,
    conv_expand: Conv2d,
}

impl SqueezeExcite {
    /// From `channels` means to `squeezed` numbers and back.
    pub fn new(channels: usize, squeezed: usize, device: &Device) -> Self {
        let pointwise = |from, to| Conv2dConfig::new([from, to], [1, 1]).init(device);
        Self { conv_reduce: pointwise(channels, squeezed), conv_expand: pointwise(squeezed, channels) }
    }

    /// # Shapes
    /// - `planes`: `[batch, channels, height, width]`
    /// - returns: the same
    pub fn forward(&self, planes: Tensor<4>) -> Tensor<4> {
        let squeezed = silu(self.conv_reduce.forward(means(planes.clone())));
        planes * sigmoid(self.conv_expand.forward(squeezed))
    }
}
