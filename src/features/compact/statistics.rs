//! Mean, spread, quantiles and slope of a short list of numbers.
//!
//! In:  any numbers, in order of time for the slope.
//! Out: one number each; 0 for an empty list, so that a silent clip has a plain description.

/// The mean.
pub fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}

/// The standard deviation with divisor `n`.
pub fn spread(values: &[f32]) -> f32 {
    let centre = mean(values);
    let squares: Vec<f32> = values.iter().map(|value| (value - centre).powi(2)).collect();
    mean(&squares).sqrt()
}

/// The value below which a share of the numbers lies, between neighbours in proportion.
pub fn quantile(values: &[f32], share: f32) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f32;
    let (below, above) = (sorted[place as usize], sorted[(place as usize + 1).min(last)]);
    below + (above - below) * place.fract()
}

/// Change over half the list, by least squares: time runs from -1 to 1.
pub fn slope(values: &[f32]) -> f32 {
    if values.len() < 2 {
        return 0.0;
    }
    let time = |place: usize| 2.0 * place as f32 / (values.len() - 1) as f32 - 1.0;
    let products: f32 = values.iter().enumerate().map(|(place, value)| time(place) * value).sum();
    let squares: f32 = (0..values.len()).map(|place| time(place).powi(2)).sum();
    products / squares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_one_to_five() {
        let values = [3.0, 1.0, 5.0, 2.0, 4.0];
        assert!((mean(&values) - 3.0).abs() < 1e-6);
        // Squared distances 4 + 1 + 0 + 1 + 4 = 10, over 5.
        assert!((spread(&values) - 2f32.sqrt()).abs() < 1e-6);
        assert!((quantile(&values, 0.5) - 3.0).abs() < 1e-6);
        // Place 0.1 * 4 = 0.4 between 1 and 2.
        assert!((quantile(&values, 0.1) - 1.4).abs() < 1e-6);
    }

    #[test]
    fn a_line_has_its_own_slope() {
        // From 0 to 4 while time runs from -1 to 1.
        assert!((slope(&[0.0, 1.0, 2.0, 3.0, 4.0]) - 2.0).abs() < 1e-6);
        assert!(slope(&[7.0]).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_described_by_zeros() {
        assert!([mean(&[]), spread(&[]), quantile(&[], 0.9), slope(&[])].iter().all(|value| *value == 0.0));
    }
}
