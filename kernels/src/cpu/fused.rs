//! How an operation of ours enters burn's graph: forward keeps what backward needs, backward gives one gradient
//! to each input.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};

/// An operation with `N` inputs that take gradients.
pub(crate) trait Fused<const N: usize>: Clone + Debug + Send + 'static {
    /// What backward needs besides the operation itself.
    type Saved: Clone + Debug + Send + 'static;

    /// The result, and what to keep for backward.
    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved);

    /// The gradient of each input, from the gradient of the result.
    fn backward(&self, saved: Self::Saved, gradient: FlexTensor) -> [FlexTensor; N];
}

#[derive(Debug)]
struct Recorded<F>(F);

impl<F: Fused<N>, const N: usize> Backward<Flex, N> for Recorded<F>
where
    F: Fused<N>,
{
    type State = F::Saved;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let found = self.0.backward(ops.state, gradient);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// Runs an operation and records it for backward, if any input asks for that.
#[allow(clippy::redundant_closure_for_method_calls, reason = "burn does not export the type whose methods these are")]
pub(crate) fn record<C: CheckpointStrategy, F: Fused<N>, const N: usize>(
    operation: F,
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
) -> FloatTensor<Autodiff<Flex, C>> {
    let nodes = inputs.each_ref().map(|input| input.node());
    let primitives = inputs.map(|input| input.into_primitive());
    let (output, saved) = operation.forward(primitives);
    match Recorded(operation).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(saved, output),
        OpsKind::UnTracked(preparation) => preparation.finish(output),
    }
}
