//! How a clip's sound becomes the one signal that the filterbank reads, and one row per video frame.
//!
//! In:  sound as decoded, any rate, any number of channels ([`Sound`]).
//! Out: a mono signal at 44.1 kHz on the 16-bit scale; [`FittedRows`].
//! Source: section 8 of the published preparation; defects 3 and 7.

use super::filterbank::{ENERGY_FLOOR, Filterbank};
use super::{AudioError, resampled};
use crate::media::Sound;

/// The rate of the published preparation.
pub const RATE_HZ: u32 = 44_100;

/// Rates that sound is recorded at; others are damage, and would ask for absurd amounts of memory.
const RECORDED_RATES_HZ: std::ops::RangeInclusive<u32> = 4000..=200_000;

/// Scale of 16-bit samples: the published code reads integers, so its energies are this much larger.
const INTEGER_SCALE: f64 = 32_768.0;

/// The mean of all channels at 44.1 kHz, on the scale of 16-bit samples.
///
/// Departure: the published preparation turns a mono source into two channels 3 dB quieter; here it stays as loud.
pub fn mono_signal(sound: &Sound) -> Result<Vec<f64>, AudioError> {
    check(sound)?;
    let mut mixed = vec![0.0; sound.channels[0].len()];
    for channel in &sound.channels {
        for (sum, sample) in mixed.iter_mut().zip(channel) {
            *sum += whole_step(*sample) / sound.channels.len() as f64;
        }
    }
    Ok(resampled(&mixed, sound.rate_hz, RATE_HZ))
}

/// Left, right, left, right … at 44.1 kHz in whole 16-bit steps, which the published code takes for one channel.
fn interleaved_signal(sound: &Sound) -> Result<Vec<f64>, AudioError> {
    check(sound)?;
    let at_rate = |channel: &[f32], scale: f64| {
        let scaled: Vec<f64> = channel.iter().map(|sample| whole_step(*sample) * scale).collect();
        resampled(&scaled, sound.rate_hz, RATE_HZ)
    };
    // A mono source goes to both channels at 1 / sqrt(2) of its loudness, as ffmpeg does it.
    let (left, right) = match sound.channels.as_slice() {
        [mono] => {
            let quieter = at_rate(mono, std::f64::consts::FRAC_1_SQRT_2);
            (quieter.clone(), quieter)
        }
        channels => (at_rate(&channels[0], 1.0), at_rate(&channels[1], 1.0)),
    };
    let pairs = left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]);
    Ok(pairs.map(in_range).collect())
}

/// A sample in whole steps of 16 bits, as the published code gets them from ffmpeg: the noise of that rounding is the
/// floor of faint bands, whether the sound comes from a WAV or from a decoder with more bits.
fn whole_step(sample: f32) -> f64 {
    in_range(f64::from(sample) * INTEGER_SCALE)
}

fn in_range(step: f64) -> f64 {
    step.round().clamp(-INTEGER_SCALE, INTEGER_SCALE - 1.0)
}

fn check(sound: &Sound) -> Result<(), AudioError> {
    let Sound { channels, rate_hz } = sound;
    let lengths_agree = channels.windows(2).all(|pair| pair[0].len() == pair[1].len());
    if channels.is_empty() || !lengths_agree || !RECORDED_RATES_HZ.contains(rate_hz) {
        let lengths = channels.iter().map(Vec::len).collect();
        return Err(AudioError::Layout { lengths, rate_hz: *rate_hz });
    }
    for (channel, samples) in channels.iter().enumerate() {
        if let Some(position) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(AudioError::NotFinite { channel, position });
        }
    }
    Ok(())
}

/// Which signal the filterbank reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterbankReading {
    /// The mean of the channels, windows seen whole: row `k` is the sound of video frame `k`.
    Mono,
    /// Published behaviour: interleaved stereo read as one channel through a transform that is too short. Row `k`
    /// holds sound from 20 ms times `k`, so the rows of 30 s end with the 15th second (defects 7 and 8). Held by
    /// `clip_high.logfbank_interleaved.npy` in `tests/parity_audio.rs`.
    Published,
}

impl FilterbankReading {
    /// Log filterbank of a clip, one row per video frame, cut or filled up to `frame_count` rows.
    pub fn rows(self, sound: &Sound, frame_count: usize) -> Result<FittedRows, AudioError> {
        match self {
            Self::Mono => Ok(FittedRows::new(&Filterbank::correct(), &mono_signal(sound)?, frame_count)),
            Self::Published => Ok(FittedRows::new(&Filterbank::published(), &interleaved_signal(sound)?, frame_count)),
        }
    }
}

