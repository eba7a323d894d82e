//! Peaks of a contour: how far apart, how high, and how steep the ways between them.
//!
//! In:  a contour.
//! Out: distances in seconds, heights and ranges in the descriptor's unit, `...Rel` without unit, slopes per second.
//! Formula: see [`peaks`]; what counts as a peak says [`super::extrema`], slopes are those of [`super::slopes`].
//! Source: `compare2016.md`, section 11.10; f32.
//!
//! Published behaviour: the standard deviation of distances measures each peak from the valley before it, not from the
//! peak before it; sums of a single element stand for its mean. The parity test of the functionals holds both.

use super::FRAME_SECS;
use super::contour::Contour;
use super::extrema::{Extremum, Kind, find_extrema};
use super::limit::ratio_limit;
use super::slopes::slopes;

/// The names of the results.
pub(super) const NAMES: [&str; 12] = [
    "meanPeakDist",
    "peakDistStddev",
    "peakRangeAbs",
    "peakRangeRel",
    "peakMeanAbs",
    "peakMeanMeanDist",
    "peakMeanRel",
    "minRangeRel",
    "meanRisingSlope",
    "stddevRisingSlope",
    "meanFallingSlope",
    "stddevFallingSlope",
];

/// Where the ratio of the peaks' mean to the contour's begins to be bent, and by how much it may exceed that.
const RATIO_LIMIT: f32 = 10.0;

/// The functionals, in the order of [`NAMES`]; `extrema` is overwritten.
pub(super) fn peaks(contour: &Contour, extrema: &mut Vec<Extremum>) -> [f32; 12] {
    find_extrema(contour, extrema);
    let [mean_distance, distance_deviation] = distances(extrema);
    let (count, sum) = of_kind(extrema, Kind::Peak).fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    let mean = mean_of_several(sum, count);
    let peak_range = range(of_kind(extrema, Kind::Peak));
    let valley_range = range(of_kind(extrema, Kind::Valley));
    let relative = if contour.mean == 0.0 {
        RATIO_LIMIT + RATIO_LIMIT
    } else {
        ratio_limit(mean / contour.mean, RATIO_LIMIT, RATIO_LIMIT)
    };
    let [rise, rise_deviation, fall, fall_deviation] = slopes(contour, extrema);
    [
        mean_distance,
        distance_deviation,
        peak_range,
        share_of_range(peak_range, contour.range),
        mean,
        mean - contour.mean,
        relative,
        share_of_range(valley_range, contour.range),
        rise,
        rise_deviation,
        fall,
        fall_deviation,
    ]
}

fn of_kind(extrema: &[Extremum], kind: Kind) -> impl Iterator<Item = f32> {
    extrema.iter().filter(move |extremum| extremum.kind == kind).map(|extremum| extremum.value)
}

/// The sum itself where there is one element or none.
fn mean_of_several(sum: f32, count: usize) -> f32 {
    if count > 1 { sum / count as f32 } else { sum }
}

/// The largest less the smallest, 0 of none.
fn range(mut values: impl Iterator<Item = f32>) -> f32 {
    let Some(first) = values.next() else { return 0.0 };
    let (low, high) = values.fold((first, first), |(low, high), value| (low.min(value), high.max(value)));
    high - low
}

/// At most 1; the part itself where there is no range.
fn share_of_range(part: f32, range: f32) -> f32 {
    if range == 0.0 { part } else { (part / range).abs().min(1.0) }
}

/// Mean distance of neighbouring peaks and the deviation of the way from valley to peak from it, in seconds.
fn distances(extrema: &[Extremum]) -> [f32; 2] {
    let frames = || extrema.iter().filter(|extremum| extremum.kind == Kind::Peak).map(|extremum| extremum.frame as f32);
    let between = || frames().zip(frames().skip(1)).map(|(before, frame)| frame - before);
    let count = between().count();
    let mean = mean_of_several(between().fold(0.0, |sum, distance| sum + distance), count);
    let (mut last_valley, mut peak_count, mut squares) = (0.0, 0, 0.0);
    for extremum in extrema {
        let frame = extremum.frame as f32;
        if extremum.kind == Kind::Valley {
            last_valley = frame;
            continue;
        }
        if peak_count > 0 {
            let distance = frame - last_valley - mean;
            squares += distance * distance;
        }
        peak_count += 1;
    }
    [mean * FRAME_SECS, mean_of_several(squares, count).sqrt() * FRAME_SECS]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> [f32; 12] {
        peaks(&Contour::new(values).unwrap(), &mut Vec::new())
    }

    #[test]
    fn three_peaks_are_measured() {
        // Peaks 4 at 2, 8 at 6, 6 at 12; valleys 0 at 4, 2 at 9. Range 8, mean 48/15 = 3.2.
        let values = [0.0, 2.0, 4.0, 2.0, 0.0, 4.0, 8.0, 6.0, 4.0, 2.0, 3.0, 4.0, 6.0, 3.0, 0.0];
        let found = of(&values);
        // Distances 4 and 6: 0.05 s. From valley to peak 2 and 3, less 5: -3 and -2; √(13/2) = 2.55 frames.
        // Peaks: range 4, 4/8, mean 6, 6 - 3.2, 6/3.2; valleys: 2/8.
        let expected = [0.05, 0.025_495_1, 4.0, 0.5, 6.0, 2.8, 1.875, 0.25];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        }
    }

    #[test]
    fn a_contour_without_peaks() {
        // Mean 2, no peak: 0 - 2, 0/2. Constant zero: the ratio is at its bound.
        assert_eq!(of(&[2.0; 30]), [0.0, 0.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(&[0.0; 30])[5..8], [0.0, 20.0, 0.0]);
    }

    #[test]
    fn a_single_peak_is_its_own_mean() {
        let [distance, deviation, range, relative, mean, ..] = of(&[0.0, 1.0, 2.0, 1.0, 0.0]);
        assert_eq!([distance, deviation, range, relative, mean], [0.0, 0.0, 0.0, 0.0, 2.0]);
    }
}
