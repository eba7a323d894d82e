//! Sampling over one list of problems on every path: the published filter as it was written down, the processor, and the
//! kernel on every device there is here; then draws against exact probabilities, and the unmask step.
//!
//! The published filter's golden cases are in `tests/parity_filter.rs` of the program.

mod noise;
#[allow(dead_code, reason = "each test program uses a part of this")]
mod paths;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use noise::noise;
use paths::{Path, paths};
use unifr_kernels::sampling::{
    DrawError, Drawn, Filter, Masking, Pick, Sampler, SamplingError, Ties, Unmasked, draw, probabilities, reference,
};

/// A weight and a quotient rounded to `f32`.
const PROBABILITY: f32 = 1e-6;

/// Logits of one problem, and how they are narrowed.
struct Problem {
    name: String,
    vocabulary: usize,
    logits: Vec<f32>,
    filter: Filter,
}

fn filter(temperature: f64, top_k: usize, top_p: f64) -> Filter {
    Filter { temperature, top_k, top_p }
}

/// Rows of a problem.
const ROWS: usize = 4;

fn problem(name: &str, vocabulary: usize, filter: Filter, logit: impl Fn(usize, f32) -> f32) -> Problem {
    let noise: Vec<f32> = noise::<1>([ROWS * vocabulary], vocabulary as u64).into_data().iter::<f32>().collect();
    let logits = noise.iter().enumerate().map(|(place, noise)| logit(place % vocabulary, *noise)).collect();
    Problem { name: format!("{name}, {vocabulary} tokens, {filter:?}"), vocabulary, logits, filter }
}

fn problems() -> Vec<Problem> {
    let filters = [
        Filter::OPEN,
        filter(0.0, 0, 1.0),
        filter(0.33, 5, 1.0),
        filter(1.0, 1, 1.0),
        filter(1.0, 70_000, 1.0),
        filter(1.0, 0, 0.0),
        filter(1.3, 0, 0.9),
        filter(0.912, 5, 0.05),
        filter(2.0, 700, 0.9),
    ];
    let mut problems = Vec::new();
    for vocabulary in [1, 2, 37, 2710, 5976, 8000] {
        problems.extend(filters.iter().map(|filter| problem("noise", vocabulary, *filter, |_, noise| 3.0 * noise)));
    }
    for filter in [Filter::OPEN, filters[2], filters[6]] {
        problems.push(problem("noise", 65_536, filter, |_, noise| 3.0 * noise));
    }
    for filter in filters {
        problems.push(problem("all equal", 299, filter, |_, _| 1.5));
        problems.push(problem("few values", 299, filter, |_, noise| noise.round()));
        problems.push(problem("zeros of both signs", 41, filter, |token, _| if token % 2 == 0 { 0.0 } else { -0.0 }));
        problems.push(problem(
            "one -inf",
            40,
            filter,
            |token, noise| if token == 3 { f32::NEG_INFINITY } else { noise },
        ));
        problems.push(problem("one finite", 40, filter, |token, _| if token == 7 { -4.0 } else { f32::NEG_INFINITY }));
        problems.push(problem("peaked", 500, filter, |_, noise| 30.0 * noise));
        problems.push(problem("nearly equal", 500, filter, |_, noise| 1e-3 * noise));
    }
    problems
}

/// Two samplers that differ in everything but the filter; the rows of a problem follow each.
fn samplers(filter: Filter) -> [Sampler; 2] {
    [Sampler { filter, seed: 11 }, Sampler { filter, seed: u64::MAX - 5 }]
}

fn tensor(logits: &[f32], vocabulary: usize, device: &Device, element: FloatDType) -> Tensor<2> {
    Tensor::<2>::from_data(TensorData::new(logits.to_vec(), [logits.len() / vocabulary, vocabulary]), device)
        .cast(element)
}

