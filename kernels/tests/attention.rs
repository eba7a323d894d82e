//! The fast path of attention against its reference, over one list of problems: results and all three gradients.

mod noise;

use burn::tensor::{Device, Tensor};
use noise::noise;
use unifr_kernels::Dropout;
use unifr_kernels::attention::{AttentionProblem, MaskRule, attention, reference};

/// Share of the largest magnitude by which the two ways may differ: both sum up to 4501 products in `f32` whose
/// rounding errors (6e-8 each) grow with the root of their number, in another order each.
const TOLERANCE: f32 = 5e-6;

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
        square(1, 4, 601, 32),
        square(1, 2, 901, 64),
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
fn inputs(sizes: Sizes) -> [Tensor<4>; 4] {
    let random =
        |tokens: usize, seed: u64| noise::<4>([sizes.batch, tokens, sizes.heads, sizes.width], seed).swap_dims(1, 2);
    [random(sizes.queries, 1), random(sizes.keys, 2), random(sizes.keys, 3), random(sizes.queries, 4)]
}

/// The result and the gradients of queries, keys and values.
fn run(function: Function, sizes: Sizes, problem: &AttentionProblem) -> [Vec<f32>; 4] {
    let [query, key, value, direction] = inputs(sizes);
    let [query, key, value] = [query, key, value].map(|input| input.autodiff().require_grad());
    let output = function(query.clone(), key.clone(), value.clone(), problem);
    let gradients = (output.clone() * direction.autodiff()).sum().backward();
    let gradient = |input: &Tensor<4>| input.grad(&gradients).expect("every input has a gradient");
    [output.inner(), gradient(&query), gradient(&key), gradient(&value)].map(|tensor| values(&tensor))
}

fn values(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

fn compare(what: &str, found: &[f32], expected: &[f32]) {
    let scale = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
    let difference = |(found, expected): (&f32, &f32)| (found - expected).abs();
    let worst =
        found.iter().zip(expected).enumerate().max_by(|(_, a), (_, b)| difference(*a).total_cmp(&difference(*b)));
    let (place, (found, expected)) = worst.expect("there are values");
    assert!(
        (found - expected).abs() <= TOLERANCE * scale,
        "{what}: element {place} is {found}, expected {expected}, within {}",
        TOLERANCE * scale
    );
}

fn check(sizes: Sizes, problem: &AttentionProblem) {
    let found = run(fast, sizes, problem);
    let expected = run(reference::attention, sizes, problem);
    for (part, (found, expected)) in ["result", "queries", "keys", "values"].iter().zip(found.iter().zip(&expected)) {
        compare(&format!("{part} of {sizes:?}, {problem:?}"), found, expected);
    }
}

fn problem(sizes: Sizes, rule: MaskRule, probability: f32) -> AttentionProblem {
    let dropout = (probability > 0.0).then_some(Dropout { probability, seed: 5 });
    AttentionProblem { rule, first_query: sizes.keys - sizes.queries, dropout }
}

#[test]
fn the_fast_path_is_the_reference_under_every_rule() {
    for sizes in sizes() {
        for rule in rules() {
            for probability in [0.0, 0.1] {
                check(sizes, &problem(sizes, rule, probability));
            }
        }
    }
}

#[test]
fn the_fast_path_is_the_reference_at_full_length() {
    let sizes = square(1, 1, 4501, 64);
    for rule in [MaskRule::Full, MaskRule::Published { online_step: 1 }, MaskRule::FrameCausal { online_step: 5 }] {
        check(sizes, &problem(sizes, rule, 0.1));
    }
}

#[test]
fn fewer_queries_than_keys_may_stand_anywhere() {
    let sizes = Sizes { batch: 2, heads: 2, queries: 40, keys: 150, width: 16 };
    for rule in rules() {
        for first_query in [0, 13, 110] {
            check(sizes, &AttentionProblem { first_query, ..problem(sizes, rule, 0.1) });
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let sizes = square(1, 2, 13, 8);
    let problem = problem(sizes, MaskRule::FrameCausal { online_step: 1 }, 0.1);
    let [_, gradient, _, _] = run(fast, sizes, &problem);
    let [query, key, value, direction] = inputs(sizes);
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
            Tensor::<1>::from_floats(moved.as_slice(), &Device::flex()).reshape(query.dims())
        };
        let slope = (loss(moved(step)) - loss(moved(-step))) / f64::from(2.0 * step);
        assert!((slope - f64::from(gradient[place])).abs() < 1e-3, "{place}: {slope} and {}", gradient[place]);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let sizes = square(2, 3, 301, 32);
    let problem = problem(sizes, MaskRule::Published { online_step: 5 }, 0.1);
    let with_threads = |count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("a pool");
        pool.install(|| run(fast, sizes, &problem))
    };
    let first = with_threads(1);
    for threads in [1, 2, 5] {
        assert_eq!(with_threads(threads), first, "{threads} threads");
    }
}
