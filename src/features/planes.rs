//! What the convolutional networks do with whole planes.

use burn::tensor::{DType, Tensor};

/// The mean of each channel.
///
/// # Shapes
/// - `planes`: `[batch, channels, height, width]`
/// - returns: `[batch, channels, 1, 1]`
pub(super) fn means(planes: Tensor<4>) -> Tensor<4> {
    planes.mean_dim(3).mean_dim(2)
}

/// The feature behind the last layer: each channel's mean, in f32.
///
/// # Shapes
/// - `planes`: `[batch, channels, height, width]`
/// - returns: `[batch, channels]`
pub(super) fn pooled(planes: Tensor<4>) -> Tensor<2> {
    means(planes.cast(DType::F32)).flatten(1, 3)
}
