//! One contour, and what several functionals need of it, worked out once.
//!
//! In:  the values of one descriptor, frame by frame.
//! Out: minimum and maximum with their first places, range, mean, sum of magnitudes; in the descriptor's own unit.
//! Source: `compare2016.md`, section 11.1: minimum, maximum and range in f32, the sum in f64, the mean rounded to f32.

use super::extrema::Extremum;

/// The values of one contour and their common quantities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contour<'values> {
    /// One value a frame, at least one.
    pub values: &'values [f32],
    /// The smallest value.
    pub minimum: f32,
    /// The largest value.
    pub maximum: f32,
    /// `maximum - minimum`.
    pub range: f32,
    /// The mean.
    pub mean: f32,
    /// Sum of all magnitudes.
    pub magnitude_sum: f64,
}

/// Memory that is used again for each contour.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The values other than zero.
    pub nonzero: Vec<f32>,
    /// What is put in order for the percentiles.
    pub sorted: Vec<f32>,
    /// The peaks and valleys.
    pub extrema: Vec<Extremum>,
}

impl<'values> Contour<'values> {
    /// Looks once at every value; none for a contour without values.
    pub fn new(values: &'values [f32]) -> Option<Self> {
        let first = *values.first()?;
        let (mut minimum, mut maximum) = (first, first);
        let (mut sum, mut magnitude_sum) = (0.0, 0.0);
        for value in values.iter().copied() {
            minimum = if value < minimum { value } else { minimum };
            maximum = if value > maximum { value } else { maximum };
            sum += f64::from(value);
            magnitude_sum += f64::from(value.abs());
        }
        let mean = (sum / values.len() as f64) as f32;
        Some(Self { values, minimum, maximum, range: maximum - minimum, mean, magnitude_sum })
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// `sum` divided by the number of values.
    pub fn share(&self, sum: f64) -> f64 {
        sum / self.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Contour;

    #[test]
    fn common_quantities_of_four_values() {
        let contour = Contour::new(&[3.0, -1.0, 4.0, -2.0]).unwrap();
        assert_eq!((contour.minimum, contour.maximum, contour.range), (-2.0, 4.0, 6.0));
        // (3 - 1 + 4 - 2) / 4 and 3 + 1 + 4 + 2.
        assert_eq!((contour.mean, contour.magnitude_sum), (1.0, 10.0));
        assert!(Contour::new(&[]).is_none());
    }
}
