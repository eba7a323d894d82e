//! MEFARG up to the feature.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use super::global_linear::GlobalLinear;
use super::swin::{Swin, SwinConfig};
use crate::features::trace::Trace;
use crate::features::weights::{Network, PublishedNetwork};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct MefargConfig {
    /// The backbone; Swin-B as a rule.
    pub backbone: SwinConfig,
}

impl MefargConfig {
    /// Random weights. The global linear layer halves the channels.
    pub fn init(&self, device: &Device) -> Mefarg {
        let channels = self.backbone.output();
        Mefarg {
            backbone: self.backbone.init(device),
            global_linear: GlobalLinear::new(channels, channels / 2, device),
        }
    }
}

/// The network without its head.
#[derive(Module, Debug)]
pub struct Mefarg {
    backbone: Swin,
    global_linear: GlobalLinear,
}

impl Mefarg {
    /// The feature of each face.
    ///
    /// # Shapes
    /// - `faces`: `[faces, 3, 224, 224]`
    /// - returns: `[faces, 49, 512]`
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<3> {
        self.traced(faces, &mut Trace::off())
    }

    /// The same, with a look inside.
    pub fn traced(&self, faces: Tensor<4>, trace: &mut Trace) -> Tensor<3> {
        let hidden = trace.inside("backbone", |trace| self.backbone.forward(faces, trace));
        trace.see("global_linear", self.global_linear.forward(hidden)).cast(DType::F32)
    }
}

impl PublishedNetwork for Mefarg {
    const NETWORK: Network = Network::ActionUnits;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::weights::parameter_shapes;

    #[test]
    fn keys_and_sizes_are_the_publishers() {
        let shapes = parameter_shapes(&MefargConfig::default().init(&Device::flex()));
        assert_eq!(shapes["backbone.layers.2.blocks.17.attn.qkv.weight"], [1536, 512]);
        assert_eq!(shapes["backbone.layers.3.blocks.1.attn.relative_position_bias_table"], [169, 32]);
        assert_eq!(shapes["backbone.layers.0.downsample.reduction.weight"], [256, 512]);
        assert_eq!(shapes["global_linear.bn.running_var"], [512]);
        let parameters = shapes.iter().filter(|(key, _)| !key.contains("running_"));
        // the backbone and the global linear layer
        let count = parameters.map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>();
        assert_eq!(count, 86_743_224 + 525_824);
    }
}
