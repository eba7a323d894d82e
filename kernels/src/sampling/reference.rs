//! The published filter on plain slices, one position at a time.
//!
//! Source: minGPT-style `sample` of the published code: top-k keeps ties at the threshold, top-p keeps the first
//! token that takes the sum over p, the most probable token always stays.

/// How the logits of one position are narrowed before a token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter {
    /// Logits are divided by it; 0 takes the most probable token.
    pub temperature: f64,
    /// Number of most probable tokens that stay; 0 keeps all.
    pub top_k: usize,
    /// Probability that stays at least; 1 keeps all, 0 one token.
    pub top_p: f64,
}

impl Filter {
    /// Keeps every token.
    pub const OPEN: Self = Self { temperature: 1.0, top_k: 0, top_p: 1.0 };
}

/// A drawn token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Its number in the vocabulary.
    pub token: usize,
    /// Its probability after filtering.
    pub probability: f32,
}

/// Why no token can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// Some logit is not a number, or +inf.
    #[error("the logit of token {token} is not a finite number")]
    NotFinite {
        /// The first such token.
        token: usize,
    },
    /// Nothing can be drawn.
    #[error("all logits are -inf, so that no token can be drawn")]
    Nothing,
}

/// Probabilities after temperature, top-k and top-p, in place of the logits; removed tokens have 0.
pub fn probabilities(logits: &mut [f32], filter: Filter) -> Result<(), SamplingError> {
    check(logits)?;
    if filter.temperature <= 0.0 {
        all_on_the_largest(logits);
        return Ok(());
    }
    let temperature = filter.temperature as f32;
    for logit in logits.iter_mut() {
        *logit /= temperature;
    }
    if filter.top_k > 0 {
        keep_top_k(logits, filter.top_k);
    }
    if filter.top_p < 1.0 {
        keep_top_p(logits, filter.top_p);
    }
    softmax(logits);
    Ok(())
}

/// Draws the first token whose cumulative probability (double sums, index order) exceeds `uniform` in [0, 1).
pub fn pick(probabilities: &[f32], uniform: f64) -> Pick {
    let mut sum = 0.0;
    let mut last = 0;
    for (token, probability) in probabilities.iter().enumerate().filter(|(_, probability)| **probability > 0.0) {
        sum += f64::from(*probability);
        last = token;
        if sum > uniform {
            break;
        }
    }
    Pick { token: last, probability: probabilities[last] }
}

fn check(logits: &[f32]) -> Result<(), SamplingError> {
    if let Some(token) = logits.iter().position(|logit| logit.is_nan() || *logit == f32::INFINITY) {
        return Err(SamplingError::NotFinite { token });
    }
    if logits.iter().all(|logit| *logit == f32::NEG_INFINITY) {
        return Err(SamplingError::Nothing);
    }
    Ok(())
}

fn all_on_the_largest(logits: &mut [f32]) {
    let mut winner = 0;
    for token in 1..logits.len() {
        if logits[token] > logits[winner] {
            winner = token;
        }
    }
    logits.fill(0.0);
    logits[winner] = 1.0;
}

/// Removes what lies below the k-th largest logit.
///
/// Published behaviour: ties at the threshold all stay, so that more than k tokens can be left.
fn keep_top_k(logits: &mut [f32], top_k: usize) {
    let place = top_k.min(logits.len()) - 1;
    let mut sorted = logits.to_vec();
    let (_, threshold, _) = sorted.select_nth_unstable_by(place, |a, b| b.total_cmp(a));
    let threshold = *threshold;
    logits.iter_mut().filter(|logit| **logit < threshold).for_each(|logit| *logit = f32::NEG_INFINITY);
}

/// Removes every token before which the more probable ones already sum to more than p.
fn keep_top_p(logits: &mut [f32], top_p: f64) {
    let mut order: Vec<usize> = (0..logits.len()).filter(|token| logits[*token] > f32::NEG_INFINITY).collect();
    // Ties: the lower token first, as in the golden cases.
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    let mut sorted: Vec<f32> = order.iter().map(|token| logits[*token]).collect();
    softmax(&mut sorted);
    let mut sum = 0.0_f32;
    for (token, probability) in order.iter().zip(&sorted) {
        if f64::from(sum) > top_p && sum > 0.0 {
            logits[*token] = f32::NEG_INFINITY;
        }
        sum += probability;
    }
}

fn softmax(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    for value in logits.iter_mut() {
        *value /= sum;
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
        // Probabilities 1/2, 1/4, 1/8, 1/8.
        let logits = [0.5_f32, 0.25, 0.125, 0.125].map(f32::ln);
        let left = filtered(&logits, 0, 0.6);
        assert!((left[0] - 2.0 / 3.0).abs() < 1e-6 && (left[1] - 1.0 / 3.0).abs() < 1e-6, "{left:?}");
        assert_eq!(&left[2..], &[0.0, 0.0]);
    }

    #[test]
    fn p_of_zero_keeps_the_most_probable_token() {
        assert_eq!(filtered(&[0.0, 3.0, 1.0], 0, 0.0), vec![0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_uniform_number_finds_its_token() {
        let probabilities = [0.25, 0.0, 0.5, 0.25];
        let tokens: Vec<usize> = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999]
            .iter()
            .map(|uniform| pick(&probabilities, *uniform).token)
            .collect();
        assert_eq!(tokens, vec![0, 0, 2, 2, 3, 3]);
    }

    #[test]
    fn a_row_that_is_not_a_number_is_refused() {
        assert_eq!(probabilities(&mut [0.0, f32::NAN], Filter::OPEN), Err(SamplingError::NotFinite { token: 1 }));
        assert_eq!(probabilities(&mut [f32::NEG_INFINITY; 3], Filter::OPEN), Err(SamplingError::Nothing));
    }
}
