//! GELU with the exact error function.
//!
//! In:  a tensor of any rank.
//! Out: x · Φ(x), where Φ is the normal distribution.
//!
//! Measured: 1.2 ms for forward and backward of 901 x 1024 values on one thread of a Xeon with AVX-512, burn's own
//! 17.7 ms: that is `libm`'s erf, one element after the other.

use std::f64::consts::FRAC_1_SQRT_2;

use burn::backend::Dispatch;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use crate::cpu::functions::{erf, exp};
use crate::cpu::fused::Fused;
use crate::cpu::simd::{multiply_add, vectorised};
use crate::cpu::tensor::{contiguous, tensor, to_change, values};
use crate::cpu::{self, operations::KernelOps, pieces};

/// x · Φ(x), element by element.
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    if !cpu::takes(&input) {
        return reference(input);
    }
    Tensor::from_dispatch(<Dispatch as KernelOps>::exact_gelu(input.into_dispatch()))
}

/// The same from burn's operations.
///
/// Not `activation::gelu`: in burn 0.22 its gradient is that of the approximation by tanh, up to 2e-3 away.
pub fn reference<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let share = input.clone().mul_scalar(FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
    input * share
}

#[derive(Clone, Debug)]
pub(crate) struct Gelu;

impl Fused<1> for Gelu {
    type Saved = FlexTensor;

    fn forward(&self, [input]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let input = contiguous(input);
        let mut output = vec![0.0; values(&input).len()];
        pieces::map(values(&input), &mut output, |_, input, output| forward(input, output));
        (tensor(output, input.layout().shape()), input)
    }

    fn backward(&self, input: FlexTensor, gradient: FlexTensor) -> [FlexTensor; 1] {
        let mut gradient = to_change(gradient);
        pieces::map(values(&input), gradient.storage_mut(), |_, input, gradient| backward(input, gradient));
        [gradient]
    }
}

vectorised! {
    fn forward<const FUSED: bool>(input: &[f32], output: &mut [f32]) {
        for (x, y) in input.iter().zip(output) {
            *y = *x * normal::<FUSED>(*x);
        }
    }
}

vectorised! {
    fn backward<const FUSED: bool>(input: &[f32], gradient: &mut [f32]) {
        /// 1 / √(2π).
        const DENSITY: f32 = 0.398_942_3;
        for (x, gradient) in input.iter().zip(gradient) {
            let density = DENSITY * exp::<FUSED>(-0.5 * *x * *x);
            *gradient *= multiply_add::<FUSED>(*x, density, normal::<FUSED>(*x));
        }
    }
}

/// Φ(x).
#[inline(always)]
#[allow(clippy::inline_always)]
fn normal<const FUSED: bool>(x: f32) -> f32 {
    multiply_add::<FUSED>(0.5, erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2), 0.5)
}
