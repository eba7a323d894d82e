//! FRVar: how much each predicted reaction moves over time.
//!
//! In:  predictions.
//! Out: the variance over time (ddof 1), averaged over reactions and columns, one value per clip.
//! Source: section 8, `FRVar` of the challenge.

use rayon::prelude::*;

use super::arrays::Predictions;
use crate::tokens::ATTRIBUTE_COUNT;

/// The mean variance over time of each clip's reactions; 0 for reactions of a single frame.
pub fn frvar(predictions: &Predictions) -> Vec<f64> {
    let of_clip = |clip: usize| {
        let variances =
            (0..predictions.reaction_count()).map(|reaction| variance(predictions.reaction(clip, reaction)));
        variances.sum::<f64>() / predictions.reaction_count() as f64
    };
    (0..predictions.clip_count()).into_par_iter().map(of_clip).collect()
}

/// The variance over time of `[frames, 25]`, averaged over columns.
fn variance(frames: &[f64]) -> f64 {
    let frame_count = frames.len() / ATTRIBUTE_COUNT;
    if frame_count < 2 {
        return 0.0;
    }
    let mut total = 0.0;
    for column in 0..ATTRIBUTE_COUNT {
        let values = || frames[column..].iter().step_by(ATTRIBUTE_COUNT);
        let mean = values().sum::<f64>() / frame_count as f64;
        total += values().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    }
    total / ((frame_count - 1) * ATTRIBUTE_COUNT) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_divides_by_one_frame_less() {
        // One column moves 0, 1: variance 0.5; the other 24 rest.
        let mut frames = vec![0.0; 2 * ATTRIBUTE_COUNT];
        frames[ATTRIBUTE_COUNT] = 1.0;
        assert!((variance(&frames) - 0.5 / 25.0).abs() < 1e-15);
    }
}
