//! Clip streams: how this person speaks, over the whole clip and in eight parts of it.
//!
//! In:  the mono signal at 44.1 kHz ([`crate::audio::mono_signal`]).
//! Out: [`FUNCTIONAL_COUNT`] statistics of the clip, [`DESCRIPTOR_COUNT`] numbers of its eight parts.
//! Source: the kinds of ComParE 2016 (functionals, low-level descriptors) over our own few tracks: band energies, level,
//! pitch, speech. The number of parts is fixed, so a clip of any length has the same number of values.

use super::pitch::pitch_octaves;
use super::statistics::{mean, quantile, slope, spread};
use crate::audio::Filterbank;

/// Bands of the filterbank.
const BANDS: usize = 26;
/// Parts that a clip is divided into for the descriptors: 3.75 s each in a clip of 30 s.
const PARTS: usize = 8;
/// Numbers of one part.
const PART_WIDTH: usize = BANDS + 10;

/// Numbers per clip in the functionals stream.
pub const FUNCTIONAL_COUNT: usize = 4 * BANDS + 6 + 5 + 5;
/// Numbers per clip in the descriptors stream.
pub const DESCRIPTOR_COUNT: usize = PARTS * PART_WIDTH;

/// Speech stands out from the pauses by this much, in decibels …
const ABOVE_PAUSES: f32 = 10.0;
/// … and lies at most this far below the loudest frames, which decides where there are no pauses.
const BELOW_LOUDEST: f32 = 20.0;
/// Softer than this is never speech, in decibels of full scale.
const LEAST_SPEECH: f32 = -60.0;
/// Gaps of up to this many frames (200 ms) belong to the speech around them: stops and breaths.
const LONGEST_GAP: usize = 5;

/// Video frames per second.
const FRAMES_PER_SEC: f32 = 25.0;

/// The voice, one entry per video frame.
pub struct Voice {
    /// `[frames, BANDS]`: log energies, brought from their usual 0 to 20 to -2 to 2.
    bands: Vec<f32>,
    /// Loudness: -1 at -96 decibels of full scale, 1 at full scale.
    levels: Vec<f32>,
    /// Octaves above 100 Hz where voiced.
    pitches: Vec<Option<f32>>,
    is_speech: Vec<bool>,
}

impl Voice {
    /// Analyses the first `frame_count` video frames of a signal, or as many as it has.
    pub fn new(signal: &[f64], frame_count: usize) -> Self {
        let bank = Filterbank::correct();
        let step = bank.settings().step_samples();
        let windows: Vec<&[f64]> = signal.chunks(step).take(frame_count).collect();
        let heard = &signal[..signal.len().min(windows.len() * step)];
        let rows = if windows.is_empty() { Vec::new() } else { bank.log_rows(heard) };
        let decibels: Vec<f32> = windows.iter().map(|window| decibels_of(window)).collect();
        let is_speech = speech_frames(&decibels);
        let pitch = |(window, speech): (&&[f64], &bool)| pitch_octaves(window).filter(|_| *speech);
        Self {
            bands: rows.iter().map(|energy| (*energy as f32 - 10.0).max(-10.0) / 5.0).collect(),
            pitches: windows.iter().zip(&is_speech).map(pitch).collect(),
            levels: decibels.iter().map(|decibels| 1.0 + decibels / 48.0).collect(),
            is_speech,
        }
    }

    /// Statistics over the whole clip: `[FUNCTIONAL_COUNT]`.
    pub fn functionals(&self) -> Vec<f32> {
        let mut out = Vec::with_capacity(FUNCTIONAL_COUNT);
        for band in 0..BANDS {
            let track: Vec<f32> = self.bands.iter().skip(band).step_by(BANDS).copied().collect();
            out.extend([mean(&track), spread(&track), quantile(&track, 0.9), slope(&track)]);
        }
        let levels = &self.levels;
        out.extend([mean(levels), spread(levels), slope(levels)]);
        out.extend([0.1, 0.5, 0.9].map(|share| quantile(levels, share)));
        let pitches: Vec<f32> = self.pitches.iter().flatten().copied().collect();
        out.extend([
            mean(&pitches),
            spread(&pitches),
            slope(&pitches),
            quantile(&pitches, 0.1),
            quantile(&pitches, 0.9),
        ]);
        out.extend(self.rhythm());
        out
    }

    /// Shares of speech and of voiced frames, stretches of speech per second, logarithms of their and the pauses' mean
    /// length in seconds plus one.
    fn rhythm(&self) -> [f32; 5] {
        let frames = self.is_speech.len().max(1) as f32;
        let runs: Vec<&[bool]> = self.is_speech.chunk_by(|first, second| first == second).collect();
        let lengths = |speech: bool| -> Vec<f32> {
            runs.iter().filter(|run| run[0] == speech).map(|run| run.len() as f32 / FRAMES_PER_SEC).collect()
        };
        let (stretches, pauses) = (lengths(true), lengths(false));
        [
            share_of(&self.is_speech),
            self.pitches.iter().flatten().count() as f32 / frames,
            stretches.len() as f32 * FRAMES_PER_SEC / frames,
            mean(&stretches).ln_1p(),
            mean(&pauses).ln_1p(),
        ]
    }

    /// The eight parts one after the other: `[PARTS, PART_WIDTH]`.
    pub fn descriptors(&self) -> Vec<f32> {
        let frames = self.levels.len();
        let mut out = Vec::with_capacity(DESCRIPTOR_COUNT);
        for part in 0..PARTS {
            let start = part * frames / PARTS;
            let end = ((part + 1) * frames / PARTS).max(start + 1).min(frames);
            self.describe_part(start..end, &mut out);
        }
        out
    }

