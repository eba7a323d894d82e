//! Our kernels between operations of burn's that its fused streams merge: what comes out is what the plain compositions
//! give in `f64` on the processor, where nothing is fused; forward and gradients.
#![cfg(feature = "cubecl")]

mod noise;
#[allow(dead_code, reason = "each test program uses a part of this")]
mod paths;

use burn::tensor::{FloatDType, Tensor};
use noise::noise_on;
use paths::{Path, paths};
use unifr_kernels::{AttentionProblem, Dropout, MaskRule, attention, dropout, gelu, layer_norm};

/// `f32` sums of some hundred terms in another order, through five operations: as a share of the largest magnitude.
const TOLERANCE: f32 = 2e-5;

/// A block without its matrix products: norm, attention, dropout, sums, GELU.
fn block(path: &Path) -> Vec<Vec<f32>> {
    let of = |seed| noise_on::<4>([1, 61, 2, 16], seed, &path.device).cast(path.element).autodiff().require_grad();
    let inputs = [of(1), of(2), of(3)];
    let [query, key, value] = inputs.clone();
    let weight = noise_on::<1>([16], 4, &path.device).cast(path.element).autodiff().require_grad();
    let bias = noise_on::<1>([16], 5, &path.device).cast(path.element).autodiff();
    let drop = Some(Dropout { probability: 0.1, seed: 7 });
    let normed = layer_norm((query.clone() * 2.0 + 1.0).reshape([1, 122, 16]), weight.clone(), bias, 1e-5);
    let asking = normed.reshape([1, 61, 2, 16]).swap_dims(1, 2);
    let keys = (key + query.clone()).swap_dims(1, 2);
    let values = (value * 0.5 - 1.0).swap_dims(1, 2);
    let problem = AttentionProblem::whole(MaskRule::FrameCausal { online_step: 1 }).with_dropout(drop);
    let seen = attention(asking, keys, values, &problem).expect("shapes fit").swap_dims(1, 2);
    let output = gelu(dropout(seen + query, drop).reshape([61, 32])).tanh() + 0.25;
    let gradients = output.clone().square().sum().backward();
    let mut found = vec![numbers(&output.inner())];
    found.extend(inputs.iter().map(|input| numbers(&input.grad(&gradients).expect("a gradient"))));
    found.push(numbers(&weight.grad(&gradients).expect("a gradient")));
    found
}

fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

#[test]
fn a_fused_stream_with_our_kernels_is_the_unfused_one() {
    let exact = Path { element: FloatDType::F64, ..Path::processor() };
    let expected = block(&exact);
    for path in paths().into_iter().filter(Path::is_exact) {
        for (part, (found, expected)) in block(&path).iter().zip(&expected).enumerate() {
            let scale = expected.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
            for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(
                    (found - expected).abs() <= TOLERANCE * scale,
                    "{}: part {part}, element {place} is {found}, expected {expected}",
                    path.name
                );
            }
        }
    }
}
