//! From items in plain numbers to tensors on a device.
//!
//! In:  training or prediction items of equal length.
//! Out: [`TrainingBatch`] and [`SpeakerBatch`]; every item owns its memory, so that no prediction depends on its
//! neighbours in the batch (defect 12).

use burn::tensor::{Bool, Int, Tensor};

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