    fn describe_part(&self, part: std::ops::Range<usize>, out: &mut Vec<f32>) {
        let bands = &self.bands[part.start * BANDS..part.end * BANDS];
        let means: Vec<f32> =
            (0..BANDS).map(|band| mean(&bands.iter().skip(band).step_by(BANDS).copied().collect::<Vec<_>>())).collect();
        let pitches: Vec<f32> = self.pitches[part.clone()].iter().flatten().copied().collect();
        let centres: Vec<f32> = bands.chunks_exact(BANDS).map(centre_of_bands).collect();
        let (low, high) = means.split_at(BANDS / 2);
        let tilt = mean(low) - mean(high);
        out.extend(&means);
        out.extend([mean(&self.levels[part.clone()]), spread(&self.levels[part.clone()])]);
        out.extend([mean(&pitches), spread(&pitches), pitches.len() as f32 / part.len().max(1) as f32]);
        out.extend([share_of(&self.is_speech[part]), mean(&centres), spread(&centres), tilt, change_of(bands)]);
    }
}

/// Mean power in decibels of full scale; 16-bit silence is -96.
fn decibels_of(window: &[f64]) -> f32 {
    let power = window.iter().map(|sample| sample * sample).sum::<f64>() / window.len() as f64;
    (10.0 * (power.max(0.25) / 32_768f64.powi(2)).log10()) as f32
}

/// Which frames are speech: louder than the pauses, with short gaps closed.
fn speech_frames(decibels: &[f32]) -> Vec<bool> {
    let threshold = (quantile(decibels, 0.1) + ABOVE_PAUSES).min(quantile(decibels, 0.95) - BELOW_LOUDEST);
    let mut speech: Vec<bool> = decibels.iter().map(|level| *level > threshold.max(LEAST_SPEECH)).collect();
    let mut last_speech = None;
    for frame in 0..speech.len() {
        if !speech[frame] {
            continue;
        }
        if let Some(last) = last_speech
            && frame - last <= LONGEST_GAP + 1
        {
            speech[last..frame].fill(true);
        }
        last_speech = Some(frame);
    }
    speech
}

fn share_of(flags: &[bool]) -> f32 {
    flags.iter().filter(|flag| **flag).count() as f32 / flags.len().max(1) as f32
}

/// Where the energy lies: 0 in the lowest band, 1 in the highest.
fn centre_of_bands(bands: &[f32]) -> f32 {
    let weights: Vec<f32> = bands.iter().map(|band| band.exp()).collect();
    let moments: f32 = weights.iter().enumerate().map(|(band, weight)| band as f32 * weight).sum();
    moments / weights.iter().sum::<f32>() / (bands.len() - 1) as f32
}

/// Mean absolute change of a band from one frame to the next.
fn change_of(bands: &[f32]) -> f32 {
    let changes: Vec<f32> = bands.iter().zip(bands.iter().skip(BANDS)).map(|(now, next)| (next - now).abs()).collect();
    mean(&changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One second of a buzz at `hz`, then one second of nothing, repeated.
    fn halting_buzz(hz: f64, secs: usize) -> Vec<f64> {
        let buzz = |n: usize| {
            (1..=8).map(move |harmonic| (std::f64::consts::TAU * hz * f64::from(harmonic) * n as f64 / 44_100.0).sin())
        };
        (0..secs * 44_100).map(|n| if n / 44_100 % 2 == 0 { 800.0 * buzz(n).sum::<f64>() } else { 0.0 }).collect()
    }

    #[test]
    fn the_rhythm_of_a_halting_buzz_is_half_speech_in_stretches_of_a_second() {
        let rhythm = Voice::new(&halting_buzz(140.0, 6), 150).rhythm();
        assert!((rhythm[0] - 0.5).abs() < 0.02 && (rhythm[1] - 0.5).abs() < 0.03, "{rhythm:?}");
        // Three stretches in six seconds; each a second long: ln(1 + 1).
        assert!((rhythm[2] - 0.5).abs() < 1e-6 && (rhythm[3] - 2f32.ln()).abs() < 0.03);
    }

    #[test]
    fn a_higher_voice_moves_the_pitch_by_its_octaves() {
        let pitch = |hz| Voice::new(&halting_buzz(hz, 2), 50).functionals()[4 * BANDS + 6];
        assert!((pitch(240.0) - pitch(120.0) - 1.0).abs() < 0.03);
    }

    #[test]
    fn lengths_do_not_depend_on_the_clip() {
        for secs in [0, 1, 7] {
            let voice = Voice::new(&halting_buzz(140.0, secs), secs * 25);
            assert_eq!(voice.functionals().len(), FUNCTIONAL_COUNT);
            let descriptors = voice.descriptors();
            assert_eq!(descriptors.len(), DESCRIPTOR_COUNT);
            assert!(descriptors.iter().all(|value| value.is_finite() && value.abs() < 4.0));
        }
    }

    #[test]
    fn digital_silence_is_not_speech() {
        let voice = Voice::new(&vec![0.0; 44_100], 25);
        assert!(voice.functionals().iter().all(|value| value.is_finite()));
        assert!(voice.rhythm()[..3].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn short_gaps_belong_to_the_speech_around_them() {
        let level = |frame: usize| if (10..20).contains(&frame) || (25..30).contains(&frame) { -20.0 } else { -80.0 };
        let speech = speech_frames(&(0..60).map(level).collect::<Vec<_>>());
        assert_eq!(speech.iter().filter(|flag| **flag).count(), 20);
    }
}
