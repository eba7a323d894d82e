//! Masked response modelling: the masked tokens, and a share of the others, from the whole clip.

use burn::tensor::Tensor;

use super::cross_entropy::{losses, rows};
use crate::batches::{Counted, ListenerBatch};
use crate::model::TokenLogits;

/// Sum of the counted tokens' cross entropies over the number of them, all codebooks together.
///
/// Departure: the published loss is 0/0 where nothing counts; here it is 0.
///
/// # Shapes
/// - returns: `[1]`
pub fn masked_response_loss(logits: TokenLogits, listener: &ListenerBatch, counted: &Counted) -> Tensor<1> {
    let [batch, frames, _] = counted.weights.dims();
    let weights = |slot: usize| counted.weights.clone().narrow(2, slot, 1).reshape([batch * frames]);
    let parts = [
        (logits.action_units, &listener.action_units),
        (logits.expression, &listener.expression),
        (logits.valence_arousal, &listener.valence_arousal),
    ];
    let sums = parts.into_iter().enumerate().map(|(slot, (logits, targets))| {
        let (logits, targets) = rows(logits, targets.clone());
        (losses(logits, targets) * weights(slot)).sum()
    });
    let total = sums.reduce(|total, sum| total + sum).expect("three codebooks");
    total.div_scalar(counted.count.max(1) as f64)
}
