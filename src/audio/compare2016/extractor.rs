//! All descriptors of a sound that comes in pieces.
//!
//! In:  samples of one channel with full scale 1.0, in pieces of any length.
//! Out: [`Levels`] at the end.
//! Source: `compare2016.md`, sections 3 to 8. The order of a frame: short spectrum, energies, mel bands and what reads
//! them; long spectrum, pitch; then the periods of the frames whose pitch is decided, up to 30 frames late.
//!
//! Only samples that a later frame may read are kept: memory grows by the 65 values of each frame, not by the samples.

use super::VoiceError;
use super::auditory::{self, Bands, Rasta};
use super::cepstrum::Cepstrum;
use super::energy::{root_mean_square, zero_crossings};
use super::framing::Framing;
use super::levels::{Levels, append};
use super::mel::MelBank;
use super::pitch::PitchTracker;
use super::pitch::viterbi::Pitch;
use super::samples::Samples;
use super::spectral::SpectralDescriptors;
use super::spectrum::{Spectrum, gaussian, hamming};
use super::voice_quality::PeriodFollower;

/// Samples that are taken at once; a longer piece would only be kept twice.
const PIECE: usize = 1 << 16;

/// What reads the 20 ms frames.
struct ShortFrames {
    spectrum: Spectrum,
    bank: MelBank,
    equal_loudness: Bands,
    rasta: Rasta,
    cepstrum: Cepstrum,
    spectral: SpectralDescriptors,
    /// Frames seen.
    count: usize,
}

/// What reads the 60 ms frames.
struct LongFrames {
    spectrum: Spectrum,
    pitch: PitchTracker,
    periods: PeriodFollower,
    decided: Vec<Pitch>,
    /// Frames seen.
    count: usize,
}

/// Takes a sound piece by piece.
pub struct Extractor {
    framing: Framing,
    samples: Samples,
    short: ShortFrames,
    long: LongFrames,
    levels: Levels,
}

impl Extractor {
    /// For a sound at `rate_hz`, 8 to 96 kHz.
    pub fn new(rate_hz: u32) -> Result<Self, VoiceError> {
        let framing = Framing::new(rate_hz)?;
        let samples = Samples::default();
        let (short, long) = (ShortFrames::new(&framing), LongFrames::new(&framing));
        Ok(Self { framing, samples, short, long, levels: Levels::default() })
    }

    /// Takes the next samples, full scale 1.0; refuses NaN and infinity.
    ///
    /// What lies before a broken sample of the same call is not taken either.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), VoiceError> {
        if let Some(place) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(VoiceError::NotFinite { position: self.samples.end() + place });
        }
        for piece in samples.chunks(PIECE) {
            self.samples.append(piece);
            self.advance();
            self.samples.forget_before(self.needed_from());
        }
        Ok(())
    }

    /// Ends the sound.
    pub fn finish(mut self) -> Levels {
        self.levels.decided_frames = self.levels.pitch[0].len();
        self.long.finish(&self.samples, &mut self.levels);
        self.levels
    }

    fn advance(&mut self) {
        while self.short.count < self.framing.short_frames(self.samples.end()) {
            let start = self.short.count * self.framing.hop;
            self.short.take(self.samples.slice(start..start + self.framing.short_length), &mut self.levels);
        }
        while self.long.count < self.framing.long_frames(self.samples.end()) {
            let start = self.long.count * self.framing.hop;
            self.long.take(&self.samples, start..start + self.framing.long_length, &mut self.levels);
        }
    }

    /// No later frame reads samples before this one. The long stream is never ahead of the short one.
    fn needed_from(&self) -> usize {
        (self.long.count * self.framing.hop).min(self.long.periods.needed_from())
    }
}

impl ShortFrames {
    fn new(framing: &Framing) -> Self {
        let bank = MelBank::new(framing);
        let equal_loudness = auditory::equal_loudness(&bank);
        Self {
            spectrum: Spectrum::new(hamming(framing.short_length), framing.short_transform()),
            rasta: Rasta::new(&equal_loudness),
            bank,
            equal_loudness,
            cepstrum: Cepstrum::default(),
            spectral: SpectralDescriptors::new(framing),
            count: 0,
        }
    }

