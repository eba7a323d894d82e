//! Triangular mel filters over the bins of a power spectrum.
//!
//! In:  how many filters, FFT size, rate and the band they cover.
//! Out: [`MelFilter`]s, each a run of weights from its first bin.
//! Source: `get_filterbanks` of python_speech_features.

/// One triangle: weights of consecutive bins.
#[derive(Clone, Debug, PartialEq)]
pub struct MelFilter {
    /// Bin of the first weight.
    pub first_bin: usize,
    /// Weights in [0, 1]; empty where the triangle lies between two bins.
    pub weights: Vec<f64>,
}

impl MelFilter {
    /// The filter's part of a power spectrum.
    pub fn energy(&self, power: &[f64]) -> f64 {
        let bins = power.get(self.first_bin..).unwrap_or_default();
        self.weights.iter().zip(bins).map(|(weight, power)| weight * power).sum()
    }
}

/// Filters `j` between the edges `b_j`, `b_(j+1)`, `b_(j+2)`.
pub fn mel_filters(filter_count: usize, fft_size: usize, rate_hz: f64, low_hz: f64, high_hz: f64) -> Vec<MelFilter> {
    let edges = bin_edges(filter_count, fft_size, rate_hz, low_hz, high_hz);
    edges.windows(3).map(|edge| triangle(edge[0], edge[1], edge[2])).collect()
}

/// `filter_count + 2` bins, evenly spaced in mel.
fn bin_edges(filter_count: usize, fft_size: usize, rate_hz: f64, low_hz: f64, high_hz: f64) -> Vec<usize> {
    let (low, high) = (mel_from_hz(low_hz), mel_from_hz(high_hz));
    let step = (high - low) / (filter_count + 1) as f64;
    (0..filter_count + 2)
        .map(|point| if point > filter_count { high } else { low + point as f64 * step })
        .map(|mel| ((fft_size + 1) as f64 * hz_from_mel(mel) / rate_hz).floor() as usize)
        .collect()
}

fn triangle(first: usize, peak: usize, end: usize) -> MelFilter {
    let rise = (first..peak).map(|bin| (bin - first) as f64 / (peak - first) as f64);
    let fall = (peak..end).map(|bin| (end - bin) as f64 / (end - peak) as f64);
    MelFilter { first_bin: first, weights: rise.chain(fall).collect() }
}

fn mel_from_hz(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

fn hz_from_mel(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_those_of_the_reference_for_40_ms_at_44100_hz() {
        // From the reference's own table for 2048 points at 44100 Hz: the first six and the last two.
        let edges = bin_edges(26, 2048, 44_100.0, 0.0, 22_050.0);
        assert_eq!(edges[..6], [0, 4, 9, 15, 21, 29]);
        assert_eq!(edges[26..], [896, 1024]);
    }

    #[test]
    fn a_triangle_rises_to_its_peak_and_falls_to_its_end() {
        // Edges 2, 4, 8: rise 0, 1/2 at bins 2, 3; fall 1, 3/4, 1/2, 1/4 at bins 4 to 7.
        let filter = triangle(2, 4, 8);
        assert_eq!(filter, MelFilter { first_bin: 2, weights: vec![0.0, 0.5, 1.0, 0.75, 0.5, 0.25] });
        // Power 1 everywhere: 0.5 + 1 + 0.75 + 0.5 + 0.25 = 3.
        assert!((filter.energy(&[1.0; 10]) - 3.0).abs() < 1e-12);
    }
}
