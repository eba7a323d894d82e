//! Attention from ordinary tensor operations: every score in memory, plain to read.

use burn::tensor::{Bool, Device, Tensor, TensorData, activation::softmax};

use super::problem::{AttentionProblem, MaskRule};

/// The same as [`super::attention`], without its checks.
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, problem: &AttentionProblem) -> Tensor<4> {
    let [batch, heads, queries, width] = query.dims();
    let keys = key.dims()[2];
    let device = query.device();
    let mut scores = query.matmul(key.transpose()).mul_scalar((width as f64).sqrt().recip());
    if problem.rule != MaskRule::Full {
        let blocked = blocked(problem, queries, keys, &device).expand([batch, heads, queries, keys]);
        scores = scores.mask_fill(blocked, f32::NEG_INFINITY);
    }
    let mut weights = softmax(scores, 3);
    if let Some(dropout) = problem.dropout {
        weights =
            weights * dropout.factors([batch * heads * queries, keys], &device).reshape([batch, heads, queries, keys]);
    }
    weights.matmul(value)
}

/// True where the query must not look at the key.
///
/// # Shapes
/// - returns: `[1, 1, queries, keys]`
pub fn blocked(problem: &AttentionProblem, queries: usize, keys: usize, device: &Device) -> Tensor<4, Bool> {
    let flags: Vec<bool> = (0..queries)
        .flat_map(|query| (0..keys).map(move |key| !problem.rule.allows(problem.first_query + query, key)))
        .collect();
    Tensor::from_data(TensorData::new(flags, [1, 1, queries, keys]), device)
}
