//! Mel cepstrum: `mfcc[1]` to `mfcc[14]`.
//!
//! In:  26 mel powers of a frame.
//! Out: 14 coefficients.
//! Source: `compare2016.md`, section 7.4: `mfcc[i] = sum_b ln(power_b) cos(pi i (b + 0.5) / 26)`, times a lifter
//! `1 + 11 sin(pi i / 22)` and `sqrt(2 / 26)`. Sums are f32.

use std::f32::consts::PI;

use super::mel::BAND_COUNT;

/// Coefficients, from the first on; the zeroth is left out.
pub const COEFFICIENT_COUNT: usize = 14;
/// Powers are on the scale of 16-bit samples.
const SCALE: f32 = 32_767.0 * 32_767.0;
/// Least power on that scale.
const FLOOR: f32 = 1.0;
const LIFTER: f32 = 22.0;

/// Cosines and lifter.
#[derive(Debug, Clone)]
pub struct Cepstrum {
    cosines: [[f32; BAND_COUNT]; COEFFICIENT_COUNT],
    scales: [f32; COEFFICIENT_COUNT],
}

impl Default for Cepstrum {
    fn default() -> Self {
        let cosine = |i: usize, band: usize| {
            (std::f64::consts::PI * (i as f64 / BAND_COUNT as f64) * (band as f64 + 0.5)).cos() as f32
        };
        let norm = (2.0 / BAND_COUNT as f64).sqrt() as f32;
        let scale = |i: usize| (1.0 + LIFTER / 2.0 * f64::from(PI * i as f32 / LIFTER).sin() as f32) * norm;
        Self {
            cosines: std::array::from_fn(|place| std::array::from_fn(|band| cosine(place + 1, band))),
            scales: std::array::from_fn(|place| scale(place + 1)),
        }
    }
}

impl Cepstrum {
    /// Coefficients of one frame.
    pub fn of(&self, powers: &[f32; BAND_COUNT]) -> [f32; COEFFICIENT_COUNT] {
        let logs = powers.map(|power| (power * SCALE).max(FLOOR).ln());
        std::array::from_fn(|place| {
            let products = logs.iter().zip(&self.cosines[place]);
            products.fold(0.0, |sum, (log, cosine)| sum + log * cosine) * self.scales[place]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bands_have_no_cepstrum() {
        assert!(Cepstrum::default().of(&[0.5; BAND_COUNT]).iter().all(|value| value.abs() < 1e-3));
        assert_eq!(Cepstrum::default().of(&[0.0; BAND_COUNT]), [0.0; COEFFICIENT_COUNT]);
    }

    #[test]
    fn a_cosine_over_the_bands_is_one_coefficient() {
        // ln(power * scale) = 10 + cos(2 pi (b + 0.5) / 26): coefficient 2 is 13 * (1 + 11 sin(2 pi / 22)) * sqrt(2 / 26).
        let log = |band: usize| 10.0 + (2.0 * std::f64::consts::PI * (band as f64 + 0.5) / 26.0).cos();
        let powers = std::array::from_fn(|band| (log(band).exp() / f64::from(SCALE)) as f32);
        let found = Cepstrum::default().of(&powers);
        let expected = 13.0 * (1.0 + 11.0 * 0.281_732_6) * 0.277_350_1;
        for (place, value) in found.iter().enumerate() {
            let expected = if place == 1 { expected } else { 0.0 };
            assert!((value - expected).abs() < 1e-3, "{}: {value}", place + 1);
        }
    }
}
