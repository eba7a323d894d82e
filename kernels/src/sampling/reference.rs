//! The published filter as it was written down: sort, add up, cut. What the tests compare the other paths with.
//!
//! Source: minGPT-style `sample` of the published code, sums in double precision: top-k keeps ties at the threshold, top-p
//! keeps the first token that takes the sum over p, the most probable token always stays.

use super::problem::{Filter, SamplingError};

/// Probabilities after temperature, top-k and top-p, in place of the logits; removed tokens have 0.
pub fn probabilities(logits: &mut [f32], filter: Filter) -> Result<(), SamplingError> {
    check(logits)?;
    if filter.temperature <= 0.0 {
        all_on_the_largest(logits);
        return Ok(());
    }
    let temperature = filter.temperature as f32;
    for logit in logits.iter_mut() {
        // 0 and -0 are equal: adding 0 makes them one.
        *logit = *logit / temperature + 0.0;
    }
    if filter.top_k > 0 {
        keep_top_k(logits, filter.top_k);
    }
    if filter.top_p < 1.0 {
        keep_top_p(logits, filter.top_p);
    }
    let left = softmax(logits);
    logits.iter_mut().zip(left).for_each(|(logit, probability)| *logit = probability as f32);
    Ok(())
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
    let sorted: Vec<f32> = order.iter().map(|token| logits[*token]).collect();
    let mut sum = 0.0;
    for (token, probability) in order.iter().zip(softmax(&sorted)) {
        if sum > top_p {
            logits[*token] = f32::NEG_INFINITY;
        }
        sum += probability;
    }
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let powers: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
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
    fn a_row_that_is_not_a_number_is_refused() {
        assert_eq!(probabilities(&mut [0.0, f32::NAN], Filter::OPEN), Err(SamplingError::NotFinite { token: 1 }));
        assert_eq!(probabilities(&mut [f32::NEG_INFINITY; 3], Filter::OPEN), Err(SamplingError::Nothing));
    }
}
