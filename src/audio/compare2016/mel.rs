//! Power in 26 triangular bands on the mel scale, 20 to 8000 Hz.
//!
//! In:  magnitudes of a 20 ms frame.
//! Out: 26 powers, not scaled; the auditory spectra and the MFCC read them.
//! Source: `compare2016.md`, section 7.1: `mel(f) = 1127 ln(1 + f / 700)`, computed in f64; values, edges and sums are f32.

use super::framing::Framing;

/// Bands of the bank.
pub const BAND_COUNT: usize = 26;
const LOWEST_HZ: f32 = 20.0;
const HIGHEST_HZ: f32 = 8000.0;

/// How one bin is shared between two bands.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// The band below takes this share of the bin's power; there is none below the first band.
    below: Option<usize>,
    /// The band above takes the rest; there is none above the last band.
    above: Option<usize>,
    weight: f64,
}

/// The bank at one rate.
#[derive(Debug, Clone)]
pub struct MelBank {
    first_bin: usize,
    shares: Vec<Share>,
    centres_hz: [f64; BAND_COUNT],
}

fn mel(hz: f32) -> f32 {
    if hz <= 0.0 { 0.0 } else { (1127.0 * (1.0 + f64::from(hz) / 700.0).ln()) as f32 }
}

impl MelBank {
    /// For the 20 ms stream; below 16 kHz the bands end at half the rate.
    pub fn new(framing: &Framing) -> Self {
        let bin_count = framing.short_transform() / 2 + 1;
        let duration = framing.short_duration();
        let bin_hz = (1.0 / duration) as f32;
        let highest = HIGHEST_HZ.min((2.0 * (bin_count - 1) as f64 / duration) as f32 / 2.0);
        let (bottom, top) = (mel(LOWEST_HZ), mel(highest));
        let width = (top - bottom) / (BAND_COUNT + 1) as f32;
        let edges: Vec<f32> = (0..BAND_COUNT + 2).map(|edge| bottom + edge as f32 * width).collect();
        let bin_at = |hz: f32| (f64::from(hz / bin_hz).round() as usize).min(bin_count);
        let first_bin = bin_at(LOWEST_HZ) + 1;
        let shares = (first_bin..bin_at(highest)).map(|bin| Share::new(mel(bin as f32 * bin_hz), &edges)).collect();
        let centre = |band: usize| 700.0 * ((f64::from(edges[band + 1]) / 1127.0).exp() - 1.0);
        Self { first_bin, shares, centres_hz: std::array::from_fn(centre) }
    }

    /// Middles of the bands.
    pub fn centres_hz(&self) -> &[f64; BAND_COUNT] {
        &self.centres_hz
    }

    /// Power of one frame in each band.
    pub fn powers(&self, magnitudes: &[f32]) -> [f32; BAND_COUNT] {
        let mut powers = [0.0; BAND_COUNT];
        for (magnitude, share) in magnitudes[self.first_bin..].iter().zip(&self.shares) {
            let power = magnitude * magnitude;
            let below = (f64::from(power) * share.weight) as f32;
            if let Some(band) = share.below {
                powers[band] += below;
            }
            if let Some(band) = share.above {
                powers[band] += power - below;
            }
        }
        powers
    }
}

impl Share {
    /// For a bin at `place` mel, between two of the edges.
    fn new(place: f32, edges: &[f32]) -> Self {
        let upper = edges.partition_point(|edge| *edge < place).clamp(1, edges.len() - 1);
        let weight = (edges[upper] - place) / (edges[upper] - edges[upper - 1]);
        let above = Some(upper - 1).filter(|band| *band < BAND_COUNT);
        Self { below: upper.checked_sub(2), above, weight: f64::from(weight) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_between_two_centres_is_shared_between_both_bands() {
        let edges: Vec<f32> = (0..28).map(|edge| edge as f32 * 10.0).collect();
        // 23 mel lies between edges 2 and 3, the centres of bands 1 and 2: 0.7 for band 1.
        let share = Share::new(23.0, &edges);
        assert_eq!((share.below, share.above), (Some(1), Some(2)));
        assert!((share.weight - 0.7).abs() < 1e-6);
        assert_eq!((Share::new(5.0, &edges).below, Share::new(5.0, &edges).above), (None, Some(0)));
        assert_eq!((Share::new(265.0, &edges).below, Share::new(265.0, &edges).above), (Some(25), None));
    }

    #[test]
    fn the_scale_has_1000_mel_at_1000_hz() {
        assert!((mel(1000.0) - 1000.0).abs() < 0.1);
        assert_eq!(mel(0.0).to_bits(), 0);
    }

    #[test]
    fn one_bin_of_power_is_kept_by_the_bank() {
        let bank = MelBank::new(&Framing::new(16_000).unwrap());
        let mut magnitudes = vec![0.0; 257];
        magnitudes[32] = 3.0; // 1000 Hz
        let powers = bank.powers(&magnitudes);
        assert!((powers.iter().sum::<f32>() - 9.0).abs() < 1e-5);
        assert_eq!(powers.iter().filter(|power| **power > 0.0).count(), 2);
    }
}
