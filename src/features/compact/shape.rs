//! Valence-arousal stream: the broad shape of the face, its asymmetry, its contrast and how much it moves.
//!
//! In:  [`NormalFace`], and the face of the frame before.
//! Out: 35 cosine coefficients, 8 asymmetries, 16 contrasts, 16 motions.
//! Source: low frequencies of the cosine transform stand for a face as eigenfaces do, without training (Hafed and
//! Levine 2001). Pleasantness shows in broad shape and one-sidedness (Ekman, Davidson and Friesen 1990), excitement in
//! movement.

use std::f32::consts::PI;

use super::face::{NormalFace, SIDE};

/// Frequencies in each direction; kept are those whose orders add up to less than this.
const ORDERS: usize = 8;
/// All kept frequencies but the mean, which is always 0: 8 * 9 / 2 - 1.
const FREQUENCIES: usize = ORDERS * (ORDERS + 1) / 2 - 1;
/// Cells across and down for asymmetry, contrast and motion.
const CELLS: usize = 4;
const CELL_SIDE: usize = SIDE / CELLS;

/// Numbers per frame.
pub const WIDTH: usize = FREQUENCIES + CELLS * CELLS / 2 + 2 * CELLS * CELLS;

/// Basis of the cosine transform, made once per clip.
pub struct Shape {
    /// `[ORDERS, SIDE]`: orthonormal up to a factor 1 / 8 each, so that all squares add up to the face's variance, 1.
    waves: Vec<f32>,
}

impl Shape {
    /// Prepares the basis.
    pub fn new() -> Self {
        let wave = |order: usize, place: usize| {
            let scale = if order == 0 { 1.0 } else { 2f32.sqrt() };
            scale / SIDE as f32 * (PI * order as f32 * (place as f32 + 0.5) / SIDE as f32).cos()
        };
        Self { waves: (0..ORDERS * SIDE).map(|index| wave(index / SIDE, index % SIDE)).collect() }
    }

    /// Appends the descriptor of one face: `[WIDTH]`; without a face before, nothing has moved.
    pub fn describe(&self, face: &NormalFace, before: Option<&NormalFace>, out: &mut Vec<f32>) {
        self.add_frequencies(face, out);
        let means = means_of_cells(|column, row| face.at(column, row));
        let squares = means_of_cells(|column, row| face.at(column, row).powi(2));
        for row in means.chunks_exact(CELLS) {
            out.extend((0..CELLS / 2).map(|column| row[column] - row[CELLS - 1 - column]));
        }
        out.extend(squares.iter().zip(&means).map(|(square, mean)| (square - mean * mean).max(0.0).sqrt()));
        match before {
            Some(before) => {
                out.extend(means_of_cells(|column, row| (face.at(column, row) - before.at(column, row)).abs()));
            }
            None => out.extend([0.0; CELLS * CELLS]),
        }
    }

    /// Cosine coefficients ordered by row order, then column order.
    fn add_frequencies(&self, face: &NormalFace, out: &mut Vec<f32>) {
        let mut across = [[0.0; ORDERS]; SIDE];
        for (row, sums) in across.iter_mut().enumerate() {
            for (sum, wave) in sums.iter_mut().zip(self.waves.chunks_exact(SIDE)) {
                *sum = face.row(row).iter().zip(wave).map(|(point, wave)| point * wave).sum();
            }
        }
        for (down, wave) in self.waves.chunks_exact(SIDE).enumerate() {
            for order in usize::from(down == 0)..ORDERS - down {
                out.push(across.iter().zip(wave).map(|(sums, wave)| sums[order] * wave).sum());
            }
        }
    }
}

/// Mean of `value(column, row)` over each cell: `[CELLS, CELLS]`.
fn means_of_cells(value: impl Fn(usize, usize) -> f32) -> [f32; CELLS * CELLS] {
    let mut means = [0.0; CELLS * CELLS];
    for row in 0..SIDE {
        for column in 0..SIDE {
            means[row / CELL_SIDE * CELLS + column / CELL_SIDE] += value(column, row);
        }
    }
    means.map(|sum| sum / (CELL_SIDE * CELL_SIDE) as f32)
}

#[cfg(test)]
mod tests {
    use super::super::face::drawn::{Look, REST, distance, face};
    use super::*;

    const ASYMMETRY: usize = FREQUENCIES;
    const CONTRAST: usize = ASYMMETRY + 8;
    const MOTION: usize = CONTRAST + 16;

    fn described(look: Look, before: Option<Look>) -> Vec<f32> {
        let normal = |look| NormalFace::from_crop(&face(look));
        let mut out = Vec::new();
        Shape::new().describe(&normal(look), before.map(normal).as_ref(), &mut out);
        out
    }

    #[test]
    fn the_squares_of_the_coefficients_stay_within_the_variance() {
        let rest = described(REST, None);
        assert_eq!(rest.len(), WIDTH);
        let square: f32 = rest[..FREQUENCIES].iter().map(|value| value * value).sum();
        // The drawn face is smooth but for its features: most of its variance, 1, is in the low frequencies.
        assert!(square > 0.3 && square < 1.0, "{square}");
    }

    #[test]
    fn a_mirrored_face_is_symmetric_and_a_half_shaded_one_is_not() {
        let rest = described(REST, None);
        assert!(rest[ASYMMETRY..CONTRAST].iter().all(|value| value.abs() < 0.02));
        let mut shaded = face(REST);
        for (place, pixel) in shaded.pixels.iter_mut().enumerate() {
            *pixel = if place % 128 < 64 { *pixel / 2 } else { *pixel };
        }
        let mut out = Vec::new();
        Shape::new().describe(&NormalFace::from_crop(&shaded), None, &mut out);
        assert!(out[ASYMMETRY..CONTRAST].iter().all(|value| *value < -0.3));
    }

    #[test]
    fn motion_shows_where_the_mouth_opens_and_nowhere_at_rest() {
        assert!(described(REST, Some(REST))[MOTION..].iter().all(|value| *value == 0.0));
        let motion = described(Look { mouth: 10.0, ..REST }, Some(REST));
        let (eyes, mouth) = (&motion[MOTION + 4..MOTION + 8], &motion[MOTION + 12..]);
        assert!(mouth[1] > 0.2 && mouth[1] > 2.0 * eyes[1], "{motion:?}");
    }

    #[test]
    fn mouth_and_brows_move_it_and_light_hardly_does() {
        let rest = described(REST, None);
        let light = distance(&rest, &described(Look { light: 0.7, ..REST }, None));
        for changed in [Look { mouth: 10.0, ..REST }, Look { brows: 6.0, ..REST }] {
            let moved = distance(&rest, &described(changed, None));
            assert!(moved > 4.0 * light, "moved {moved}, light {light}");
        }
    }
}
