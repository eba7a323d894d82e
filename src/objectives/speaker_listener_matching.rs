//! Speaker-listener matching: class 1 for the true listener, class 0 for one that does not fit.

use burn::tensor::{Int, Tensor};

use super::cross_entropy::losses;

/// Mean over the batch of the cross entropy of "do they match".
///
/// # Shapes
/// - `logits`: `[batch, 2]`
/// - returns: `[1]`
pub fn matching_loss(logits: Tensor<2>, does_match: bool) -> Tensor<1> {
    let batch = logits.dims()[0];
    let targets = Tensor::<1, Int>::full([batch], i64::from(does_match), &logits.device());
    losses(logits, targets).mean()
}
