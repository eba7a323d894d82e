//! Sampling on the processor: one row at a time, without sorting.
//!
//! In:  the logits of one position, a [`Filter`], a uniform number.
//! Out: a token and its probability, the same to the last bit as from the kernel in `draw_kernel.rs`.
//!
//! Tokens are walked in the order of their numbers, and the first whose cumulative weight exceeds the uniform number's
//! share of the total is drawn.
//!
//! Published behaviour: top-k keeps ties at the threshold, top-p keeps the first token that takes the sum over p
//! (ties: the lower token first), and the most probable token always stays (golden cases `unifr/decoding/filter`).

use rayon::prelude::*;

use super::numbers::{KEY_OF_NOTHING, is_bad, key, logit, part, probability, random_bits, weight};
use super::problem::{Filter, Pick, Sampler, SamplingError};
use crate::cpu::simd::vectorised;

/// The tokens of one row that the filter leaves, with memory that the next row uses again.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// In ascending order.
    tokens: Vec<u32>,
    keys: Vec<u32>,
    weights: Vec<u64>,
    bins: Vec<u64>,
    among: Vec<u32>,
}

impl Candidates {
    /// Takes the place of what was there before.
    pub fn narrow(&mut self, logits: &[f32], filter: Filter) -> Result<(), SamplingError> {
        let filter = filter.spelled_out();
        self.keys.resize(logits.len(), 0);
        let temperature = filter.temperature as f32;
        if read_keys(logits, temperature, &mut self.keys) {
            let token = logits.iter().position(|logit| is_bad(logit / temperature));
            return Err(SamplingError::NotFinite { token: token.expect("one was just seen") });
        }
        let largest = self.keys.iter().copied().max().unwrap_or(KEY_OF_NOTHING);
        if largest == KEY_OF_NOTHING {
            return Err(SamplingError::Nothing);
        }
        self.tokens.clear();
        self.tokens.extend(0..logits.len() as u32);
        if filter.top_k > 0 && filter.top_k < logits.len() {
            self.keep_top_k(filter.top_k);
        }
        self.weights.resize(self.keys.len(), 0);
        weigh(&self.keys, logit(largest), &mut self.weights);
        if filter.top_p_bits() < u64::MAX {
            self.keep_top_p(filter.top_p_bits());
        }
        Ok(())
    }

    /// Removes what lies below the k-th largest logit; ties at the threshold all stay.
    fn keep_top_k(&mut self, top_k: usize) {
        let (threshold, _) = self.select(top_k as u64 - 1, |_, _| 1);
        let kept = |key: &u32| *key >= threshold;
        let mut keys = self.keys.iter();
        self.tokens.retain(|_| keys.next().is_some_and(kept));
        self.keys.retain(kept);
    }

    /// Removes every token before which the more probable ones already weigh more than that fraction of all.
    fn keep_top_p(&mut self, top_p: u64) {
        let goal = part(self.total(), top_p);
        let (threshold, above) = self.select(goal, |weights, place| weights[place]);
        let at_threshold =
            self.keys.iter().position(|key| *key == threshold).expect("the threshold is one of the keys");
        // The j-th of the ties, from 0, stays if `above + j * weight <= goal`.
        let mut ties = (goal - above) / self.weights[at_threshold] + 1;
        let mut kept = 0;
        for place in 0..self.keys.len() {
            let is_tie = self.keys[place] == threshold;
            if self.keys[place] > threshold || (is_tie && ties > 0) {
                ties -= u64::from(is_tie);
                self.tokens[kept] = self.tokens[place];
                self.keys[kept] = self.keys[place];
                self.weights[kept] = self.weights[place];
                kept += 1;
            }
        }
        self.tokens.truncate(kept);
        self.keys.truncate(kept);
        self.weights.truncate(kept);
    }

    /// The key at which, from the largest down, the sum of amounts first exceeds the goal, and the sum above it.
    fn select(&mut self, goal: u64, amount: impl Fn(&[u64], usize) -> u64) -> (u32, u64) {
        let (mut selected, mut above) = (0, 0);
        self.among.clear();
        self.among.extend(0..self.keys.len() as u32);
        for (shift, digits) in [(21, 2048), (10, 2048), (0, 1024)] {
            let digit = |place: u32| (self.keys[place as usize] >> shift) as usize & (digits - 1);
            self.bins.clear();
            self.bins.resize(digits, 0);
            for place in &self.among {
                self.bins[digit(*place)] += amount(&self.weights, *place as usize);
            }
            let mut bin = digits - 1;
            while bin > 0 && above + self.bins[bin] <= goal {
                above += self.bins[bin];
                bin -= 1;
            }
            self.among.retain(|place| digit(*place) == bin);
            selected |= (bin as u32) << shift;
        }
        (selected, above)
    }

