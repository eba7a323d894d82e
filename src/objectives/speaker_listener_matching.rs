//! Speaker-listener matching: class 1 for the true listener, class 0 for one that does not fit.

use burn::tensor::{Int, Tensor};
use unifr_kernels::cross_entropy;

/// Mean over the batch of the cross entropy of "do they match".
///
/// # Shapes
/// - `logits`: `[batch, 2]`
/// - returns: `[1]`
pub fn matching_loss(logits: Tensor<2>, does_match: bool) -> Tensor<1> {
    let (batch, device) = (logits.dims()[0], logits.device());
    let targets = Tensor::<1, Int>::full([batch], i64::from(does_match), &device);
    let weights = Tensor::full([batch], 1.0 / batch as f64, &device);
    cross_entropy(logits, targets, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn the_loss_is_minus_the_logarithm_of_the_classs_probability() {
        // Probabilities 1/4 and 3/4 in both rows.
        let logits = TensorData::from([[1.0_f32.ln(), 3.0_f32.ln()]; 2]);
        let logits = Tensor::<2>::from_data(logits, &Device::flex());
        let loss = |does_match| matching_loss(logits.clone(), does_match).into_scalar::<f32>();
        assert!((loss(true) - (4.0_f32 / 3.0).ln()).abs() < 1e-6);
        assert!((loss(false) - 4.0_f32.ln()).abs() < 1e-6);
    }
}
