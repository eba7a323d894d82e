//! Attention under a mask rule, with dropout on the weights after the softmax.
//!
//! In:  queries, keys, values `[batch, heads, tokens, width of a head]`, an [`AttentionProblem`].
//! Out: `[batch, heads, queries, width of a head]`.

#[cfg(feature = "cubecl")]
pub(crate) mod cube;
pub(crate) mod fused;
mod grouping;
mod problem;
pub mod reference;
mod softmax;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::cpu::{self, operations::KernelOps};

pub use problem::{AttentionProblem, MaskRule, ProblemError, SPEAKER_TOKENS, TOKENS_PER_FRAME};

/// softmax(query · keyᵀ / √width, only allowed keys) · value.
///
/// # Shapes
/// - `query`: `[batch, heads, queries, width]`
/// - `key`, `value`: `[batch, heads, keys, width]`; query i stands at position `problem.first_query + i`
/// - returns: `[batch, heads, queries, width]`
pub fn attention(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    problem: &AttentionProblem,
) -> Result<Tensor<4>, ProblemError> {
    check(&query, &key, &value, problem)?;
    #[cfg(feature = "cubecl")]
    if [&query, &key, &value].into_iter().all(|input| crate::cube::takes(input) && input.dtype() == query.dtype())
        && query.shape().num_elements() > 0
        && query.dims()[3].is_multiple_of(4)
    {
        let [query, key, value] = [query, key, value].map(Tensor::into_dispatch);
        let output = <Dispatch as crate::cube::operations::CubeOps>::cube_attention(query, key, value, *problem);
        return Ok(Tensor::from_dispatch(output));
    }
    if ![&query, &key, &value].into_iter().all(cpu::takes) || query.shape().num_elements() == 0 {
        return Ok(reference::attention(query, key, value, problem));
    }
    let [query, key, value] = [query, key, value].map(Tensor::into_dispatch);
    Ok(Tensor::from_dispatch(<Dispatch as KernelOps>::masked_attention(query, key, value, *problem)))
}

fn check(
    query: &Tensor<4>,
    key: &Tensor<4>,
    value: &Tensor<4>,
    problem: &AttentionProblem,
) -> Result<(), ProblemError> {
    let [batch, heads, queries, width] = query.dims();
    let keys = key.dims()[2];
    let expected = [batch, heads, keys, width];
    for (name, found) in [("key", key.dims()), ("value", value.dims())] {
        if found != expected {
            return Err(ProblemError::Shape { name, found, expected });
        }
    }
    if problem.rule.online_step() == Some(0) {
        return Err(ProblemError::EmptyChunk);
    }
    let last_query = problem.first_query + queries.saturating_sub(1);
    if last_query >= keys {
        return Err(ProblemError::QueryBehindKeys { last_query, keys });
    }
    Ok(())
}
