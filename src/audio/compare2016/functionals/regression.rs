//! Straight line and parabola through a contour, and its centroid in time.
//!
//! In:  a contour; the abscissa is the frame, from 0.
//! Out: slope, offset and error of the line; curvature, slope, offset and error of the parabola; the centroid as a share
//! of the contour. Values are relative to minimum and range; slopes per second or per frame ([`TimeUnit`]).
//! Formula: least squares; errors are mean squares of the distances. The slopes are limited before they are scaled.
//! Source: `compare2016.md`, section 11.9; all f64 but for the limiter.

use super::contour::Contour;
use super::limit::ratio_limit;

/// The names of the results.
pub(super) const NAMES: [&str; 8] =
    ["linregc1", "linregc2", "linregerrQ", "qregc1", "qregc2", "qregc3", "qregerrQ", "centroid"];

/// A slope may exceed its limit by as much again, and this.
const MORE_EXCESS: f64 = 0.01;

/// What slopes are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Per second.
    Second,
    /// Per value: what remains after the zeros have been removed has no even time.
    Frame,
}

impl TimeUnit {
    fn frames(self) -> f64 {
        match self {
            TimeUnit::Second => 100.0, // frames of 10 ms
            TimeUnit::Frame => 1.0,
        }
    }
}

/// `slope · i + offset`
#[derive(Debug, Clone, Copy)]
struct Line {
    slope: f64,
    offset: f64,
}

/// `curvature · i² + slope · i + offset`
#[derive(Debug, Clone, Copy)]
struct Parabola {
    curvature: f64,
    slope: f64,
    offset: f64,
}

/// The functionals, in the order of [`NAMES`].
pub(super) fn regression(contour: &Contour, unit: TimeUnit) -> [f32; 8] {
    let range = f64::from(contour.range);
    let (range, scale) = if range <= 0.0 { (1.0, 0.0) } else { (range, 1.0 / range) };
    let sums = Sums::of(contour);
    let (line, parabola) = (sums.line(), sums.parabola());
    let (line_error, parabola_error) = errors(contour, line, parabola, scale);

    let limited = |slope: f64, limit: f64| {
        f64::from(ratio_limit(slope as f32, limit as f32, (limit + MORE_EXCESS) as f32)) * unit.frames()
    };
    let from_minimum = |offset: f64| (offset - f64::from(contour.minimum)) * scale;
    let (tenth, root) = (range / 10.0, (range / 10.0).sqrt());
    let results = [
        limited(line.slope, tenth) * scale,
        from_minimum(line.offset),
        line_error,
        limited(parabola.curvature, root) * unit.frames() * scale,
        limited(parabola.slope, tenth) * scale,
        from_minimum(parabola.offset),
        parabola_error,
        sums.centroid(contour),
    ];
    // One frame is divided by zero above and is zero here.
    results.map(|result| if result.is_finite() { result as f32 } else { 0.0 })
}

/// What the equations of the least squares need: the number of values, and sums over x, x·i, x·i² and |x|·i.
struct Sums {
    count: f64,
    values: f64,
    by_frame: f64,
    by_square: f64,
    magnitudes_by_frame: f64,
}

impl Sums {
    fn of(contour: &Contour) -> Self {
        let (mut by_frame, mut by_square, mut magnitudes_by_frame) = (0.0, 0.0, 0.0);
        for (frame, value) in contour.values.iter().enumerate() {
            let (frame, value) = (frame as f64, f64::from(*value));
            by_frame += value * frame;
            by_square += value * frame * frame;
            magnitudes_by_frame += value.abs() * frame;
        }
        let count = contour.len() as f64;
        let values = f64::from(contour.mean) * count;
        Self { count, values, by_frame, by_square, magnitudes_by_frame }
    }

    /// `Σ i`, `Σ i²`, `(Σ i)²` (which is `Σ i³`) and `Σ i⁴`.
    fn powers(&self) -> [f64; 4] {
        let (count, last) = (self.count, self.count - 1.0);
        let first = count * last / 2.0;
        let second = count * last * (2.0 * count - 1.0) / 6.0;
        [first, second, first * first, second * (3.0 * (last * last + last) - 1.0) / 5.0]
    }

    fn line(&self) -> Line {
        let [first, second, ..] = self.powers();
        let determinant = self.count - first * first / second;
        let offset =
            if determinant == 0.0 { 0.0 } else { (self.values - self.by_frame * first / second) / determinant };
        Line { slope: (self.by_frame - offset * first) / second, offset }
    }

    fn parabola(&self) -> Parabola {
        let ([s1, s2, s3, s4], n) = (self.powers(), self.count);
        let determinant = s4 * s2 * n + 2.0 * s3 * s1 * s2 - s2 * s2 * s2 - s3 * s3 * n - s1 * s1 * s4;
        let solved = |by_square: f64, by_frame: f64, by_value: f64| {
            let sum = by_square * self.by_square + by_frame * self.by_frame + by_value * self.values;
            if determinant == 0.0 { 0.0 } else { sum / determinant }
        };
        Parabola {
            curvature: solved(s2 * n - s1 * s1, s1 * s2 - s3 * n, s3 * s1 - s2 * s2),
            slope: solved(s1 * s2 - s3 * n, s4 * n - s2 * s2, s3 * s2 - s4 * s1),
            offset: solved(s3 * s1 - s2 * s2, s3 * s2 - s4 * s1, s4 * s2 - s3 * s3),
        }
    }

