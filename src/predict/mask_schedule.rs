//! How many tokens stay masked after each unmask step.

/// Tokens still masked after unmask step `step` (counted from 1) of `steps`, of `tokens` in all.
///
/// A quarter of a cosine: slowly at first, when little is known, then faster. Halves go to the even number, as in
/// Python.
pub fn tokens_left(tokens: usize, step: usize, steps: usize) -> usize {
    let part = step as f64 / steps as f64;
    (tokens as f64 * (part * std::f64::consts::FRAC_PI_2).cos()).round_ties_even() as usize
}

#[cfg(test)]
mod tests {
    use super::tokens_left;

    #[test]
    fn eight_steps_of_a_whole_clip_leave_the_published_counts() {
        let left: Vec<usize> = (1..=8).map(|step| tokens_left(2250, step, 8)).collect();
        assert_eq!(left, [2207, 2079, 1871, 1591, 1250, 861, 439, 0]);
    }
}
