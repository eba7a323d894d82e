//! The fast paths around attention against their references: results and gradients, on sizes that divide nothing.

mod noise;

use burn::tensor::{Device, Int, Tensor, TensorData};
use noise::noise;
use unifr_kernels::{AdamWUpdate, Dropout, Moving, cross_entropy, dropout, gelu, layer_norm};

/// Share of the largest magnitude by which two ways may differ: sums of a few hundred `f32` products, rounded at
/// 6e-8 each, and functions that are right within 2e-7.
const TOLERANCE: f32 = 3e-6;

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

fn compare<const D: usize>(what: &str, found: &Tensor<D>, expected: &Tensor<D>) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let (found, expected) = (values(found), values(expected));
    let scale = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() <= TOLERANCE * scale, "{what}: {place} is {found}, expected {expected}");
    }
}

/// Result and gradients of a function of some inputs under a made-up gradient of the result.
fn run<const D: usize>(inputs: &[Tensor<D>], function: impl Fn(&[Tensor<D>]) -> Tensor<D>) -> Vec<Tensor<D>> {
    let inputs: Vec<Tensor<D>> = inputs.iter().map(|input| input.clone().autodiff().require_grad()).collect();
    let output = function(&inputs);
    let direction = noise(output.dims(), 99);
    let gradients = (output.clone() * direction.autodiff()).sum().backward();
    let gradient = |input: &Tensor<D>| input.grad(&gradients).expect("every input has a gradient");
    [output.inner()].into_iter().chain(inputs.iter().map(gradient)).collect()
}

fn check<const D: usize>(
    what: &str,
    inputs: &[Tensor<D>],
    fast: impl Fn(&[Tensor<D>]) -> Tensor<D>,
    reference: impl Fn(&[Tensor<D>]) -> Tensor<D>,
) {
    let (found, expected) = (run(inputs, fast), run(inputs, reference));
    for (part, (found, expected)) in found.iter().zip(&expected).enumerate() {
        compare(&format!("{what}, part {part}"), found, expected);
    }
}

#[test]
fn gelu_is_the_reference() {
    for shape in [[1, 1, 1], [2, 37, 151], [1, 301, 64]] {
        let input = noise(shape, 1).mul_scalar(2.0);
        check("gelu", &[input], |x| gelu(x[0].clone()), |x| gelu::reference(x[0].clone()));
    }
}

#[test]
fn gelu_of_a_view_is_gelu_of_its_values() {
    let input = noise([7, 11], 1);
    compare("transposed", &gelu(input.clone().transpose()), &gelu(input.clone()).transpose());
    compare("narrowed", &gelu(input.clone().narrow(0, 2, 3)), &gelu(input).narrow(0, 2, 3));
}

#[test]
fn dropout_is_the_reference() {
    let drop = Dropout { probability: 0.1, seed: 5 };
    for shape in [[1, 1, 1], [3, 41, 67], [2, 601, 64]] {
        let reference = |x: &[Tensor<3>]| dropout::reference(x[0].clone(), drop);
        check("dropout", &[noise(shape, 2)], |x| dropout(x[0].clone(), Some(drop)), reference);
    }
}

#[test]
fn layer_norm_is_the_reference() {
    for [rows, width] in [[1, 1], [5, 7], [130, 64], [67, 151], [301, 256]] {
        // Weight and bias travel as one-row matrices, so that all inputs have one rank.
        let inputs = [noise([rows, width], 3), noise([1, width], 4), noise([1, width], 5)];
        let norm = |function: fn(Tensor<2>, Tensor<1>, Tensor<1>, f64) -> Tensor<2>| {
            move |x: &[Tensor<2>]| function(x[0].clone(), x[1].clone().flatten(0, 1), x[2].clone().flatten(0, 1), 1e-5)
        };
        check(&format!("norm of {width}"), &inputs, norm(layer_norm), norm(layer_norm::reference));
    }
}

#[test]
fn cross_entropy_is_the_reference_and_skips_rows_that_do_not_count() {
    for [rows, vocabulary] in [[1, 1], [5, 7], [67, 301], [300, 128]] {
        let targets: Vec<i64> = (0..rows).map(|row| (row * 7 % vocabulary) as i64).collect();
        let weights: Vec<f32> = (0..rows).map(|row| (row % 3) as f32 * 0.5).collect();
        let device = Device::flex();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), &device);
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [rows]), &device);
        let loss = |function: fn(Tensor<2>, Tensor<1, Int>, Tensor<1>) -> Tensor<1>| {
            let (targets, weights) = (targets.clone(), weights.clone());
            move |x: &[Tensor<2>]| function(x[0].clone(), targets.clone(), weights.clone()).unsqueeze()
        };
        let logits = [noise([rows, vocabulary], 6).mul_scalar(3.0)];
        check(&format!("{rows} rows"), &logits, loss(cross_entropy), loss(cross_entropy::reference));
    }
}

#[test]
fn an_update_is_the_reference() {
    let update = AdamWUpdate {
        learning_rate: 1e-2,
        beta_1: 0.9,
        beta_2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step: 3,
        gradient_scale: 0.25,
    };
    let moving =
        || Moving { parameter: noise([41, 67], 7), first: noise([41, 67], 8), second: noise([41, 67], 9).square() };
    let found = update.apply(moving(), noise([41, 67], 10));
    let expected = update.reference(moving(), noise([41, 67], 10));
    compare("parameter", &found.parameter, &expected.parameter);
    compare("first moment", &found.first, &expected.first);
    compare("second moment", &found.second, &expected.second);
}
