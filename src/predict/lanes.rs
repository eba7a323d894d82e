//! What is decoded side by side, how its tokens are drawn, and what comes out.

use burn::tensor::{Device, Tensor, TensorData};
use unifr_kernels::sampling::{
    CODEBOOKS, Candidates, DrawError, Drawn, Filter, Pick, Sampler, SamplingError, draw, fraction_bits,
};

use crate::model::{ModelError, TokenLogits};
use crate::random::{Owner, seed_of};

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
#[derive(Clone, Copy)]
pub enum Chance<'a> {
    /// By a pure function of this seed, clip, reaction and place, on the device of the model: neither batch nor order
    /// nor device matters.
    Seeded(u64),
    /// By the caller, place by place, on the host; equal places must give equal choices.
    Given(&'a dyn Fn(Draw) -> Choice),
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
    /// The model's vocabularies cannot be sampled.
    #[error(transparent)]
    Draw(#[from] DrawError),
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

/// Draws a token for every modality, row and frame: of each modality `[rows * frames]`, on the model's device.
pub(super) fn drawn(
    logits: TokenLogits,
    lanes: &[Lane],
    temperature_factor: f64,
    round: usize,
    chance: Chance<'_>,
) -> Result<[Drawn; CODEBOOKS], DrawError> {
    let modality_drawn = |logits: Tensor<3>, modality: usize| {
        let [rows, frames, codes] = logits.dims();
        let logits = logits.reshape([rows * frames, codes]);
        let filter = |lane: &Lane| Filter { temperature: lane.filter.temperature * temperature_factor, ..lane.filter };
        match chance {
            Chance::Seeded(seed) => {
                let place = (round * CODEBOOKS + modality) as u64;
                let sampler = |lane: &Lane| Sampler {
                    filter: filter(lane),
                    seed: seed_of(seed, Owner::Sampling, [lane.clip, lane.reaction, place]),
                };
                draw(logits, &lanes.iter().map(sampler).collect::<Vec<_>>())
            }
            Chance::Given(choice) => {
                let choice = |row: usize, position: usize| choice(Draw { row, round, modality, position });
                let filters: Vec<Filter> = lanes.iter().map(filter).collect();
                Ok(given(logits, &filters, frames, choice))
            }
        }
    };
    Ok([
        modality_drawn(logits.action_units, 0)?,
        modality_drawn(logits.expression, 1)?,
        modality_drawn(logits.valence_arousal, 2)?,
    ])
}

/// Draws as the caller chooses, one row at a time.
fn given(logits: Tensor<2>, filters: &[Filter], frames: usize, choice: impl Fn(usize, usize) -> Choice) -> Drawn {
    let ([_, codes], device) = (logits.dims(), logits.device());
    let values: Vec<f32> = logits.into_data().convert::<f32>().try_into_vec().expect("converted to f32 just before");
    let mut candidates = Candidates::default();
    let pick = |(number, logits): (usize, &[f32])| {
        let (row, position) = (number / frames, number % frames);
        match candidates.narrow(logits, filters[row]) {
            Err(error) => Pick { token: 0, probability: error.code() },
            Ok(()) => match choice(row, position) {
                Choice::Greedy => candidates.most_probable(),
                Choice::Uniform(uniform) => candidates.pick(fraction_bits(uniform)),
            },
        }
    };
    let picks: Vec<Pick> = values.chunks(codes).enumerate().map(pick).collect();
    on_device(&picks, &device)
}

fn on_device(picks: &[Pick], device: &Device) -> Drawn {
    let tokens: Vec<i32> = picks.iter().map(|pick| pick.token as i32).collect();
    let probabilities: Vec<f32> = picks.iter().map(|pick| pick.probability).collect();
    let count = picks.len();
    Drawn {
        tokens: Tensor::from_data(TensorData::new(tokens, [count]), device),
        probabilities: Tensor::from_data(TensorData::new(probabilities, [count]), device),
    }
}

/// What was drawn, on the host: tokens of every row and frame, and their probabilities.
pub(super) fn read(drawn: Drawn, frames: usize) -> Result<(Vec<u32>, Vec<f32>), PredictError> {
    let probabilities = probabilities_of(drawn.probabilities.into_data(), |number| number % frames)?;
    Ok((tokens_of(drawn.tokens.into_data()), probabilities))
}

/// Tokens as they came from the device.
pub(super) fn tokens_of(tokens: TensorData) -> Vec<u32> {
    tokens.convert::<u32>().try_into_vec().expect("converted to u32 just before")
}

/// Probabilities as they came from the device; an error in the place of one ends the prediction.
pub(super) fn probabilities_of(
    probabilities: TensorData,
    frame: impl Fn(usize) -> usize,
) -> Result<Vec<f32>, PredictError> {
    let probabilities: Vec<f32> = probabilities.convert::<f32>().try_into_vec().expect("converted to f32 just before");
    let first = probabilities.iter().enumerate().find_map(|(number, found)| Some((number, SamplingError::of(*found)?)));
    match first {
        Some((number, source)) => Err(PredictError::Sampling { frame: frame(number), source }),
        None => Ok(probabilities),
    }
}
