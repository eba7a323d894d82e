//! FRSyn: by how many frames a predicted reaction lags behind the speaker (time-lagged cross-correlation).
//!
//! In:  predictions and speakers.
//! Out: for every reaction the lag with the largest mean correlation, as published and plainly.
//! Source: section 8, `TLCC` of the challenge; defect 33.

use pulp::{Arch, Simd, WithSimd};
use serde::Serialize;

use super::arrays::{Clips, Predictions, Watcher};
use crate::tokens::ATTRIBUTE_COUNT;

/// Lags run from -49 to 49 frames: below 2 s at 25 fps.
const MOST_LAG: usize = 49;

/// How many lags there are.
const LAG_COUNT: usize = 2 * MOST_LAG + 1;

/// Columns of a padded frame: whole vectors on every instruction set.
const PADDED: usize = ATTRIBUTE_COUNT.next_multiple_of(8);

type Frame = [f64; PADDED];

/// How one reaction follows its speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Synchrony {
    /// Published behaviour: minus the first lag with the largest mean correlation over all 25 columns, in frames. One
    /// column that is constant within an overlap makes that lag the largest, so 49 mostly means "a constant column"
    /// and not a lag. Golden: `tlcc_offset`, case `n8_t60_constant_units`.
    pub published: i64,
    /// Departure: the same over the columns that move in both clips; none where no column does.
    pub plain: Option<i64>,
}

/// The synchrony of every reaction with its speaker, `[clips * reactions]`.
///
/// Positive offsets mean that the reaction comes before the speaker's movement, negative ones that it follows.
pub fn frsyn(predictions: &Predictions, speakers: &Clips, watcher: Watcher<'_>) -> Vec<Synchrony> {
    let arch = Arch::new();
    predictions.each_reaction(
        "FRSyn",
        watcher,
        || (),
        |(), clip, reaction| {
            let prediction = padded_frames(predictions.reaction(clip, reaction));
            let speaker = padded_frames(speakers.clip(clip));
            let correlations = correlations_by_lag(arch, &prediction, &speaker);
            Synchrony { published: published_offset(&correlations), plain: plain_offset(&correlations) }
        },
    )
}

/// The mean correlation at each of the 99 lags from -49, as published: NaN where a column is constant.
pub fn published_curve(prediction: &[f64], speaker: &[f64]) -> Vec<f32> {
    let correlations = correlations_by_lag(Arch::new(), &padded_frames(prediction), &padded_frames(speaker));
    correlations.iter().map(published_mean).collect()
}

/// Frames rounded to `f32`, as published, and padded with zeros.
fn padded_frames(frames: &[f64]) -> Vec<Frame> {
    let padded = |attributes: &[f64]| {
        let mut frame = [0.0; PADDED];
        frame.iter_mut().zip(attributes).for_each(|(to, &from)| *to = f64::from(from as f32));
        frame
    };
    frames.chunks_exact(ATTRIBUTE_COUNT).map(padded).collect()
}

/// Pearson's correlation of every column at every lag; NaN where a column is constant in the overlap.
fn correlations_by_lag(arch: Arch, prediction: &[Frame], speaker: &[Frame]) -> Vec<Frame> {
    let of_prediction = Windows::of(prediction);
    let of_speaker = Windows::of(speaker);
    let at_lag = |index: usize| {
        let lag = index.abs_diff(MOST_LAG);
        // A positive lag pairs `prediction[t + lag]` with `speaker[t]`, a negative one the other way round.
        let (late, early, of_late, of_early) = if index >= MOST_LAG {
            (prediction, speaker, &of_prediction, &of_speaker)
        } else {
            (speaker, prediction, &of_speaker, &of_prediction)
        };
        let Some(overlap) = early.len().checked_sub(lag).filter(|&count| count > 1) else { return [f64::NAN; PADDED] };
        let (x, y) = (&of_late.without_first[lag], &of_early.without_last[lag]);
        let products =
            arch.dispatch(Products { x: &late[lag..], y: &early[..overlap], x_mean: &x.mean, y_mean: &y.mean });
        // Constant columns have no squares at all, so that the quotient is NaN.
        let freedom = overlap as f64 - 1.0;
        std::array::from_fn(|column| {
            let deviation = |moments: &Moments| (moments.squares[column] / freedom).sqrt();
            (products[column] / freedom / deviation(x) / deviation(y)).clamp(-1.0, 1.0)
        })
    };
    (0..LAG_COUNT).map(at_lag).collect()
}

/// Mean of every column and sum of squares around it.
#[derive(Clone)]
struct Moments {
    mean: Frame,
    squares: Frame,
}

/// The moments of a clip without its first, or without its last, 0 to 49 frames.
struct Windows {
    without_first: Vec<Moments>,
    without_last: Vec<Moments>,
}

impl Windows {
    fn of(frames: &[Frame]) -> Self {
        Self { without_first: growing(frames.iter().rev()), without_last: growing(frames.iter()) }
    }
}

/// The moments of all frames, of all but the last, of all but the last two, …, at most 49 fewer.
///
/// Welford's update: frame by frame, without cancellation, and without a trace of rounding while a column is constant.
fn growing<'a>(frames: impl ExactSizeIterator<Item = &'a Frame>) -> Vec<Moments> {
    let frame_count = frames.len();
    let mut moments = Moments { mean: [0.0; PADDED], squares: [0.0; PADDED] };
    let mut kept = Vec::new();
    for (before, frame) in frames.enumerate() {
        let columns = moments.mean.iter_mut().zip(&mut moments.squares).zip(frame);
        for ((mean, squares), value) in columns {
            let apart = value - *mean;
            *mean += apart / (before as f64 + 1.0);
            *squares += apart * (value - *mean);
        }
        if before + 1 + MOST_LAG >= frame_count {
            kept.push(moments.clone());
        }
    }
    kept.reverse();
    kept
}

