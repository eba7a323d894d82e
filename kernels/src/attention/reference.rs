//! Attention from ordinary tensor operations: every score in memory, plain to read.

use burn::tensor::{Bool, Device, Tensor, TensorData, activation::softmax};

use super::problem::{AttentionProblem, MaskRule};

/// Far below every score, and still a number in half precision.
const BLOCKED_SCORE: f32 = -60_000.0;

/// The same as [`super::attention`], without its checks.
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, problem: &AttentionProblem) -> Tensor<4> {
    let [batch, heads, queries, width] = query.dims();
    let keys = key.dims()[2];
    let device = query.device();
    let mut scores = query.matmul(key.transpose()).mul_scalar((width as f64).sqrt().recip());
    let is_masked = problem.rule != MaskRule::Full || problem.key_limit.is_some();
    let blocked = is_masked.then(|| blocked(problem, queries, keys, &device).expand([batch, heads, queries, keys]));
    if let Some(blocked) = blocked.clone() {
        // Finite, so that a row without keys has no NaN; its weights become zeros below.
        scores = scores.mask_fill(blocked, BLOCKED_SCORE);
    }
    let mut weights = softmax(scores, 3);
    if let Some(blocked) = blocked {
        weights = weights.mask_fill(blocked, 0.0);
    }
    if let Some(dropout) = problem.dropout {
        let factors = dropout.factors([batch * heads * queries, keys], &device).cast(weights.dtype());
        weights = weights * factors.reshape([batch, heads, queries, keys]);
    }
    weights.matmul(value)
}

/// True where the query must not look at the key.
///
/// # Shapes
/// - returns: `[1, 1, queries, keys]`
pub fn blocked(problem: &AttentionProblem, queries: usize, keys: usize, device: &Device) -> Tensor<4, Bool> {
    let flags: Vec<bool> =
        (0..queries).flat_map(|query| (0..keys).map(move |key| !problem.allows(query, key))).collect();
    Tensor::from_data(TensorData::new(flags, [1, 1, queries, keys]), device)
}