/// Exactly one filterbank row per video frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRows {
    /// `[frame_count, filter_count]`, row-major.
    pub values: Vec<f32>,
    /// Rows at the end that the sound did not reach: silence.
    pub padded_count: usize,
    /// Rows of sound beyond the last frame, which were dropped.
    pub dropped_count: usize,
}

impl FittedRows {
    /// Rows of `signal`; those past `frame_count` are dropped, missing ones are rows of silence.
    ///
    /// Departure: the published code stops at a clip with too little sound (defect 3).
    fn new(bank: &Filterbank, signal: &[f64], frame_count: usize) -> Self {
        let width = bank.settings().filter_count;
        let mut values: Vec<f32> = Vec::with_capacity(frame_count * width);
        if !signal.is_empty() {
            values.extend(bank.log_rows(signal).into_iter().map(|value| value as f32));
        }
        let found_count = values.len() / width;
        values.resize(frame_count * width, ENERGY_FLOOR.ln() as f32);
        Self {
            values,
            padded_count: frame_count.saturating_sub(found_count),
            dropped_count: found_count.saturating_sub(frame_count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(channels: Vec<Vec<f32>>) -> Sound {
        Sound { channels, rate_hz: RATE_HZ }
    }

    #[test]
    fn mono_is_the_mean_of_the_channels_on_the_16_bit_scale() {
        // (0.5 + 0.25) / 2 * 32768 = 12288; full scale is -32768 to 32767.
        assert_eq!(mono_signal(&sound(vec![vec![0.5, -1.0], vec![0.25, 1.0]])).unwrap(), [12_288.0, -0.5]);
    }

    #[test]
    fn a_click_lands_in_the_row_of_its_video_frame_and_twice_as_late_as_published() {
        // A click after 2 s of 4 s: frame 50 of 100; read as interleaved stereo it lands in row 100.
        let mut samples = vec![0.0; 4 * RATE_HZ as usize];
        samples[2 * RATE_HZ as usize] = 0.5;
        let clicked = sound(vec![samples.clone(), samples]);
        let loudest = |reading: FilterbankReading| {
            let rows = reading.rows(&clicked, 200).unwrap().values;
            (0..200).max_by(|a, b| rows[a * 26].total_cmp(&rows[b * 26])).unwrap()
        };
        assert_eq!(loudest(FilterbankReading::Mono), 50);
        assert_eq!(loudest(FilterbankReading::Published), 100);
    }

    #[test]
    fn a_mono_clip_is_3_db_quieter_as_published() {
        let samples: Vec<f32> = (0..3528).map(|n| (n as f32 * 0.05).sin() * 0.5).collect();
        let double = sound(vec![samples.clone(), samples.clone()]);
        let quiet = FilterbankReading::Published.rows(&sound(vec![samples]), 2).unwrap().values;
        let loud = FilterbankReading::Published.rows(&double, 2).unwrap().values;
        // Half the power: ln 2 = 0.693; rounding to 16 bits moves the faint upper bands a little.
        assert!((loud[2] - quiet[2] - 2f32.ln()).abs() < 1e-3);
    }

    #[test]
    fn short_sound_is_filled_with_silence_and_long_sound_is_cut() {
        let samples = sound(vec![vec![0.1; 1764 * 3]; 2]);
        let long = FilterbankReading::Mono.rows(&samples, 2).unwrap();
        assert_eq!((long.values.len(), long.padded_count, long.dropped_count), (52, 0, 1));
        let short = FilterbankReading::Mono.rows(&samples, 5).unwrap();
        assert_eq!((short.values.len(), short.padded_count, short.dropped_count), (130, 2, 0));
        assert!(short.values[78..].iter().all(|value| *value < -36.0));
    }

    #[test]
    fn broken_samples_are_refused() {
        let message = mono_signal(&sound(vec![vec![0.0, f32::NAN]])).unwrap_err().to_string();
        assert!(message.contains("sample 1 of channel 0"), "{message}");
        assert!(mono_signal(&sound(vec![])).is_err());
        assert!(mono_signal(&sound(vec![vec![0.0; 2], vec![0.0; 3]])).is_err());
        assert!(mono_signal(&Sound { channels: vec![vec![0.0]], rate_hz: u32::MAX }).is_err());
    }
}
