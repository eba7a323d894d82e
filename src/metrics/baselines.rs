//! The challenge's naive baselines: what a score is worth is seen beside them.
//!
//! In:  the speakers of the scored clips, or the people of the training clips.
//! Out: predictions of the same shape as a system's.
//! Source: the challenge's `run_baselines.py`: `Random`, `Mime`, `MeanSeq`, `MeanFr`.

use rand::Rng;

use super::MetricsError;
use super::arrays::{Clips, Predictions};
use crate::random::{Owner, stream};
use crate::tokens::ATTRIBUTE_COUNT;

/// `B_Random`: every attribute of every frame uniform between 0 and 1.
pub fn random(speakers: &Clips, reaction_count: usize, seed: u64) -> Result<Predictions, MetricsError> {
    let count = speakers.frame_count() * ATTRIBUTE_COUNT;
    let mut values = Vec::with_capacity(speakers.clip_count() * reaction_count * count);
    for clip in 0..speakers.clip_count() as u64 {
        for reaction in 0..reaction_count as u64 {
            let mut numbers = stream(seed, Owner::Baselines, [clip, reaction, 0]);
            values.extend((0..count).map(|_| numbers.random::<f64>()));
        }
    }
    predictions(speakers, reaction_count, values)
}

/// `B_Mime`: every reaction is what the speaker does.
pub fn mime(speakers: &Clips, reaction_count: usize) -> Result<Predictions, MetricsError> {
    let repeated = |clip| (0..reaction_count).map(move |_| speakers.clip(clip));
    let values = (0..speakers.clip_count()).flat_map(repeated).flatten().copied().collect();
    predictions(speakers, reaction_count, values)
}

/// `B_MeanSeq`: at each frame the mean over the clips of `training`.
///
/// The challenge averages over speakers and listeners; everybody is each of them once in a dyad, so the mean over all
/// listeners is the same.
pub fn mean_sequence(training: &Clips, speakers: &Clips, reaction_count: usize) -> Result<Predictions, MetricsError> {
    let mean = mean_over_clips(training);
    constant(&mean, speakers, reaction_count)
}

/// `B_MeanFr`: at every frame the mean over all frames of all clips of `training`.
pub fn mean_frame(training: &Clips, speakers: &Clips, reaction_count: usize) -> Result<Predictions, MetricsError> {
    let sequence = mean_over_clips(training);
    let mut mean = [0.0; ATTRIBUTE_COUNT];
    for frame in sequence.chunks_exact(ATTRIBUTE_COUNT) {
        mean.iter_mut().zip(frame).for_each(|(sum, value)| *sum += value);
    }
    let mean = mean.map(|sum| sum / training.frame_count() as f64);
    constant(&mean.repeat(speakers.frame_count()), speakers, reaction_count)
}

fn mean_over_clips(training: &Clips) -> Vec<f64> {
    let mut mean = vec![0.0; training.frame_count() * ATTRIBUTE_COUNT];
    for clip in 0..training.clip_count() {
        mean.iter_mut().zip(training.clip(clip)).for_each(|(sum, value)| *sum += value);
    }
    mean.into_iter().map(|sum| sum / training.clip_count() as f64).collect()
}

/// The same reaction for everybody.
fn constant(reaction: &[f64], speakers: &Clips, reaction_count: usize) -> Result<Predictions, MetricsError> {
    predictions(speakers, reaction_count, reaction.repeat(speakers.clip_count() * reaction_count))
}

fn predictions(speakers: &Clips, reaction_count: usize, values: Vec<f64>) -> Result<Predictions, MetricsError> {
    Predictions::new(&[speakers.clip_count(), reaction_count, speakers.frame_count(), ATTRIBUTE_COUNT], values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clips of two frames; all attributes of a frame are the same number.
    fn people() -> Clips {
        let values = [0.0, 1.0, 2.0, 5.0].iter().flat_map(|&value| [value; ATTRIBUTE_COUNT]).collect();
        Clips::new("speakers", &[2, 2, ATTRIBUTE_COUNT], values).unwrap()
    }

    fn first_attributes(predictions: &Predictions) -> Vec<f64> {
        let clips = 0..predictions.clip_count();
        clips.flat_map(|clip| predictions.clip(clip).iter().step_by(ATTRIBUTE_COUNT).copied()).collect()
    }

    #[test]
    fn mime_repeats_the_speaker_for_every_reaction() {
        assert_eq!(first_attributes(&mime(&people(), 2).unwrap()), [0.0, 1.0, 0.0, 1.0, 2.0, 5.0, 2.0, 5.0]);
    }

    #[test]
    fn means_are_over_clips_or_over_all_frames() {
        assert_eq!(first_attributes(&mean_sequence(&people(), &people(), 1).unwrap()), [1.0, 3.0, 1.0, 3.0]);
        assert_eq!(first_attributes(&mean_frame(&people(), &people(), 1).unwrap()), [2.0; 4]);
    }

    #[test]
    fn random_is_between_zero_and_one_and_repeats_with_its_seed() {
        let draw = |seed| random(&people(), 3, seed).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1).reaction(0, 0), draw(1).reaction(0, 1));
        let all: Vec<f64> = (0..2).flat_map(|clip| draw(1).clip(clip).to_vec()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!(all.iter().all(|value| (0.0..1.0).contains(value)) && (mean - 0.5).abs() < 0.05);
    }
}
