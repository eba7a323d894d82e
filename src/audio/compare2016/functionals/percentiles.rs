//! Quartiles, their distances, and the 1st and 99th percentile of a contour.
//!
//! In:  a contour.
//! Out: nine numbers in the descriptor's unit.
//! Formula: the value at place p (N - 1) of the sorted contour, between two places the line through both; distances
//! of neighbouring quartiles, of the outer ones, and |99th - 1st|.
//! Source: `compare2016.md`, section 11.3; places in f64, weights and values in f32.

use super::contour::Contour;

/// The names of the results.
pub(super) const NAMES: [&str; 9] = [
    "quartile1",
    "quartile2",
    "quartile3",
    "iqr1-2",
    "iqr2-3",
    "iqr1-3",
    "percentile1.0",
    "percentile99.0",
    "pctlrange0-1",
];

/// The functionals, in the order of [`NAMES`]; `sorted` is overwritten.
pub(super) fn percentiles(contour: &Contour, sorted: &mut Vec<f32>) -> [f32; 9] {
    sorted.clear();
    sorted.extend_from_slice(contour.values);
    sorted.sort_unstable_by(f32::total_cmp);
    let [first, second, third, low, high] = [0.25, 0.5, 0.75, 0.01, 0.99].map(|share| percentile(sorted, share));
    [first, second, third, second - first, third - second, third - first, low, high, (high - low).abs()]
}

/// The value at `share` of the way from the smallest to the largest; `sorted` has at least one value.
fn percentile(sorted: &[f32], share: f64) -> f32 {
    let last = sorted.len() - 1;
    let place = share * last as f64;
    let (below, above) = (place.floor(), place.ceil());
    let value = |place: f64| sorted[(place as usize).min(last)];
    if below >= above {
        return value(below);
    }
    value(below) * (above - place) as f32 + value(above) * (place - below) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> [f32; 9] {
        percentiles(&Contour::new(values).unwrap(), &mut Vec::new())
    }

    #[test]
    fn places_between_two_values_lie_on_the_line() {
        // Sorted 0 10 20 30 40 50: places 1.25, 2.5, 3.75, 0.05, 4.95.
        let [q1, q2, q3, d12, d23, d13, low, high, range] = of(&[50.0, 0.0, 40.0, 10.0, 30.0, 20.0]);
        assert_eq!([q1, q2, q3, d12, d23, d13], [12.5, 25.0, 37.5, 12.5, 12.5, 25.0]);
        assert!((low - 0.5).abs() < 1e-5 && (high - 49.5).abs() < 1e-5 && (range - 49.0).abs() < 1e-5);
    }

    #[test]
    fn one_value_is_every_percentile() {
        assert_eq!(of(&[3.0]), [3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 3.0, 3.0, 0.0]);
    }

    #[test]
    fn an_offset_moves_percentiles_and_keeps_distances() {
        let values = [4.0, 1.0, 8.0, 2.0, 5.0];
        let (before, after) = (of(&values), of(&values.map(|value| value + 16.0)));
        assert_eq!(after[..3], [before[0] + 16.0, before[1] + 16.0, before[2] + 16.0]);
        assert_eq!(after[3..6], before[3..6]);
    }
}
