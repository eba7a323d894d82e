//! Fifteen descriptors of the shape of a short spectrum.
//!
//! In:  magnitudes of a 20 ms frame.
//! Out: `[15]` in the order of the names: two band energies, four roll-offs, flux, centroid, entropy, variance, skewness,
//! kurtosis, slope, sharpness, harmonicity. Frequencies are in Hz; power is not normalised.
//! Source: `compare2016.md`, section 8. Bin 0 is left out everywhere but in the band energies; sums are f64.

pub mod bands;
pub mod harmonicity;
pub mod rolloff;
pub mod shape;
pub mod sharpness;

use self::bands::Band;
use self::shape::{Shape, entropy, flux};
use self::sharpness::Sharpness;
use super::framing::Framing;

/// Descriptors of a frame.
pub const SPECTRAL_COUNT: usize = 15;

/// What the descriptors read of one frame.
#[derive(Debug, Clone, Default)]
pub struct PowerSpectrum {
    /// Middle of every bin in Hz.
    pub frequencies: Vec<f64>,
    /// Square of every magnitude, rounded to f32.
    pub powers: Vec<f32>,
    /// Sum of the powers without bin 0 (W).
    pub total: f64,
    /// Sum of the powers times their frequencies without bin 0.
    pub weighted: f64,
}

impl PowerSpectrum {
    fn take(&mut self, magnitudes: &[f32]) {
        self.powers.clear();
        self.powers.extend(magnitudes.iter().map(|magnitude| magnitude * magnitude));
        (self.total, self.weighted) = (0.0, 0.0);
        for (power, frequency) in self.powers.iter().zip(&self.frequencies).skip(1) {
            self.total += f64::from(*power);
            self.weighted += frequency * f64::from(*power);
        }
    }

    /// Frequency and power of every bin but the first.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.frequencies.iter().zip(&self.powers).skip(1).map(|(frequency, power)| (*frequency, f64::from(*power)))
    }

    /// Bins without the first (n).
    pub fn bin_count(&self) -> f64 {
        (self.powers.len() - 1) as f64
    }
}

/// Describes the spectra of a sound; remembers the frame before.
#[derive(Debug, Clone)]
pub struct SpectralDescriptors {
    spectrum: PowerSpectrum,
    previous: Option<Vec<f32>>,
    low: Band,
    high: Band,
    shape: Shape,
    sharpness: Sharpness,
}

impl SpectralDescriptors {
    /// For the 20 ms stream.
    pub fn new(framing: &Framing) -> Self {
        let bin_count = framing.short_transform() / 2 + 1;
        let bin_hz = 1.0 / framing.short_duration();
        let frequencies: Vec<f64> = (0..bin_count).map(|bin| bin as f64 * bin_hz).collect();
        Self {
            low: Band::new(&frequencies, 250.0, 650.0),
            high: Band::new(&frequencies, 1000.0, 4000.0),
            shape: Shape::new(&frequencies),
            sharpness: Sharpness::new(&frequencies),
            spectrum: PowerSpectrum { frequencies, ..PowerSpectrum::default() },
            previous: None,
        }
    }

    /// The next frame.
    pub fn take(&mut self, magnitudes: &[f32]) -> [f32; SPECTRAL_COUNT] {
        self.spectrum.take(magnitudes);
        let spectrum = &self.spectrum;
        let [quarter, half, three_quarters, nine_tenths] = rolloff::rolloffs(spectrum);
        let moments = self.shape.moments(spectrum);
        let flux = self.previous.as_ref().map_or(0.0, |previous| flux(previous, magnitudes));
        self.previous.get_or_insert_default().clear();
        self.previous.get_or_insert_default().extend_from_slice(magnitudes);
        [
            self.low.energy(&spectrum.powers),
            self.high.energy(&spectrum.powers),
            quarter,
            half,
            three_quarters,
            nine_tenths,
            flux,
            moments.centroid,
            entropy(spectrum),
            moments.variance,
            moments.skewness,
            moments.kurtosis,
            self.shape.slope(spectrum),
            self.sharpness.of(spectrum),
            harmonicity::harmonicity(&spectrum.powers),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_its_known_values() {
        // Section 12.3 at 16 kHz: roll-offs in the first bin, entropy 4.316e-6, everything else 0.
        let found = SpectralDescriptors::new(&Framing::new(16_000).unwrap()).take(&[0.0; 257]);
        for (place, value) in found.iter().enumerate() {
            match place {
                2..=5 => assert_eq!(*value, 31.25),
                8 => assert!((value - 4.316e-6).abs() < 1e-9, "{value}"),
                _ => assert_eq!(*value, 0.0, "descriptor {place}"),
            }
        }
    }

    #[test]
    fn a_single_bin_is_its_own_centre() {
        let mut magnitudes = [0.0; 257];
        magnitudes[32] = 2.0; // 1000 Hz
        let found = SpectralDescriptors::new(&Framing::new(16_000).unwrap()).take(&magnitudes);
        assert_eq!(found[2..6], [1000.0; 4]);
        assert_eq!((found[7], found[9]), (1000.0, 0.0));
    }
}
