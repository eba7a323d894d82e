//! All six scores of one set of predictions.
//!
//! In:  predictions, real listeners, speakers, neighbour lists.
//! Out: [`Scores`]: the published values, what they mean beside them, and the values of every clip.

use serde::Serialize;

use super::arrays::{Clips, Predictions, Watcher};
use super::{MetricsError, Synchrony, frcorr, frdist, frdiv, frdvs, frsyn, frvar};
use crate::dataset::{Appropriateness, Partition};

/// A score that is one value per reaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReactionScore {
    /// Published behaviour: summed over the reactions of a clip (ten in the challenge), then averaged over clips.
    pub sum_over_reactions: f64,
    /// Averaged over reactions and clips.
    pub mean_over_reactions: f64,
}

/// FRSyn, as published and plainly; all in frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SynchronyScore {
    /// Published behaviour: the mean absolute offset of the first reaction only, where a constant column gives 49
    /// (defect 33).
    pub published_first_reaction: f64,
    /// The same over all reactions: the published serial version, which no published number used.
    pub published_all_reactions: f64,
    /// The mean absolute offset over all reactions without constant columns; none where no reaction has an offset.
    pub plain: Option<f64>,
    /// The share of clips in which at least one reaction has no offset, because no column moves in both people.
    pub undefined_share: f64,
}

/// What one clip contributes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClipScores {
    /// FRCorr of each reaction.
    pub frcorr: Vec<f64>,
    /// FRDist of each reaction.
    pub frdist: Vec<f64>,
    /// FRDiv of the clip.
    pub frdiv: f64,
    /// FRVar of the clip.
    pub frvar: f64,
    /// The offset of each reaction, in frames.
    pub frsyn: Vec<Synchrony>,
}

/// The six scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Clips scored.
    pub clip_count: usize,
    /// Reactions of each clip.
    pub reaction_count: usize,
    /// Frames of each reaction.
    pub frame_count: usize,
    /// Agreement with the best appropriate reaction; larger is better.
    pub frcorr: ReactionScore,
    /// Distance from the nearest appropriate reaction; smaller is better.
    pub frdist: ReactionScore,
    /// Difference between the reactions to one speaker.
    pub frdiv: f64,
    /// Movement over time.
    pub frvar: f64,
    /// Difference between the reactions to different speakers.
    pub frdvs: f64,
    /// Lag behind the speaker; smaller is better.
    pub frsyn: SynchronyScore,
    /// The values of every clip, in the order of the predictions.
    pub clips: Vec<ClipScores>,
}

/// Scores all predictions on all cores; `watcher` hears of every reaction done.
pub fn evaluate(
    predictions: &Predictions,
    listeners: &Clips,
    speakers: &Clips,
    neighbours: &Appropriateness,
    watcher: Watcher<'_>,
) -> Result<Scores, MetricsError> {
    predictions.check_beside("listeners", listeners)?;
    predictions.check_beside("speakers", speakers)?;
    predictions.check_neighbours(neighbours)?;
    let frcorr = frcorr(predictions, listeners, neighbours, watcher);
    let frsyn = frsyn(predictions, speakers, watcher);
    let (frdiv, frvar) = (frdiv(predictions), frvar(predictions));
    let frdist = frdist(predictions, listeners, neighbours, watcher);
    let reaction_count = predictions.reaction_count();
    let of_clip = |clip: usize| {
        let reactions = clip * reaction_count..(clip + 1) * reaction_count;
        ClipScores {
            frcorr: frcorr[reactions.clone()].to_vec(),
            frdist: frdist[reactions.clone()].to_vec(),
            frdiv: frdiv[clip],
            frvar: frvar[clip],
            frsyn: frsyn[reactions].to_vec(),
        }
    };
    Ok(Scores {
        clip_count: predictions.clip_count(),
        reaction_count,
        frame_count: predictions.frame_count(),
        frcorr: ReactionScore::of(&frcorr, reaction_count),
        frdist: ReactionScore::of(&frdist, reaction_count),
        frdiv: mean(frdiv.iter().copied()),
        frvar: mean(frvar.iter().copied()),
        frdvs: frdvs(predictions),
        frsyn: SynchronyScore::of(&frsyn, reaction_count),
        clips: (0..predictions.clip_count()).map(of_clip).collect(),
    })
}

impl ReactionScore {
    fn of(values: &[f64], reaction_count: usize) -> Self {
        let mean_over_reactions = mean(values.iter().copied());
        Self { sum_over_reactions: mean_over_reactions * reaction_count as f64, mean_over_reactions }
    }
}

