//! The built-in feature set: classical descriptors that need no weights.
//!
//! In:  128x128 face crops, head boxes, grey frames and sound.
//! Out: the streams of [`super::SpeakerFeatures`], about unit range, [`DIMS`] wide.
//! Source: our own choice; each file names the paper behind its descriptor.
//!
//! | Stream | Descriptor | File |
//! | --- | --- | --- |
//! | expression | texture: centre-symmetric binary patterns in 4x4 cells | `texture.rs` |
//! | action units | edges: oriented gradients in 7x6 cells from the brows to the chin | `edges.rs` |
//! | valence-arousal | shape: low cosine frequencies, asymmetry, contrast, motion | `shape.rs` |
//! | pose | head: place, size and speed of the box, motion in 4x4 cells of the frame | `head.rs` |
//! | filterbank | [`crate::audio::FilterbankReading`] | |
//! | functionals, descriptors | voice: bands, level, pitch, speech | `voice.rs`, `pitch.rs` |

mod edges;
mod extractor;
mod face;
mod head;
mod marginals;
#[cfg(test)]
mod measure;
mod pitch;
mod shape;
mod statistics;
mod texture;
mod voice;

pub use extractor::CompactExtractor;
pub use marginals::{Marginal, Marginals, STREAM_NAMES, marginals};

use super::FeatureDims;

/// Width of every stream of this set.
pub const DIMS: FeatureDims = FeatureDims {
    expression: texture::WIDTH,
    action_units: edges::WIDTH,
    valence_arousal: shape::WIDTH,
    pose: head::WIDTH,
    filterbank: 26,
    functionals: voice::FUNCTIONAL_COUNT,
    descriptors: voice::DESCRIPTOR_COUNT,
};
