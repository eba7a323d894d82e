//! Attention over one list of problems on every path there is: results and all three gradients against an oracle in
//! `f64` that knows the definition and nothing else.
//!
//! Paths: the plain composition and the fast one on the processor; the GPU kernels on the CubeCL CPU runtime (feature
//! `cubecl-cpu`) and on CUDA (feature `cuda`, where a driver and a device answer).

mod noise;
mod oracle;
mod paths;

use burn::tensor::{Device, FloatDType, Tensor};
use noise::noise_on;
use oracle::Oracle;
use paths::{Path, paths};
use unifr_kernels::Dropout;
use unifr_kernels::attention::{AttentionProblem, MaskRule, attention, reference};

/// Sizes of one problem.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
}

fn square(batch: usize, heads: usize, tokens: usize, width: usize) -> Sizes {
    Sizes { batch, heads, queries: tokens, keys: tokens, width }
}

/// Sizes that divide nothing, one row, one key, the demo's, and more keys than queries.
fn sizes() -> Vec<Sizes> {
    vec![
        square(1, 1, 1, 16),
        Sizes { batch: 1, heads: 2, queries: 1, keys: 37, width: 16 },
        square(2, 3, 29, 7),
        square(1, 4, 121, 16),
        square(2, 2, 187, 32),
        Sizes { batch: 2, heads: 2, queries: 30, keys: 151, width: 64 },
        square(1, 1, 181, 128),
        square(1, 4, 601, 32),
    ]
}

fn rules() -> Vec<MaskRule> {
    let stepped = |online_step| [MaskRule::Published { online_step }, MaskRule::FrameCausal { online_step }];
    [MaskRule::Full].into_iter().chain([1, 5, 7].into_iter().flat_map(stepped)).collect()
}

type Function = fn(Tensor<4>, Tensor<4>, Tensor<4>, &AttentionProblem) -> Tensor<4>;

fn fast(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, problem: &AttentionProblem) -> Tensor<4> {
    attention(query, key, value, problem).expect("the problem is sound")
}

/// Queries, keys, values and the gradient of the result, as a model has them: heads split off the width.
fn inputs(sizes: Sizes, path: &Path) -> [Tensor<4>; 4] {
    let random = |tokens: usize, seed: u64| {
        let shape = [sizes.batch, tokens, sizes.heads, sizes.width];
        noise_on::<4>(shape, seed, &path.device).cast(path.element).swap_dims(1, 2)
    };
    [random(sizes.queries, 1), random(sizes.keys, 2), random(sizes.keys, 3), random(sizes.queries, 4)]
}

/// The result and the gradients of queries, keys and values.
fn run(function: Function, path: &Path, sizes: Sizes, problem: &AttentionProblem) -> [Vec<f32>; 4] {
    let [query, key, value, direction] = inputs(sizes, path);
    let [query, key, value] = [query, key, value].map(|input| input.autodiff().require_grad());
    let output = function(query.clone(), key.clone(), value.clone(), problem);
    let gradients = (output.clone() * direction.autodiff()).sum().backward();
    let gradient = |input: &Tensor<4>| input.grad(&gradients).expect("every input has a gradient");
    [output.inner(), gradient(&query), gradient(&key), gradient(&value)].map(|tensor| values(&tensor))
}

