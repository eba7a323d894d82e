//! EfficientNet-B2 up to the mean over its last planes.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};

use super::block::{Block, BlockConfig};
use super::convolution;
use crate::features::planes::pooled;
use crate::features::trace::Trace;
use crate::features::weights::{Network, PublishedNetwork, plain_key};

/// Channels of the stem.
const STEM: usize = 32;
/// Channels of the head, the width of the feature.
const WIDTH: usize = 1408;
/// The stages of B2: blocks, side of the filters, stride of the first block, channels out, expansion.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (2, 3, 1, 16, 1),
    (3, 3, 2, 24, 6),
    (3, 5, 2, 48, 6),
    (4, 3, 2, 88, 6),
    (4, 5, 1, 120, 6),
    (5, 5, 2, 208, 6),
    (2, 3, 1, 352, 6),
];

/// There is one B2.
#[derive(Clone, Copy, Debug, Default)]
pub struct EfficientNetB2Config;

impl EfficientNetB2Config {
    /// Random weights.
    pub fn init(&self, device: &Device) -> EfficientNetB2 {
        let mut input = STEM;
        let stages = STAGES.map(|(count, kernel, stride, output, expansion)| {
            let blocks = (0..count).map(|number| {
                let stride = if number == 0 { stride } else { 1 };
                let config = BlockConfig { input, output, expansion, kernel, stride };
                input = output;
                config.init(device)
            });
            blocks.collect()
        });
        let (conv_stem, bn1) = convolution([3, STEM], 3, 2, 1, device);
        let (conv_head, bn2) = convolution([input, WIDTH], 1, 1, 1, device);
        EfficientNetB2 { conv_stem, bn1, blocks: stages.into(), conv_head, bn2 }
    }
}

/// The network without its classifier.
#[derive(Module, Debug)]
pub struct EfficientNetB2 {
    conv_stem: Conv2d,
    bn1: BatchNorm,
    blocks: Vec<Vec<Block>>,
    conv_head: Conv2d,
    bn2: BatchNorm,
}

impl EfficientNetB2 {
    /// The feature of each face.
    ///
    /// # Shapes
    /// - `faces`: `[faces, 3, height, width]`
    /// - returns: `[faces, 1408]`
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<2> {
        self.traced(faces, &mut Trace::off())
    }

    /// The same, with a look inside.
    pub fn traced(&self, faces: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let faces = faces.cast(self.conv_stem.weight.val().dtype());
        let stem = trace.see("conv_stem", self.conv_stem.forward(faces));
        let mut hidden = trace.see("bn1", silu(self.bn1.forward(stem)));
        for (number, stage) in self.blocks.iter().enumerate() {
            hidden = trace.module(&format!("blocks.{number}"), |trace| {
                stage
                    .iter()
                    .enumerate()
                    .fold(hidden, |hidden, (number, block)| trace.see(&number.to_string(), block.forward(hidden)))
            });
        }
        let head = trace.see("conv_head", self.conv_head.forward(hidden));
        pooled(trace.see("bn2", silu(self.bn2.forward(head))))
    }
}

impl PublishedNetwork for EfficientNetB2 {
    const NETWORK: Network = Network::ValenceArousal;

    fn key(path: &[String]) -> String {
        let mut path = path.to_vec();
        if path[0] == "blocks" {
            let widens = STAGES[path[1].parse::<usize>().expect("a stage's number")].4 > 1;
            let part = Block::published_part(&path[3], widens).to_owned();
            path[3] = part;
        }
        plain_key(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::weights::parameter_shapes;

    #[test]
    fn keys_and_sizes_are_the_publishers() {
        let shapes = parameter_shapes(&EfficientNetB2Config.init(&Device::flex()));
        assert_eq!(shapes["blocks.0.1.conv_pw.weight"], [16, 16, 1, 1]);
        assert_eq!(shapes["blocks.5.0.conv_dw.weight"], [720, 1, 5, 5]);
        assert_eq!(shapes["blocks.5.1.se.conv_reduce.weight"], [52, 1248, 1, 1]);
        assert_eq!(shapes["blocks.6.1.bn3.running_var"], [352]);
        let parameters = shapes.iter().filter(|(key, _)| !key.contains("running_"));
        // 7,700,994 with the classifier's 8 * 1408 + 8 taken off, as timm counts
        assert_eq!(parameters.map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>(), 7_700_994);
    }
}
