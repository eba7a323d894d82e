//! What is decoded side by side, how its tokens are drawn, and what comes out.

use burn::tensor::Tensor;
use rand::Rng;
use rayon::prelude::*;
use unifr_kernels::sampling::{Filter, Pick, SamplingError, pick, probabilities};

use crate::model::{ModelError, TokenLogits};
use crate::random::{Owner, stream};

/// One row of a decoded batch: a speaker and one of its reactions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lane {
    /// Names the lane's own stream of chance, e.g. the clip's number.
    pub clip: u64,
    /// Which of the clip's reactions.
    pub reaction: u64,
    /// How its logits are narrowed.
    pub filter: Filter,
}

/// Where a token is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Row of the batch.
    pub row: usize,
    /// Unmask step of the offline task, or window of the online task, from 0.
    pub round: usize,
    /// 0 action units, 1 expression, 2 valence-arousal.
    pub modality: usize,
    /// Frame among those drawn in this round.
    pub position: usize,
}

/// How a token is chosen from its probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    /// The most probable; the lower one of equals.
    Greedy,
    /// The first whose cumulative probability exceeds this number in [0, 1).
    Uniform(f64),
}

/// Decides how each token is chosen.
pub trait Chance: Sync {
    /// The choice at a place; equal arguments give equal choices.
    fn choice(&self, lane: &Lane, draw: Draw) -> Choice;
}

/// Seeded draws: a pure function of seed, clip, reaction and place, so that neither batch nor order matters.
#[derive(Clone, Copy, Debug)]
pub struct SeededChance {
    /// Of the prediction.
    pub seed: u64,
}

impl Chance for SeededChance {
    fn choice(&self, lane: &Lane, draw: Draw) -> Choice {
        let place = (draw.round as u64) << 34 | (draw.modality as u64) << 32 | draw.position as u64;
        Choice::Uniform(stream(self.seed, Owner::Sampling, [lane.clip, lane.reaction, place]).random())
    }
}

/// Reactions as tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// `[modality][row][frame]`, in the order action units, expression, valence-arousal.
    pub tokens: [Vec<Vec<u32>>; 3],
    /// Of each row: sum of the logarithms of its tokens' probabilities when they were accepted.
    ///
    /// Departure: the published sum is NaN with more than one unmask step (defect 25).
    pub log_probabilities: Vec<f64>,
}

/// Why a prediction ended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PredictError {
    /// The speaker does not fit the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's logits cannot be sampled.
    #[error(
        "no token can be drawn at frame {frame}: {source}; the weights may be damaged, or trained with a rate too high"
    )]
    Sampling {
        /// Frame of the round.
        frame: usize,
        /// What is wrong with the logits.
        source: SamplingError,
    },
}

/// Draws a token for every row, modality and frame: `picks[modality][row][frame]`.
pub(super) fn picks(
    logits: TokenLogits,
    lanes: &[Lane],
    temperature_factor: f64,
    round: usize,
    chance: &dyn Chance,
) -> Result<[Vec<Vec<Pick>>; 3], PredictError> {
    let parts = [logits.action_units, logits.expression, logits.valence_arousal];
    let mut all = [const { Vec::new() }; 3];
    for (modality, part) in parts.into_iter().enumerate() {
        all[modality] = modality_picks(part, lanes, temperature_factor, round, modality, chance)?;
    }
    Ok(all)
}

fn modality_picks(
    logits: Tensor<3>,
    lanes: &[Lane],
    temperature_factor: f64,
    round: usize,
    modality: usize,
    chance: &dyn Chance,
) -> Result<Vec<Vec<Pick>>, PredictError> {
    let [_, frames, codes] = logits.dims();
    let mut values: Vec<f32> =
        logits.into_data().convert::<f32>().try_into_vec().expect("converted to f32 just before");
    let drawn: Result<Vec<Pick>, PredictError> = values
        .par_chunks_mut(codes)
        .enumerate()
        .map(|(number, values)| {
            let (row, position) = (number / frames, number % frames);
            let lane = &lanes[row];
            let filter = Filter { temperature: lane.filter.temperature * temperature_factor, ..lane.filter };
            probabilities(values, filter).map_err(|source| PredictError::Sampling { frame: position, source })?;
            Ok(match chance.choice(lane, Draw { row, round, modality, position }) {
                Choice::Greedy => most_probable(values),
                Choice::Uniform(uniform) => pick(values, uniform),
            })
        })
        .collect();
    Ok(drawn?.chunks(frames).map(<[Pick]>::to_vec).collect())
}

fn most_probable(probabilities: &[f32]) -> Pick {
    let mut best = Pick { token: 0, probability: probabilities[0] };
    for (token, probability) in probabilities.iter().enumerate() {
        if *probability > best.probability {
            best = Pick { token, probability: *probability };
        }
    }
    best
}
