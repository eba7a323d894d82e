//! Energy of a band: `fband250-650` and `fband1000-4000`.
//!
//! Formula: the powers between the edges over the number of bins; the bins at the edges count in part.
//! Source: `compare2016.md`, section 8.

/// One band of a spectrum.
#[derive(Debug, Clone, Copy)]
pub struct Band {
    left: usize,
    left_weight: f64,
    right: usize,
    right_weight: f64,
}

impl Band {
    /// From `low_hz` to `high_hz` in bins at `frequencies`.
    ///
    /// Published behaviour: an edge that would count nothing counts in full. Held by
    /// `an_edge_on_a_bin_counts_in_full`.
    pub fn new(frequencies: &[f64], low_hz: f64, high_hz: f64) -> Self {
        let last = frequencies.len() - 1;
        let above_low = frequencies.iter().position(|hz| *hz > low_hz).unwrap_or(last);
        let left = above_low.saturating_sub(1);
        let share = |part: f64, bin: usize| part / (frequencies[bin] - frequencies[bin - 1]);
        let left_weight = share(frequencies[left + 1] - low_hz, left + 1);
        let (right, right_weight) = match frequencies.iter().position(|hz| *hz >= high_hz) {
            Some(bin) if bin > 0 => {
                let right = if frequencies[bin] > high_hz { bin - 1 } else { bin };
                (right, share(high_hz - frequencies[bin - 1], bin))
            }
            _ => (last, 1.0),
        };
        let full_if_zero = |weight: f64| if weight == 0.0 { 1.0 } else { weight };
        Self { left, left_weight: full_if_zero(left_weight), right, right_weight: full_if_zero(right_weight) }
    }

    /// Energy of one frame.
    pub fn energy(&self, powers: &[f32]) -> f32 {
        let inner = powers.get(self.left + 1..self.right).unwrap_or_default();
        let mut energy = f64::from(powers[self.left]) * self.left_weight;
        for power in inner {
            energy += f64::from(*power);
        }
        energy += f64::from(powers[self.right]) * self.right_weight;
        (energy / (powers.len() - 1) as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_at_the_edges_count_in_part() {
        // Bins at 0, 10, 20, 30, 40 Hz; 12 to 35 Hz: 0.8 of bin 1, all of bin 2, half of bin 3; over 4 bins.
        let frequencies = [0.0, 10.0, 20.0, 30.0, 40.0];
        let band = Band::new(&frequencies, 12.0, 35.0);
        assert!((band.energy(&[9.0, 1.0, 10.0, 100.0, 1000.0]) - (0.8 + 10.0 + 50.0) / 4.0).abs() < 1e-5);
    }

    #[test]
    fn an_edge_on_a_bin_counts_in_full() {
        let frequencies = [0.0, 10.0, 20.0, 30.0, 40.0];
        let band = Band::new(&frequencies, 10.0, 30.0);
        assert_eq!(band.energy(&[9.0, 1.0, 10.0, 100.0, 1000.0]), 111.0 / 4.0);
    }

    #[test]
    fn a_band_beyond_the_spectrum_ends_with_it() {
        let frequencies = [0.0, 10.0, 20.0, 30.0, 40.0];
        assert_eq!(Band::new(&frequencies, 20.0, 90.0).energy(&[9.0, 1.0, 10.0, 100.0, 1000.0]), 1110.0 / 4.0);
    }
}
