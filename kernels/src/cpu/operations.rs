//! The operations as burn dispatches them: plain on `flex`, recorded on `flex` with gradients.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Flex, backend_extension};

use super::fused::{Fused, record};
use crate::attention::AttentionProblem;
use crate::attention::fused::Attention;
use crate::cross_entropy::CrossEntropy;
use crate::dropout::{Drop, Dropout};
use crate::gelu::Gelu;
use crate::layer_norm::LayerNorm;

/// The operations of this crate that have a fast path.
#[backend_extension(Autodiff, Flex)]
pub trait KernelOps: burn::backend::Backend {
    /// See [`crate::attention::attention`].
    fn masked_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self>;

    /// See [`crate::dropout::dropout`].
    fn seeded_dropout(input: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self>;

    /// See [`crate::gelu::gelu`].
    fn exact_gelu(input: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`crate::layer_norm::layer_norm`].
    fn row_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;

    /// See [`crate::cross_entropy::cross_entropy`].
    fn weighted_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl KernelOps for Flex {
    fn masked_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self> {
        Attention(problem).forward([query, key, value]).0
    }

    fn seeded_dropout(input: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        Drop(dropout).forward([input]).0
    }

    fn exact_gelu(input: FloatTensor<Self>) -> FloatTensor<Self> {
        Gelu.forward([input]).0
    }

    fn row_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        LayerNorm { epsilon: epsilon as f32 }.forward([input, weight, bias]).0
    }

    fn weighted_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        CrossEntropy::new(&targets, weights).forward([logits]).0
    }
}

impl<C: CheckpointStrategy> KernelOps for Autodiff<Flex, C> {
    fn masked_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self> {
        record::<C, _, 3>(Attention(problem), [query, key, value])
    }

    fn seeded_dropout(input: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        record::<C, _, 1>(Drop(dropout), [input])
    }

    fn exact_gelu(input: FloatTensor<Self>) -> FloatTensor<Self> {
        record::<C, _, 1>(Gelu, [input])
    }

    fn row_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        record::<C, _, 3>(LayerNorm { epsilon: epsilon as f32 }, [input, weight, bias])
    }

    fn weighted_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        record::<C, _, 1>(CrossEntropy::new(&targets, weights.into_primitive()), [logits])
    }
}
