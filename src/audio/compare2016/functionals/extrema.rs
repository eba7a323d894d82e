//! Peaks and valleys of a contour that stand out by a tenth of its range, in turn.
//!
//! In:  a contour.
//! Out: peaks and valleys by rising frame; never two of a kind in a row.
//! Formula: strict local maxima and minima (not at the two frames of either end), from which ripples below a tenth of
//! the range are dropped in three passes.
//! Source: `compare2016.md`, section 11.10, steps 1 to 3; f32 but for the comparison of two peaks.

use super::contour::Contour;

/// What stands out less than this share of the range is a ripple.
const RIPPLE: f32 = 0.1;
/// A ripple so many times higher than the last peak takes its place.
const HIGHER: f64 = 1.05;
/// Frames at either end that are no extremum.
const END_FRAMES: usize = 2;

/// Which way an extremum points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Higher than both neighbours.
    Peak,
    /// Lower than both neighbours.
    Valley,
}

/// A peak or a valley.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extremum {
    /// Which of both.
    pub kind: Kind,
    /// The value.
    pub value: f32,
    /// Where it stands.
    pub frame: usize,
    is_kept: bool,
}

/// Replaces `extrema` by those of the contour.
pub(super) fn find_extrema(contour: &Contour, extrema: &mut Vec<Extremum>) {
    let first = contour.values[0];
    let threshold = RIPPLE * contour.range;
    list_all(contour.values, extrema);
    drop_ripples(extrema, first, threshold);
    drop_shallow_valleys(extrema, first, threshold);
    keep_in_turn(extrema);
}

/// Step 1: every strict local maximum and minimum.
fn list_all(values: &[f32], extrema: &mut Vec<Extremum>) {
    extrema.clear();
    for frame in END_FRAMES..values.len().saturating_sub(END_FRAMES) {
        let (before, value, after) = (values[frame - 1], values[frame], values[frame + 1]);
        let kind = if before < value && value > after {
            Kind::Peak
        } else if before > value && value < after {
            Kind::Valley
        } else {
            continue;
        };
        extrema.push(Extremum { kind, value, frame, is_kept: true });
    }
}

/// Step 2a: drops peaks that stand out neither from what precedes them nor from the last valley, and replaces a peak
/// by a higher one beside it.
fn drop_ripples(extrema: &mut Vec<Extremum>, first: f32, threshold: f32) {
    let (mut last, mut last_valley, mut last_peak) = (first, first, first);
    let mut topmost: Option<usize> = None;
    let mut is_after_valley = false;
    for place in 0..extrema.len() {
        let Extremum { kind, value, .. } = extrema[place];
        let is_step = (value - last).abs() >= threshold;
        let is_higher = || f64::from(value) > HIGHER * f64::from(last_peak);
        match kind {
            Kind::Valley if is_step => (last_valley, is_after_valley) = (value, true),
            Kind::Valley => {}
            Kind::Peak if !is_step && value - last_valley < threshold => extrema[place].is_kept = false,
            Kind::Peak if is_step || is_higher() || is_after_valley => {
                if let Some(topmost) = topmost
                    && !is_step
                    && is_higher()
                {
                    extrema[topmost].is_kept = false;
                }
                (last_peak, topmost, is_after_valley) = (value, Some(place), false);
            }
            Kind::Peak => (extrema[place].is_kept, is_after_valley) = (false, false),
        }
        last = value;
    }
    extrema.retain(|extremum| extremum.is_kept);
}

/// Step 2b: drops valleys that lie less than the threshold below the last peak.
fn drop_shallow_valleys(extrema: &mut Vec<Extremum>, first: f32, threshold: f32) {
    let mut last_peak = first;
    extrema.retain(|extremum| match extremum.kind {
        Kind::Peak => {
            last_peak = extremum.value;
            true
        }
        Kind::Valley => last_peak - extremum.value >= threshold,
    });
}

/// Step 3: of several peaks in a row the highest stays, of several valleys the lowest; the first among equals.
fn keep_in_turn(extrema: &mut Vec<Extremum>) {
    extrema.dedup_by(|next, kept| {
        if next.kind != kept.kind {
            return false;
        }
        let is_better = match next.kind {
            Kind::Peak => next.value > kept.value,
            Kind::Valley => next.value < kept.value,
        };
        if is_better {
            *kept = *next;
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Vec<(Kind, usize)> {
        let mut extrema = Vec::new();
        find_extrema(&Contour::new(values).unwrap(), &mut extrema);
        extrema.iter().map(|extremum| (extremum.kind, extremum.frame)).collect()
    }

    #[test]
    fn the_ends_hold_no_extremum() {
        // The peaks at frames 1 and 5 are too close to the ends; the valley at 3 lies 9 below the first value.
        assert_eq!(of(&[9.0, 10.0, 5.0, 0.0, 5.0, 10.0, 9.0]), [(Kind::Valley, 3)]);
        assert!(of(&[0.0, 1.0, 0.0, 1.0]).is_empty());
        assert!(of(&[1.0; 40]).is_empty());
    }

    #[test]
    fn a_plateau_is_no_extremum() {
        assert!(of(&[0.0, 0.0, 5.0, 9.0, 9.0, 5.0, 0.0, 0.0, 5.0, 5.0]).is_empty());
    }

    #[test]
    fn a_step_of_just_a_tenth_of_the_range_stands_out() {
        // Range 10: up by 1 to frame 2, down by 1 to frame 4; the first of two valleys of the same depth stays.
        let values = [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.0, 5.0, 10.0, 10.0];
        assert_eq!(of(&values), [(Kind::Peak, 2), (Kind::Valley, 4)]);
    }

    #[test]
    fn a_ripple_below_a_tenth_of_the_range_is_none() {
        // The range is 10. Beside the peak of 10 at 4, the valley of 9.5 at 5 and the peak of 9.8 at 6 are ripples.
        let values = [0.0, 1.0, 2.0, 5.0, 10.0, 9.5, 9.8, 4.0, 1.0, 4.0, 4.5, 5.0];
        assert_eq!(of(&values), [(Kind::Peak, 4), (Kind::Valley, 8)]);
    }

    #[test]
    fn a_higher_ripple_takes_the_place_of_the_peak() {
        // Range 20, threshold 2: from 15 over 14 to 15.9, which is more than 1.05 times 15.
        let values = [0.0, 1.0, 2.0, 15.0, 14.0, 15.9, 8.0, 7.0, -4.1, 0.0, 1.0];
        assert_eq!(of(&values), [(Kind::Peak, 5), (Kind::Valley, 8)]);
    }

    #[test]
    fn a_slow_climb_over_ripples_is_no_peak() {
        // Range 11.3: neither 100.5 nor 101.3 is a step; the second stands out from the start, but behind no valley.
        assert!(of(&[100.0, 100.0, 100.5, 100.2, 101.3, 101.0, 90.0, 90.0, 90.0]).is_empty());
    }

    #[test]
    fn of_two_valleys_in_a_row_the_lower_stays() {
        // The peak of 2.5 at 5 stands out less than 1 from the valley of 2 before it; then the lower of both stays.
        let values = [9.0, 10.0, 6.0, 4.0, 2.0, 2.5, 0.0, 3.0, 9.0, 9.0];
        assert_eq!(of(&values), [(Kind::Valley, 6)]);
    }
}