    /// The mean frame, weighted by the magnitudes, as a share of the contour.
    fn centroid(&self, contour: &Contour) -> f64 {
        if contour.magnitude_sum == 0.0 {
            return 0.0;
        }
        f64::from((self.magnitudes_by_frame / contour.magnitude_sum) as f32) / self.count
    }
}

/// Mean squares of the distances from line and parabola, in shares of the range.
fn errors(contour: &Contour, line: Line, parabola: Parabola, scale: f64) -> (f64, f64) {
    let (mut of_line, mut of_parabola) = (0.0, 0.0);
    for (frame, value) in contour.values.iter().enumerate() {
        let (frame, value) = (frame as f64, f64::from(*value));
        let from_line = (value - (line.slope * frame + line.offset)) * scale;
        of_line += from_line * from_line;
        let bent = parabola.curvature * frame * frame + parabola.slope * frame + parabola.offset;
        let from_parabola = (value - bent) * scale;
        of_parabola += from_parabola * from_parabola;
    }
    (contour.share(of_line), contour.share(of_parabola))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32], unit: TimeUnit) -> [f32; 8] {
        regression(&Contour::new(values).unwrap(), unit)
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        let is_close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6);
        assert!(is_close && found.len() == expected.len(), "{found:?}, expected {expected:?}");
    }

    #[test]
    fn a_straight_line_is_found() {
        // 5 7 9 ... 43: range 38, slope 2 of at most 3.8, offset at the minimum; no curvature.
        // Centroid: Σ (5 + 2i) i / Σ (5 + 2i) = (5·190 + 2·2470)/480, over 20.
        let values: Vec<f32> = (0..20).map(|frame| 5.0 + 2.0 * frame as f32).collect();
        let centroid = 5890.0 / 480.0 / 20.0;
        let slope = 2.0 / 38.0;
        assert_close(&of(&values, TimeUnit::Frame), &[slope, 0.0, 0.0, 0.0, slope, 0.0, 0.0, centroid]);
        assert_close(&of(&values, TimeUnit::Second)[..3], &[slope * 100.0, 0.0, 0.0]);
    }

    #[test]
    fn a_parabola_is_found() {
        // (i - 10)²/4 for i = 0..20: 25 ... 0 ... 25, range 25; a = 1/4, b = -5 (beyond its limit), c = 25.
        let values: Vec<f32> = (0..21).map(|frame| (frame as f32 - 10.0).powi(2) / 4.0).collect();
        let [slope, _, _, curvature, _, offset, error, centroid] = of(&values, TimeUnit::Frame);
        assert_close(&[slope, curvature, offset, error, centroid], &[0.0, 0.01, 1.0, 0.0, 10.0 / 21.0]);
        // Per second the curvature counts 100² frames.
        assert!((of(&values, TimeUnit::Second)[3] - 100.0).abs() < 1e-3);
    }

    #[test]
    fn distances_from_line_and_parabola_are_mean_squares() {
        // 1 0 0 0: the line falls by 0.3 a frame from 0.7, 1 - 4/16 - 5·0.3² = 0.3 remain; of the parabola the cubic part
        // -1 3 -3 1 remains, (1/√20)² = 0.05; over 4 frames.
        let [_, _, line_error, _, _, _, parabola_error, _] = of(&[1.0, 0.0, 0.0, 0.0], TimeUnit::Frame);
        assert_close(&[line_error, parabola_error], &[0.075, 0.0125]);
    }

    #[test]
    fn steep_curves_are_bent_to_their_limit() {
        // (i - 1)² for i = 0, 1, 2: curvature 1 over a range of 1 is beyond √0.1 = 0.3162, to which comes
        // 0.3262 · tanh((√(1 - 0.3162 + 1) - 1)/0.1631) = 0.3262 · tanh 1.8247 = 0.3097.
        let curvature = of(&[1.0, 0.0, 1.0], TimeUnit::Frame)[3];
        assert!((curvature - 0.6259).abs() < 1e-4, "{curvature}");
    }

    #[test]
    fn constant_contours_have_no_range_to_be_relative_to() {
        // The centroid of equal weights over 5 frames is 2.
        assert_eq!(of(&[3.0; 5], TimeUnit::Second)[..7], [0.0; 7]);
        assert_close(&of(&[3.0; 5], TimeUnit::Second)[7..], &[0.4]);
        assert_eq!(of(&[0.0; 5], TimeUnit::Second), [0.0; 8]);
    }

    #[test]
    fn two_frames_have_no_parabola() {
        // Without one, the offset of 0 is one minimum below the minimum of 1, and the distances are 1/2 and 3/2 ranges.
        let [_, offset, error, parabola @ ..] = of(&[1.0, 3.0], TimeUnit::Frame);
        assert_close(&[offset, error], &[0.0, 0.0]);
        assert_close(&parabola[..4], &[0.0, 0.0, -0.5, 1.25]);
    }

    #[test]
    fn one_frame_has_neither_line_nor_parabola() {
        assert_eq!(of(&[3.0], TimeUnit::Frame), [0.0; 8]);
    }

    #[test]
    fn what_is_not_finite_becomes_zero() {
        assert!(of(&[f32::MAX, f32::MIN, f32::MAX], TimeUnit::Second).iter().all(|value| value.is_finite()));
    }
}
