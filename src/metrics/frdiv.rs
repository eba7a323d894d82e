//! FRDiv: how much the reactions predicted for one clip differ from each other.
//!
//! In:  predictions.
//! Out: the mean squared difference over all pairs of reactions of a clip, one value per clip.
//! Source: section 8, `S_MSE` of the challenge.

use rayon::prelude::*;

use super::arrays::Predictions;

/// The mean squared difference between the reactions of each clip; 0 where there is only one, as published.
pub fn frdiv(predictions: &Predictions) -> Vec<f64> {
    (0..predictions.clip_count()).into_par_iter().map(|clip| of_clip(predictions, clip)).collect()
}

fn of_clip(predictions: &Predictions, clip: usize) -> f64 {
    let reactions: Vec<&[f64]> =
        (0..predictions.reaction_count()).map(|reaction| predictions.reaction(clip, reaction)).collect();
    mean_square_between(&reactions)
}

/// `Σ_{a,b} ‖v_a - v_b‖² / (R (R - 1) size)` over all ordered pairs of `R` vectors; 0 for one vector.
///
/// Departure: the published code takes a root of each distance and squares it again, for more than 25 rows through a
/// matrix product that leaves rounding on the diagonal. Here the pairs are never formed: their squares sum to `2 R`
/// times the squares around the mean, which has no cancellation.
pub(super) fn mean_square_between(vectors: &[&[f64]]) -> f64 {
    let count = vectors.len() as f64;
    if vectors.len() < 2 {
        return 0.0;
    }
    let (first, size) = (vectors[0], vectors[0].len());
    // Differences to the first vector keep equal vectors exactly equal.
    let mut mean = vec![0.0; size];
    for vector in vectors {
        mean.iter_mut().zip(*vector).zip(first).for_each(|((sum, value), origin)| *sum += value - origin);
    }
    let mean: Vec<f64> = mean.into_iter().map(|sum| sum / count).collect();
    let mut squares = vec![0.0; size];
    for vector in vectors {
        let deviations = vector.iter().zip(first).zip(&mean).map(|((value, origin), mean)| value - origin - mean);
        squares.iter_mut().zip(deviations).for_each(|(sum, deviation)| *sum += deviation * deviation);
    }
    let around_mean: f64 = squares.iter().sum();
    2.0 * around_mean / ((count - 1.0) * size as f64)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_averaged_as_worked_by_hand() {
        // (0,0) (1,0) (0,2): squares 1, 4, 5, each pair twice: 20 / (3 · 2 · 2).
        let found = mean_square_between(&[&[0.0, 0.0], &[1.0, 0.0], &[0.0, 2.0]]);
        assert!((found - 20.0 / 12.0).abs() < 1e-15, "{found}");
    }

    #[test]
    fn equal_reactions_and_a_single_one_have_no_diversity() {
        assert_eq!(mean_square_between(&[&[0.1, 0.7], &[0.1, 0.7], &[0.1, 0.7]]), 0.0);
        assert_eq!(mean_square_between(&[&[0.1, 0.7]]), 0.0);
    }
}
