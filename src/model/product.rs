//! Products of a linear layer in the run's number format, as under PyTorch's autocast.
//!
//! Weights are `f32` and are cast where they are used, so their gradients come back as `f32`.
//! Departure: between two products the published code keeps 16-bit values (GELU, dropout); here everything but the
//! operands of products and attention is `f32`.

use burn::nn::Linear;
use burn::tensor::{DType, Tensor, module::linear};

use crate::device::Precision;

/// A linear layer; the result is in the number format of the product, for another product to read.
///
/// # Shapes
/// - `input`: `[.., in]`
/// - returns: `[.., out]`
pub(super) fn half_product<const D: usize>(layer: &Linear, input: Tensor<D>, precision: Precision) -> Tensor<D> {
    let Some(half) = precision.half() else { return layer.forward(input) };
    let bias = layer.bias.as_ref().map(|bias| bias.val().cast(half));
    linear(input.cast(half), layer.weight.val().cast(half), bias)
}

/// A linear layer; the result is `f32`.
///
/// # Shapes
/// - `input`: `[.., in]`
/// - returns: `[.., out]`
pub(super) fn product<const D: usize>(layer: &Linear, input: Tensor<D>, precision: Precision) -> Tensor<D> {
    half_product(layer, input, precision).cast(DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Param;
    use burn::nn::LinearConfig;
    use burn::tensor::{Device, TensorData};

    /// 1 and 1 + 2^-10: the latter is 1 in bf16 (8 bits), itself in f16 (11 bits).
    const NEAR_ONE: f32 = 1.0 + 1.0 / 1024.0;

    fn layer(device: &Device) -> Linear {
        let mut layer = LinearConfig::new(2, 1).init(device);
        layer.weight = Param::from_data([[NEAR_ONE], [NEAR_ONE]], device);
        layer.bias = Some(Param::from_data([0.0], device));
        layer
    }

    fn result(precision: Precision, input: [f32; 2]) -> Vec<f32> {
        let device = Device::flex();
        let input = Tensor::<2>::from_data(TensorData::from([input]), &device);
        let output = product(&layer(&device), input, precision);
        assert_eq!(output.dtype(), DType::F32);
        output.into_data().try_into_vec().expect("f32")
    }

    #[test]
    fn operands_are_rounded_to_the_format_and_the_result_is_f32() {
        // (1 + 2^-10) · 1 + (1 + 2^-10) · 1 = 2 + 2^-9, which has 11 bits.
        assert_eq!(result(Precision::F32, [1.0, 1.0]), [2.0 * NEAR_ONE]);
        assert_eq!(result(Precision::F16, [1.0, 1.0]), [2.0 * NEAR_ONE]);
        assert_eq!(result(Precision::Bf16, [1.0, 1.0]), [2.0]);
        // 100,000 is beyond the largest f16, 65504.
        assert_eq!(result(Precision::F16, [1e5, 0.0]), [f32::INFINITY]);
        assert!(result(Precision::Bf16, [1e5, 0.0])[0].is_finite());
    }

    #[test]
    fn gradients_of_weights_are_f32() {
        let device = Device::flex().autodiff();
        let layer = layer(&device);
        let input = Tensor::<2>::from_data([[NEAR_ONE, 3.0]], &device);
        let gradients = product(&layer, input, Precision::Bf16).sum().backward();
        let gradient = layer.weight.val().grad(&gradients).expect("the weight is trained");
        assert_eq!(gradient.dtype(), DType::F32);
        // The input as the product read it.
        assert_eq!(gradient.into_data().try_into_vec::<f32>().expect("f32"), [1.0, 3.0]);
    }
}
