//! Masked response modelling: the masked tokens, and a share of the others, from the whole clip.

use burn::tensor::Tensor;
use unifr_kernels::cross_entropy;

use super::rows::rows;
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
    let weights = counted.weights.clone().div_scalar(counted.count.max(1) as f64);
    let parts = rows(logits, listener).into_iter().enumerate().map(|(slot, (logits, targets))| {
        let weights = weights.clone().narrow(2, slot, 1).reshape([batch * frames]);
        cross_entropy(logits, targets, weights)
    });
    parts.reduce(|total, part| total + part).expect("three codebooks")
}