impl SynchronyScore {
    fn of(values: &[Synchrony], reaction_count: usize) -> Self {
        let size = |offset: i64| offset.unsigned_abs() as f64;
        let plain: Vec<f64> = values.iter().filter_map(|value| value.plain).map(size).collect();
        let undefined = |clip: &[Synchrony]| f64::from(u8::from(clip.iter().any(|value| value.plain.is_none())));
        Self {
            published_first_reaction: mean(values.iter().step_by(reaction_count).map(|value| size(value.published))),
            published_all_reactions: mean(values.iter().map(|value| size(value.published))),
            plain: (!plain.is_empty()).then(|| mean(plain.iter().copied())),
            undefined_share: mean(values.chunks_exact(reaction_count).map(undefined)),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Refuses to measure predictions of one partition with the ground truth of another.
///
/// Departure: `test.py -d test` silently uses the ground truth of `val` (defect 32).
pub fn same_partition(predictions: Partition, truth: Partition) -> Result<(), MetricsError> {
    if predictions == truth { Ok(()) } else { Err(MetricsError::OtherPartition { predictions, truth }) }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;
    use crate::metrics::baselines;
    use crate::tokens::ATTRIBUTE_COUNT;

    fn people(seed: u64, clip_count: usize) -> Clips {
        let blank =
            Clips::new("blank", &[clip_count, 60, ATTRIBUTE_COUNT], vec![0.0; clip_count * 60 * ATTRIBUTE_COUNT]);
        let drawn = baselines::random(&blank.unwrap(), 1, seed).unwrap();
        let values = (0..clip_count).flat_map(|clip| drawn.clip(clip).to_vec()).collect();
        Clips::new("people", &[clip_count, 60, ATTRIBUTE_COUNT], values).unwrap()
    }

    fn matrix(rows: &[&[u32]]) -> Appropriateness {
        Appropriateness::from_rows(rows.iter().map(|row| row.to_vec()).collect()).unwrap()
    }

    fn silent(_: crate::metrics::Progress) {}

    #[test]
    fn predicting_the_real_listener_is_perfect() {
        let (listeners, speakers) = (people(1, 3), people(2, 3));
        let perfect = baselines::mime(&listeners, 2).unwrap();
        let scores = evaluate(&perfect, &listeners, &speakers, &matrix(&[&[0, 1], &[1], &[0, 2]]), &silent).unwrap();
        assert!((scores.frcorr.mean_over_reactions - 1.0).abs() < 1e-6);
        assert!((scores.frcorr.sum_over_reactions - 2.0).abs() < 1e-6);
        assert_eq!(scores.frdist.sum_over_reactions, 0.0);
        assert_eq!(scores.frdiv, 0.0);
    }

    #[test]
    fn the_order_of_reactions_leaves_all_but_the_first_reaction_score() {
        let (listeners, speakers) = (people(1, 3), people(2, 3));
        let predictions = baselines::random(&speakers, 3, 7).unwrap();
        let reversed: Vec<f64> = (0..3)
            .flat_map(|clip| (0..3).rev().map(move |reaction| (clip, reaction)))
            .flat_map(|(clip, reaction)| predictions.reaction(clip, reaction).to_vec())
            .collect();
        let reversed = Predictions::new(&[3, 3, 60, ATTRIBUTE_COUNT], reversed).unwrap();
        let neighbours = matrix(&[&[0, 1, 2], &[1], &[0, 2]]);
        let one = evaluate(&predictions, &listeners, &speakers, &neighbours, &silent).unwrap();
        let other = evaluate(&reversed, &listeners, &speakers, &neighbours, &silent).unwrap();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * a.abs(), "{a} {b}");
        close(one.frcorr.sum_over_reactions, other.frcorr.sum_over_reactions);
        close(one.frdist.sum_over_reactions, other.frdist.sum_over_reactions);
        close(one.frdiv, other.frdiv);
        close(one.frvar, other.frvar);
        close(one.frdvs, other.frdvs);
        close(one.frsyn.published_all_reactions, other.frsyn.published_all_reactions);
        assert_eq!(one.clips[1].frsyn[0], other.clips[1].frsyn[2]);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (listeners, speakers) = (people(1, 4), people(2, 4));
        let predictions = baselines::random(&speakers, 2, 7).unwrap();
        let neighbours = matrix(&[[0, 1, 2, 3].as_slice(); 4]);
        let with_threads = |count: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            pool.install(|| evaluate(&predictions, &listeners, &speakers, &neighbours, &silent).unwrap())
        };
        assert_eq!(with_threads(1), with_threads(3));
    }

    #[test]
    fn clips_without_an_offset_are_counted_apart() {
        let values = [(Some(4), 4), (None, 49), (Some(-2), 49), (Some(6), 6)];
        let values: Vec<Synchrony> =
            values.into_iter().map(|(plain, published)| Synchrony { published, plain }).collect();
        let expected = SynchronyScore {
            published_first_reaction: 26.5,
            published_all_reactions: 27.0,
            plain: Some(4.0),
            undefined_share: 0.5,
        };
        assert_eq!(SynchronyScore::of(&values, 2), expected);
    }

    #[test]
    fn test_predictions_are_not_measured_with_the_truth_of_val() {
        assert!(same_partition(Partition::Val, Partition::Val).is_ok());
        let error = same_partition(Partition::Test, Partition::Val).unwrap_err().to_string();
        assert!(
            error.starts_with("predictions for `test` cannot be measured with the ground truth of `val`"),
            "{error}"
        );
    }
}
