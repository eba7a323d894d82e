//! The expression stream: ResMasking, before its classifier.
//!
//! In:  `[faces, 3, 224, 224]` ([`super::input_from_faces`]).
//! Out: `[faces, 512]`.
//! Source: ResidualMaskingNetwork of L. Pham et al. (`resmasking_dropout1`): a ResNet-34 whose every stage is followed by
//! a small U-net that says where to look.
//!
//! Published behaviour: the network was trained on plain grey in [0, 1] and is fed normalised grey (defect 7).

mod block;
mod mask;
mod res_mask_net;

pub use block::{Block, BlockConfig};
pub use mask::{Mask, MaskConfig};
pub use res_mask_net::{ResMaskNet, ResMaskNetConfig};
