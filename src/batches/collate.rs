//! From items in plain numbers to tensors on a device.
//!
//! In:  training or prediction items of equal length.
//! Out: [`TrainingBatch`] and [`SpeakerBatch`]; every item owns its memory, so that no prediction depends on its
//! neighbours in the batch (defect 12).

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::sample::{ReactionTokens, SpeakerItem, TrainingItem};
use crate::features::FeatureDims;

/// The speakers of a batch.
#[derive(Clone, Debug)]
pub struct SpeakerBatch {
    /// Expression features, `[batch, frames, width of the stream]`.
    pub expression: Tensor<3>,
    /// Action-unit features, likewise.
    pub action_units: Tensor<3>,
    /// Valence-arousal features, likewise.
    pub valence_arousal: Tensor<3>,
    /// Pose features, one row per frame, likewise.
    pub pose: Tensor<3>,
    /// Log mel filterbank, likewise.
    pub filterbank: Tensor<3>,
    /// Standardised voice statistics of the clip, `[batch, width of the vector]`.
    pub functionals: Tensor<2>,
    /// Standardised voice descriptors of the clip, likewise.
    pub descriptors: Tensor<2>,
    /// True where the frame has a face, `[batch, frames]`.
    pub has_face: Tensor<2, Bool>,
}

/// The listeners of a batch.
#[derive(Clone, Debug)]
pub struct ListenerBatch {
    /// Action-unit codes, `[batch, frames]`.
    pub action_units: Tensor<2, Int>,
    /// Expression codes, likewise.
    pub expression: Tensor<2, Int>,
    /// Valence-arousal codes, likewise.
    pub valence_arousal: Tensor<2, Int>,
    /// True where a code is known and false where it is masked, `[batch, frames, 3]`; `None`: all are known.
    pub known: Option<Tensor<3, Bool>>,
}

/// Which tokens the loss counts.
#[derive(Clone, Debug)]
pub struct Counted {
    /// 1 where a token counts and 0 where it does not, `[batch, frames, 3]`.
    pub weights: Tensor<3>,
    /// How many count.
    pub count: usize,
}

/// What one micro-batch of training needs.
#[derive(Clone, Debug)]
pub struct TrainingBatch {
    /// The speakers.
    pub speaker: SpeakerBatch,
    /// A fitting listener of each, with the tokens that the masked pass knows.
    pub listener: ListenerBatch,
    /// A listener of each that doesn't fit, all tokens known.
    pub impostor: ListenerBatch,
    /// The tokens that the masked loss counts.
    pub counted: Counted,
}

impl TrainingBatch {
    /// The fitting listener with every token known.
    pub fn all_known(&self) -> ListenerBatch {
        ListenerBatch { known: None, ..self.listener.clone() }
    }
}

impl SpeakerBatch {
    /// Puts speakers of equal length side by side.
    pub fn of(items: &[&SpeakerItem], dims: &FeatureDims, device: &Device) -> Self {
        let frames = items.first().map_or(0, |item| item.frame_count);
        let stream = |values: fn(&SpeakerItem) -> &[f32], width: usize| {
            Tensor::<3>::from_data(TensorData::new(joined(items, values), [items.len(), frames, width]), device)
        };
        let vector = |values: fn(&SpeakerItem) -> &[f32], width: usize| {
            Tensor::<2>::from_data(TensorData::new(joined(items, values), [items.len(), width]), device)
        };
        let has_face: Vec<bool> = items.iter().flat_map(|item| item.has_face.iter().copied()).collect();
        Self {
            expression: stream(|item| &item.expression, dims.expression),
            action_units: stream(|item| &item.action_units, dims.action_units),
            valence_arousal: stream(|item| &item.valence_arousal, dims.valence_arousal),
            pose: stream(|item| &item.pose, dims.pose),
            filterbank: stream(|item| &item.filterbank, dims.filterbank),
            functionals: vector(|item| &item.functionals, dims.functionals),
            descriptors: vector(|item| &item.descriptors, dims.descriptors),
            has_face: Tensor::from_data(TensorData::new(has_face, [items.len(), frames]), device),
        }
    }

    /// Number of speakers.
    pub fn clip_count(&self) -> usize {
        self.expression.dims()[0]
    }

    /// Frames of each.
    pub fn frame_count(&self) -> usize {
        self.expression.dims()[1]
    }