    fn total(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// The first token whose cumulative weight exceeds that fraction of 2^64 of all.
    pub fn pick(&self, uniform: u64) -> Pick {
        let total = self.total();
        let goal = part(total, uniform);
        let mut sum = 0;
        let exceeds = |weight: &u64| {
            sum += weight;
            sum > goal
        };
        let place = self.weights.iter().position(exceeds).expect("a share of the total is less than the total");
        Pick { token: self.tokens[place] as usize, probability: probability(self.weights[place], total) }
    }

    /// The most probable token; the lower one of equals.
    pub fn most_probable(&self) -> Pick {
        let mut best = 0;
        for place in 1..self.keys.len() {
            if self.keys[place] > self.keys[best] {
                best = place;
            }
        }
        Pick { token: self.tokens[best] as usize, probability: probability(self.weights[best], self.total()) }
    }
}

/// Probabilities after temperature, top-k and top-p, in place of the logits; removed tokens have 0.
pub fn probabilities(logits: &mut [f32], filter: Filter) -> Result<(), SamplingError> {
    let mut candidates = Candidates::default();
    candidates.narrow(logits, filter)?;
    let total = candidates.total();
    logits.fill(0.0);
    for (token, weight) in candidates.tokens.iter().zip(&candidates.weights) {
        logits[*token as usize] = probability(*weight, total);
    }
    Ok(())
}

/// Draws one token from every row; equal numbers of rows follow each sampler in turn.
///
/// # Shapes
/// - `logits`: `[rows, vocabulary]`
/// - returns: `[rows]`; the code of an error in the place of a probability where a row cannot be drawn
pub(crate) fn draw(logits: &[f32], vocabulary: usize, samplers: &[Sampler], rows_per_sampler: usize) -> Vec<Pick> {
    let draw = |candidates: &mut Candidates, (row, logits): (usize, &[f32])| {
        let Sampler { filter, seed } = samplers[row / rows_per_sampler];
        match candidates.narrow(logits, filter) {
            Ok(()) => candidates.pick(random_bits(seed, (row % rows_per_sampler) as u64)),
            Err(error) => Pick { token: 0, probability: error.code() },
        }
    };
    logits.par_chunks(vocabulary).enumerate().map_init(Candidates::default, draw).collect()
}

vectorised! {
    /// Keys of the logits divided by the temperature; whether any of them cannot be drawn from.
    fn read_keys<const FUSED: bool>(logits: &[f32], temperature: f32, keys: &mut [u32]) -> bool {
        // No product is added to anything here.
        let _ = FUSED;
        let mut bad = 0_u32;
        for (found, logit) in keys.iter_mut().zip(logits) {
            let scaled = logit / temperature;
            bad |= u32::from(is_bad(scaled));
            *found = key(scaled);
        }
        bad > 0
    }
}

vectorised! {
    /// Weights of keys.
    fn weigh<const FUSED: bool>(keys: &[u32], largest: f32, weights: &mut [u64]) {
        // Products are fused on every processor: see `weight`.
        let _ = FUSED;
        for (found, key) in weights.iter_mut().zip(keys) {
            *found = weight(logit(*key), largest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(logits: &[f32], top_k: usize, top_p: f64) -> Vec<f32> {
        let mut values = logits.to_vec();
        probabilities(&mut values, Filter { temperature: 1.0, top_k, top_p }).expect("finite logits");
        values
    }

    #[test]
    fn ties_at_the_threshold_all_stay() {
        let left = filtered(&[1.0, 0.0, 1.0, 1.0], 2, 1.0);
        assert!(left[1] == 0.0 && [0, 2, 3].iter().all(|token| (left[*token] - 1.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn the_first_token_over_p_is_kept_and_the_next_is_not() {
        // Probabilities 1/2, 1/4, 1/8, 1/8; after 1/2 and 1/4 the sum is 3/4.
        let logits = [0.125_f32, 0.25, 0.5, 0.125].map(f32::ln);
        assert_eq!(filtered(&logits, 0, 0.6), vec![0.0, 1.0 / 3.0, 2.0 / 3.0, 0.0]);
        // At exactly p the sum is not yet over it.
        assert_eq!(filtered(&logits, 0, 0.75), vec![1.0 / 7.0, 2.0 / 7.0, 4.0 / 7.0, 0.0]);
    }

    #[test]
    fn p_of_zero_keeps_the_most_probable_token() {
        assert_eq!(filtered(&[0.0, 3.0, 3.0], 0, 0.0), vec![0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_uniform_number_finds_its_token() {
        let logits = [0.25_f32, 0.0, 0.5, 0.25].map(f32::ln);
        let mut candidates = Candidates::default();
        candidates.narrow(&logits, Filter::OPEN).expect("finite logits");
        let tokens: Vec<usize> = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999]
            .iter()
            .map(|uniform| candidates.pick(super::super::problem::fraction_bits(*uniform)).token)
            .collect();
        assert_eq!(tokens, vec![0, 0, 2, 2, 3, 3]);
    }

    #[test]
    fn a_row_that_is_not_a_number_is_refused() {
        assert_eq!(probabilities(&mut [0.0, f32::NAN], Filter::OPEN), Err(SamplingError::NotFinite { token: 1 }));
        assert_eq!(probabilities(&mut [f32::NEG_INFINITY; 3], Filter::OPEN), Err(SamplingError::Nothing));
    }
}
