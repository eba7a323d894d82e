//! Range of a contour, and where its largest and its smallest value stand.
//!
//! In:  a contour.
//! Out: `range` in the descriptor's unit; `maxPos`, `minPos` as a share of the contour, from 0 to below 1.
//! Formula: max - min; first frame that holds the maximum (minimum), divided by the number of frames.
//! Source: `compare2016.md`, section 11.2.

use super::contour::Contour;

/// The names of the results.
pub(super) const NAMES: [&str; 3] = ["range", "maxPos", "minPos"];

/// The functionals, in the order of [`NAMES`].
pub(super) fn extremes(contour: &Contour) -> [f32; 3] {
    let largest = place(contour, |value| value >= contour.maximum);
    let smallest = place(contour, |value| value <= contour.minimum);
    [contour.range, largest, smallest]
}

/// Where the first such value stands, as a share of the contour; at its beginning if none is, as among NaN.
fn place(contour: &Contour, is_such: impl Fn(f32) -> bool) -> f32 {
    let first = contour.values.iter().position(|value| is_such(*value)).unwrap_or_default();
    first as f32 / contour.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_extremes_counts() {
        let contour = Contour::new(&[1.0, 5.0, 0.0, 5.0, 0.0]).unwrap();
        // The maximum stands first at frame 1, the minimum at frame 2, of 5.
        assert_eq!(extremes(&contour), [5.0, 0.2, 0.4]);
    }

    #[test]
    fn a_constant_contour_has_both_at_its_beginning() {
        assert_eq!(extremes(&Contour::new(&[7.0; 9]).unwrap()), [0.0; 3]);
    }
}
