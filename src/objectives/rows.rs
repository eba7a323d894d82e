//! Frames of all clips, one row after the other, as the cross entropy wants them.

use burn::tensor::{Int, Tensor};

use crate::batches::ListenerBatch;
use crate::model::TokenLogits;

/// Logits `[batch * frames, codes]` and targets `[batch * frames]` of each codebook.
pub(super) fn rows(logits: TokenLogits, listener: &ListenerBatch) -> [(Tensor<2>, Tensor<1, Int>); 3] {
    [
        (logits.action_units, &listener.action_units),
        (logits.expression, &listener.expression),
        (logits.valence_arousal, &listener.valence_arousal),
    ]
    .map(|(logits, targets)| {
        let [batch, frames, codes] = logits.dims();
        (logits.reshape([batch * frames, codes]), targets.clone().reshape([batch * frames]))
    })
}
