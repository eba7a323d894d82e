//! Harmonicity: how deep the valleys between the peaks of a spectrum are.
//!
//! Formula: half the sum of the differences between successive peaks and valleys, over the number of bins.
//! Source: `compare2016.md`, section 8. A peak is above, a valley below, both neighbours on both sides. f32 sums.

/// Harmonicity of one frame.
pub fn harmonicity(powers: &[f32]) -> f32 {
    let mut sum = 0.0;
    let mut previous: Option<f32> = None;
    // From the third bin that counts to the third from the end.
    for around in powers[1..].windows(5) {
        let others = [around[0], around[1], around[3], around[4]];
        let value = around[2];
        let is_turn = others.iter().all(|other| value > *other) || others.iter().all(|other| value < *other);
        if is_turn {
            sum += previous.map_or(0.0, |previous| (value - previous).abs());
            previous = Some(value);
        }
    }
    sum / 2.0 / (powers.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_valleys_both_count() {
        // Peak 9 at 3, valley 1 at 6, peak 5 at 9: (8 + 4) / 2 over 12 bins.
        let powers = [0.0, 3.0, 4.0, 9.0, 5.0, 4.0, 1.0, 2.0, 3.0, 5.0, 4.0, 3.0, 2.0];
        assert_eq!(harmonicity(&powers), 0.5);
        assert_eq!(harmonicity(&[1.0; 8]), 0.0);
    }
}
