//! Made-up values that depend on their seed only: burn's own generator is shared by all tests of a program.

use burn::tensor::{Device, Tensor, TensorData};

/// Values with mean 0 and variance 1 (the sum of twelve uniform numbers, less 6).
#[allow(dead_code, reason = "each test program uses one of the two")]
pub fn noise<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    noise_on(shape, seed, &Device::flex())
}

/// The same on another device.
pub fn noise_on<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
