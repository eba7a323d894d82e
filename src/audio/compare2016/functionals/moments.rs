//! Standard deviation, skewness and kurtosis of a contour.
//!
//! In:  a contour.
//! Out: `stddev` in the descriptor's unit; `skewness` and `kurtosis` without one (3 for a normal distribution).
//! Formula: with d = x - mean and v = Σd²/N: √v, Σd³/(N v √v), Σd⁴/(N v²); 0 where v is not above 0.
//! Source: `compare2016.md`, section 11.4; f64 sums about the f32 mean.

use super::contour::Contour;

/// The names of the results.
pub(super) const NAMES: [&str; 3] = ["stddev", "skewness", "kurtosis"];

/// The functionals, in the order of [`NAMES`].
pub(super) fn moments(contour: &Contour) -> [f32; 3] {
    let mean = f64::from(contour.mean);
    let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
    for value in contour.values {
        let distance = f64::from(*value) - mean;
        let square = distance * distance;
        second += square;
        third += square * distance;
        fourth += square * square;
    }
    let count = contour.len() as f64;
    let variance = second / count;
    if variance <= 0.0 {
        return [0.0; 3];
    }
    let deviation = variance.sqrt();
    let skewness = third / (count * variance * deviation);
    let kurtosis = fourth / (count * variance * variance);
    [deviation as f32, skewness as f32, kurtosis as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> [f32; 3] {
        moments(&Contour::new(values).unwrap())
    }

    #[test]
    fn moments_of_four_values() {
        // Mean 1, distances -1 -1 -1 3: v = 12/4 = 3, Σd³ = 24, Σd⁴ = 84; 24/(4·3·√3) = 2/√3, 84/(4·9) = 7/3.
        let [deviation, skewness, kurtosis] = of(&[0.0, 0.0, 0.0, 4.0]);
        assert_eq!(deviation, 3f64.sqrt() as f32);
        assert!((skewness - 1.154_700_5).abs() < 1e-6 && (kurtosis - 7.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_constant_contour_has_none() {
        assert_eq!(of(&[0.1; 50]), [0.0; 3]);
        assert_eq!(of(&[5.0]), [0.0; 3]);
    }

    #[test]
    fn gain_scales_the_deviation_alone() {
        let values = [1.0, 2.0, 4.0, -3.0];
        let (once, twice) = (of(&values), of(&values.map(|value| value * 2.0)));
        assert_eq!(twice, [once[0] * 2.0, once[1], once[2]]);
    }
}
