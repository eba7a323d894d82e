//! The valence-arousal stream: EfficientNet-B2 of HSEmotion, before its classifier.
//!
//! In:  `[faces, 3, 224, 224]` ([`super::input_from_faces`]).
//! Out: `[faces, 1408]`.
//! Source: `tf_efficientnet_b2_ns` of timm as trained by A. Savchenko on AffectNet (`enet_b2_8_best.pt`).
//!
//! Published behaviour: the stream is called valence-arousal, and what fills it is the embedding of a classifier of eight
//! emotions (defect 5), fed with 224x224 though trained at 260 (defect 9).

mod block;
mod efficient_net;
mod squeeze_excite;

pub use block::{Block, BlockConfig};
pub use efficient_net::{EfficientNetB2, EfficientNetB2Config};
pub use squeeze_excite::SqueezeExcite;

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::Device;

/// Batch norms of TensorFlow's models add this to the variance.
const NORM_EPSILON: f64 = 1e-3;

/// A convolution without bias and its norm; `Same` pads as TensorFlow does, more at the end where it is odd.
fn convolution(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    groups: usize,
    device: &Device,
) -> (Conv2d, BatchNorm) {
    let config = Conv2dConfig::new(channels, [kernel, kernel]).with_stride([stride, stride]).with_groups(groups);
    let convolution = config.with_padding(PaddingConfig2d::Same).with_bias(false).init(device);
    (convolution, BatchNormConfig::new(channels[1]).with_epsilon(NORM_EPSILON).init(device))
}
