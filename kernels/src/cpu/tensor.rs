//! Values of a tensor of the `flex` backend as slices, and slices as tensors.

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

/// The values of a tensor, in order. A tensor that is a view of another shape is copied first.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// The values of a contiguous tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("the tensor was made contiguous, and the fast path takes `f32` only")
}

/// The same tensor, with memory of exactly its values: then [`FlexTensor::storage_mut`] gives the values to change,
/// in place where nobody else holds them.
///
/// Measured: taking the values out as a vector copies the result of every matrix product, whose memory burn
/// allocates as bytes.
pub(crate) fn to_change(tensor: FlexTensor) -> FlexTensor {
    let bytes = tensor.layout().num_elements() * size_of::<f32>();
    let is_whole = tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.bytes().len() == bytes;
    if is_whole { tensor } else { tensor.to_contiguous() }
}

/// A tensor from its values in order.
pub(crate) fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// A tensor `[batch, heads, tokens, width]` whose rows are dense, wherever they stand.
pub(crate) struct Heads {
    tensor: FlexTensor,
    start: usize,
    strides: [usize; 3],
    pub(crate) shape: [usize; 4],
}

impl Heads {
    pub(crate) fn new(tensor: FlexTensor) -> Self {
        let usable = tensor.layout().strides().iter().all(|stride| *stride >= 0) && tensor.layout().strides()[3] == 1;
        let tensor = if usable { tensor } else { tensor.to_contiguous() };
        let stride = |axis: usize| tensor.layout().strides()[axis] as usize;
        let shape = tensor.layout().shape();
        Self {
            start: tensor.layout().start_offset(),
            strides: [stride(0), stride(1), stride(2)],
            shape: [shape[0], shape[1], shape[2], shape[3]],
            tensor,
        }
    }

    /// One token of one head; `head` counts over the batch.
    pub(crate) fn row(&self, head: usize, token: usize) -> &[f32] {
        let [_, heads, _, width] = self.shape;
        let [batch_stride, head_stride, token_stride] = self.strides;
        let first = self.start + (head / heads) * batch_stride + (head % heads) * head_stride + token * token_stride;
        &self.tensor.storage::<f32>()[first..first + width]
    }
}
