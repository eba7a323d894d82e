//! Psychoacoustic sharpness: how high the power lies on the Bark scale, high bands counted more.
//!
//! Formula: `0.11 sum(z g(z) power) / sum(power)` with Bark `z` and `g = ((z - 16) / 4)^1.58 + 1` above 16 Bark.
//! Source: `compare2016.md`, section 8. The numerator is an f32 sum.

use super::PowerSpectrum;

/// Weights of the bins but the first.
#[derive(Debug, Clone)]
pub struct Sharpness {
    weights: Vec<f64>,
}

impl Sharpness {
    /// For bins at `frequencies`.
    pub fn new(frequencies: &[f64]) -> Self {
        Self { weights: frequencies[1..].iter().map(|hz| weight(bark(*hz))).collect() }
    }

    /// Sharpness of one frame; 0 without power.
    pub fn of(&self, spectrum: &PowerSpectrum) -> f32 {
        if spectrum.total == 0.0 {
            return 0.0;
        }
        let products = self.weights.iter().zip(&spectrum.powers[1..]);
        let sum = products.fold(0.0f32, |sum, (weight, power)| sum + (weight * f64::from(*power)) as f32);
        (0.11 * f64::from((f64::from(sum) / spectrum.total) as f32)) as f32
    }
}

/// Bark value of a frequency, straightened at both ends.
fn bark(hz: f64) -> f64 {
    match 26.81 / (1.0 + 1960.0 / hz) - 0.53 {
        z if z < 2.0 => 0.85 * z + 0.3,
        z if z > 20.1 => 1.22 * z - 0.22 * 20.1,
        z => z,
    }
}

fn weight(z: f64) -> f64 {
    if z <= 16.0 { z } else { z * (((z - 16.0) / 4.0).powf(1.584_962_5) + 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barks_and_weights_follow_their_formulas() {
        // 26.81 / (1 + 1960 / 1000) - 0.53 = 8.5274; 40 Hz: 0.0062 * 0.85 + 0.3.
        assert!((bark(1000.0) - 8.527_4).abs() < 1e-4);
        assert!((bark(40.0) - (0.85 * (26.81 / 50.0 - 0.53) + 0.3)).abs() < 1e-12);
        // At 20 Bark the second factor is 1 + 1.
        assert_eq!((weight(16.0), weight(20.0)), (16.0, 40.0));
    }

    #[test]
    fn sharpness_of_one_bin_is_its_weight() {
        let frequencies = vec![0.0, 1000.0, 2000.0];
        let sharpness = Sharpness::new(&frequencies);
        let spectrum = PowerSpectrum { frequencies, powers: vec![5.0, 4.0, 0.0], total: 4.0, weighted: 4000.0 };
        assert!((sharpness.of(&spectrum) - 0.11 * 8.527_4).abs() < 1e-4);
    }
}
