//! Roll-off: below which frequency 25, 50, 75 and 90 % of the power lie.
//!
//! Unit: Hz, the middle of the first bin at which the sum reaches the share.
//! Source: `compare2016.md`, section 8.

use super::PowerSpectrum;

const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 0.9];

/// The four frequencies of a frame.
///
/// Published behaviour: silence has the frequency of the first bin, since nothing is reached there already.
pub fn rolloffs(spectrum: &PowerSpectrum) -> [f32; 4] {
    let mut found = [0.0; 4];
    let (mut sum, mut reached) = (0.0, 0);
    for (frequency, power) in spectrum.bins() {
        sum += power;
        while reached < SHARES.len() && sum >= SHARES[reached] * spectrum.total {
            found[reached] = frequency as f32;
            reached += 1;
        }
        if reached == SHARES.len() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_reached_where_the_sum_says() {
        // Powers 1, 1, 4, 2, 2 of 10 in bins 1 to 5: sums 1, 2, 6, 8, 10.
        let frequencies = (0..6).map(|bin| f64::from(bin) * 100.0).collect();
        let powers = vec![7.0, 1.0, 1.0, 4.0, 2.0, 2.0];
        let spectrum = PowerSpectrum { frequencies, powers, total: 10.0, weighted: 0.0 };
        assert_eq!(rolloffs(&spectrum), [300.0, 300.0, 400.0, 500.0]);
    }
}
