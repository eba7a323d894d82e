//! Images of 8 bits: grey from colour, and another size, bit for bit as OpenCV makes them.
//!
//! In:  rows of bytes without padding; colours in the order blue, green, red.
//! Out: the same.
//! Source: OpenCV 4 and 5: `cvtColor(BGR2GRAY)` and `resize(INTER_LINEAR)` on 8-bit images. `tests/parity_images.rs`
//! holds both against files written by OpenCV, without tolerance.

/// Rows of brightness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrayImage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width]`.
    pub pixels: Vec<u8>,
}

/// Rows of blue, green, red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColorImage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width, 3]`.
    pub pixels: Vec<u8>,
}

impl GrayImage {
    /// All pixels 0.
    pub fn black(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height] }
    }

    /// Another size, bilinear without anti-aliasing; an image without pixels becomes black.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        Self { width, height, pixels: resized::<1>(&self.pixels, [self.width, self.height], [width, height]) }
    }
}

impl ColorImage {
    /// All pixels 0.
    pub fn black(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height * 3] }
    }

    /// Another size, bilinear without anti-aliasing; an image without pixels becomes black.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        Self { width, height, pixels: resized::<3>(&self.pixels, [self.width, self.height], [width, height]) }
    }

    /// Brightness with OpenCV's 15-bit weights.
    pub fn to_gray(&self) -> GrayImage {
        let pixels = self.pixels.chunks_exact(3).map(|pixel| gray(pixel[0], pixel[1], pixel[2])).collect();
        GrayImage { width: self.width, height: self.height, pixels }
    }
}

fn gray(blue: u8, green: u8, red: u8) -> u8 {
    ((3735 * u32::from(blue) + 19235 * u32::from(green) + 9798 * u32::from(red) + 16384) >> 15) as u8
}

/// Weights are integers out of 2048.
const WEIGHT_ONE: f32 = 2048.0;

fn resized<const CHANNELS: usize>(pixels: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    if from == to {
        return pixels.to_vec();
    }
    if from.contains(&0) || to.contains(&0) {
        return vec![0; to[0] * to[1] * CHANNELS];
    }
    if from == to.map(|side| side * 2) {
        return halved::<CHANNELS>(pixels, to);
    }
    let columns = Taps::horizontal(from[0], to[0]);
    let rows = Taps::vertical(from[1], to[1]);
    let mut lines = Lines::<CHANNELS> { pixels, width: from[0], columns: &columns, kept: [const { None }; 2] };
    let mut out = Vec::with_capacity(to[0] * to[1] * CHANNELS);
    for tap in &rows.0 {
        lines.prepare(tap.first, tap.second);
        let (above, below) = (lines.line(tap.first), lines.line(tap.second));
        out.extend(above.iter().zip(below).map(|(&above, &below)| {
            // the shifts are OpenCV's; they make border rows up to one level darker than a symmetric rule would
            let sum = ((tap.weights[0] * (above >> 4)) >> 16) + ((tap.weights[1] * (below >> 4)) >> 16);
            ((sum + 2) >> 2) as u8
        }));
    }
    out
}

/// Exactly half on both axes: OpenCV takes the rounded mean of 2x2.
fn halved<const CHANNELS: usize>(pixels: &[u8], to: [usize; 2]) -> Vec<u8> {
    let line = to[0] * 2 * CHANNELS;
    let mut out = Vec::with_capacity(to[0] * to[1] * CHANNELS);
    for rows in pixels.chunks_exact(2 * line) {
        let (above, below) = rows.split_at(line);
        for (above, below) in above.chunks_exact(2 * CHANNELS).zip(below.chunks_exact(2 * CHANNELS)) {
            for channel in 0..CHANNELS {
                let four = [above[channel], above[channel + CHANNELS], below[channel], below[channel + CHANNELS]];
                out.push(((four.map(u32::from).iter().sum::<u32>() + 2) >> 2) as u8);
            }
        }
    }
    out
}

/// Two neighbours on the source axis and their weights.
struct Tap {
    first: usize,
    second: usize,
    weights: [i32; 2],
}

/// One tap for each place on the target axis.
struct Taps(Vec<Tap>);

impl Taps {
    /// Source place and fraction of target `place`: half-pixel centres, rounded to f32 as OpenCV does.
    fn place(from: usize, to: usize, place: usize) -> (i64, f32) {
        let scale = from as f64 / to as f64;
        let exact = ((place as f64 + 0.5) * scale - 0.5) as f32;
        let whole = exact.floor();
        (whole as i64, exact - whole)
    }

