//! The path on burn's CubeCL backend: our kernels as burn operations, with gradients, fused streams and all.
//!
//! In:  tensors of `f32`, `f16` or `bf16` on a CubeCL device.
//! Out: the same.

pub(crate) mod operations;

use burn::backend::DispatchTensorKind;
use burn::tensor::{DType, Tensor};

/// Whether this tensor is on a CubeCL device, and of a type that the kernels know.
pub(crate) fn takes<const D: usize>(tensor: &Tensor<D>) -> bool {
    matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16)
        && match tensor.clone().into_dispatch().kind {
            DispatchTensorKind::Cube(_) => true,
            DispatchTensorKind::Autodiff(inner) => matches!(*inner, DispatchTensorKind::Cube(_)),
            _ => false,
        }
}
