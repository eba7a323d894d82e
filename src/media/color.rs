//! A decoded picture, and its way to blue, green, red.
//!
//! In:  planes of 4:2:0: one chroma sample per 2x2 pixels.
//! Out: [`ColorImage`], and through it [`GrayImage`].
//! Source: ITU-R BT.601, BT.709, BT.2020; H.264 annex E for what a stream says about itself.
//!
//! Departure: the published preparation let libswscale convert, whose fast path is 1 to 1.5 levels darker than the
//! formula and at most 3 off. Here the formula is exact (nearest chroma); matrix and range are the stream's own.

use super::{ColorImage, GrayImage};

/// How much of red and of blue is in the brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorMatrix {
    /// Standard television; also where a stream says nothing.
    #[default]
    Bt601,
    /// High definition.
    Bt709,
    /// Ultra high definition.
    Bt2020,
}

impl ColorMatrix {
    /// Shares of red and blue.
    fn red_and_blue(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// What the numbers of a picture mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColorSpace {
    /// The matrix.
    pub matrix: ColorMatrix,
    /// Brightness from 0 to 255 instead of 16 to 235.
    pub is_full_range: bool,
}

/// One decoded picture: planar 4:2:0, 8 bits, rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row, even.
    pub width: usize,
    /// Rows, even.
    pub height: usize,
    /// Brightness, `[height, width]`.
    pub y: Vec<u8>,
    /// Blue difference, `[height / 2, width / 2]`.
    pub u: Vec<u8>,
    /// Red difference, `[height / 2, width / 2]`.
    pub v: Vec<u8>,
    /// What the numbers mean.
    pub color: ColorSpace,
}

/// Fixed point: products of a byte and a coefficient below 4 stay within 32 bits.
const FRACTION_BITS: u32 = 20;

/// The products of every byte with every coefficient.
struct Tables {
    brightness: [i32; 256],
    red_from_v: [i32; 256],
    green_from_v: [i32; 256],
    green_from_u: [i32; 256],
    blue_from_u: [i32; 256],
}

impl Tables {
    fn new(color: ColorSpace) -> Self {
        let (red, blue) = color.matrix.red_and_blue();
        let green = 1.0 - red - blue;
        let (black, brightness_steps, chroma_steps) = if color.is_full_range { (0, 255, 255) } else { (16, 219, 224) };
        let table = |zero: i32, steps: i32, factor: f64, half: i32| {
            std::array::from_fn(|byte| {
                let value = f64::from((byte as i32 - zero) * 255) / f64::from(steps);
                (value * factor * f64::from(1 << FRACTION_BITS)).round() as i32 + half
            })
        };
        Self {
            brightness: table(black, brightness_steps, 1.0, 1 << (FRACTION_BITS - 1)),
            red_from_v: table(128, chroma_steps, 2.0 * (1.0 - red), 0),
            green_from_v: table(128, chroma_steps, -2.0 * (1.0 - red) * red / green, 0),
            green_from_u: table(128, chroma_steps, -2.0 * (1.0 - blue) * blue / green, 0),
            blue_from_u: table(128, chroma_steps, 2.0 * (1.0 - blue), 0),
        }
    }
}

impl Picture {
    /// Blue, green, red by the formula, rounded; each chroma sample serves its 2x2 pixels.
    pub fn to_color(&self) -> ColorImage {
        let tables = Tables::new(self.color);
        let mut pixels = vec![0; self.width * self.height * 3];
        let chroma_width = self.width.div_ceil(2);
        for (row, line) in pixels.chunks_exact_mut(self.width.max(1) * 3).enumerate() {
            let y = &self.y[row * self.width..][..self.width];
            let u = &self.u[row / 2 * chroma_width..][..chroma_width];
            let v = &self.v[row / 2 * chroma_width..][..chroma_width];
            color_row(&tables, y, u, v, line);
        }
        ColorImage { width: self.width, height: self.height, pixels }
    }

    /// The grey of [`Picture::to_color`], which is what detectors see.
    pub fn to_gray(&self) -> GrayImage {
        self.to_color().to_gray()
    }
}

fn color_row(tables: &Tables, y: &[u8], u: &[u8], v: &[u8], line: &mut [u8]) {
    let pairs = y.chunks(2).zip(line.chunks_mut(6));
    for ((brightness, pixels), (&u, &v)) in pairs.zip(u.iter().zip(v)) {
        let (u, v) = (usize::from(u), usize::from(v));
        let blue = tables.blue_from_u[u];
        let green = tables.green_from_u[u] + tables.green_from_v[v];
        let red = tables.red_from_v[v];
        for (&y, pixel) in brightness.iter().zip(pixels.chunks_exact_mut(3)) {
            let y = tables.brightness[usize::from(y)];
            pixel.copy_from_slice(&[byte(y + blue), byte(y + green), byte(y + red)]);
        }
    }
}

fn byte(fixed: i32) -> u8 {
    (fixed >> FRACTION_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every brightness from 0 to 255 with one chroma pair.
    fn brightnesses(u: u8, v: u8, color: ColorSpace) -> Vec<[u8; 3]> {
        let y = (0..=255).chain(0..=255).collect();
        let picture = Picture { width: 256, height: 2, y, u: vec![u; 128], v: vec![v; 128], color };
        picture.to_color().pixels.chunks_exact(3).take(256).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    #[test]
    fn every_color_is_the_rounded_formula() {
        const ROUNDING: f64 = 0.5 + 1e-6; // fixed point may round a value this close to a half the other way
        for (u, v) in (0..=255_u8).step_by(3).flat_map(|u| (0..=255_u8).step_by(5).map(move |v| (u, v))) {
            for (y, found) in brightnesses(u, v, ColorSpace::default()).into_iter().enumerate() {
                let (a, b, c) = (y as f64 - 16.0, f64::from(u) - 128.0, f64::from(v) - 128.0);
                let (a, b, c) = (a * 255.0 / 219.0, b * 255.0 / 224.0, c * 255.0 / 224.0);
                let green = 0.114 * 1.772 / 0.587 * b + 0.299 * 1.402 / 0.587 * c;
                let expected = [a + 1.772 * b, a - green, a + 1.402 * c].map(|x: f64| x.clamp(0.0, 255.0));
                let close = found.iter().zip(expected).all(|(f, e)| (f64::from(*f) - e).abs() <= ROUNDING);
                assert!(close, "y {y} u {u} v {v}: {found:?}, expected {expected:?}");
            }
        }
    }

    #[test]
    fn range_and_matrix_are_the_streams_own() {
        let full = ColorSpace { is_full_range: true, ..ColorSpace::default() };
        // limited: (235 - 16) * 255 / 219 = 255; full: 235 stays 235
        assert_eq!(brightnesses(128, 128, ColorSpace::default())[235], [255; 3]);
        assert_eq!(brightnesses(128, 128, full)[235], [235; 3]);
        // red in BT.709: 100 + 2 (1 - 0.2126) * 40 = 162.99; in BT.601: 100 + 1.402 * 40 = 156.08
        let high = ColorSpace { matrix: ColorMatrix::Bt709, is_full_range: true };
        assert_eq!(brightnesses(128, 168, high)[100][2], 163);
        assert_eq!(brightnesses(128, 168, full)[100][2], 156);
    }
}