/// Sums over time of the products of two clips' deviations from their means, column by column.
struct Products<'a> {
    x: &'a [Frame],
    y: &'a [Frame],
    x_mean: &'a Frame,
    y_mean: &'a Frame,
}

impl WithSimd for Products<'_> {
    type Output = Frame;

    #[expect(clippy::inline_always, reason = "vector code must land inside the caller's instruction set")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Frame {
        let mut sums = [0.0; PADDED];
        let (x_means, y_means) = (S::as_simd_f64s(self.x_mean).0, S::as_simd_f64s(self.y_mean).0);
        for (block, to) in S::as_mut_simd_f64s(&mut sums).0.iter_mut().enumerate() {
            let mut sum = simd.splat_f64s(0.0);
            for (x, y) in self.x.iter().zip(self.y) {
                let a = simd.sub_f64s(S::as_simd_f64s(x).0[block], x_means[block]);
                let b = simd.sub_f64s(S::as_simd_f64s(y).0[block], y_means[block]);
                sum = simd.add_f64s(sum, simd.mul_f64s(a, b));
            }
            *to = sum;
        }
        sums
    }
}

/// The mean over the 25 columns in `f32`.
fn published_mean(correlations: &Frame) -> f32 {
    correlations[..ATTRIBUTE_COUNT].iter().map(|&value| value as f32).sum::<f32>() / ATTRIBUTE_COUNT as f32
}

/// The offset of the first largest mean, where NaN is larger than any number, as in PyTorch.
fn published_offset(correlations: &[Frame]) -> i64 {
    let curve: Vec<f32> = correlations.iter().map(published_mean).collect();
    let undefined = curve.iter().position(|mean| mean.is_nan());
    offset_of_lag(undefined.or_else(|| first_largest(curve.iter().map(|&mean| Some(f64::from(mean))))).unwrap_or(0))
}

/// The offset of the first largest mean over the columns that have a correlation.
fn plain_offset(correlations: &[Frame]) -> Option<i64> {
    let mean = |correlations: &Frame| {
        let defined = || correlations[..ATTRIBUTE_COUNT].iter().filter(|value| !value.is_nan());
        let count = defined().count();
        (count > 0).then(|| defined().sum::<f64>() / count as f64)
    };
    first_largest(correlations.iter().map(mean)).map(offset_of_lag)
}

fn first_largest(values: impl Iterator<Item = Option<f64>>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, value) in values.enumerate() {
        let Some(value) = value else { continue };
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

/// Published: the offset is the place of lag 0 minus the place of the largest mean.
fn offset_of_lag(index: usize) -> i64 {
    MOST_LAG as i64 - index as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 120 frames whose columns all move like noise, starting at `first`, so that shifting `first` shifts time.
    fn noise(first: u64) -> Vec<f64> {
        let value = |index: u64| ((index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64) / 16_777_216.0;
        (first..first + 120)
            .flat_map(|frame| (0..ATTRIBUTE_COUNT as u64).map(move |column| value(frame * 32 + column)))
            .collect()
    }

    fn synchrony(prediction: Vec<f64>, speaker: Vec<f64>) -> Synchrony {
        let frame_count = speaker.len() / ATTRIBUTE_COUNT;
        let predictions = Predictions::new(&[1, 1, frame_count, ATTRIBUTE_COUNT], prediction).unwrap();
        let speakers = Clips::new("speakers", &[1, frame_count, ATTRIBUTE_COUNT], speaker).unwrap();
        frsyn(&predictions, &speakers, &|_| ())[0]
    }

    #[test]
    fn a_reaction_that_follows_its_speaker_has_a_negative_offset() {
        // Frame t of the reaction is frame t - 7 of the speaker.
        assert_eq!(synchrony(noise(100), noise(107)), Synchrony { published: -7, plain: Some(-7) });
        assert_eq!(synchrony(noise(107), noise(100)), Synchrony { published: 7, plain: Some(7) });
        assert_eq!(synchrony(noise(0), noise(0)), Synchrony { published: 0, plain: Some(0) });
    }

    #[test]
    fn a_constant_column_gives_49_as_published_and_is_left_out_otherwise() {
        let mut prediction = noise(100);
        prediction.iter_mut().step_by(ATTRIBUTE_COUNT).for_each(|value| *value = 0.3);
        assert_eq!(synchrony(prediction, noise(107)), Synchrony { published: 49, plain: Some(-7) });
    }

    #[test]
    fn a_reaction_that_never_moves_has_no_offset() {
        let still = vec![0.25; 120 * ATTRIBUTE_COUNT];
        assert_eq!(synchrony(still, noise(0)), Synchrony { published: 49, plain: None });
    }

    #[test]
    fn clips_shorter_than_the_largest_lag_are_undefined_there_as_published() {
        let short = noise(0)[..20 * ATTRIBUTE_COUNT].to_vec();
        assert_eq!(synchrony(short.clone(), short), Synchrony { published: 49, plain: Some(0) });
    }
}
