//! From features and codes to tokens: six per frame, face, pose, voice, action units, expression, valence-arousal.
//!
//! In:  the speaker's features, the listener's codes and which of them are known.
//! Out: `[batch, frames * 6 (+ 1), width]` with the time table added.
//! Source: section 5.2 of the specification of the published model.

use burn::module::{Module, Param};
use burn::nn::{self, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Tensor, TensorData};
use unifr_kernels::dropout;

use super::config::{ModelConfig, ModelError};
use super::product::product;
use super::transformer::Mode;
use crate::batches::{ListenerBatch, SpeakerBatch};
use crate::device::Precision;

/// What stands after the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Nothing.
    Nothing,
    /// The token at which the matching is read.
    Matching,
    /// The clip's voice.
    Voice,
}

/// All projections, code tables and learned vectors in front of the blocks.
#[derive(Module, Debug)]
pub struct Embedding {
    /// Projections of the three face streams; their results are joined to one token.
    pub expression: Linear,
    /// See `expression`.
    pub action_units: Linear,
    /// See `expression`.
    pub valence_arousal: Linear,
    /// Projection of the pose stream.
    pub pose: Linear,
    /// Projection of the filterbank.
    pub filterbank: Linear,
    /// Projections of the two clip vectors; their results are joined to one token.
    pub functionals: Linear,
    /// See `functionals`.
    pub descriptors: Linear,
    /// Vectors of the action-unit codes.
    pub listener_action_units: nn::Embedding,
    /// Vectors of the expression codes.
    pub listener_expression: nn::Embedding,
    /// Vectors of the valence-arousal codes.
    pub listener_valence_arousal: nn::Embedding,
    /// Kind vectors: what sort of token a token is.
    pub face_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub pose_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub filterbank_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub voice_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub listener_action_units_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub listener_expression_kind: Param<Tensor<3>>,
    /// See `face_kind`.
    pub listener_valence_arousal_kind: Param<Tensor<3>>,
    /// Stands for a frame without a face.
    pub no_face: Param<Tensor<3>>,
    /// Stands for a masked listener token.
    pub masked: Param<Tensor<4>>,
    /// The token at which the matching is read.
    pub matching: Param<Tensor<3>>,
    /// Sines and cosines by token position; never trained.
    pub time: Param<Tensor<3>>,
}

impl Embedding {
    pub(super) fn new(config: &ModelConfig, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let table = |codes| EmbeddingConfig::new(codes, config.width).init(device);
        let vector = || Param::from_tensor(Tensor::zeros([1, 1, config.width], device));
        let [expression, action_units, valence_arousal] = config.face_parts();
        let dims = config.dims;
        Self {
            expression: linear(dims.expression, expression),
            action_units: linear(dims.action_units, action_units),
            valence_arousal: linear(dims.valence_arousal, valence_arousal),
            pose: linear(dims.pose, config.width),
            filterbank: linear(dims.filterbank, config.width),
            functionals: linear(dims.functionals, config.width / 2),
            descriptors: linear(dims.descriptors, config.width / 2),
            listener_action_units: table(config.vocabulary.action_units),
            listener_expression: table(config.vocabulary.expression),
            listener_valence_arousal: table(config.vocabulary.valence_arousal),
            face_kind: vector(),
            pose_kind: vector(),
            filterbank_kind: vector(),
            voice_kind: vector(),
            listener_action_units_kind: vector(),
            listener_expression_kind: vector(),
            listener_valence_arousal_kind: vector(),
            no_face: vector(),
            masked: Param::from_tensor(Tensor::zeros([1, 1, 1, config.width], device)),
            matching: vector(),
            time: time_table(config.positions(), config.width, device),
        }
    }

    /// Tokens of a batch.
    ///
    /// # Shapes
    /// - returns: `[batch, frames * 6 (+ 1), width]`
    pub(super) fn forward(
        &self,
        speaker: &SpeakerBatch,
        listener: &ListenerBatch,
        last: Last,
        config: &ModelConfig,
        mode: Mode,
        precision: Precision,
    ) -> Tensor<3> {
        let drop = |place, token: Tensor<3>| dropout(token, mode.dropout(place, config.embedding_dropout));
        let [batch, frames, _] = speaker.expression.dims();
        let known = |slot: usize| {
            listener.known.clone().map(|known| known.narrow(2, slot, 1).expand([batch, frames, config.width]))
        };
        let slots = [
            drop(0, self.face(speaker, config.width, precision)) + self.face_kind.val(),
            drop(1, product(&self.pose, speaker.pose.clone(), precision)) + self.pose_kind.val(),
            drop(2, product(&self.filterbank, speaker.filterbank.clone(), precision)) + self.filterbank_kind.val(),
            self.unless_masked(drop(3, self.listener_action_units.forward(listener.action_units.clone())), known(0))
                + self.listener_action_units_kind.val(),
            self.unless_masked(drop(4, self.listener_expression.forward(listener.expression.clone())), known(1))
                + self.listener_expression_kind.val(),
            self.unless_masked(
                drop(5, self.listener_valence_arousal.forward(listener.valence_arousal.clone())),
                known(2),
            ) + self.listener_valence_arousal_kind.val(),
        ];
        let tokens = Tensor::stack::<4>(slots.to_vec(), 2).reshape([batch, 6 * frames, config.width]);
        let tokens = match self.last(speaker, last, [batch, config.width], precision) {
            Some(token) => Tensor::cat(vec![tokens, token], 1),
            None => tokens,
        };
        let count = tokens.dims()[1];
        tokens + self.time.val().narrow(1, 0, count)
    }

