//! One block: widen, a filter for each channel, weigh the channels, narrow.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};

use super::{SqueezeExcite, convolution};

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Times as many channels inside; 1 means that nothing is widened and the first convolution is left out.
    pub expansion: usize,
    /// Side of the filters.
    pub kernel: usize,
    /// 2 halves the planes.
    pub stride: usize,
}

impl BlockConfig {
    /// Random weights.
    pub fn init(&self, device: &Device) -> Block {
        let inner = self.input * self.expansion;
        let expand = (self.expansion > 1).then(|| convolution([self.input, inner], 1, 1, 1, device));
        let (expand, expand_norm) = expand.unzip();
        let (depthwise, depthwise_norm) = convolution([inner, inner], self.kernel, self.stride, inner, device);
        let (project, project_norm) = convolution([inner, self.output], 1, 1, 1, device);
        Block {
            expand,
            expand_norm,
            depthwise,
            depthwise_norm,
            // The squeezed width is a quarter of the block's input, not of what is inside.
            se: SqueezeExcite::new(inner, self.input / 4, device),
            project,
            project_norm,
            adds_input: self.stride == 1 && self.input == self.output,
        }
    }
}

/// An inverted residual block, or, without `expand`, a separable one.
#[derive(Module, Debug)]
pub struct Block {
    expand: Option<Conv2d>,
    expand_norm: Option<BatchNorm>,
    depthwise: Conv2d,
    depthwise_norm: BatchNorm,
    se: SqueezeExcite,
    project: Conv2d,
    project_norm: BatchNorm,
    #[module(skip)]
    adds_input: bool,
}

impl Block {
    /// # Shapes
    /// - `planes`: `[batch, input, height, width]`
    /// - returns: `[batch, output, height / stride, width / stride]`, rounded up
    pub fn forward(&self, planes: Tensor<4>) -> Tensor<4> {
        let input = planes.clone();
        let mut hidden = planes;
        if let (Some(expand), Some(norm)) = (&self.expand, &self.expand_norm) {
            hidden = silu(norm.forward(expand.forward(hidden)));
        }
        let hidden = silu(self.depthwise_norm.forward(self.depthwise.forward(hidden)));
        let hidden = self.project_norm.forward(self.project.forward(self.se.forward(hidden)));
        if self.adds_input { hidden + input } else { hidden }
    }

    /// timm's name of a part; blocks that widen nothing count their norms from another start.
    pub(super) fn published_part(part: &str, widens: bool) -> &str {
        match (part, widens) {
            ("expand", _) | ("project", false) => "conv_pw",
            ("expand_norm", _) | ("depthwise_norm", false) => "bn1",
            ("depthwise", _) => "conv_dw",
            ("depthwise_norm", true) | ("project_norm", false) => "bn2",
            ("project", true) => "conv_pwl",
            ("project_norm", true) => "bn3",
            (part, _) => part,
        }
    }
}
