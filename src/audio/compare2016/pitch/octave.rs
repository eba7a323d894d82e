//! The spectrum on a scale of octaves, sharpened, smoothed and weighted as the ear does.
//!
//! In:  magnitudes of a 60 ms frame.
//! Out: as many values, evenly spaced in octaves from 25 Hz to half the rate.
//! Source: `compare2016.md`, section 5.1.

use std::f64::consts::{LN_2, PI};

use super::super::framing::Framing;
use super::spline::Spline;

/// Lowest frequency of the scale.
pub const LOWEST_HZ: f64 = 25.0;
/// Around a peak, bins up to this distance are kept on the side of the next peak.
const KEPT: usize = 3;

/// Where the scale of octaves begins, and how fine it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OctaveScale {
    /// Points, as many as the spectrum has bins (K).
    pub points: usize,
    /// Binary logarithm of the lowest frequency (p0).
    pub lowest: f64,
    /// Binary logarithm of the highest frequency (p1).
    pub highest: f64,
    /// Points of an octave (ppo).
    pub per_octave: f64,
}

impl OctaveScale {
    /// Scale of the 60 ms stream.
    pub fn new(framing: &Framing) -> Self {
        let points = framing.long_transform() / 2 + 1;
        let highest_hz = bin_hz(framing) * (points - 1) as f64;
        let octaves = (highest_hz / LOWEST_HZ).ln() / LN_2;
        Self { points, lowest: lg2(LOWEST_HZ), highest: lg2(highest_hz), per_octave: points as f64 / octaves }
    }
}

fn lg2(value: f64) -> f64 {
    value.ln() / LN_2
}

/// Width of a bin; the reference keeps the frame's duration in f32.
fn bin_hz(framing: &Framing) -> f64 {
    1.0 / f64::from(framing.long_duration() as f32)
}

/// From magnitudes to the scale of octaves.
#[derive(Debug, Clone)]
pub struct OctaveSpectrum {
    spline: Spline,
    weights: Vec<f64>,
    enhanced: Vec<f64>,
    smoothed: Vec<f64>,
    values: Vec<f32>,
}

impl OctaveSpectrum {
    /// For the 60 ms stream.
    pub fn new(framing: &Framing) -> Self {
        let scale = OctaveScale::new(framing);
        let points = scale.points;
        let mut abscissae: Vec<f64> = (0..points).map(|bin| lg2(bin as f64 * bin_hz(framing))).collect();
        abscissae[0] = 2.0 * abscissae[1] - abscissae[2];
        let step = (scale.highest - scale.lowest) / (points - 1) as f64;
        let places: Vec<f64> = (0..points).map(|i| scale.lowest + i as f64 * step).collect();
        Self {
            spline: Spline::new(&abscissae, &places),
            weights: auditory_weights(&scale),
            enhanced: vec![0.0; points],
            smoothed: vec![0.0; points],
            values: vec![0.0; points],
        }
    }

    /// The spectrum of one frame (H).
    pub fn of(&mut self, magnitudes: &[f32]) -> &[f32] {
        for (enhanced, magnitude) in self.enhanced.iter_mut().zip(magnitudes) {
            *enhanced = f64::from(*magnitude);
        }
        enhance_peaks(&mut self.enhanced);
        smooth(&self.enhanced, &mut self.smoothed);
        self.spline.read(&self.smoothed, &mut self.values);
        for (value, weight) in self.values.iter_mut().zip(&self.weights) {
            *value = if *value > 0.0 { (f64::from(*value) * weight) as f32 } else { 0.0 };
        }
        &self.values
    }
}

/// Rises from 0 to 1 around 65 Hz.
fn auditory_weights(scale: &OctaveScale) -> Vec<f64> {
    let middle = scale.per_octave * lg2(65.0 / 50.0) - 1.0;
    let weight = |i: usize| 0.5 + (3.0 * ((i + 1) as f64 - middle) / scale.per_octave).atan() / PI;
    (0..scale.points).map(weight).collect()
}

/// Clears what lies between two neighbouring peaks, except for two bins beside each.
///
/// Published behaviour: a spectrum with a single peak keeps only its first three bins, wherever the peak is. Held by
/// `a_single_peak_leaves_the_first_three_bins`.
fn enhance_peaks(values: &mut [f64]) {
    let last = values.len() - 1;
    let mut peak_count = 0;
    let mut previous = 0;
    for i in 0..=last {
        let rises = i == 0 || values[i] > values[i - 1];
        let falls = if i == 0 { values[0] > values[1] } else { i == last || values[i] >= values[i + 1] };
        if !(rises && falls) {
            continue;
        }
        if peak_count > 0 && i > previous + 2 * KEPT - 1 {
            values[previous + KEPT..=i - KEPT].fill(0.0);
        }
        previous = i;
        peak_count += 1;
    }
    if peak_count == 1 {
        values[KEPT..].fill(0.0);
    }
}

/// A quarter of both neighbours and twice the bin; the last bin stays.
fn smooth(values: &[f64], smoothed: &mut [f64]) {
    let last = values.len() - 1;
    smoothed[0] = (2.0 * values[0] + values[1]) / 4.0;
    for (smoothed, around) in smoothed[1..].iter_mut().zip(values.windows(3)) {
        *smoothed = (around[0] + 2.0 * around[1] + around[2]) / 4.0;
    }
    smoothed[last] = values[last];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_far_from_both_peaks_are_cleared() {
        // Peaks at 1 and 9: bins 4 to 6 go; what lies before the first and behind the last stays.
        let mut values = [1.0, 9.0, 8.0, 7.0, 6.0, 5.0, 5.5, 6.5, 7.0, 8.0, 3.0, 2.0];
        enhance_peaks(&mut values);
        assert_eq!(values, [1.0, 9.0, 8.0, 7.0, 0.0, 0.0, 0.0, 6.5, 7.0, 8.0, 3.0, 2.0]);
    }

    #[test]
    fn a_single_peak_leaves_the_first_three_bins() {
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 4.0];
        enhance_peaks(&mut values);
        assert_eq!(values, [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
        let mut flat = [0.0; 6];
        enhance_peaks(&mut flat);
        assert_eq!(flat, [0.0; 6]);
    }

    #[test]
    fn smoothing_uses_unsmoothed_neighbours() {
        let mut smoothed = [0.0; 4];
        smooth(&[4.0, 8.0, 0.0, 4.0], &mut smoothed);
        assert_eq!(smoothed, [4.0, 5.0, 3.0, 4.0]);
    }
}
