//! FRCorr: how well each predicted reaction agrees with the best of the appropriate real ones.
//!
//! In:  predictions, real listeners, neighbour lists.
//! Out: one value per reaction, the largest concordance correlation over the neighbours.
//! Source: section 8, `FRC` of the challenge.

use rayon::prelude::*;

use super::arrays::{Clips, Predictions, Watcher};
use crate::dataset::Appropriateness;
use crate::tokens::ATTRIBUTE_COUNT;

/// Keeps the quotient defined where both columns are constant and equal; part of the published formula.
const EPSILON: f64 = 1e-8;

/// The largest concordance of every reaction with an appropriate real one, `[clips * reactions]`.
///
/// Published behaviour: the score sums over the ten reactions of a clip before it averages over clips, so its ceiling
/// is 10 (defect 34); [`super::Scores`] holds that sum and the mean over reactions. Golden: `per_sample_FRC`.
pub fn frcorr(
    predictions: &Predictions,
    listeners: &Clips,
    neighbours: &Appropriateness,
    watcher: Watcher<'_>,
) -> Vec<f64> {
    let moments: Vec<Moments> =
        (0..listeners.clip_count()).into_par_iter().map(|clip| Moments::of(listeners.clip(clip))).collect();
    predictions.each_reaction(
        "FRCorr",
        watcher,
        || (),
        |(), clip, reaction| {
            let frames = predictions.reaction(clip, reaction);
            let of_prediction = Moments::of(frames);
            let centred = of_prediction.centred(frames);
            let concordance_with = |&neighbour: &u32| {
                let neighbour = neighbour as usize;
                mean_concordance(&centred, &of_prediction, listeners.clip(neighbour), &moments[neighbour])
            };
            neighbours.appropriate(clip).iter().map(concordance_with).fold(f64::NEG_INFINITY, f64::max)
        },
    )
}

/// The concordance correlation of two clips `[frames, 25]`, averaged over the 25 columns.
///
/// Published behaviour: a column that is constant in either clip contributes 0, even where both are equal.
pub fn concordance(listener: &[f64], prediction: &[f64]) -> f64 {
    let of_prediction = Moments::of(prediction);
    let centred = of_prediction.centred(prediction);
    mean_concordance(&centred, &of_prediction, listener, &Moments::of(listener))
}

/// Mean and variance (ddof 0) of every column.
struct Moments {
    mean: [f64; ATTRIBUTE_COUNT],
    variance: [f64; ATTRIBUTE_COUNT],
}

impl Moments {
    fn of(frames: &[f64]) -> Self {
        let frame_count = (frames.len() / ATTRIBUTE_COUNT) as f64;
        let mut mean = [0.0; ATTRIBUTE_COUNT];
        for frame in frames.chunks_exact(ATTRIBUTE_COUNT) {
            mean.iter_mut().zip(frame).for_each(|(sum, value)| *sum += value);
        }
        let mean = mean.map(|sum| sum / frame_count);
        let mut variance = [0.0; ATTRIBUTE_COUNT];
        for frame in frames.chunks_exact(ATTRIBUTE_COUNT) {
            for ((sum, value), mean) in variance.iter_mut().zip(frame).zip(&mean) {
                *sum += (value - mean) * (value - mean);
            }
        }
        Self { mean, variance: variance.map(|sum| sum / frame_count) }
    }

    fn centred(&self, frames: &[f64]) -> Vec<f64> {
        frames.iter().zip(self.mean.iter().cycle()).map(|(value, mean)| value - mean).collect()
    }
}

fn mean_concordance(centred: &[f64], x: &Moments, other: &[f64], y: &Moments) -> f64 {
    let frame_count = (other.len() / ATTRIBUTE_COUNT) as f64;
    // The covariance needs only one side centred: the other side's mean meets deviations that sum to zero.
    let mut products = [0.0; ATTRIBUTE_COUNT];
    for (a, b) in centred.chunks_exact(ATTRIBUTE_COUNT).zip(other.chunks_exact(ATTRIBUTE_COUNT)) {
        products.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += a * b);
    }
    let of_column = |column: usize| {
        let deviations = x.variance[column].sqrt() * y.variance[column].sqrt();
        // A correlation lies in [-1, 1], so the covariance lies within the product of both deviations; 0 if one is 0.
        let covariance = (products[column] / frame_count).clamp(-deviations, deviations);
        let apart = x.mean[column] - y.mean[column];
        2.0 * covariance / (x.variance[column] + y.variance[column] + apart * apart + EPSILON)
    };
    (0..ATTRIBUTE_COUNT).map(of_column).sum::<f64>() / ATTRIBUTE_COUNT as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;

    /// Frames whose columns are all the same series.
    fn frames(series: &[f64]) -> Vec<f64> {
        series.iter().flat_map(|&value| [value; ATTRIBUTE_COUNT]).collect()
    }

    #[test]
    fn a_clip_agrees_fully_with_itself() {
        // Only the 1e-8 in the denominator keeps it from 1: variance 0.25, 0.5 / (0.5 + 1e-8).
        let clip = frames(&[0.0, 1.0, 0.0, 1.0]);
        assert!((concordance(&clip, &clip) - 0.5 / (0.5 + 1e-8)).abs() < 1e-15);
    }

    #[test]
    fn a_shifted_clip_agrees_less_as_worked_by_hand() {
        // x = 0 1 0 1, y = x + 1: covariance 0.25, variances 0.25, means 1 apart: 0.5 / (0.5 + 1).
        let found = concordance(&frames(&[0.0, 1.0, 0.0, 1.0]), &frames(&[1.0, 2.0, 1.0, 2.0]));
        assert!((found - 1.0 / 3.0).abs() < 1e-8, "{found}");
    }

    #[test]
    fn a_constant_column_contributes_nothing_even_when_both_are_equal() {
        let clip = frames(&[0.3, 0.3, 0.3]);
        assert_eq!(concordance(&clip, &clip), 0.0);
    }

    #[test]
    fn the_best_neighbour_counts() {
        let shape = [2, 1, 4, ATTRIBUTE_COUNT];
        let wave = frames(&[0.0, 1.0, 0.0, 1.0]);
        let inverse = frames(&[1.0, 0.0, 1.0, 0.0]);
        let predictions = Predictions::new(&shape, [wave.clone(), wave.clone()].concat()).unwrap();
        let listeners = Clips::new("listeners", &[2, 4, ATTRIBUTE_COUNT], [inverse, wave].concat()).unwrap();
        let neighbours = Appropriateness::from_rows(vec![vec![0, 1], vec![0]]).unwrap();
        let found = frcorr(&predictions, &listeners, &neighbours, &|_| ());
        assert!((found[0] - 1.0).abs() < 1e-7 && (found[1] + 1.0).abs() < 1e-7, "{found:?}");
    }
}
