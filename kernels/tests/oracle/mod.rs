//! Attention and its gradients from the definition, in `f64`, one score at a time.

use unifr_kernels::attention::AttentionProblem;

/// One problem; `heads` counts over the batch.
pub struct Oracle {
    pub problem: AttentionProblem,
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
    pub width: usize,
}

impl Oracle {
    /// The result and the gradients of queries, keys and values, from tensors `[heads, tokens, width]` and the gradient of
    /// the result.
    pub fn run(&self, query: &[f64], key: &[f64], value: &[f64], direction: &[f64]) -> [Vec<f64>; 4] {
        let of_queries = self.heads * self.queries * self.width;
        let of_keys = self.heads * self.keys * self.width;
        let mut parts = [vec![0.0; of_queries], vec![0.0; of_queries], vec![0.0; of_keys], vec![0.0; of_keys]];
        for head in 0..self.heads {
            for row in 0..self.queries {
                self.row(head, row, [query, key, value, direction], &mut parts);
            }
        }
        parts
    }

    fn row(&self, head: usize, row: usize, inputs: [&[f64]; 4], parts: &mut [Vec<f64>; 4]) {
        let [query, key, value, direction] = inputs;
        let [output, query_gradient, key_gradient, value_gradient] = parts;
        let scale = (self.width as f64).sqrt().recip();
        let own = self.at(head * self.queries + row);
        let seen: Vec<usize> = (0..self.keys).filter(|key| self.problem.allows(row, *key)).collect();
        let keys: Vec<_> = seen.iter().map(|key| self.at(head * self.keys + key)).collect();
        let scores: Vec<f64> = keys.iter().map(|at| dot(&query[own.clone()], &key[at.clone()]) * scale).collect();
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
        let weights: Vec<f64> = scores.iter().map(|score| (score - top).exp() / total).collect();
        let factors: Vec<f64> = seen.iter().map(|key| self.factor(head, row, *key)).collect();
        let of_weights: Vec<f64> =
            keys.iter().zip(&factors).map(|(at, f)| dot(&direction[own.clone()], &value[at.clone()]) * f).collect();
        let mean: f64 = weights.iter().zip(&of_weights).map(|(weight, slope)| weight * slope).sum();
        for (((at, weight), factor), slope) in keys.iter().zip(&weights).zip(&factors).zip(&of_weights) {
            let of_score = weight * (slope - mean) * scale;
            for (own, other) in own.clone().zip(at.clone()) {
                output[own] += weight * factor * value[other];
                query_gradient[own] += of_score * key[other];
                key_gradient[other] += of_score * query[own];
                value_gradient[other] += weight * factor * direction[own];
            }
        }
    }

    fn at(&self, row: usize) -> std::ops::Range<usize> {
        row * self.width..(row + 1) * self.width
    }

    fn factor(&self, head: usize, row: usize, key: usize) -> f64 {
        let Some(dropout) = self.problem.dropout.filter(|dropout| dropout.probability > 0.0) else { return 1.0 };
        f64::from(dropout.factor((head * self.queries + row) as u64, key as u32))
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
