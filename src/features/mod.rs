//! Everything the model hears and sees of a speaker, as plain numbers per frame and per clip.
//!
//! In:  face crops, boxes and frames ([`crate::faces`], [`crate::media`]) and sound ([`crate::audio`]).
//! Out: [`SpeakerFeatures`], seven streams whose widths are the [`FeatureDims`] of a [`FeatureSet`].
//! Source: `scripts/Data_Script.py` for the streams and their order; [`compact`] is our own.

pub mod compact;
mod length;
mod prepare;
mod set;
mod streams;

pub use length::{ClipLength, FittedLength};
pub use prepare::{FRAME_RATE_HZ, PrepareError, PrepareOptions, Prepared, StageTimes, prepare_clip};
pub use set::{FeatureSet, FeaturesError};
pub use streams::{FRAMES_PER_POSE, FeatureDims, SpeakerFeatures};
