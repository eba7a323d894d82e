//! True mel cepstra: what the published code says it uses, and does not.
//!
//! In:  one signal and a [`Filterbank`].
//! Out: `[windows, count]` cepstral coefficients.
//! Source: `mfcc` of python_speech_features. Kept for comparison with other systems.

use std::f64::consts::PI;

use super::filterbank::{Filterbank, log_above_floor};

/// Which coefficients, and how they are weighted; the names of python_speech_features stand beside them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CepstrumSettings {
    /// How many coefficients are kept (`numcep`).
    pub count: usize,
    /// Length of the sine that lifts the higher coefficients (`ceplifter`); 0 lifts nothing.
    pub lifter: usize,
    /// Whether coefficient 0 is the logarithm of the window's total power (`appendEnergy`).
    pub replaces_first_by_energy: bool,
}

impl Default for CepstrumSettings {
    fn default() -> Self {
        Self { count: 13, lifter: 22, replaces_first_by_energy: true }
    }
}

/// Cepstra of every window: `[windows, count]`, row-major.
pub fn cepstrum_rows(bank: &Filterbank, signal: &[f64], settings: &CepstrumSettings) -> Vec<f64> {
    let mut rows = Vec::new();
    bank.for_each_spectrum(signal, |power| {
        let logs: Vec<f64> = bank.log_energies(power).collect();
        let count = settings.count.min(logs.len());
        let start = rows.len();
        rows.extend((0..count).map(|order| cosine_coefficient(&logs, order) * lift(order, settings.lifter)));
        if settings.replaces_first_by_energy && count > 0 {
            rows[start] = log_above_floor(power.iter().sum());
        }
    });
    rows
}

/// Coefficient `order` of the orthonormal DCT-II.
fn cosine_coefficient(values: &[f64], order: usize) -> f64 {
    let count = values.len() as f64;
    let scale = if order == 0 { (1.0 / count).sqrt() } else { (2.0 / count).sqrt() };
    let angle = |place: usize| PI * order as f64 * (place as f64 + 0.5) / count;
    scale * values.iter().enumerate().map(|(place, value)| value * angle(place).cos()).sum::<f64>()
}

fn lift(order: usize, lifter: usize) -> f64 {
    if lifter == 0 {
        return 1.0;
    }
    let length = lifter as f64;
    1.0 + length / 2.0 * (PI * order as f64 / length).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_only_the_first_coefficient() {
        // Orthonormal: four times 2 gives 2 * sqrt(4) = 4, and nothing above.
        assert!((cosine_coefficient(&[2.0; 4], 0) - 4.0).abs() < 1e-12);
        assert!(cosine_coefficient(&[2.0; 4], 1).abs() < 1e-12);
    }

    #[test]
    fn the_lifter_is_one_at_order_0_and_twelve_at_half_its_length() {
        assert!((lift(0, 22) - 1.0).abs() < 1e-12);
        assert!((lift(11, 22) - 12.0).abs() < 1e-12);
    }
}
