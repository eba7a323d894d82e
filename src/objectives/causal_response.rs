//! Causal response modelling: every token of the listener from the past.

use burn::tensor::Tensor;

use super::cross_entropy::{losses, rows};
use crate::batches::ListenerBatch;
use crate::model::TokenLogits;

/// Mean over the three codebooks of the mean cross entropy over batch and frames.
///
/// # Shapes
/// - returns: `[1]`
pub fn causal_response_loss(logits: TokenLogits, listener: &ListenerBatch) -> Tensor<1> {
    let parts = [
        (logits.action_units, &listener.action_units),
        (logits.expression, &listener.expression),
        (logits.valence_arousal, &listener.valence_arousal),
    ];
    let means = parts.into_iter().map(|(logits, targets)| {
        let (logits, targets) = rows(logits, targets.clone());
        losses(logits, targets).mean()
    });
    means.reduce(|total, mean| total + mean).expect("three codebooks").div_scalar(3.0)
}