fn picks(drawn: Drawn) -> Vec<Pick> {
    let tokens: Vec<i32> = drawn.tokens.into_data().iter::<i32>().collect();
    let probabilities: Vec<f32> = drawn.probabilities.into_data().iter::<f32>().collect();
    let pick = |(token, probability): (i32, f32)| Pick { token: token as usize, probability };
    tokens.into_iter().zip(probabilities).map(pick).collect()
}

fn drawn(path: &Path, logits: &[f32], vocabulary: usize, samplers: &[Sampler]) -> Vec<Pick> {
    picks(draw(tensor(logits, vocabulary, &path.device, path.element), samplers).expect("the problem is sound"))
}

/// Logits as a type rounds them.
fn rounded(logits: &[f32], element: FloatDType) -> Vec<f32> {
    tensor(logits, logits.len(), &Device::flex(), element).cast(FloatDType::F32).into_data().iter::<f32>().collect()
}

#[test]
fn the_processor_filters_as_the_published_filter_was_written_down() {
    for problem in problems() {
        for (row, logits) in problem.logits.chunks(problem.vocabulary).enumerate() {
            let (mut found, mut expected) = (logits.to_vec(), logits.to_vec());
            probabilities(&mut found, problem.filter).expect("finite");
            reference::probabilities(&mut expected, problem.filter).expect("finite");
            for (token, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let is_near = (found - expected).abs() <= PROBABILITY;
                // What weighs less than 2^-47, or 7e-15, of the most probable token is nothing here.
                let is_kept_alike = (*found > 0.0) == (*expected > 0.0) || *expected < 1e-14;
                let place = format!("{}, row {row}, token {token}", problem.name);
                assert!(is_near && is_kept_alike, "{place}: {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn every_path_draws_the_same_tokens_with_the_same_bits() {
    for path in paths() {
        for problem in problems() {
            let samplers = samplers(problem.filter);
            let found = drawn(&path, &problem.logits, problem.vocabulary, &samplers);
            let logits = rounded(&problem.logits, path.element);
            let expected = drawn(&Path::processor(), &logits, problem.vocabulary, &samplers);
            assert_eq!(found, expected, "{}: {}", path.name, problem.name);
            for (logits, pick) in logits.chunks(problem.vocabulary).zip(&found) {
                let mut left = logits.to_vec();
                reference::probabilities(&mut left, problem.filter).expect("finite");
                let expected = left[pick.token];
                assert!((expected - pick.probability).abs() <= PROBABILITY, "{}: {pick:?}, {expected}", problem.name);
            }
        }
    }
}

#[test]
fn a_row_depends_on_its_sampler_and_its_place_only() {
    for path in paths() {
        let vocabulary = 211;
        let logits: Vec<f32> = noise::<1>([6 * vocabulary], 3).into_data().iter::<f32>().collect();
        let samplers = [1_u64, 2, 3].map(|seed| Sampler { filter: filter(seed as f64, 0, 0.9), seed });
        let together = drawn(&path, &logits, vocabulary, &samplers);
        let (first, rest) = logits.split_at(2 * vocabulary);
        let alone = drawn(&path, first, vocabulary, &samplers[..1]);
        let others = drawn(&path, rest, vocabulary, &samplers[1..]);
        assert_eq!(together, [alone, others].concat(), "{}", path.name);
        assert_eq!(together, drawn(&path, &logits, vocabulary, &samplers), "{}", path.name);
    }
}

#[test]
fn rows_that_cannot_be_drawn_say_why_and_leave_the_others_alone() {
    for path in paths() {
        let vocabulary = 50;
        let mut logits: Vec<f32> = noise::<1>([4 * vocabulary], 3).into_data().iter::<f32>().collect();
        logits[vocabulary + 17] = f32::NAN;
        logits[vocabulary + 44] = f32::NAN;
        logits[2 * vocabulary..3 * vocabulary].fill(f32::NEG_INFINITY);
        logits[3 * vocabulary + 49] = f32::INFINITY;
        for filter in [Filter::OPEN, filter(0.0, 0, 1.0), filter(1.0, 5, 0.5)] {
            let found = drawn(&path, &logits, vocabulary, &[Sampler { filter, seed: 1 }]);
            let errors: Vec<_> = found.iter().map(|pick| SamplingError::of(pick.probability)).collect();
            let not_finite = |token| Some(SamplingError::NotFinite { token });
            assert_eq!(errors, [None, not_finite(17), Some(SamplingError::Nothing), not_finite(49)], "{}", path.name);
            assert!(found[1..].iter().all(|pick| pick.token == 0), "{}: {found:?}", path.name);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let sampler = Sampler { filter: Filter::OPEN, seed: 1 };
    let ones = |rows, vocabulary| Tensor::<2>::ones([rows, vocabulary], &Device::flex());
    let error = |logits, samplers: &[Sampler]| draw(logits, samplers).map(|_| ()).expect_err("must be refused");
    assert_eq!(error(ones(3, 4), &[sampler; 2]), DrawError::Rows { rows: 3, samplers: 2 });
    assert_eq!(error(ones(3, 4), &[]), DrawError::Rows { rows: 3, samplers: 0 });
    assert_eq!(error(ones(1, 65_537), &[sampler]), DrawError::Vocabulary { found: 65_537 });
}

/// Chi-square of draws of one row, and the number of tokens that can be drawn.
fn chi_square(path: &Path, logits: &[f32], filter: Filter, samplers: u64, rows: usize) -> (f64, usize) {
    let mut exact = logits.to_vec();
    reference::probabilities(&mut exact, filter).expect("finite");
    let mut counts = vec![0_usize; logits.len()];
    let repeated = logits.repeat(rows);
    for seed in 0..samplers {
        for pick in drawn(path, &repeated, logits.len(), &[Sampler { filter, seed }]) {
            counts[pick.token] += 1;
        }
    }
    let draws = (samplers as usize * rows) as f64;
    let term = |(count, exact): (&usize, &f32)| {
        let expected = draws * f64::from(*exact);
        assert!(expected > 0.0 || *count == 0, "{}: a removed token was drawn", path.name);
        if expected > 0.0 { (*count as f64 - expected).powi(2) / expected } else { 0.0 }
    };
    (counts.iter().zip(&exact).map(term).sum(), exact.iter().filter(|exact| **exact > 0.0).count())
}

#[test]
fn a_hundred_thousand_draws_follow_the_exact_probabilities() {
    let logits: Vec<f32> = noise::<1>([40], 5).into_data().iter::<f32>().collect();
    for path in paths().iter().filter(|path| path.is_exact()) {
        for filter in [Filter::OPEN, filter(0.7, 8, 1.0), filter(1.0, 0, 0.8)] {
            let (found, tokens) = chi_square(path, &logits, filter, 10, 10_000);
            // Mean and variance of chi-square are n and 2n, n = tokens - 1; four standard deviations.
            let freedom = tokens as f64 - 1.0;
            assert!(found < freedom + 4.0 * (2.0 * freedom).sqrt(), "{}, {filter:?}: {found}", path.name);
        }
    }
}

/// An unmask step written down as published: sort, look at the n-th, compare.
fn kept(known: &[f32], drawn: &[f32], masking: Masking) -> Vec<bool> {
    let sure: Vec<f32> =
        known.iter().zip(drawn).map(|(known, drawn)| if *known > 0.0 { f32::INFINITY } else { *drawn }).collect();
    let mut order: Vec<usize> = (0..sure.len()).collect();
    order.sort_by(|a, b| sure[*a].total_cmp(&sure[*b]).then(b.cmp(a)));
    let accepts = |place: usize| match masking {
        Masking { left: 0, .. } => true,
        Masking { left, ties: Ties::Published } => sure[place] > sure[order[left - 1]],
        Masking { left, ties: Ties::Ordered } => order[left..].contains(&place),
    };
    (0..sure.len()).map(|place| known[place] == 0.0 && accepts(place)).collect()
}

#[test]
fn every_path_keeps_the_surest_as_published() {
    for path in paths().iter().filter(|path| path.is_exact()) {
        for (reactions, frames, steps) in [(1, 1, 1), (2, 7, 3), (3, 750, 4)] {
            for ties in [Ties::Published, Ties::Ordered] {
                keep_steps(path, [reactions, frames, steps], ties);
            }
        }
    }
}

fn keep_steps(path: &Path, [reactions, frames, steps]: [usize; 3], ties: Ties) {
    let places = 3 * frames;
    let mut state = Unmasked::nothing(reactions, frames, &path.device);
    let (mut known, mut tokens) = (vec![0.0_f32; reactions * places], vec![0_i32; reactions * places]);
    for step in 1..=steps {
        // Few values, so that many places are equally sure.
        let drawn: Vec<f32> = noise::<1>([reactions * places], step as u64)
            .into_data()
            .iter::<f32>()
            .map(|noise| (noise.abs() * 8.0).round().clamp(1.0, 20.0) / 20.0)
            .collect();
        let drawn_tokens: Vec<i32> = (0..reactions * places).map(|place| (place * 31 + step) as i32 % 5000).collect();
        let masking = Masking { left: places * (steps - step) / steps, ties };
        let codebook = |codebook: usize| {
            let of = |place: &usize| place % 3 == codebook;
            let chosen: Vec<usize> = (0..reactions * places).filter(of).collect();
            let probabilities: Vec<f32> = chosen.iter().map(|place| drawn[*place]).collect();
            let tokens: Vec<i32> = chosen.iter().map(|place| drawn_tokens[*place]).collect();
            Drawn {
                tokens: Tensor::from_data(TensorData::new(tokens, [chosen.len()]), &path.device),
                probabilities: Tensor::from_data(TensorData::new(probabilities, [chosen.len()]), &path.device),
            }
        };
        state = state.keep([codebook(0), codebook(1), codebook(2)], masking);
        for reaction in 0..reactions {
            let row = reaction * places..(reaction + 1) * places;
            let accepted = kept(&known[row.clone()], &drawn[row.clone()], masking);
            for (place, _) in row.zip(accepted).filter(|(_, accepted)| *accepted) {
                known[place] = drawn[place];
                tokens[place] = drawn_tokens[place];
            }
        }
        let found: Vec<f32> = state.probabilities.clone().into_data().iter::<f32>().collect();
        assert_eq!(found, known, "{}: step {step} of {steps}, {ties:?}", path.name);
        let found: Vec<i32> = state.tokens.clone().into_data().iter::<i32>().collect();
        assert_eq!(found, tokens, "{}: step {step} of {steps}, {ties:?}", path.name);
    }
}

#[test]
fn an_error_stays_in_its_place() {
    for path in paths().iter().filter(|path| path.is_exact()) {
        let drawn = |probability: f32| Drawn {
            tokens: Tensor::from_data(TensorData::new(vec![9_i32; 2], [2]), &path.device),
            probabilities: Tensor::from_data(TensorData::new(vec![probability, 0.5], [2]), &path.device),
        };
        let masking = Masking { left: 5, ties: Ties::Published };
        let nothing = SamplingError::Nothing.code();
        let state = Unmasked::nothing(1, 2, &path.device);
        let state = state.keep([drawn(0.9), drawn(nothing), drawn(0.1)], masking);
        let state = state.keep([drawn(0.9), drawn(0.9), drawn(0.1)], Masking { left: 0, ..masking });
        let found: Vec<f32> = state.probabilities.into_data().iter::<f32>().collect();
        assert_eq!(found, [0.9, nothing, 0.1, 0.5, 0.5, 0.5], "{}", path.name);
    }
}
