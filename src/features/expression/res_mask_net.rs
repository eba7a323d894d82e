//! ResMasking up to the mean over its last planes.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::block::{Block, BlockConfig};
use super::mask::{Mask, MaskConfig};
use crate::features::planes::pooled;
use crate::features::trace::Trace;
use crate::features::weights::{Network, PublishedNetwork, plain_key};

/// Channels of the first stage; each of the others doubles them.
const WIDTH: usize = 64;
/// Blocks of ResNet-34.
const BLOCKS: [usize; 4] = [3, 4, 6, 3];

/// There is one ResMasking.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResMaskNetConfig;

impl ResMaskNetConfig {
    /// Random weights.
    pub fn init(&self, device: &Device) -> ResMaskNet {
        let stem = Conv2dConfig::new([3, WIDTH], [7, 7]).with_stride([2, 2]);
        let pool = MaxPool2dConfig::new([3, 3]).with_strides([2, 2]);
        let [layer1, layer2, layer3, layer4] = std::array::from_fn(|stage| stage_blocks(stage, device));
        let [mask1, mask2, mask3, mask4] =
            std::array::from_fn(|stage| MaskConfig { channels: WIDTH << stage, depth: 4 - stage }.init(device));
        ResMaskNet {
            conv1: stem.with_padding(PaddingConfig2d::Explicit(3, 3, 3, 3)).with_bias(false).init(device),
            bn1: BatchNormConfig::new(WIDTH).init(device),
            maxpool: pool.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(),
            layer1,
            mask1,
            layer2,
            mask2,
            layer3,
            mask3,
            layer4,
            mask4,
        }
    }
}

fn stage_blocks(stage: usize, device: &Device) -> Vec<Block> {
    let output = WIDTH << stage;
    let block = |number: usize| {
        let is_first = stage > 0 && number == 0;
        let (input, stride) = if is_first { (output / 2, 2) } else { (output, 1) };
        BlockConfig { input, output, stride }.init(device)
    };
    (0..BLOCKS[stage]).map(block).collect()
}

/// The network without its classifier.
#[derive(Module, Debug)]
pub struct ResMaskNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    maxpool: MaxPool2d,
    layer1: Vec<Block>,
    mask1: Mask,
    layer2: Vec<Block>,
    mask2: Mask,
    layer3: Vec<Block>,
    mask3: Mask,
    layer4: Vec<Block>,
    mask4: Mask,
}

impl ResMaskNet {
    /// The feature of each face.
    ///
    /// # Shapes
    /// - `faces`: `[faces, 3, 224, 224]`
    /// - returns: `[faces, 512]`
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<2> {
        self.traced(faces, &mut Trace::off())
    }

    /// The same, with a look inside.
    pub fn traced(&self, faces: Tensor<4>, trace: &mut Trace) -> Tensor<2> {
        let faces = faces.cast(self.conv1.weight.val().dtype());
        let stem = relu(self.bn1.forward(self.conv1.forward(faces)));
        let mut hidden = trace.see("maxpool", self.maxpool.forward(stem));
        for (number, (blocks, mask)) in (1..).zip(self.stages()) {
            hidden = blocks.iter().fold(hidden, |hidden, block| block.forward(hidden));
            hidden = trace.see(&format!("layer{number}"), hidden);
            let weights = trace.module(&format!("mask{number}"), |trace| mask.forward(hidden.clone(), trace));
            hidden = hidden * (weights + 1.0);
        }
        pooled(hidden)
    }

    fn stages(&self) -> [(&[Block], &Mask); 4] {
        [
            (&self.layer1, &self.mask1),
            (&self.layer2, &self.mask2),
            (&self.layer3, &self.mask3),
            (&self.layer4, &self.mask4),
        ]
    }
}

impl PublishedNetwork for ResMaskNet {
    const NETWORK: Network = Network::Expression;

    /// The publisher counts blocks and upsamplings of a mask on from 1: `mask3.conv1`, `mask3.up_pool3`.
    fn key(path: &[String]) -> String {
        let mut path = path.to_vec();
        if let Some(mask) = path[0].strip_prefix("mask") {
            let depth = 5 - mask.parse::<usize>().expect("a mask's number");
            let number = path.remove(2).parse::<usize>().expect("a number in a list");
            path[1] = match path[1].as_str() {
                "blocks" => format!("conv{}", number + 1),
                _ => format!("up_pool{}", number + depth + 1),
            };
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
        let shapes = parameter_shapes(&ResMaskNetConfig.init(&Device::flex()));
        assert_eq!(shapes["mask1.up_pool5.0.weight"], [1024, 512, 2, 2]);
        assert_eq!(shapes["mask2.up_pool5.1.running_mean"], [256]);
        assert_eq!(shapes["mask4.conv2.downsample.0.weight"], [512, 1024, 1, 1]);
        assert_eq!(shapes["layer3.0.downsample.1.bias"], [256]);
        let parameters = shapes.iter().filter(|(key, _)| !key.contains("running_"));
        // 137,796,423 with the classifier, whose 7 * 512 + 7 are not part of the feature
        assert_eq!(parameters.map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>(), 137_796_423 - 3591);
    }
}