    /// Beyond the outermost centres the outermost pixel alone counts.
    fn horizontal(from: usize, to: usize) -> Self {
        Self::new(to, |target| {
            let (whole, fraction) = Self::place(from, to, target);
            let last = from as i64 - 1;
            if whole < 0 {
                (0, 0, 0.0)
            } else if whole >= last {
                (last, last, 0.0)
            } else {
                (whole, whole + 1, fraction)
            }
        })
    }

    /// Beyond the outermost centres both neighbours are the outermost pixel, each with its own weight.
    fn vertical(from: usize, to: usize) -> Self {
        Self::new(to, |target| {
            let (whole, fraction) = Self::place(from, to, target);
            let last = from as i64 - 1;
            (whole.clamp(0, last), (whole + 1).clamp(0, last), fraction)
        })
    }

    fn new(to: usize, tap: impl Fn(usize) -> (i64, i64, f32)) -> Self {
        Self(
            (0..to)
                .map(|target| {
                    let (first, second, fraction) = tap(target);
                    let weights = [1.0 - fraction, fraction].map(|part| (part * WEIGHT_ONE).round_ties_even() as i32);
                    Tap { first: first as usize, second: second as usize, weights }
                })
                .collect(),
        )
    }
}

/// Source rows after the horizontal pass; the last two are kept, since neighbouring target rows share them.
struct Lines<'a, const CHANNELS: usize> {
    pixels: &'a [u8],
    width: usize,
    columns: &'a Taps,
    kept: [Option<(usize, Vec<i32>)>; 2],
}

impl<const CHANNELS: usize> Lines<'_, CHANNELS> {
    fn prepare(&mut self, first: usize, second: usize) {
        for row in [first, second] {
            if !self.holds(row) {
                let spare =
                    usize::from(self.kept[0].as_ref().is_some_and(|(kept, _)| *kept == first || *kept == second));
                let line = self.kept[spare].take().map_or_else(Vec::new, |(_, line)| line);
                self.kept[spare] = Some((row, self.passed(row, line)));
            }
        }
    }

    fn holds(&self, row: usize) -> bool {
        self.kept.iter().flatten().any(|(kept, _)| *kept == row)
    }

    fn line(&self, row: usize) -> &[i32] {
        self.kept.iter().flatten().find(|(kept, _)| *kept == row).map_or(&[], |(_, line)| line)
    }

    /// The horizontal pass over one source row, into a line that is no longer needed.
    fn passed(&self, row: usize, mut line: Vec<i32>) -> Vec<i32> {
        let source = &self.pixels[row * self.width * CHANNELS..][..self.width * CHANNELS];
        line.clear();
        for tap in &self.columns.0 {
            let (first, second) = (&source[tap.first * CHANNELS..], &source[tap.second * CHANNELS..]);
            for channel in 0..CHANNELS {
                line.push(tap.weights[0] * i32::from(first[channel]) + tap.weights[1] * i32::from(second[channel]));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_of_pure_colors_is_their_weight() {
        // (3735 * 255 + 16384) >> 15 = 29; (19235 * 255 + 16384) >> 15 = 150; (9798 * 255 + 16384) >> 15 = 76
        assert_eq!([gray(255, 0, 0), gray(0, 255, 0), gray(0, 0, 255), gray(255, 255, 255)], [29, 150, 76, 255]);
    }

    #[test]
    fn half_the_size_is_the_rounded_mean_of_four() {
        let image = GrayImage { width: 2, height: 2, pixels: vec![1, 2, 3, 4] };
        assert_eq!(image.resized(1, 1).pixels, [3]); // (1 + 2 + 3 + 4 + 2) / 4
    }

    #[test]
    fn doubling_weighs_neighbours_three_to_one() {
        // centres at -0.25, 0.25, 0.75, 1.25 of the source: 0, a quarter, three quarters, the last
        let image = GrayImage { width: 2, height: 1, pixels: vec![0, 100] };
        assert_eq!(image.resized(4, 1).pixels, [0, 25, 75, 100]);
    }

    #[test]
    fn an_image_without_pixels_becomes_black() {
        let image = ColorImage { width: 0, height: 3, pixels: Vec::new() };
        assert_eq!(image.resized(2, 2), ColorImage::black(2, 2));
    }
}
