//! Where frames lie: two streams, 60 ms for pitch and 20 ms for spectra, one hop of 10 ms.
//!
//! In:  the rate in Hz.
//! Out: lengths in samples, frame counts, and what the bins of the transforms stand for.
//! Source: `compare2016.md`, section 3. A frame is named by its left end; only complete frames exist.

use super::VoiceError;

/// Nominal hop in seconds; later stages take it even where the hop in samples is a little longer or shorter.
pub const HOP_SECS: f64 = 0.010;
/// Frames of pitch, jitter, shimmer, HNR and zero crossings.
const LONG_SECS: f64 = 0.060;
/// Frames of energy and of everything that is read from short spectra.
const SHORT_SECS: f64 = 0.020;
/// Rates that the descriptors were compared at.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8000..=96_000;

/// Lengths in samples at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Samples per second.
    pub rate_hz: u32,
    /// Samples of a 60 ms frame (N60).
    pub long_length: usize,
    /// Samples of a 20 ms frame (N20).
    pub short_length: usize,
    /// Samples from one frame to the next (S).
    pub hop: usize,
    /// Samples that the period search goes on by for every frame (h): the hop rounded up.
    pub search_step: usize,
}

impl Framing {
    /// Lengths at `rate_hz`; [`VoiceError::Rate`] outside of 8 to 96 kHz.
    pub fn new(rate_hz: u32) -> Result<Self, VoiceError> {
        if !RATES_HZ.contains(&rate_hz) {
            return Err(VoiceError::Rate { rate_hz });
        }
        let sample_secs = 1.0 / f64::from(rate_hz);
        let samples = |secs: f64| (secs / sample_secs).round() as usize;
        Ok(Self {
            rate_hz,
            long_length: samples(LONG_SECS),
            short_length: samples(SHORT_SECS),
            hop: samples(HOP_SECS),
            search_step: (HOP_SECS / sample_secs).ceil() as usize,
        })
    }

    /// Complete 60 ms frames in `sample_count` samples (n60).
    pub fn long_frames(&self, sample_count: usize) -> usize {
        self.frames(sample_count, self.long_length)
    }

    /// Complete 20 ms frames in `sample_count` samples (n20).
    pub fn short_frames(&self, sample_count: usize) -> usize {
        self.frames(sample_count, self.short_length)
    }

    fn frames(&self, sample_count: usize, length: usize) -> usize {
        sample_count.checked_sub(length).map_or(0, |rest| rest / self.hop + 1)
    }

    /// Points of the transform of a 60 ms frame (F60).
    pub fn long_transform(&self) -> usize {
        self.long_length.next_power_of_two()
    }

    /// Points of the transform of a 20 ms frame (F20).
    pub fn short_transform(&self) -> usize {
        self.short_length.next_power_of_two()
    }

    /// Duration of a padded 60 ms frame in seconds (D60): bin `k` of its spectrum lies at `k / D60` Hz.
    pub fn long_duration(&self) -> f64 {
        LONG_SECS * (self.long_transform() as f64 / self.long_length as f64)
    }

    /// Duration of a padded 20 ms frame in seconds (D20).
    pub fn short_duration(&self) -> f64 {
        SHORT_SECS * (self.short_transform() as f64 / self.short_length as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_table() {
        // rate, N60, N20, S, F60, F20, h: section 3.
        let table = [
            (8000, 480, 160, 80, 512, 256, 80),
            (11_025, 662, 221, 110, 1024, 256, 111),
            (16_000, 960, 320, 160, 1024, 512, 160),
            (22_050, 1323, 441, 221, 2048, 512, 221),
            (32_000, 1920, 640, 320, 2048, 1024, 320),
            (44_100, 2646, 882, 441, 4096, 1024, 441),
            (48_000, 2880, 960, 480, 4096, 1024, 480),
            (96_000, 5760, 1920, 960, 8192, 2048, 960),
        ];
        for (rate_hz, long, short, hop, long_transform, short_transform, step) in table {
            let framing = Framing::new(rate_hz).unwrap();
            assert_eq!((framing.long_length, framing.short_length, framing.hop), (long, short, hop), "{rate_hz}");
            assert_eq!((framing.long_transform(), framing.short_transform()), (long_transform, short_transform));
            assert_eq!(framing.search_step, step, "{rate_hz}");
        }
    }

    #[test]
    fn an_incomplete_frame_is_dropped() {
        let framing = Framing::new(44_100).unwrap();
        // 30 s: (1323000 - 2646) / 441 = 2994 and (1323000 - 882) / 441 = 2998, plus the first.
        assert_eq!((framing.long_frames(1_323_000), framing.short_frames(1_323_000)), (2995, 2999));
        assert_eq!((framing.long_frames(2645), framing.long_frames(2646), framing.long_frames(3087)), (0, 1, 2));
    }

    #[test]
    fn other_rates_are_refused() {
        assert_eq!(Framing::new(7999), Err(VoiceError::Rate { rate_hz: 7999 }));
        assert_eq!(Framing::new(0), Err(VoiceError::Rate { rate_hz: 0 }));
        assert!(Framing::new(96_001).is_err());
    }
}
