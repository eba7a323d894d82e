//! How steeply a contour rises to its peaks and falls to its valleys.
//!
//! In:  a contour and its peaks and valleys ([`super::extrema`]).
//! Out: mean and standard deviation of the rising, then of the falling slopes, in the descriptor's unit per second.
//! Formula: difference of neighbouring extrema over their distance in seconds; both count as positive.
//! Source: `compare2016.md`, section 11.10, slopes; f32.
//!
//! Published behaviour: behind the last extremum one more slope leads to the last frame; a fall there counts as negative,
//! and the standard deviations divide by a count that includes it without adding its square. A contour without an
//! extremum has one slope per frame instead of per second. The parity test of the functionals holds all three.

use super::FRAME_SECS;
use super::contour::Contour;
use super::extrema::{Extremum, Kind};

/// A slope, by the extremum that it leads to.
#[derive(Clone, Copy)]
enum Slope {
    Rising(f32),
    Falling(f32),
}

/// A value and where it stands.
type Point = (f32, usize);

/// From extremum to extremum.
struct Walk {
    peak: Point,
    valley: Point,
}

impl Walk {
    fn new(first: f32) -> Self {
        Self { peak: (first, 0), valley: (first, 0) }
    }

    /// The slope that leads to `extremum`; no extremum stands at frame 0, where the walk begins.
    fn step(&mut self, extremum: &Extremum) -> Slope {
        let here = (extremum.value, extremum.frame);
        match extremum.kind {
            Kind::Peak => {
                self.peak = here;
                Slope::Rising(steepness(self.valley, here))
            }
            Kind::Valley => {
                self.valley = here;
                Slope::Falling(-steepness(self.peak, here))
            }
        }
    }
}

/// The difference of two values per second.
fn steepness(from: Point, to: Point) -> f32 {
    (to.0 - from.0) / ((to.1 - from.1) as f32 * FRAME_SECS)
}

/// Slopes of one direction.
#[derive(Default)]
struct Tally {
    count: f32,
    sum: f32,
    squares: f32,
}

impl Tally {
    fn add(&mut self, slope: f32) {
        self.count += 1.0;
        self.sum += slope;
    }

    /// `sum` divided by the number of slopes, if there are several.
    fn share(&self, sum: f32) -> f32 {
        if self.count > 1.0 { sum / self.count } else { sum }
    }

    fn add_square(&mut self, slope: f32) {
        let distance = slope - self.share(self.sum);
        self.squares += distance * distance;
    }

    fn mean_and_deviation(&self) -> [f32; 2] {
        [self.share(self.sum), self.share(self.squares).sqrt()]
    }
}

/// `meanRisingSlope`, `stddevRisingSlope`, `meanFallingSlope`, `stddevFallingSlope`.
pub(super) fn slopes(contour: &Contour, extrema: &[Extremum]) -> [f32; 4] {
    let first = contour.values[0];
    let (mut rising, mut falling) = (Tally::default(), Tally::default());
    let mut walk = Walk::new(first);
    let mut last = None;
    for slope in extrema.iter().map(|extremum| walk.step(extremum)) {
        match slope {
            Slope::Rising(slope) => rising.add(slope),
            Slope::Falling(slope) => falling.add(slope),
        }
        last = Some(slope);
    }
    match extra_slope(contour, &walk, last) {
        Some(Slope::Rising(slope)) => rising.add(slope),
        Some(Slope::Falling(slope)) => falling.add(slope),
        None => {}
    }
    let mut walk = Walk::new(first);
    for slope in extrema.iter().map(|extremum| walk.step(extremum)) {
        match slope {
            Slope::Rising(slope) => rising.add_square(slope),
            Slope::Falling(slope) => falling.add_square(slope),
        }
    }
    let ([rise, rise_deviation], [fall, fall_deviation]) = (rising.mean_and_deviation(), falling.mean_and_deviation());
    [rise, rise_deviation, fall, fall_deviation]
}

/// The slope behind the last extremum; without any extremum the one from end to end, per frame.
fn extra_slope(contour: &Contour, walk: &Walk, last: Option<Slope>) -> Option<Slope> {
    let end = (contour.values[contour.len() - 1], contour.len() - 1);
    match last {
        Some(Slope::Rising(_)) => Some(Slope::Falling(steepness(walk.peak, end))),
        Some(Slope::Falling(_)) => Some(Slope::Rising(steepness(walk.valley, end))),
        None => {
            let whole = (end.0 - contour.values[0]) / contour.len() as f32;
            if whole > 0.0 { Some(Slope::Rising(whole)) } else { (whole < 0.0).then_some(Slope::Falling(whole)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::extrema::find_extrema;
    use super::*;

    fn of(values: &[f32]) -> [f32; 4] {
        let contour = Contour::new(values).unwrap();
        let mut extrema = Vec::new();
        find_extrema(&contour, &mut extrema);
        slopes(&contour, &extrema).map(f32::round)
    }

    #[test]
    fn the_last_fall_has_the_sign_of_a_fall() {
        // Up 4 in 2 frames (200 a second), down 4 in 2 (200, counted as positive), up 2 in 2 (100), down 1 in 2 (-50).
        // Deviations: of 200 and 100 about 150: 50; of 200 alone about 75, over two slopes: √(125²/2) = 88.4.
        assert_eq!(of(&[0.0, 2.0, 4.0, 2.0, 0.0, 1.0, 2.0, 1.5, 1.0]), [150.0, 50.0, 75.0, 88.0]);
    }

    #[test]
    fn without_an_extremum_the_slope_is_per_frame() {
        assert_eq!(of(&[0.0, 10.0, 20.0, 30.0, 40.0]), [8.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(&[40.0, 30.0, 20.0, 10.0, 0.0]), [0.0, 0.0, -8.0, 0.0]);
        assert_eq!(of(&[1.0]), [0.0; 4]);
    }
}
