//! A natural cubic spline through fixed abscissae, read at fixed places.
//!
//! In:  ordinates.
//! Out: the spline at the places.
//! Source: `compare2016.md`, section 5.1: second derivatives are zero at both ends.
//!
//! Abscissae and places never change, so everything that depends on them alone is computed once: a frame costs one pass
//! up and one down for the second derivatives, and four products a place. Measured: the passes are chains of dependent
//! products, so each holds only the products that must wait for the neighbour (`benches/compare2016.rs`, "octave").

/// What one place needs: the right end of its segment, and the weights of values and curvatures at both ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    right: usize,
    values: [f64; 2],
    curvatures: [f64; 2],
}

/// One inner row of the tridiagonal system for the second derivatives.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Weights of the ordinates before, here and behind.
    slopes: [f64; 3],
    /// How much of the row before is taken away on the way up.
    before: f64,
    /// How much of the row behind is added on the way down.
    behind: f64,
}

/// Spline over abscissae and places known beforehand.
#[derive(Debug, Clone)]
pub struct Spline {
    rows: Vec<Row>,
    places: Vec<Place>,
    curvatures: Vec<f64>,
}

impl Spline {
    /// For rising abscissae, at least three; a place belongs to the segment that ends at the first abscissa not below it.
    pub fn new(abscissae: &[f64], places: &[f64]) -> Self {
        Self {
            rows: rows(abscissae),
            places: places.iter().map(|place| Place::new(abscissae, *place)).collect(),
            curvatures: vec![0.0; abscissae.len()],
        }
    }

    /// Writes the spline through `ordinates` at every place.
    pub fn read(&mut self, ordinates: &[f64], found: &mut [f32]) {
        self.bend(ordinates);
        for (found, place) in found.iter_mut().zip(&self.places) {
            let right = place.right;
            let value = place.values[0] * ordinates[right - 1] + place.values[1] * ordinates[right];
            let bend = place.curvatures[0] * self.curvatures[right - 1] + place.curvatures[1] * self.curvatures[right];
            *found = (value + bend) as f32;
        }
    }

    /// Second derivatives at the abscissae.
    fn bend(&mut self, ordinates: &[f64]) {
        let inner = &mut self.curvatures[1..];
        let mut before = 0.0;
        for ((row, points), curvature) in self.rows.iter().zip(ordinates.windows(3)).zip(inner.iter_mut()) {
            let right_side = row.slopes[0] * points[0] + row.slopes[1] * points[1] + row.slopes[2] * points[2];
            before = right_side - row.before * before;
            *curvature = before;
        }
        let mut behind = 0.0;
        for (row, curvature) in self.rows.iter().zip(inner.iter_mut()).rev() {
            behind = *curvature + row.behind * behind;
            *curvature = behind;
        }
    }
}

/// Elimination of the tridiagonal system, as far as it does not need ordinates.
fn rows(abscissae: &[f64]) -> Vec<Row> {
    let mut behind = 0.0;
    let row = |points: &[f64]| {
        let (left, right, both) = (points[1] - points[0], points[2] - points[1], points[2] - points[0]);
        let share = left / both;
        let pivot = share * behind + 2.0;
        behind = (share - 1.0) / pivot;
        let scale = 6.0 / (both * pivot);
        let slopes = [scale / left, -scale / left - scale / right, scale / right];
        Row { slopes, before: share / pivot, behind }
    };
    abscissae.windows(3).map(row).collect()
}

impl Place {
    fn new(abscissae: &[f64], place: f64) -> Self {
        let right = abscissae.partition_point(|abscissa| *abscissa < place).clamp(1, abscissae.len() - 1);
        let width = abscissae[right] - abscissae[right - 1];
        let left_share = (abscissae[right] - place) / width;
        let right_share = (place - abscissae[right - 1]) / width;
        let curvature = |share: f64| (share * share * share - share) * width * width / 6.0;
        Self { right, values: [left_share, right_share], curvatures: [curvature(left_share), curvature(right_share)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        let mut spline = Spline::new(&[0.0, 1.0, 3.0, 4.0], &[0.0, 0.5, 2.0, 3.5, 4.0]);
        let mut found = [0.0; 5];
        spline.read(&[1.0, 3.0, 7.0, 9.0], &mut found);
        assert_eq!(found, [1.0, 2.0, 5.0, 8.0, 9.0]);
    }

    #[test]
    fn a_peak_bends_as_worked_by_hand() {
        // Points (0, 0), (1, 1), (2, 0): curvature at 1 is m with 4 m = 6 (0 - 2 + 0), so m = -3.
        // At 0.5: 0.5 * 1 + (0.125 - 0.5) / 6 * -3 = 0.6875.
        let mut spline = Spline::new(&[0.0, 1.0, 2.0], &[0.5, 1.0, 1.5]);
        let mut found = [0.0; 3];
        spline.read(&[0.0, 1.0, 0.0], &mut found);
        assert_eq!(found, [0.6875, 1.0, 0.6875]);
    }
}
