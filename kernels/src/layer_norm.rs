//! Layer norm over the last axis.
//!
//! In:  a tensor of any rank, a weight and a bias for each element of its last axis.
//! Out: (x - mean) / √(variance + ε) · weight + bias, the variance over n.
//!
//! Measured: 0.19 ms for forward and backward of 901 x 256 values on one thread of a Xeon with AVX-512, burn's own
//! 1.05 ms: with gradients it is a dozen operations over the whole tensor.

use burn::backend::Dispatch;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::cpu::fused::Fused;
use crate::cpu::simd::{LANES, multiply_add, sum_of, vectorised};
use crate::cpu::tensor::{contiguous, tensor, to_change, values};
use crate::cpu::{self, operations::KernelOps};

/// Rows that one thread takes at once; the gradients of weight and bias are summed piece after piece, so it also
/// fixes the order of that sum.
const ROWS: usize = 64;

/// The norm of every row.
///
/// # Shapes
/// - `input`: `[.., width]`
/// - `weight`, `bias`: `[width]`
/// - returns: as `input`
pub fn layer_norm<const D: usize>(input: Tensor<D>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<D> {
    if !(cpu::takes(&input) && cpu::takes(&weight) && cpu::takes(&bias)) || input.shape().num_elements() == 0 {
        return reference(input, weight, bias, epsilon);
    }
    let [weight, bias] = [weight, bias].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as KernelOps>::row_norm(input.into_dispatch(), weight, bias, epsilon))
}

/// The same from ordinary tensor operations.
pub fn reference<const D: usize>(input: Tensor<D>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<D> {
    let centred = input.clone() - input.mean_dim(D - 1);
    let variance = centred.clone().square().mean_dim(D - 1);
    centred / variance.add_scalar(epsilon).sqrt() * weight.unsqueeze() + bias.unsqueeze()
}

#[derive(Clone, Debug)]
pub(crate) struct LayerNorm {
    pub(crate) epsilon: f32,
}

/// The input, the weight, and 1 / √(variance + ε) after the mean of each row.
type Saved = (FlexTensor, FlexTensor, FlexTensor);

impl Fused<3> for LayerNorm {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let [input, weight, bias] = inputs.map(contiguous);
        let width = values(&weight).len();
        let rows = values(&input).len() / width;
        let mut output = vec![0.0; rows * width];
        let mut statistics = vec![[0.0; 2]; rows];
        output
            .par_chunks_mut(ROWS * width)
            .zip(values(&input).par_chunks(ROWS * width))
            .zip(statistics.par_chunks_mut(ROWS))
            .for_each(|((output, input), statistics)| {
                forward(input, output, statistics, values(&weight), values(&bias), self.epsilon);
            });
        let output = tensor(output, input.layout().shape());
        (output, (input, weight, tensor(statistics.into_flattened(), &[rows, 2])))
    }

    fn backward(&self, (input, weight, statistics): Saved, gradient: FlexTensor) -> [FlexTensor; 3] {
        let width = values(&weight).len();
        let mut gradient = to_change(gradient);
        let (statistics, _) = values(&statistics).as_chunks::<2>();
        let pieces: Vec<Vec<f32>> = gradient
            .storage_mut::<f32>()
            .par_chunks_mut(ROWS * width)
            .zip(values(&input).par_chunks(ROWS * width))
            .zip(statistics.par_chunks(ROWS))
            .map(|((gradient, input), statistics)| {
                let mut sums = vec![0.0; 2 * width];
                backward(input, gradient, statistics, values(&weight), &mut sums);
                sums
            })
            .collect();
        let mut sums = vec![0.0; 2 * width];
        for piece in pieces {
            sums.iter_mut().zip(piece).for_each(|(sum, part)| *sum += part);
        }
        let bias = sums.split_off(width);
        [gradient, tensor(sums, &[width]), tensor(bias, &[width])]
    }
}

vectorised! {
    fn forward<const FUSED: bool>(
        input: &[f32],
        output: &mut [f32],
        statistics: &mut [[f32; 2]],
        weight: &[f32],
        bias: &[f32],
        epsilon: f32,
    ) {
        let width = weight.len();
        let rows = input.chunks_exact(width).zip(output.chunks_exact_mut(width));
        for ((input, output), statistics) in rows.zip(statistics) {
            let mean = sum(input, |x| x) / width as f32;
            let variance = sum(input, |x| (x - mean) * (x - mean)) / width as f32;
            let scale = (variance + epsilon).sqrt().recip();
            for ((x, y), (weight, bias)) in input.iter().zip(output).zip(weight.iter().zip(bias)) {
                *y = multiply_add::<FUSED>((*x - mean) * scale, *weight, *bias);
            }
            *statistics = [mean, scale];
        }
    }
}

vectorised! {
    /// `gradient` becomes the input's; those of weight and bias are added to `sums`, one after the other.
    fn backward<const FUSED: bool>(
        input: &[f32],
        gradient: &mut [f32],
        statistics: &[[f32; 2]],
        weight: &[f32],
        sums: &mut [f32],
    ) {
        let width = weight.len();
        let (weight_sums, bias_sums) = sums.split_at_mut(width);
        let rows = input.chunks_exact(width).zip(gradient.chunks_exact_mut(width));
        for ((input, gradient), [mean, scale]) in rows.zip(statistics) {
            let places = input.iter().zip(gradient.iter()).zip(weight_sums.iter_mut().zip(bias_sums.iter_mut()));
            for ((x, gradient), (weight_sum, bias_sum)) in places {
                *weight_sum = multiply_add::<FUSED>((*x - *mean) * *scale, *gradient, *weight_sum);
                *bias_sum += *gradient;
            }
            let [slope, share] = means::<FUSED>(input, gradient, weight, [*mean, *scale]);
            for ((x, gradient), weight) in input.iter().zip(gradient.iter_mut()).zip(weight) {
                let normed = (*x - *mean) * *scale;
                *gradient = *scale * (*gradient * *weight - slope - normed * share);
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn sum(values: &[f32], function: impl Fn(f32) -> f32) -> f32 {
    let (chunks, tail) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += function(chunk[lane]);
        }
    }
    for (sum, value) in sums.iter_mut().zip(tail) {
        *sum += function(*value);
    }
    sum_of(sums)
}

/// Means over a row of gradient · weight, and of gradient · weight · normed input.
#[inline(always)]
#[allow(clippy::inline_always)]
fn means<const FUSED: bool>(input: &[f32], gradient: &[f32], weight: &[f32], [mean, scale]: [f32; 2]) -> [f32; 2] {
    let (mut slopes, mut shares) = ([0.0; LANES], [0.0; LANES]);
    let (input_chunks, input_tail) = input.as_chunks::<LANES>();
    let (gradient_chunks, gradient_tail) = gradient.as_chunks::<LANES>();
    let (weight_chunks, weight_tail) = weight.as_chunks::<LANES>();
    for ((input, gradient), weight) in input_chunks.iter().zip(gradient_chunks).zip(weight_chunks) {
        for lane in 0..LANES {
            let slope = gradient[lane] * weight[lane];
            slopes[lane] += slope;
            shares[lane] = multiply_add::<FUSED>(slope, (input[lane] - mean) * scale, shares[lane]);
        }
    }
    for (lane, ((x, gradient), weight)) in input_tail.iter().zip(gradient_tail).zip(weight_tail).enumerate() {
        let slope = gradient * weight;
        slopes[lane] += slope;
        shares[lane] = multiply_add::<FUSED>(slope, (x - mean) * scale, shares[lane]);
    }
    let width = input.len() as f32;
    [sum_of(slopes) / width, sum_of(shares) / width]
}
