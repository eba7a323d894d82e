//! Causal response modelling: every token of the listener from the past.

use burn::tensor::Tensor;
use unifr_kernels::cross_entropy;

use super::rows::rows;
use crate::batches::ListenerBatch;
use crate::model::TokenLogits;

/// Mean over the three codebooks of the mean cross entropy over batch and frames.
///
/// # Shapes
/// - returns: `[1]`
pub fn causal_response_loss(logits: TokenLogits, listener: &ListenerBatch) -> Tensor<1> {
    let parts = rows(logits, listener).into_iter().map(|(logits, targets)| {
        let count = targets.dims()[0];
        let weights = Tensor::full([count], 1.0 / (3 * count) as f64, &logits.device());
        cross_entropy(logits, targets, weights)
    });
    parts.reduce(|total, part| total + part).expect("three codebooks")
}