    fn face(&self, speaker: &SpeakerBatch, width: usize, precision: Precision) -> Tensor<3> {
        let parts = vec![
            product(&self.expression, speaker.expression.clone(), precision),
            product(&self.action_units, speaker.action_units.clone(), precision),
            product(&self.valence_arousal, speaker.valence_arousal.clone(), precision),
        ];
        let face = Tensor::cat(parts, 2);
        let [batch, frames, _] = face.dims();
        let has_face = speaker.has_face.clone().unsqueeze_dim::<3>(2).expand([batch, frames, width]);
        self.no_face.val().expand([batch, frames, width]).mask_where(has_face, face)
    }

    fn unless_masked(&self, token: Tensor<3>, known: Option<Tensor<3, Bool>>) -> Tensor<3> {
        let Some(known) = known else { return token };
        let masked = self.masked.val().squeeze_dim::<3>(0).expand(token.shape());
        masked.mask_where(known, token)
    }

    fn last(
        &self,
        speaker: &SpeakerBatch,
        last: Last,
        [batch, width]: [usize; 2],
        precision: Precision,
    ) -> Option<Tensor<3>> {
        match last {
            Last::Nothing => None,
            Last::Matching => Some(self.matching.val().expand([batch, 1, width])),
            Last::Voice => {
                let functionals = product(&self.functionals, speaker.functionals.clone(), precision);
                let descriptors = product(&self.descriptors, speaker.descriptors.clone(), precision);
                let voice = Tensor::cat(vec![functionals, descriptors], 1).unsqueeze_dim::<3>(1);
                Some(voice + self.voice_kind.val())
            }
        }
    }
}

/// Refuses a batch that does not fit the model.
pub(super) fn check(speaker: &SpeakerBatch, listener: &ListenerBatch, config: &ModelConfig) -> Result<(), ModelError> {
    let [batch, frames, _] = speaker.expression.dims();
    if frames > config.frames {
        return Err(ModelError::TooLong { found: frames, limit: config.frames });
    }
    let dims = config.dims;
    let shapes: [(&'static str, Vec<usize>, Vec<usize>); 11] = [
        ("expression features", speaker.expression.dims().into(), vec![batch, frames, dims.expression]),
        ("action-unit features", speaker.action_units.dims().into(), vec![batch, frames, dims.action_units]),
        ("valence-arousal features", speaker.valence_arousal.dims().into(), vec![batch, frames, dims.valence_arousal]),
        ("pose features", speaker.pose.dims().into(), vec![batch, frames, dims.pose]),
        ("filterbank", speaker.filterbank.dims().into(), vec![batch, frames, dims.filterbank]),
        ("functionals", speaker.functionals.dims().into(), vec![batch, dims.functionals]),
        ("descriptors", speaker.descriptors.dims().into(), vec![batch, dims.descriptors]),
        ("face flags", speaker.has_face.dims().into(), vec![batch, frames]),
        ("action-unit codes", listener.action_units.dims().into(), vec![batch, frames]),
        ("expression codes", listener.expression.dims().into(), vec![batch, frames]),
        ("valence-arousal codes", listener.valence_arousal.dims().into(), vec![batch, frames]),
    ];
    match shapes.into_iter().find(|(_, found, expected)| found != expected) {
        Some((name, found, expected)) => Err(ModelError::Batch { name, found, expected }),
        None => Ok(()),
    }
}

/// `sin(p / 10000^(2 (j div 2) / width))` at even j, the cosine of it at odd j, computed in double.
fn time_table(positions: usize, width: usize, device: &Device) -> Param<Tensor<3>> {
    let value = |position: usize, column: usize| {
        let angle = position as f64 / 10000_f64.powf((2 * (column / 2)) as f64 / width as f64);
        (if column.is_multiple_of(2) { angle.sin() } else { angle.cos() }) as f32
    };
    let values: Vec<f32> = (0..positions).flat_map(|p| (0..width).map(move |j| value(p, j))).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, [1, positions, width]), device))
        .set_require_grad(false)
}
