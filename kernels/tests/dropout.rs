//! Dropout on every path there is here: the same elements with the same factors as on the processor, forward and backward.

#[allow(dead_code, reason = "each test program uses one of the two")]
mod noise;
#[allow(dead_code, reason = "each test program uses a part of this")]
mod paths;

use burn::tensor::{Device, FloatDType, Tensor};
use noise::noise;
use paths::paths;
use unifr_kernels::{Dropout, dropout};

/// A tensor in a type, on a device.
fn on(values: &Tensor<2>, device: &Device, element: FloatDType) -> Tensor<2> {
    Tensor::<2>::from_data(values.clone().into_data(), device).cast(element)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.cast(FloatDType::F32).into_data().iter::<f32>().collect()
}

/// Dropout and its gradient, `direction` being that of the result.
fn both(input: Tensor<2>, direction: Tensor<2>, drop: Dropout) -> [Vec<f32>; 2] {
    let input = input.autodiff().require_grad();
    let output = dropout(input.clone(), Some(drop));
    let gradients = (output.clone() * direction.autodiff()).sum().backward();
    [values(output.inner()), values(input.grad(&gradients).expect("the input has a gradient"))]
}

#[test]
fn every_path_drops_what_the_processor_drops() {
    let drop = Dropout { probability: 0.1, seed: 0x0123_4567_89ab_cdef };
    for path in paths().iter().filter(|path| !path.is_slow || path.is_exact()) {
        // Whole vectors over more than one row of bits; compiling is slow on some paths.
        let all = [[4, 2052], [3, 7], [1, 1], [5, 4096], [37, 821]];
        for shape in &all[..if path.is_slow { 1 } else { all.len() }] {
            let shape = *shape;
            let [input, direction] = [1, 2].map(|seed| on(&noise(shape, seed), &path.device, path.element));
            // What the processor makes of the same numbers, rounded as the type rounds.
            let exact = |tensor: &Tensor<2>| {
                let values = tensor.clone().cast(FloatDType::F32).into_data();
                Tensor::<2>::from_data(values, &Device::flex())
            };
            let rounded = |values: Vec<f32>| -> Vec<f32> {
                let tensor = Tensor::<1>::from_floats(values.as_slice(), &Device::flex()).cast(path.element);
                tensor.cast(FloatDType::F32).into_data().iter::<f32>().collect()
            };
            let expected = both(exact(&input), exact(&direction), drop).map(rounded);
            assert_eq!(both(input, direction, drop), expected, "{}, {shape:?}", path.name);
        }
    }
}
