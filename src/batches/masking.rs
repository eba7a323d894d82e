//! Which listener tokens are masked in a training item, and which ones the masked loss counts.
//!
//! In:  uniform draws, from a stream of their own.
//! Out: how many tokens are masked, which, and which count.
//! Source: `src/utils/dataset.py` for the masks, section 5.6 of the published model for the counted tokens.

use std::f64::consts::FRAC_PI_2;

use rand::Rng;
use rand::seq::SliceRandom;

/// Tokens per frame: action units, expression, valence-arousal.
pub const MODALITIES: usize = 3;

/// How many of `frame_count` tokens of each modality are masked, for a draw from [0, 1): the cosine favours many.
/// At least one always is: the cosine of a right angle is not quite 0 in double precision.
pub fn mask_count(draw: f64, frame_count: usize) -> usize {
    (frame_count as f64 * (draw * FRAC_PI_2).cos()).ceil() as usize
}

/// Draws which tokens stay visible, `[frames, 3]`: the same number is masked in every modality, at other frames.
pub fn draw_known(random: &mut impl Rng, frame_count: usize) -> Vec<bool> {
    let masked_count = mask_count(random.random(), frame_count);
    let mut is_known = vec![true; frame_count * MODALITIES];
    let mut frames: Vec<usize> = (0..frame_count).collect();
    for modality in 0..MODALITIES {
        let (masked, _) = frames.partial_shuffle(random, masked_count);
        for frame in masked {
            is_known[*frame * MODALITIES + modality] = false;
        }
    }
    is_known
}

/// Which tokens the masked loss counts: the masked ones, and every other one whose draw is below `rate`.
pub fn counted(is_known: &[bool], draws: &[f32], rate: f32) -> Vec<bool> {
    is_known.iter().zip(draws).map(|(is_known, draw)| !is_known || *draw < rate).collect()
}

/// Draws for [`counted`], one per token.
pub fn draw_counted(random: &mut impl Rng, is_known: &[bool], rate: f32) -> Vec<bool> {
    let draws: Vec<f32> = is_known.iter().map(|_| random.random()).collect();
    counted(is_known, &draws, rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};

    #[test]
    fn at_least_one_token_and_at_most_all_are_masked() {
        assert_eq!(mask_count(0.0, 750), 750);
        assert_eq!(mask_count(1.0, 750), 1);
        // 750 * cos(60 degrees) = 375, and the double is a little above it.
        assert_eq!(mask_count(2.0 / 3.0, 750), 376);
    }

    #[test]
    fn every_modality_masks_the_same_number_at_frames_of_its_own() {
        let is_known = draw_known(&mut stream(1, Owner::Masking, [0, 0, 0]), 750);
        let masked = |modality: usize| {
            let frames = is_known.iter().skip(modality).step_by(MODALITIES);
            frames.enumerate().filter(|(_, is_known)| !**is_known).map(|(frame, _)| frame).collect::<Vec<_>>()
        };
        assert_eq!((masked(0).len(), masked(1).len()), (masked(1).len(), masked(2).len()));
        assert!(masked(0) != masked(1) && masked(1) != masked(2) && masked(0) != masked(2));
    }

    #[test]
    fn every_frame_is_masked_equally_often() {
        // The mean of ceil(20 cos(u pi / 2)) is about 20 * 2 / pi + 1 / 2 = 13.2 of 20; 4000 draws of each frame have a
        // standard deviation of about 0.75 %, so 4 % are beyond five of them.
        let mut counts = [0; 20];
        for row in 0..4000 {
            let is_known = draw_known(&mut stream(2, Owner::Masking, [0, row, 0]), 20);
            (0..20).for_each(|frame| counts[frame] += usize::from(!is_known[frame * MODALITIES]));
        }
        let share = counts.iter().sum::<usize>() as f64 / 80_000.0;
        assert!((share - 0.66).abs() < 0.02, "{share}");
        assert!(counts.iter().all(|count| (*count as f64 / 4000.0 - share).abs() < 0.04), "{counts:?}");
    }

    #[test]
    fn masked_tokens_always_count_and_visible_ones_by_their_draw() {
        assert_eq!(counted(&[false, true, true], &[0.9, 0.19, 0.2], 0.2), [true, true, false]);
    }
}
