//! The speaker's voice as numbers: log mel filterbanks, and what they are read from.
//!
//! In:  samples as decoded ([`crate::media`]).
//! Out: `[frames, 26]` filterbank rows, one mono signal at 44.1 kHz ([`mono_signal`]).
//! Source: python_speech_features, and section 8 of the published preparation as we read it.

mod cepstrum;
mod filterbank;
mod mel;
mod reading;
mod resample;

pub use cepstrum::{CepstrumSettings, cepstrum_rows};
pub use filterbank::{ENERGY_FLOOR, Filterbank, FilterbankSettings};
pub use reading::{FilterbankReading, FittedRows, RATE_HZ, Samples, mono_signal};
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
    /// No channels, a rate that nobody records at, or samples that do not fill whole sample frames.
    #[error(
        "the sound has {samples} samples in {channels} channels at {rate_hz} Hz, expected whole sample frames at \
         4000 to 200000 Hz"
    )]
    Layout {
        /// Samples in all channels together.
        samples: usize,
        /// Channels.
        channels: usize,
        /// Sample frames per second.
        rate_hz: u32,
    },
    /// A sample is NaN or infinite.
    #[error("sample {position} of the sound is not a finite number; decode or record the clip again")]
    NotFinite {
        /// Which sample, counted over all channels.
        position: usize,
    },
}
