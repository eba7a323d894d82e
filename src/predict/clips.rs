//! Ten reactions for every clip of a prepared file.

use burn::tensor::Device;
use unifr_kernels::sampling::Filter;

use super::lanes::{Chance, Decoded, Lane, PredictError};
use super::offline::OfflineDecoder;
use super::online::OnlineDecoder;
use crate::batches::{SpeakerBatch, SpeakerItem};
use crate::config::{RunConfig, Task};
use crate::model::Transformer;
use crate::tokens::{FrameTokens, TokenArray};

/// Everything that decides a prediction but the speaker.
#[derive(Debug)]
pub struct Predictor {
    /// The trained model.
    pub model: Transformer,
    /// The task.
    pub task: Task,
    /// How each of the reactions is drawn.
    pub filters: Vec<Filter>,
    /// Reactions decoded side by side; the result does not depend on it.
    pub rows: usize,
    /// Decoding of the offline task.
    pub offline: OfflineDecoder,
    /// Decoding of the online task.
    pub online: OnlineDecoder,
    /// Seed of the draws.
    pub seed: u64,
}

/// What was predicted for a whole file.
#[derive(Clone, Debug)]
pub struct Predicted {
    /// `[3, clips, reactions, frames]`.
    pub tokens: TokenArray,
    /// `[clips][reactions]`.
    pub log_probabilities: Vec<Vec<f64>>,
}

impl Predictor {
    /// The decoding that a config asks for.
    pub fn new(model: Transformer, config: &RunConfig, task: Task) -> Self {
        let decoding = config.decoding();
        let filters = config
            .sampling_per_reaction()
            .into_iter()
            .map(|sampling| Filter { temperature: sampling.temperature, top_k: sampling.top_k, top_p: sampling.top_p })
            .collect();
        Self {
            model,
            task,
            filters,
            rows: config.test_params.batch_size,
            offline: OfflineDecoder {
                unmask_steps: decoding.unmask_step_count,
                temp_decay: decoding.temp_decay,
                ties: decoding.ties,
            },
            online: OnlineDecoder { window: decoding.online_step, look_back: decoding.online_max_len },
            seed: decoding.seed,
        }
    }

    /// All reactions of one speaker as a token array of one clip; `clip` names its stream of chance.
    pub fn react_whole(&self, speaker: &SpeakerItem, clip: u64, device: &Device) -> Result<Predicted, PredictError> {
        let mut predicted = Predicted::empty(1, self.filters.len(), speaker.frame_count);
        for part in self.react(speaker, clip, device)? {
            predicted.add(0, &part);
        }
        Ok(predicted)
    }

    /// All reactions of one speaker; `clip` names its stream of chance.
    pub fn react(&self, speaker: &SpeakerItem, clip: u64, device: &Device) -> Result<Vec<Decoded>, PredictError> {
        let one = SpeakerBatch::of(&[speaker], &self.model.config().dims, device);
        let chance = Chance::Seeded(self.seed);
        let lanes: Vec<Lane> = self
            .filters
            .iter()
            .enumerate()
            .map(|(reaction, filter)| Lane { clip, reaction: reaction as u64, filter: *filter })
            .collect();
        lanes
            .chunks(self.rows.max(1))
            .map(|lanes| {
                let speakers = one.repeated(lanes.len());
                match self.task {
                    Task::Offline => self.offline.decode(&self.model, &speakers, lanes, chance),
                    Task::Online => self.online.decode(&self.model, &speakers, lanes, chance),
                }
            })
            .collect()
    }
}

/// Predicts every clip in order; `speaker` reads one, `done` hears of each that is finished.
pub fn predict_clips<E: From<PredictError>>(
    predictor: &Predictor,
    clip_count: usize,
    frame_count: usize,
    device: &Device,
    mut speaker: impl FnMut(usize) -> Result<SpeakerItem, E>,
    mut done: impl FnMut(usize) -> Result<(), E>,
) -> Result<Predicted, E> {
    let mut predicted = Predicted::empty(clip_count, predictor.filters.len(), frame_count);
    for clip in 0..clip_count {
        let parts = predictor.react(&speaker(clip)?, clip as u64, device)?;
        for part in parts {
            predicted.add(clip, &part);
        }
        done(clip)?;
    }
    Ok(predicted)
}

impl Predicted {
    fn empty(clips: usize, reactions: usize, frames: usize) -> Self {
        Self {
            tokens: TokenArray::zeros(clips, reactions, frames),
            log_probabilities: vec![Vec::with_capacity(reactions); clips],
        }
    }

    fn add(&mut self, clip: usize, part: &Decoded) {
        for (row, log_probability) in part.log_probabilities.iter().enumerate() {
            let reaction = self.log_probabilities[clip].len();
            for frame in 0..part.tokens[0][row].len() {
                let [action_units, expression, valence_arousal] =
                    [0, 1, 2].map(|modality| part.tokens[modality][row][frame]);
                let tokens = FrameTokens { action_units, expression, valence_arousal };
                self.tokens.set_frame(clip, reaction, frame, tokens);
            }
            self.log_probabilities[clip].push(*log_probability);
        }
    }
}
