//! Linear prediction of a contour from its own past, of order 5.
//!
//! In:  a contour.
//! Out: `lpgain`, the mean squared error of the prediction (squared unit of the descriptor), and `lpc0` to `lpc4`, the
//! prediction-error filter 1 + Σ lpc(i) z^-(i + 1), without unit.
//! Formula: autocorrelation at lags 0 to 5, then the recursion of Levinson and Durbin.
//! Source: `compare2016.md`, section 11.7.
//!
//! Published behaviour: everything is f32, summed in the order of the frames. For a contour with a large mean this is
//! ill-conditioned: with f64 the coefficients would differ by up to 0.02, and would not be the reference's. The parity
//! test of the functionals holds it.

use super::contour::Contour;

/// The names of the results.
pub(super) const NAMES: [&str; 6] = ["lpgain", "lpc0", "lpc1", "lpc2", "lpc3", "lpc4"];

/// How many frames of the past predict the next.
const ORDER: usize = 5;

/// The functionals, in the order of [`NAMES`].
pub(super) fn lpc(contour: &Contour) -> [f32; 6] {
    let (error, [first, second, third, fourth, fifth]) = prediction(&autocorrelation(contour.values));
    [error / contour.len() as f32, first, second, third, fourth, fifth]
}

/// `Σ x[i] x[i - lag]` for the lags 0 to 5, each summed by rising i.
fn autocorrelation(values: &[f32]) -> [f32; ORDER + 1] {
    let mut sums = [0.0; ORDER + 1];
    for (place, value) in values.iter().enumerate().take(ORDER) {
        for (lag, sum) in sums.iter_mut().enumerate().take(place + 1) {
            *sum += value * values[place - lag];
        }
    }
    for window in values.windows(ORDER + 1) {
        for (lag, sum) in sums.iter_mut().enumerate() {
            *sum += window[ORDER] * window[ORDER - lag];
        }
    }
    sums
}

/// Remaining error and filter of the best prediction; zeros where there is nothing to predict.
fn prediction(correlation: &[f32; ORDER + 1]) -> (f32, [f32; ORDER]) {
    let mut filter = [0.0; ORDER];
    let mut error = correlation[0];
    if error == 0.0 {
        return (0.0, filter);
    }
    for order in 1..=ORDER {
        let known = &filter[..order - 1];
        let sum = known.iter().enumerate().fold(correlation[order], |sum, (i, a)| sum + a * correlation[order - 1 - i]);
        let reflection = (-1.0 / error) * sum;
        let before = filter;
        for i in 0..order - 1 {
            filter[i] = before[i] + reflection * before[order - 2 - i];
        }
        filter[order - 1] = reflection;
        error *= 1.0 - reflection * reflection;
        if error == 0.0 {
            break;
        }
    }
    (error, filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> [f32; 6] {
        lpc(&Contour::new(values).unwrap())
    }

    #[test]
    fn lags_are_counted_from_both_ends() {
        // 1 2 3: 1 + 4 + 9, 1·2 + 2·3, 1·3; nothing further apart.
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0]), [14.0, 8.0, 3.0, 0.0, 0.0, 0.0]);
        let ones = autocorrelation(&[1.0; 9]);
        assert_eq!(ones, [9.0, 8.0, 7.0, 6.0, 5.0, 4.0]);
    }

    #[test]
    fn first_reflection_is_the_first_lag_over_the_energy() {
        // 1 1: r = 2 1 0 0 0 0. Orders 1, 2, 3 ...: k = -1/2, 1/3, -1/4, 1/5, -1/6;
        // the filter of order n is (-1)^i (n + 1 - i)/(n + 1): -5/6 4/6 -3/6 2/6 -1/6; error 2·3/4·8/9·15/16·24/25·35/36.
        let expected = [0.583_333_3, -5.0 / 6.0, 4.0 / 6.0, -3.0 / 6.0, 2.0 / 6.0, -1.0 / 6.0];
        for (found, expected) in of(&[1.0, 1.0]).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn one_impulse_cannot_be_predicted() {
        assert_eq!(of(&[0.0, 0.0, 2.0, 0.0]), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(&[0.0; 4]), [0.0; 6]);
    }

    #[test]
    fn what_is_predicted_without_error_needs_no_further_past() {
        assert_eq!(prediction(&[3.0; 6]), (0.0, [-1.0, 0.0, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn gain_scales_the_error_by_its_square_alone() {
        let values = [1.0, 2.0, -1.0, 0.5, 3.0, -2.0, 1.0];
        let (once, twice) = (of(&values), of(&values.map(|value| value * 2.0)));
        assert_eq!((twice[0], &twice[1..]), (once[0] * 4.0, &once[1..]));
    }
}
