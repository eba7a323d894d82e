//! ComParE_2016 in plain Rust: 65 descriptors of a voice every 10 ms, and 6373 functionals of a clip.
//!
//! In:  samples of one channel and their rate.
//! Out: descriptor rows and functionals, with their names.
//! Source: `compare2016.md`, a description of the feature set by facts and formulas.

pub mod contours;

/// What goes wrong with a voice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// A rate outside of what the descriptors are defined for.
    #[error("the sound has {rate_hz} samples per second, expected 8000 to 96000; resample it first")]
    Rate {
        /// Samples per second.
        rate_hz: u32,
    },
    /// A sample is NaN or infinite.
    #[error("sample {position} is not a finite number; decode or record the clip again")]
    NotFinite {
        /// Which sample, counted from the first of the sound.
        position: usize,
    },
}