    fn take(&mut self, frame: &[f32], levels: &mut Levels) {
        self.count += 1;
        self.spectrum.take(frame);
        let magnitudes = self.spectrum.magnitudes();
        let powers = self.bank.powers(magnitudes);
        let loudness = auditory::loudness(&powers, &self.equal_loudness);
        let changes = self.rasta.take(&powers);
        append(&mut levels.energy, [auditory::mean(&loudness), auditory::mean(&changes), root_mean_square(frame)]);
        let spectral = self.spectral.take(magnitudes);
        append(&mut levels.spectral, changes.into_iter().chain(spectral).chain(self.cepstrum.of(&powers)));
    }
}

impl LongFrames {
    fn new(framing: &Framing) -> Self {
        Self {
            spectrum: Spectrum::new(gaussian(framing.long_length), framing.long_transform()),
            pitch: PitchTracker::new(framing),
            periods: PeriodFollower::new(*framing),
            decided: Vec::new(),
            count: 0,
        }
    }

    fn take(&mut self, samples: &Samples, place: std::ops::Range<usize>, levels: &mut Levels) {
        self.count += 1;
        let frame = samples.slice(place);
        levels.energy[3].push(zero_crossings(frame));
        self.spectrum.take(frame);
        let energy = root_mean_square(self.spectrum.windowed());
        self.decided.extend(self.pitch.take(self.spectrum.magnitudes(), energy));
        self.follow(samples, levels);
    }

    fn finish(&mut self, samples: &Samples, levels: &mut Levels) {
        self.decided.extend(self.pitch.finish());
        self.follow(samples, levels);
    }

    /// Measures the periods of the frames whose pitch is decided now.
    fn follow(&mut self, samples: &Samples, levels: &mut Levels) {
        for pitch in self.decided.drain(..) {
            let quality = self.periods.take(samples, pitch.frequency);
            let values = [quality.jitter, quality.jitter_ddp, quality.shimmer, quality.log_hnr];
            append(&mut levels.pitch, [pitch.frequency, pitch.voicing].into_iter().chain(values));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(count: usize) -> Vec<f32> {
        (0..count).map(|n| 0.4 * (n as f32 * (0.02 + n as f32 * 1e-6)).sin() + 0.1 * (n as f32 * 0.7).sin()).collect()
    }

    fn in_pieces(samples: &[f32], length: usize) -> Levels {
        let mut extractor = Extractor::new(16_000).unwrap();
        for piece in samples.chunks(length) {
            extractor.push(piece).unwrap();
        }
        extractor.finish()
    }

    #[test]
    fn pieces_of_any_length_give_the_same_as_the_whole() {
        let samples = sweep(12_345);
        let whole = in_pieces(&samples, samples.len());
        for length in [1, 159, 161, 1000] {
            assert_eq!(in_pieces(&samples, length), whole, "pieces of {length}");
        }
    }

    #[test]
    fn samples_that_nobody_needs_are_forgotten() {
        let mut extractor = Extractor::new(16_000).unwrap();
        for piece in sweep(160_000).chunks(1600) {
            extractor.push(piece).unwrap();
            // A frame, 30 frames that wait for a decision, and what the period search is behind.
            let kept = extractor.samples.end() - extractor.needed_from();
            assert!(kept < 960 + 31 * 160 + 1600, "{kept} samples kept");
        }
    }

    #[test]
    fn broken_samples_are_refused_with_their_position() {
        let mut extractor = Extractor::new(16_000).unwrap();
        extractor.push(&[0.0; 500]).unwrap();
        let broken = extractor.push(&[0.0, f32::NAN]);
        assert_eq!(broken, Err(VoiceError::NotFinite { position: 501 }));
        assert_eq!(extractor.push(&[f32::INFINITY]), Err(VoiceError::NotFinite { position: 500 }));
    }
}
