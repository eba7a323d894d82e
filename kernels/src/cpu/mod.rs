//! The fast path on a processor: the operations of this crate as one pass each over the tensors of burn's `flex`
//! backend, entered into burn's graph by hand.
//!
//! In:  `f32` tensors on `flex`, tracked for gradients or not.
//! Out: the same; every gradient is written by one thread in a fixed order, so that results do not depend on the
//! number of threads.

pub(crate) mod functions;
pub(crate) mod fused;
pub(crate) mod operations;
pub(crate) mod pieces;
pub(crate) mod product;
pub(crate) mod rows;
pub(crate) mod scratch;
pub(crate) mod simd;
pub(crate) mod tensor;

use burn::backend::DispatchTensorKind;
use burn::tensor::{DType, Tensor};

/// Whether the fast path takes this tensor.
pub(crate) fn takes<const D: usize>(tensor: &Tensor<D>) -> bool {
    let kind = tensor.clone().into_dispatch().kind;
    tensor.dtype() == DType::F32
        && match kind {
            DispatchTensorKind::Flex(_) => true,
            DispatchTensorKind::Autodiff(inner) => matches!(*inner, DispatchTensorKind::Flex(_)),
            #[allow(unreachable_patterns)]
            _ => false,
        }
}
