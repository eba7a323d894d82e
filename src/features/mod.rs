//! Everything the model hears and sees of a speaker, as plain numbers per frame and per clip.
//!
//! In:  face crops, boxes and frames ([`crate::faces`], [`crate::media`]) and sound ([`crate::audio`]).
//! Out: [`SpeakerFeatures`], seven streams whose widths are the [`FeatureDims`] of a [`FeatureSet`].
//! Source: `scripts/Data_Script.py` for the streams and their order; [`compact`] is our own.

pub mod action_units;
pub mod compact;
pub mod expression;
mod face_input;
mod length;
mod mlp;
mod norm;
mod planes;
pub mod pose;
mod prepare;
mod react2023;
mod set;
mod streams;
mod trace;
pub mod valence_arousal;
pub mod weights;

pub use face_input::{input_from_faces, input_from_grays, normalised_levels};
pub use length::{ClipLength, FittedLength};
pub use prepare::{FRAME_RATE_HZ, PrepareError, PrepareOptions, Prepared, StageTimes, prepare_clip};
pub use react2023::{FaceRows, React2023, React2023Options, WeightsOrigin, check_weights};
pub use set::{FeatureSet, FeaturesError};
pub use streams::{FRAMES_PER_POSE, FeatureDims, SpeakerFeatures};
pub use trace::{Seen, Trace};
