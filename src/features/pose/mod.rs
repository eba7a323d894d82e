//! The pose stream: VideoMAE V2 giant on five frames at a time.
//!
//! In:  whole frames in colour, 25 a second ([`PoseClip`]).
//! Out: `[clips, 1408]`.
//! Source: VideoMAE V2 of L. Wang et al. (ViT-g, fine-tuned on Kinetics-710), its own feature extraction.
//!
//! Published behaviour: frames are squashed to a square, not normalised, and five in a row where sixteen, every fourth,
//! were trained; the network takes frames in pairs, so the fifth is never seen (defect 10). It sees the whole scene, not
//! the head alone.

mod attention;
mod block;
mod clip;
mod positions;
mod video_mae;

pub use attention::Attention;
pub use block::Block;
pub use clip::{PoseClip, SEEN_FRAMES, input_from_clips, squashed};
pub use positions::position_table;
pub use video_mae::{VideoMae, VideoMaeConfig};

/// Added to the variance by layer norms of this network.
const NORM_EPSILON: f64 = 1e-6;