    /// Each speaker's frames `first .. first + count`; the clip vectors stay.
    #[must_use]
    pub fn frames(&self, first: usize, count: usize) -> Self {
        let part = |stream: &Tensor<3>| stream.clone().narrow(1, first, count);
        Self {
            expression: part(&self.expression),
            action_units: part(&self.action_units),
            valence_arousal: part(&self.valence_arousal),
            pose: part(&self.pose),
            filterbank: part(&self.filterbank),
            functionals: self.functionals.clone(),
            descriptors: self.descriptors.clone(),
            has_face: self.has_face.clone().narrow(1, first, count),
        }
    }

    /// A single speaker, `count` times.
    #[must_use]
    pub fn repeated(&self, count: usize) -> Self {
        let stream = |tensor: &Tensor<3>| tensor.clone().repeat_dim(0, count);
        let vector = |tensor: &Tensor<2>| tensor.clone().repeat_dim(0, count);
        Self {
            expression: stream(&self.expression),
            action_units: stream(&self.action_units),
            valence_arousal: stream(&self.valence_arousal),
            pose: stream(&self.pose),
            filterbank: stream(&self.filterbank),
            functionals: vector(&self.functionals),
            descriptors: vector(&self.descriptors),
            has_face: self.has_face.clone().repeat_dim(0, count),
        }
    }
}

impl ListenerBatch {
    /// Puts reactions of equal length side by side; all tokens are known.
    pub fn of(reactions: &[&ReactionTokens], device: &Device) -> Self {
        let frames = reactions.first().map_or(0, |tokens| tokens[0].len());
        let codes = [0, 1, 2].map(|slot| reactions.iter().flat_map(|tokens| tokens[slot].iter().copied()).collect());
        Self::of_codes(codes, [reactions.len(), frames], device)
    }

    /// Reactions of which some tokens are known: codes `[clips, frames]` of each codebook, flags `[clips, frames, 3]`.
    pub(crate) fn partly_known(codes: [Vec<i32>; 3], known: Vec<bool>, shape: [usize; 2], device: &Device) -> Self {
        let known = Tensor::from_data(TensorData::new(known, [shape[0], shape[1], 3]), device);
        Self { known: Some(known), ..Self::of_codes(codes, shape, device) }
    }

    fn of_codes(codes: [Vec<i32>; 3], shape: [usize; 2], device: &Device) -> Self {
        let [action_units, expression, valence_arousal] =
            codes.map(|codes| Tensor::<2, Int>::from_data(TensorData::new(codes, shape), device));
        Self { action_units, expression, valence_arousal, known: None }
    }
}

impl TrainingBatch {
    /// Puts training items of equal length side by side; items without an impostor get their own listener for one.
    pub fn of(items: &[TrainingItem], dims: &FeatureDims, device: &Device) -> Self {
        let speakers: Vec<&SpeakerItem> = items.iter().map(|item| &item.speaker).collect();
        let frames = speakers.first().map_or(0, |speaker| speaker.frame_count);
        let shape = [items.len(), frames, 3];
        let listeners: Vec<&ReactionTokens> = items.iter().map(|item| &item.listener).collect();
        let impostors: Vec<&ReactionTokens> =
            items.iter().map(|item| item.impostor.as_ref().unwrap_or(&item.listener)).collect();
        let known: Vec<bool> = items.iter().flat_map(|item| item.is_known.iter().copied()).collect();
        let counted: Vec<f32> =
            items.iter().flat_map(|item| item.is_counted.iter().map(|counts| f32::from(u8::from(*counts)))).collect();
        let count = counted.iter().filter(|weight| **weight > 0.0).count();
        let mut listener = ListenerBatch::of(&listeners, device);
        listener.known = Some(Tensor::from_data(TensorData::new(known, shape), device));
        Self {
            speaker: SpeakerBatch::of(&speakers, dims, device),
            listener,
            impostor: ListenerBatch::of(&impostors, device),
            counted: Counted { weights: Tensor::from_data(TensorData::new(counted, shape), device), count },
        }
    }
}

fn joined(items: &[&SpeakerItem], values: fn(&SpeakerItem) -> &[f32]) -> Vec<f32> {
    items.iter().flat_map(|item| values(item).iter().copied()).collect()
}
