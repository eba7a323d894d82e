//! Everything the model hears and sees of a speaker, as plain numbers per frame and per clip.
//!
//! In:  face crops, boxes and frames ([`crate::faces`], [`crate::media`]) and sound ([`crate::audio`]).
//! Out: [`SpeakerFeatures`], seven streams whose widths are the [`FeatureDims`] of a [`FeatureSet`].
//! Source: `scripts/Data_Script.py` for the streams and their order; [`compact`] is our own.

pub mod compact;
mod set;
mod streams;

pub use set::{FeatureSet, FeaturesError};
pub use streams::{FRAMES_PER_POSE, FeatureDims, SpeakerFeatures};
