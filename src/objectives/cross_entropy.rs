//! Cross entropy of rows of logits.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// -log of the probability that softmax gives to each row's target.
///
/// # Shapes
/// - `logits`: `[rows, classes]`
/// - `targets`: `[rows]`
/// - returns: `[rows]`
pub(super) fn losses(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let chosen = log_softmax(logits, 1).gather(1, targets.unsqueeze_dim::<2>(1));
    chosen.squeeze_dim::<1>(1).neg()
}

/// Rows of a batch, one after the other.
pub(super) fn rows(logits: Tensor<3>, targets: Tensor<2, Int>) -> (Tensor<2>, Tensor<1, Int>) {
    let [batch, frames, classes] = logits.dims();
    (logits.reshape([batch * frames, classes]), targets.reshape([batch * frames]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn the_loss_is_minus_the_logarithm_of_the_targets_probability() {
        let device = Device::flex();
        // Probabilities 1/4 and 3/4.
        let logits = Tensor::<2>::from_data(TensorData::from([[1.0_f32.ln(), 3.0_f32.ln()]; 2]), &device);
        let targets = Tensor::<1, Int>::from_data(TensorData::from([0_i64, 1]), &device);
        let found: Vec<f32> = losses(logits, targets).into_data().iter::<f32>().collect();
        assert!((found[0] - 4.0_f32.ln()).abs() < 1e-6 && (found[1] - (4.0_f32 / 3.0).ln()).abs() < 1e-6);
    }
}
