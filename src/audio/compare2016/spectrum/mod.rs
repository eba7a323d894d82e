//! Windows and the magnitudes of their spectra; one transform per frame and stream, shared by all that read it.
//!
//! In:  `frame` samples.
//! Out: the windowed frame, and `transform / 2 + 1` magnitudes, not normalised.
//! Source: `compare2016.md`, section 4.

pub mod split_radix;

use std::f64::consts::TAU;

use self::split_radix::SplitRadix;

/// Deviation of the Gaussian window in half frame lengths.
const GAUSSIAN_WIDTH: f64 = 0.4;

/// `exp(-0.5 ((i - c) / (0.4 c))^2)` with `c` the middle of the frame.
pub fn gaussian(length: usize) -> Vec<f32> {
    let middle = (length - 1) as f64 / 2.0;
    let value = |i: usize| (-0.5 * ((i as f64 - middle) / (GAUSSIAN_WIDTH * middle)).powi(2)).exp() as f32;
    (0..length).map(value).collect()
}

/// `0.54 - 0.46 cos(2 pi i / (length - 1))`.
pub fn hamming(length: usize) -> Vec<f32> {
    let value = |i: usize| (0.54 - 0.46 * (TAU * i as f64 / (length - 1) as f64).cos()) as f32;
    (0..length).map(value).collect()
}

/// Window, zero padding on both sides, real transform, magnitudes.
#[derive(Debug, Clone)]
pub struct Spectrum {
    window: Vec<f32>,
    windowed: Vec<f32>,
    transform: SplitRadix,
    padded: Vec<f32>,
    real: Vec<f32>,
    imaginary: Vec<f32>,
    magnitudes: Vec<f32>,
}

impl Spectrum {
    /// For frames as long as `window`, padded to `transform` points.
    pub fn new(window: Vec<f32>, transform: usize) -> Self {
        let empty = || vec![0.0; transform / 2 + 1];
        Self {
            windowed: vec![0.0; window.len()],
            window,
            transform: SplitRadix::new(transform),
            padded: vec![0.0; transform],
            real: empty(),
            imaginary: empty(),
            magnitudes: empty(),
        }
    }

    /// Takes the next frame.
    pub fn take(&mut self, frame: &[f32]) {
        for ((windowed, sample), weight) in self.windowed.iter_mut().zip(frame).zip(&self.window) {
            *windowed = sample * weight;
        }
        let front = (self.padded.len() - self.window.len()) / 2;
        self.padded[front..front + self.window.len()].copy_from_slice(&self.windowed);
        self.transform.transform(&self.padded, &mut self.real, &mut self.imaginary);
        for ((magnitude, real), imaginary) in self.magnitudes.iter_mut().zip(&self.real).zip(&self.imaginary) {
            *magnitude = (real * real + imaginary * imaginary).sqrt();
        }
    }

    /// The last frame under its window, without padding.
    pub fn windowed(&self) -> &[f32] {
        &self.windowed
    }

    /// Magnitudes of the last frame, from 0 Hz to half the rate.
    pub fn magnitudes(&self) -> &[f32] {
        &self.magnitudes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_known_values() {
        // Ends of the Gaussian: exp(-0.5 / 0.4^2) = 0.04394; ends of the Hamming window: 0.54 - 0.46 = 0.08.
        let (gaussian, hamming) = (gaussian(5), hamming(5));
        assert!((gaussian[0] - 0.043_937).abs() < 1e-6 && gaussian[2] == 1.0);
        assert!((hamming[0] - 0.08).abs() < 1e-7 && (hamming[2] - 1.0).abs() < 1e-7);
        assert_eq!((gaussian[1], hamming[1]), (gaussian[3], hamming[3]));
    }

    #[test]
    fn magnitudes_of_a_wave_stand_in_its_bin() {
        // cos(2 pi 3 i / 128) over 128 points without a window: 128 / 2 = 64 in bin 3.
        let mut spectrum = Spectrum::new(vec![1.0; 128], 128);
        let wave: Vec<f32> = (0..128).map(|i| (TAU * 3.0 * f64::from(i) / 128.0).cos() as f32).collect();
        for _ in 0..2 {
            spectrum.take(&wave);
            for (bin, magnitude) in spectrum.magnitudes().iter().enumerate() {
                let expected = if bin == 3 { 64.0 } else { 0.0 };
                assert!((magnitude - expected).abs() < 1e-4, "bin {bin}: {magnitude}");
            }
        }
    }
}