fn values(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

/// The same from the definition, for inputs that were rounded to the path's type.
fn expected(path: &Path, sizes: Sizes, problem: &AttentionProblem) -> [Vec<f64>; 4] {
    let [query, key, value, direction] =
        inputs(sizes, path).map(|tensor| values(&tensor).into_iter().map(f64::from).collect::<Vec<_>>());
    let Sizes { batch, heads, queries, keys, width } = sizes;
    Oracle { problem: *problem, heads: batch * heads, queries, keys, width }.run(&query, &key, &value, &direction)
}

fn compare(what: &str, tolerance: f64, found: &[f32], expected: &[f64]) {
    let scale = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    let difference = |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs();
    assert!(found.iter().all(|value| value.is_finite()), "{what}: not a number");
    assert_eq!(found.len(), expected.len(), "{what}");
    let worst =
        found.iter().zip(expected).enumerate().max_by(|(_, a), (_, b)| difference(*a).total_cmp(&difference(*b)));
    let (place, (found, expected)) = worst.expect("there are values");
    assert!(
        (f64::from(*found) - expected).abs() <= tolerance * scale,
        "{what}: element {place} is {found}, expected {expected}, within {}",
        tolerance * scale
    );
}

fn check(function: Function, path: &Path, sizes: Sizes, problem: &AttentionProblem) {
    let found = run(function, path, sizes, problem);
    let expected = expected(path, sizes, problem);
    for (part, (found, expected)) in ["result", "queries", "keys", "values"].iter().zip(found.iter().zip(&expected)) {
        compare(&format!("{}: {part} of {sizes:?}, {problem:?}", path.name), path.tolerance, found, expected);
    }
}

fn problem(sizes: Sizes, rule: MaskRule, probability: f32) -> AttentionProblem {
    let dropout = (probability > 0.0).then_some(Dropout { probability, seed: 5 });
    AttentionProblem { first_query: sizes.keys - sizes.queries, dropout, ..AttentionProblem::whole(rule) }
}

#[test]
fn the_plain_composition_is_the_definition() {
    let path = Path::processor();
    for sizes in [square(1, 1, 1, 16), square(2, 3, 29, 7), square(1, 4, 121, 16)] {
        for rule in rules() {
            for probability in [0.0, 0.1] {
                check(reference::attention, &path, sizes, &problem(sizes, rule, probability));
            }
        }
    }
}

#[test]
fn every_path_is_the_definition_under_every_rule() {
    for path in paths() {
        for (number, sizes) in sizes().into_iter().enumerate() {
            for (turn, rule) in rules().into_iter().enumerate() {
                for (side, probability) in [0.0, 0.1].into_iter().enumerate() {
                    // Each kernel is compiled for its rule, width and dropout: the slow runtime takes its turns.
                    if path.is_slow && (number + turn + side) % 4 != 0 {
                        continue;
                    }
                    check(fast, &path, sizes, &problem(sizes, rule, probability));
                }
            }
        }
    }
}

#[test]
fn the_fast_path_is_the_composition_at_full_length() {
    // 20 million scores a head: the oracle would take minutes, so the composition stands in; it is checked above.
    let path = Path::processor();
    let sizes = square(1, 1, 4501, 64);
    for rule in [MaskRule::Full, MaskRule::Published { online_step: 1 }, MaskRule::FrameCausal { online_step: 5 }] {
        let problem = problem(sizes, rule, 0.1);
        let found = run(fast, &path, sizes, &problem);
        let expected = run(reference::attention, &path, sizes, &problem);
        for (found, expected) in found.iter().zip(&expected) {
            let expected: Vec<f64> = expected.iter().map(|value| f64::from(*value)).collect();
            compare("full length", path.tolerance, found, &expected);
        }
    }
}

#[test]
fn fewer_queries_than_keys_may_stand_anywhere() {
    let sizes = Sizes { batch: 2, heads: 2, queries: 40, keys: 150, width: 16 };
    for path in paths() {
        for (turn, rule) in rules().into_iter().enumerate() {
            if path.is_slow && turn % 3 != 0 {
                continue;
            }
            for first_query in [0, 13, 110] {
                for probability in [0.0, 0.1] {
                    check(fast, &path, sizes, &AttentionProblem { first_query, ..problem(sizes, rule, probability) });
                }
            }
        }
    }
}

#[test]
fn keys_behind_the_limit_are_seen_by_nobody() {
    let sizes = Sizes { batch: 1, heads: 2, queries: 31, keys: 151, width: 16 };
    for path in paths() {
        for rule in [MaskRule::Full, MaskRule::Published { online_step: 1 }, MaskRule::FrameCausal { online_step: 1 }] {
            // No key at all, one, some of the rows' own, all but one.
            for limit in [0, 1, 122, 140, 150] {
                let problem = AttentionProblem { key_limit: Some(limit), ..problem(sizes, rule, 0.1) };
                check(fast, &path, sizes, &problem);
                check(fast, &path, sizes, &AttentionProblem { dropout: None, ..problem });
            }
        }
    }
}

#[test]
fn a_row_without_keys_gives_zeros_and_takes_no_gradient() {
    let sizes = square(1, 1, 12, 16);
    for path in paths() {
        let problem = AttentionProblem { key_limit: Some(0), ..problem(sizes, MaskRule::Full, 0.0) };
        for found in run(fast, &path, sizes, &problem) {
            assert!(found.iter().all(|value| *value == 0.0), "{}", path.name);
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let sizes = square(1, 2, 13, 8);
    let problem = problem(sizes, MaskRule::FrameCausal { online_step: 1 }, 0.1);
    for path in paths().into_iter().filter(Path::is_exact) {
        let [_, gradient, _, _] = run(fast, &path, sizes, &problem);
        let [query, key, value, direction] = inputs(sizes, &path);
        let loss = |query: Tensor<4>| -> f64 {
            let output = values(&fast(query, key.clone(), value.clone(), &problem));
            output.iter().zip(values(&direction)).map(|(a, b)| f64::from(*a) * f64::from(b)).sum()
        };
        for place in [0, 17, 101, 207] {
            // The loss is a sum of 208 terms near 1 rounded at 6e-8 each; a step of 1e-2 leaves an error near 1e-4 from
            // rounding and as much from the third derivative.
            let step = 1e-2;
            let moved = |by: f32| {
                let mut moved = values(&query);
                moved[place] += by;
                Tensor::<1>::from_floats(moved.as_slice(), &path.device).reshape(query.dims())
            };
            let slope = (loss(moved(step)) - loss(moved(-step))) / f64::from(2.0 * step);
            let found = f64::from(gradient[place]);
            assert!((slope - found).abs() < 1e-3, "{}: {place}: {slope} and {found}", path.name);
        }
    }
}

#[test]
fn a_type_that_no_kernel_knows_goes_to_the_composition() {
    let sizes = square(1, 2, 25, 16);
    for path in paths().into_iter().filter(|path| path.is_exact() && path.device.supports_dtype(FloatDType::F64)) {
        let path = Path { element: FloatDType::F64, ..path };
        check(fast, &path, sizes, &problem(sizes, MaskRule::FrameCausal { online_step: 1 }, 0.1));
    }
}

#[test]
fn equal_calls_give_equal_bits() {
    let sizes = square(2, 2, 187, 32);
    for path in paths() {
        let problem = problem(sizes, MaskRule::FrameCausal { online_step: 5 }, 0.1);
        assert_eq!(run(fast, &path, sizes, &problem), run(fast, &path, sizes, &problem), "{}", path.name);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let sizes = square(2, 3, 301, 32);
    let problem = problem(sizes, MaskRule::Published { online_step: 5 }, 0.1);
    let with_threads = |count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("a pool");
        pool.install(|| run(fast, &Path::processor(), sizes, &problem))
    };
    let first = with_threads(1);
    for threads in [1, 2, 5] {
        assert_eq!(with_threads(threads), first, "{threads} threads");
    }
}

#[test]
fn the_processor_path_is_there() {
    assert!(paths().iter().any(|path| path.device == Device::flex()));
}
