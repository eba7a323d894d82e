//! FRDvs: how much the predictions for different speakers differ from each other.
//!
//! In:  predictions.
//! Out: the mean squared difference over all pairs of clips, reaction by reaction: one value.
//! Source: section 8, `FRDvs` of the challenge.

use rayon::prelude::*;

use super::arrays::Predictions;
use super::frdiv::mean_square_between;

/// `Σ_r Σ_{i,j} ‖P_i,r - P_j,r‖² / (N (N - 1) R T 25)`; 0 for one clip.
pub fn frdvs(predictions: &Predictions) -> f64 {
    let of_reaction = |reaction: usize| {
        let clips: Vec<&[f64]> =
            (0..predictions.clip_count()).map(|clip| predictions.reaction(clip, reaction)).collect();
        mean_square_between(&clips)
    };
    let values: Vec<f64> = (0..predictions.reaction_count()).into_par_iter().map(of_reaction).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;
    use crate::tokens::ATTRIBUTE_COUNT;

    #[test]
    fn only_equal_reaction_numbers_are_compared() {
        // Clip 0: reactions 0 and 5; clip 1: reactions 2 and 5. Squares 4 and 0, mean over reactions 2.
        let values = [0.0, 5.0, 2.0, 5.0].iter().flat_map(|&value| [value; ATTRIBUTE_COUNT]).collect();
        let predictions = Predictions::new(&[2, 2, 1, ATTRIBUTE_COUNT], values).unwrap();
        assert_eq!(frdvs(&predictions), 2.0);
    }
}
