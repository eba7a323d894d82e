//! The built-in feature set: classical descriptors that need no weights.
//!
//! In:  128x128 face crops, head boxes, grey frames and sound.
//! Out: the streams of [`super::SpeakerFeatures`], about unit range, [`DIMS`] wide.
//! Source: our own choice; each file names the paper behind its descriptor.

use super::FeatureDims;

/// Width of every stream of this set.
pub const DIMS: FeatureDims = FeatureDims {
    expression: 256,
    action_units: 336,
    valence_arousal: 75,
    pose: 24,
    filterbank: 26,
    functionals: 120,
    descriptors: 288,
};
