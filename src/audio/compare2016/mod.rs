//! ComParE_2016 in plain Rust: 65 descriptors of a voice every 10 ms, and 6373 functionals of a clip.
//!
//! In:  samples of one channel with full scale 1.0, and their rate, 8 to 96 kHz.
//! Out: [`Llds`] and functionals, as the reference orders and [`names`] them.
//! Source: `compare2016.md`, a description of the feature set by facts and formulas.
//!
//! The way of a sound, one file or folder for each station:
//!
//! ```text
//! samples → framing ┬ 60 ms → spectrum → pitch/ → voice_quality/ ┐
//!                   ├ 60 ms → energy (zero crossings)            ├ levels: smoothing, deltas ┬ rows
//!                   └ 20 ms → spectrum ┬ mel → auditory, cepstrum┤                           └ functionals/
//!                                      └ spectral/, energy ──────┘
//! ```
//!
//! Nothing here uses another room: the folder can be lifted out. [`Extractor`] takes a sound in pieces, in bounded memory.
//! `README.md` beside this file says how close the numbers are to the reference's.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "what is compared here is meant to be equal bit by bit"))]

pub mod auditory;
pub mod cepstrum;
pub mod contours;
pub mod deltas;
pub mod energy;
pub mod extractor;
pub mod framing;
pub mod functionals;
pub mod levels;
pub mod mel;
pub mod names;
pub mod parabola;
pub mod pitch;
pub mod samples;
pub mod smoothing;
pub mod spectral;
pub mod spectrum;
pub mod voice_quality;

pub use contours::Contours;
pub use extractor::Extractor;
pub use functionals::FUNCTIONAL_COUNT;
pub use levels::{DESCRIPTOR_COUNT, Levels, Llds};

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

/// Everything about one sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare2016 {
    /// `[rows, 65]`.
    pub llds: Llds,
    /// `[6373]`, named by [`names::functional_names`].
    pub functionals: Vec<f32>,
}

/// Descriptors and functionals of a sound; one row of NaN and NaN functionals where it is shorter than 60 ms.
pub fn extract(samples: &[f32], rate_hz: u32) -> Result<Compare2016, VoiceError> {
    let contours = contours(samples, rate_hz)?;
    Ok(Compare2016 { llds: Llds::from_contours(&contours), functionals: functionals::functionals(&contours) })
}

/// The descriptors of a sound alone.
pub fn llds(samples: &[f32], rate_hz: u32) -> Result<Llds, VoiceError> {
    Ok(Llds::from_contours(&contours(samples, rate_hz)?))
}

/// The functionals of a sound alone.
pub fn functionals(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>, VoiceError> {
    Ok(functionals::functionals(&contours(samples, rate_hz)?))
}

fn contours(samples: &[f32], rate_hz: u32) -> Result<Contours, VoiceError> {
    let mut extractor = Extractor::new(rate_hz)?;
    extractor.push(samples)?;
    Ok(extractor.finish().into_contours())
}
