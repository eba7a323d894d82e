//! The action-unit stream: MEFARG of ME-GraphAU with a Swin-B backbone, up to its global linear layer.
//!
//! In:  `[faces, 3, 224, 224]` ([`super::input_from_faces`]).
//! Out: `[faces, 25088]`: 49 places of the face, rows first, with 512 numbers each.
//! Source: ME-GraphAU of C. Luo et al., Swin Transformer of Z. Liu et al. (`swin_base_patch4_window7_224`). What comes
//! behind the feature (a graph of action units, and their scores) is not computed.
//!
//! Departure: the published script loads no action-unit weights at all (defect 1); here the publisher's are needed, or
//! random ones are asked for by name.

mod block;
mod global_linear;
mod mefarg;
mod merge;
mod patches;
mod stage;
mod swin;
mod window_attention;
mod windows;

pub use block::Block;
pub use global_linear::GlobalLinear;
pub use mefarg::{Mefarg, MefargConfig};
pub use merge::Merge;
pub use patches::Patches;
pub use stage::Stage;
pub use swin::{Swin, SwinConfig};
pub use window_attention::WindowAttention;

/// Side of the windows in which tokens attend to each other.
const WINDOW: usize = 7;
/// Added to the variance by layer norms of this network.
const NORM_EPSILON: f64 = 1e-5;

/// The side of a square grid of tokens.
fn side_of(tokens: usize) -> usize {
    let side = tokens.isqrt();
    assert_eq!(side * side, tokens, "the tokens of a face form a square");
    side
}
