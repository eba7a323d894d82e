//! Sampling as burn dispatches it: on `flex` by the processor's path, on the backends of CubeCL by the kernels.

use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::ops::IntTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, backend_extension};
use burn::tensor::{FloatDType, IntDType, TensorData};
#[cfg(feature = "cubecl")]
use burn::{
    backend::fusion::custom::TensorSpec,
    tensor::{DType, Shape},
};
#[cfg(feature = "cubecl")]
use burn_cubecl::CubeBackend;

use super::host;
use super::keep::{self, HostDrawn, Masking};
use super::problem::Sampler;
use crate::cpu::tensor::{contiguous, tensor, values};

/// The operations of this room.
#[backend_extension(Flex, Cube: cfg(feature = "cubecl"), Fusion: cfg(feature = "cubecl"))]
pub trait SamplingOps: burn::backend::Backend {
    /// See [`super::draw`].
    #[fusion(meta = drawn)]
    fn draw_tokens(
        logits: FloatTensor<Self>,
        samplers: Vec<Sampler>,
        rows_per_sampler: usize,
    ) -> (IntTensor<Self>, FloatTensor<Self>);

    /// See [`super::keep::Unmasked::keep`].
    #[fusion(meta = kept)]
    #[allow(clippy::too_many_arguments, reason = "burn dispatches tensors one by one")]
    fn keep_surest(
        known: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        known_tokens: IntTensor<Self>,
        first_tokens: IntTensor<Self>,
        second_tokens: IntTensor<Self>,
        third_tokens: IntTensor<Self>,
        masking: Masking,
    ) -> (IntTensor<Self>, FloatTensor<Self>);
}

/// Shapes and types of what is drawn.
#[cfg(feature = "cubecl")]
fn drawn(logits: &TensorSpec, _samplers: &[Sampler], _rows_per_sampler: &usize) -> (TensorSpec, TensorSpec) {
    let rows = Shape::new([logits.shape[0]]);
    (TensorSpec::new(rows.clone(), DType::I32), TensorSpec::new(rows, DType::F32))
}

/// Shapes and types of what is known after an unmask step.
#[cfg(feature = "cubecl")]
#[allow(clippy::too_many_arguments, reason = "burn describes tensors one by one")]
fn kept(
    known: &TensorSpec,
    _first: &TensorSpec,
    _second: &TensorSpec,
    _third: &TensorSpec,
    _known_tokens: &TensorSpec,
    _first_tokens: &TensorSpec,
    _second_tokens: &TensorSpec,
    _third_tokens: &TensorSpec,
    _masking: &Masking,
) -> (TensorSpec, TensorSpec) {
    (TensorSpec::new(known.shape.clone(), DType::I32), TensorSpec::new(known.shape.clone(), DType::F32))
}

impl SamplingOps for Flex {
    fn draw_tokens(
        logits: FloatTensor<Self>,
        samplers: Vec<Sampler>,
        rows_per_sampler: usize,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let logits = contiguous(Self::float_cast(logits, FloatDType::F32));
        let [rows, vocabulary] = logits.layout().shape().dims();
        let picks = host::draw(values(&logits), vocabulary, &samplers, rows_per_sampler);
        let tokens: Vec<i32> = picks.iter().map(|pick| pick.token as i32).collect();
        let probabilities = picks.iter().map(|pick| pick.probability).collect();
        (FlexTensor::from_data(TensorData::new(tokens, [rows])), tensor(probabilities, &[rows]))
    }

    fn keep_surest(
        known: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        known_tokens: IntTensor<Self>,
        first_tokens: IntTensor<Self>,
        second_tokens: IntTensor<Self>,
        third_tokens: IntTensor<Self>,
        masking: Masking,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let shape = known.layout().shape().to_vec();
        let [first, second, third] = [first, second, third].map(contiguous);
        let mut tokens = whole_numbers(known_tokens);
        let mut probabilities = values(&contiguous(known)).to_vec();
        let [first_tokens, second_tokens, third_tokens] =
            [first_tokens, second_tokens, third_tokens].map(whole_numbers);
        let drawn = HostDrawn {
            tokens: [&first_tokens, &second_tokens, &third_tokens],
            probabilities: [values(&first), values(&second), values(&third)],
        };
        keep::keep(&mut tokens, &mut probabilities, shape[1], &drawn, masking);
        (FlexTensor::from_data(TensorData::new(tokens, shape.clone())), tensor(probabilities, &shape))
    }
}

/// The values of a tensor as `i32`, in order.
fn whole_numbers(tensor: FlexTensor) -> Vec<i32> {
    let tensor = contiguous(Flex::int_cast(tensor, IntDType::I32));
    tensor.as_slice::<i32>().expect("the tensor was just made contiguous `i32`").to_vec()
}

#[cfg(feature = "cubecl")]
impl SamplingOps for CubeBackend {
    fn draw_tokens(
        logits: FloatTensor<Self>,
        samplers: Vec<Sampler>,
        rows_per_sampler: usize,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        super::draw_kernel::draw(logits, &samplers, rows_per_sampler)
    }

    fn keep_surest(
        known: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
        known_tokens: IntTensor<Self>,
        first_tokens: IntTensor<Self>,
        second_tokens: IntTensor<Self>,
        third_tokens: IntTensor<Self>,
        masking: Masking,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        let tokens = [known_tokens, first_tokens, second_tokens, third_tokens]
            .map(|tokens| Self::int_cast(tokens, IntDType::I32));
        let step = super::keep_kernel::Step { probabilities: [known, first, second, third], tokens };
        super::keep_kernel::keep(step, masking)
    }
}
