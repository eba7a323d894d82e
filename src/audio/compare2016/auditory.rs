//! Auditory spectrum: mel power as loudness, plain and RASTA-filtered.
//!
//! In:  26 mel powers of a frame.
//! Out: `audspec_lengthL1norm`, the mean loudness over the bands; `audSpec_Rfilt[0..25]`, the loudness of changes, and
//! its mean `audspecRasta_lengthL1norm`.
//! Source: `compare2016.md`, sections 7.2 and 7.3. `loudness = (Q power)^0.33` with the equal-loudness curve `Q` of the
//! band's centre; RASTA filters the logarithm of the power over time before.

use std::f64::consts::TAU;

use super::framing::HOP_SECS;
use super::mel::{BAND_COUNT, MelBank};

/// Least power of a band.
const FLOOR: f32 = 0.000_000_000_93;
/// Exponent from power to loudness.
const COMPRESSION: f32 = 0.33;
/// Changes slower than this are taken out.
const LOWEST_CHANGE_HZ: f64 = 1.0;
/// Changes faster than this are taken out.
const HIGHEST_CHANGE_HZ: f64 = 29.0;
/// Frames until the filter's feedback begins; its output is held back until then.
const WARM_UP_FRAMES: usize = 5;

/// One value per band.
pub type Bands = [f32; BAND_COUNT];

/// Equal loudness (Q) of every band.
pub fn equal_loudness(bank: &MelBank) -> Bands {
    bank.centres_hz().map(|centre_hz| {
        let square = (TAU * centre_hz).powi(2);
        let rise = (square + 56.8e6) * square * square;
        let fall = (square + 6.3e6).powi(2) * (square + 0.38e9);
        (1e32 * rise / (fall * ((TAU * centre_hz).powi(7) + 1.7e31))) as f32
    })
}

/// Loudness of every band.
pub fn loudness(powers: &Bands, equal_loudness: &Bands) -> Bands {
    let value = |band: usize| {
        let weighted = powers[band].max(FLOOR) * equal_loudness[band];
        f64::from(weighted).powf(f64::from(COMPRESSION)) as f32
    };
    std::array::from_fn(value)
}

/// Mean over the bands.
pub fn mean(bands: &Bands) -> f32 {
    bands.iter().sum::<f32>() / BAND_COUNT as f32
}

/// Loudness of changes between 1 and 29 Hz; remembers the frames before.
#[derive(Debug, Clone)]
pub struct Rasta {
    /// Logarithms of the equal loudness.
    loudness_logs: Bands,
    /// Numerator b0, b1, b3, b4 (b2 is zero).
    forward: [f32; 4],
    /// Feedback of the pole (alpha).
    feedback: f32,
    memory: [[f32; 4]; BAND_COUNT],
    frame: usize,
}

impl Rasta {
    /// At the start of a sound.
    pub fn new(equal_loudness: &Bands) -> Self {
        let turn = (TAU * HIGHEST_CHANGE_HZ * HOP_SECS).cos() as f32;
        let norm = f64::from(10.0 * (32.0 * turn * turn + 8.0)).sqrt() as f32;
        let (b0, b1) = (2.0 / norm, -4.0 * turn / norm);
        Self {
            loudness_logs: equal_loudness.map(|value| f64::from(value).ln() as f32),
            forward: [b0, b1, -b1, -b0],
            feedback: (1.0 - (TAU * LOWEST_CHANGE_HZ * HOP_SECS).sin()) as f32,
            memory: [[0.0; 4]; BAND_COUNT],
            frame: 0,
        }
    }

    /// The next frame.
    ///
    /// Published behaviour: the first five frames have no feedback, and their output is replaced by zero. Held by the
    /// stage `audspec_rasta` in `tests/parity_compare.rs`.
    pub fn take(&mut self, powers: &Bands) -> Bands {
        let is_warm = self.frame >= WARM_UP_FRAMES;
        self.frame += 1;
        std::array::from_fn(|band| {
            let log = powers[band].max(FLOOR).ln();
            let filtered = self.filtered(band, log, is_warm);
            ((filtered + self.loudness_logs[band]) * COMPRESSION).exp()
        })
    }

    fn filtered(&mut self, band: usize, log: f32, is_warm: bool) -> f32 {
        let [b0, b1, b3, b4] = self.forward;
        let memory = &mut self.memory[band];
        let output = b0 * log + memory[0];
        let feedback = if is_warm { self.feedback * output } else { 0.0 };
        *memory = [b1 * log + memory[1] + feedback, memory[2], b3 * log + memory[3], b4 * log];
        if is_warm { output } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::compare2016::framing::Framing;

    fn at_16_khz() -> Bands {
        equal_loudness(&MelBank::new(&Framing::new(16_000).unwrap()))
    }

    #[test]
    fn silence_has_the_loudness_of_the_floor() {
        // Section 12.3, both measured at the reference: 0.0010339657 and 0.98834115.
        let equal_loudness = at_16_khz();
        let silent = [0.0; BAND_COUNT];
        assert!((mean(&loudness(&silent, &equal_loudness)) - 0.001_033_965_7).abs() < 1e-9);
        assert!((mean(&Rasta::new(&equal_loudness).take(&silent)) - 0.988_341_15).abs() < 1e-6);
    }

    #[test]
    fn a_step_dies_away_in_the_rasta_spectrum() {
        let equal_loudness = at_16_khz();
        let mut rasta = Rasta::new(&equal_loudness);
        let rest = rasta.take(&[1.0; BAND_COUNT])[10];
        for _ in 0..20 {
            rasta.take(&[1.0; BAND_COUNT]);
        }
        let loud: Vec<f32> = (0..200).map(|_| rasta.take(&[100.0; BAND_COUNT])[10]).collect();
        assert!(loud[3] > 1.5 * rest, "{} after {rest}", loud[3]);
        assert!((loud[199] - rest).abs() < 1e-3 * rest, "{} after {rest}", loud[199]);
    }
}
