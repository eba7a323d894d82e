//! The operations as burn dispatches them on CubeCL devices.
//!
//! Forward and backward are operations of their own ([`CubeKernels`]), so that a fused stream can hold both;
//! [`CubeOps`] is what a model calls, recorded where gradients are asked for.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, backend_extension};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeBackend;

use crate::attention::AttentionProblem;
use crate::attention::cube as attention;

/// Kernels that know nothing of gradients.
#[backend_extension(Cube, Fusion)]
pub trait CubeKernels: Backend {
    /// Attention, and the level of each row.
    #[fusion(meta = |query, _, _, _| (query.clone(), levels_of(query)))]
    fn attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of queries, keys and values.
    #[fusion(meta = |query, key, value, _, _, _, _| (query.clone(), key.clone(), value.clone()))]
    fn attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        output: FloatTensor<Self>,
        levels: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

fn levels_of(query: &TensorSpec) -> TensorSpec {
    TensorSpec::new(Shape::new([query.shape[0], query.shape[1], query.shape[2]]), DType::F32)
}

/// What a model calls.
#[backend_extension(Autodiff, Cube, Fusion)]
pub trait CubeOps: Backend {
    /// See [`crate::attention::attention`].
    #[fusion(dtype = query, shape = query)]
    fn cube_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self>;
}

impl CubeKernels for CubeBackend {
    fn attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::forward(query, key, value, &problem)
    }

    fn attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        output: FloatTensor<Self>,
        levels: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [query, key, value] = attention::backward([query, key, value], output, &levels, gradient, &problem);
        (query, key, value)
    }
}

impl CubeOps for CubeBackend {
    fn cube_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self> {
        attention::forward(query, key, value, &problem).0
    }
}

impl<B: CubeKernels, C: CheckpointStrategy> CubeOps for Autodiff<B, C> {
    #[allow(
        clippy::redundant_closure_for_method_calls,
        reason = "burn does not export the type whose methods these are"
    )]
    fn cube_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        problem: AttentionProblem,
    ) -> FloatTensor<Self> {
        let inputs = [query, key, value];
        let nodes = inputs.each_ref().map(|input| input.node());
        let [query, key, value] = inputs.map(|input| input.into_primitive());
        let (output, levels) = B::attention_forward(query.clone(), key.clone(), value.clone(), problem);
        match RecordedAttention(problem).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let saved = SavedAttention { inputs: [query, key, value], output: output.clone(), levels };
                preparation.finish(saved, output)
            }
            OpsKind::UnTracked(preparation) => preparation.finish(output),
        }
    }
}

#[derive(Clone, Debug)]
struct RecordedAttention(AttentionProblem);

#[derive(Clone, Debug)]
struct SavedAttention<B: Backend> {
    inputs: [FloatTensor<B>; 3],
    output: FloatTensor<B>,
    levels: FloatTensor<B>,
}

impl<B: CubeKernels> Backward<B, 3> for RecordedAttention {
    type State = SavedAttention<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let SavedAttention { inputs: [query, key, value], output, levels } = ops.state;
        let (query, key, value) = B::attention_backward(query, key, value, output, levels, gradient, self.0);
        for (parent, gradient) in ops.parents.into_iter().zip([query, key, value]) {
            if let Some(parent) = parent {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}
