//! A face crop without its lighting: what all three face descriptors look at.
//!
//! In:  a 128x128 grey face ([`crate::faces`]).
//! Out: 64x64 numbers with mean 0 and standard deviation 1.

use crate::media::GrayImage;

/// Side of the face that the descriptors see.
pub const SIDE: usize = 64;

/// Side of the crop: every point is the mean of 2x2 pixels, which halves the camera's noise.
const CROP_SIDE: usize = 2 * SIDE;

/// The least spread, in grey levels, that counts as contrast: a flatter crop is not stretched any further.
const LEAST_SPREAD: f32 = 4.0;

/// A face with mean 0 and standard deviation 1, so that brighter or flatter light changes nothing.
#[derive(Clone)]
pub struct NormalFace {
    /// `[SIDE, SIDE]`, row-major.
    points: Vec<f32>,
}

impl NormalFace {
    /// Reduces and normalises a crop of 128x128 pixels.
    pub fn from_crop(crop: &GrayImage) -> Self {
        assert_eq!((crop.width, crop.height), (CROP_SIDE, CROP_SIDE), "faces are cropped to 128x128");
        let mut points = Vec::with_capacity(SIDE * SIDE);
        for rows in crop.pixels.chunks_exact(2 * CROP_SIDE) {
            let (upper, lower) = rows.split_at(CROP_SIDE);
            for (above, below) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
                let sum = above.iter().chain(below).map(|pixel| u16::from(*pixel)).sum::<u16>();
                points.push(f32::from(sum) / 4.0);
            }
        }
        normalise(&mut points);
        Self { points }
    }

    /// The value at a column and row.
    pub fn at(&self, column: usize, row: usize) -> f32 {
        self.points[row * SIDE + column]
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.points[row * SIDE..][..SIDE]
    }
}

fn normalise(points: &mut [f32]) {
    let count = points.len() as f32;
    let mean = points.iter().sum::<f32>() / count;
    let spread = (points.iter().map(|point| (point - mean).powi(2)).sum::<f32>() / count).sqrt();
    let scale = 1.0 / spread.max(LEAST_SPREAD);
    for point in points {
        *point = (*point - mean) * scale;
    }
}

#[cfg(test)]
pub(super) mod drawn {
    //! A drawn face for the tests of the descriptors.

    use super::{CROP_SIDE, GrayImage};

    /// What can be changed on the drawn face.
    #[derive(Clone, Copy)]
    pub struct Look {
        /// Half the height of the open mouth, in pixels of the crop.
        pub mouth: f32,
        /// How far the brows are raised, in pixels of the crop.
        pub brows: f32,
        /// Factor on all grey levels.
        pub light: f32,
    }

    /// At rest, in plain light.
    pub const REST: Look = Look { mouth: 3.0, brows: 0.0, light: 1.0 };

    /// Dark eyes, brows and mouth on a shaded oval.
    pub fn face(look: Look) -> GrayImage {
        let grey_at = |place: usize| {
            let (x, y) = ((place % CROP_SIDE) as f32 - 63.5, (place / CROP_SIDE) as f32 - 63.5);
            let inside =
                |cx: f32, cy: f32, rx: f32, ry: f32| ((x.abs() - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
            let skin = 170.0 - x.abs() * 0.5 - (y * 0.05).powi(2);
            let dark = inside(24.0, -14.0, 8.0, 4.0)
                || inside(24.0, -27.0 - look.brows, 12.0, 2.5)
                || inside(0.0, 38.0, 22.0, look.mouth);
            ((if dark { 60.0 } else { skin }) * look.light) as u8
        };
        GrayImage { width: CROP_SIDE, height: CROP_SIDE, pixels: (0..CROP_SIDE * CROP_SIDE).map(grey_at).collect() }
    }

    /// Distance between two descriptors, for claims of the form "this moves it more than that".
    pub fn distance(first: &[f32], second: &[f32]) -> f32 {
        first.iter().zip(second).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_face_has_mean_0_and_spread_1_and_ignores_the_light() {
        let plain = NormalFace::from_crop(&drawn::face(drawn::REST));
        let mean = plain.points.iter().sum::<f32>() / 4096.0;
        let square = plain.points.iter().map(|point| point * point).sum::<f32>() / 4096.0;
        assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-3);
        let dim = NormalFace::from_crop(&drawn::face(drawn::Look { light: 0.6, ..drawn::REST }));
        // Whole grey levels of a darker picture are coarser: one level is about 0.05 of its spread.
        let worst = plain.points.iter().zip(&dim.points).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.1, "{worst}");
    }

    #[test]
    fn a_flat_crop_becomes_zeros() {
        let flat = GrayImage { width: 128, height: 128, pixels: vec![90; 128 * 128] };
        assert!(NormalFace::from_crop(&flat).points.iter().all(|point| *point == 0.0));
    }
}
