//! Layer norms of the networks, run by the kernel that does a row in one pass.

use burn::nn::LayerNorm;
use burn::tensor::{DType, Tensor};
use unifr_kernels::layer_norm;

/// The norm over the last axis; in f32 whatever the precision of the network.
pub(super) fn normalised<const D: usize>(norm: &LayerNorm, hidden: Tensor<D>, epsilon: f64) -> Tensor<D> {
    let bias = norm.beta.as_ref().expect("every layer norm of the networks has a bias").val();
    let [weight, bias] = [norm.gamma.val(), bias].map(|tensor| tensor.cast(DType::F32));
    let precision = hidden.dtype();
    layer_norm(hidden.cast(DType::F32), weight, bias, epsilon).cast(precision)
}
