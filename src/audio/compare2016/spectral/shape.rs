//! Centroid, variance, skewness, kurtosis, slope, entropy and flux.
//!
//! Formula: moments of the frequencies weighted by power, around the centroid; the slope of a line through the powers;
//! the entropy of the powers in bits; the root of the mean squared change of the magnitudes.
//! Unit: Hz, Hz², none, none, power per Hz, bits, magnitude.
//! Source: `compare2016.md`, section 8.

use std::f64::consts::LN_2;

use super::PowerSpectrum;

/// Least total power in the entropy.
const TOTAL_FLOOR: f32 = 1e-7;
/// Least power of a bin in the entropy; the reference keeps this one in f64.
const SHARE_FLOOR: f64 = 1e-7;

/// Sums over frequencies that do not change.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    frequency_sum: f64,
    square_sum: f64,
}

/// The moments of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// First moment, in Hz.
    pub centroid: f32,
    /// Second central moment, in Hz².
    pub variance: f32,
    /// Third, over the variance to 1.5.
    pub skewness: f32,
    /// Fourth, over the squared variance.
    pub kurtosis: f32,
}

impl Shape {
    /// For bins at `frequencies`.
    pub fn new(frequencies: &[f64]) -> Self {
        let sum = |of: fn(f64) -> f64| frequencies[1..].iter().fold(0.0, |sum, hz| sum + of(*hz));
        Self { frequency_sum: sum(|hz| hz), square_sum: sum(|hz| hz * hz) }
    }

    /// Moments of one frame; zero where there is no power, or nothing beside a single bin.
    pub fn moments(&self, spectrum: &PowerSpectrum) -> Moments {
        let total = spectrum.total;
        if total == 0.0 {
            return Moments { centroid: 0.0, variance: 0.0, skewness: 0.0, kurtosis: 0.0 };
        }
        let centroid = (spectrum.weighted / total) as f32;
        let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
        for (frequency, power) in spectrum.bins() {
            let distance = frequency - f64::from(centroid);
            let square = distance * distance * power;
            second += square;
            third += square * distance;
            fourth += square * distance * distance;
        }
        let variance = second / total;
        let over = |moment: f64, norm: f64| if norm > 0.0 { (moment / (total * norm)) as f32 } else { 0.0 };
        Moments {
            centroid,
            variance: variance as f32,
            skewness: over(third, variance * variance.sqrt()),
            kurtosis: over(fourth, variance * variance),
        }
    }

    /// Slope of the line through the powers.
    ///
    /// Published behaviour: it is multiplied by the number of bins less one. Held by the stage `spectral` in
    /// `tests/parity_compare.rs`.
    pub fn slope(&self, spectrum: &PowerSpectrum) -> f32 {
        let count = spectrum.bin_count();
        let numerator = count * spectrum.weighted - self.frequency_sum * spectrum.total;
        let denominator = count * self.square_sum - self.frequency_sum * self.frequency_sum;
        (numerator / denominator * (count - 1.0)) as f32
    }
}

/// Entropy of the powers in bits.
///
/// Published behaviour: powers below the floor are raised to it, and the shares then add up to a little more than 1.
/// Held by `silence_has_its_known_values`.
pub fn entropy(spectrum: &PowerSpectrum) -> f32 {
    let total = spectrum.total.max(f64::from(TOTAL_FLOOR));
    let mut sum = 0.0;
    for (_, power) in spectrum.bins() {
        let share = power.max(SHARE_FLOOR) / total;
        sum += share * share.ln();
    }
    (-sum / LN_2) as f32
}

/// Root of the mean squared change of the magnitudes, bin 0 left out.
pub fn flux(previous: &[f32], magnitudes: &[f32]) -> f32 {
    let changes = previous[1..].iter().zip(&magnitudes[1..]).map(|(before, now)| f64::from(*now) - f64::from(*before));
    let sum = changes.fold(0.0, |sum, change| sum + change * change);
    (sum / (magnitudes.len() - 1) as f64).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum(powers: &[f32]) -> PowerSpectrum {
        let frequencies = (0..powers.len()).map(|bin| bin as f64 * 100.0).collect();
        let mut spectrum = PowerSpectrum { frequencies, ..PowerSpectrum::default() };
        spectrum.take(&powers.iter().map(|power| power.sqrt()).collect::<Vec<_>>());
        spectrum
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        // Equal power at 100 and 300 Hz: centre 200, variance 10000, no skew, fourth moment equals the squared variance.
        let spectrum = spectrum(&[9.0, 1.0, 0.0, 1.0]);
        let found = Shape::new(&spectrum.frequencies).moments(&spectrum);
        assert_eq!(found, Moments { centroid: 200.0, variance: 10_000.0, skewness: 0.0, kurtosis: 1.0 });
    }

    #[test]
    fn the_slope_of_a_line_is_its_own_times_the_bins_less_one() {
        // Powers 1, 4, 9 would bend; 4, 16, 36 at 100, 200, 300 Hz: (3 * 14400 - 600 * 56) / (3 * 140000 - 360000) * 2 = 0.32.
        let spectrum = spectrum(&[0.0, 4.0, 16.0, 36.0]);
        assert!((Shape::new(&spectrum.frequencies).slope(&spectrum) - 0.32).abs() < 1e-6);
    }

    #[test]
    fn four_equal_bins_have_two_bits() {
        assert!((entropy(&spectrum(&[0.0, 4.0, 4.0, 4.0, 4.0])) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn flux_is_the_root_of_the_mean_squared_change() {
        // Changes 3 and 4 in two bins: sqrt(25 / 2).
        assert!((flux(&[9.0, 1.0, 1.0], &[0.0, 4.0, 5.0]) - 12.5f32.sqrt()).abs() < 1e-6);
    }
}
