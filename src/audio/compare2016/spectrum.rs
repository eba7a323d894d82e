//! Windows and the magnitudes of their spectra; one transform per frame and stream, shared by all that read it.
//!
//! In:  `frame` samples.
//! Out: the windowed frame, and `transform / 2 + 1` magnitudes, not normalised.
//! Source: `compare2016.md`, section 4. The reference transforms in f32, with noise of about 2e-7 of the largest
//! magnitude; the transform here is f64 and its result rounded.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

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
pub struct Spectrum {
    window: Vec<f32>,
    windowed: Vec<f32>,
    plan: Arc<dyn RealToComplex<f64>>,
    padded: Vec<f64>,
    transformed: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    magnitudes: Vec<f32>,
}

impl Spectrum {
    /// For frames as long as `window`, padded to `transform` points.
    pub fn new(window: Vec<f32>, transform: usize) -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(transform);
        Self {
            windowed: vec![0.0; window.len()],
            window,
            padded: plan.make_input_vec(),
            transformed: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            magnitudes: vec![0.0; transform / 2 + 1],
            plan,
        }
    }

    /// Takes the next frame.
    pub fn take(&mut self, frame: &[f32]) {
        for ((windowed, sample), weight) in self.windowed.iter_mut().zip(frame).zip(&self.window) {
            *windowed = sample * weight;
        }
        let front = (self.padded.len() - self.window.len()) / 2;
        self.padded.fill(0.0); // the transform leaves its own numbers there
        for (padded, windowed) in self.padded[front..].iter_mut().zip(&self.windowed) {
            *padded = f64::from(*windowed);
        }
        self.plan
            .process_with_scratch(&mut self.padded, &mut self.transformed, &mut self.scratch)
            .expect("the plan made these buffers");
        for (magnitude, value) in self.magnitudes.iter_mut().zip(&self.transformed) {
            let (real, imaginary) = (value.re as f32, value.im as f32);
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
        // cos(2 pi 3 i / 16) over 16 points without a window: 16 / 2 = 8 in bin 3.
        let mut spectrum = Spectrum::new(vec![1.0; 16], 16);
        let wave: Vec<f32> = (0..16).map(|i| (TAU * 3.0 * f64::from(i) / 16.0).cos() as f32).collect();
        for _ in 0..2 {
            spectrum.take(&wave);
            for (bin, magnitude) in spectrum.magnitudes().iter().enumerate() {
                let expected = if bin == 3 { 8.0 } else { 0.0 };
                assert!((magnitude - expected).abs() < 1e-6, "bin {bin}: {magnitude}");
            }
        }
    }
}
