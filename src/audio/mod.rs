//! The speaker's voice as numbers: log mel filterbanks, ComParE_2016, and what they are read from.
//!
//! In:  samples as decoded ([`crate::media`]).
//! Out: `[frames, 26]` filterbank rows, one mono signal at 44.1 kHz ([`mono_signal`]); descriptors and functionals of a
//! voice ([`compare2016`]).
//! Source: python_speech_features, and section 8 of the published preparation as we read it.

mod cepstrum;
pub mod compare2016;
mod filterbank;
mod mel;
mod reading;
mod resample;

pub use cepstrum::{CepstrumSettings, cepstrum_rows};
pub use filterbank::{ENERGY_FLOOR, Filterbank, FilterbankSettings};
pub use reading::{FilterbankReading, FittedRows, RATE_HZ, mono_signal};
pub use resample::resampled;

/// What goes wrong with sound.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// Settings that describe no filterbank.
    #[error("a filterbank cannot have `{name}` = {found}, expected {expected}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// No channels, channels of different lengths, or a rate that nobody records at.
    #[error(
        "the sound has channels of {lengths:?} samples at {rate_hz} Hz, expected channels of one length at 4000 to \
         200000 Hz"
    )]
    Layout {
        /// Samples of each channel.
        lengths: Vec<usize>,
        /// Samples per second.
        rate_hz: u32,
    },
    /// A sample is NaN or infinite.
    #[error("sample {position} of channel {channel} is not a finite number; decode or record the clip again")]
    NotFinite {
        /// Which channel.
        channel: usize,
        /// Which sample of it.
        position: usize,
    },
}
