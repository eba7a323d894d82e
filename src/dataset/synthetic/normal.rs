//! Noise: normal numbers that are the same on every machine, and noise with a memory.
//!
//! In:  a stream of chance.
//! Out: numbers of mean 0 and variance 1.
//! Source: the sum of four uniform numbers, which is normal enough for noise (within ±3.5; kurtosis 2.7 instead of 3)
//! and, unlike a logarithm and a cosine, exact everywhere: same seed, same bytes.

use rand::Rng;

/// One number of mean 0 and variance 1.
pub fn normal(chance: &mut impl Rng) -> f64 {
    let bits: u64 = chance.random();
    let sum: u32 = (0..4).map(|part| u32::from((bits >> (16 * part)) as u16)).sum();
    // Four uniform numbers in [0, 1): mean 2, variance 4/12; half a step centres the 16-bit grid.
    (f64::from(sum + 2) / 65_536.0 - 2.0) * 3.0_f64.sqrt()
}

/// A series of variance 1 whose neighbours correlate by `memory`.
pub struct Series {
    memory: f64,
    fresh: f64,
    last: f64,
}

impl Series {
    /// Starts in the middle of things: the first number has variance 1 as well.
    pub fn start(memory: f64, chance: &mut impl Rng) -> Self {
        let last = normal(chance);
        Self { memory, fresh: (1.0 - memory * memory).max(0.0).sqrt(), last }
    }

    /// The number of the next frame.
    pub fn next(&mut self, chance: &mut impl Rng) -> f64 {
        self.last = self.memory * self.last + self.fresh * normal(chance);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Owner, stream};

    #[test]
    fn noise_has_mean_0_variance_1_and_the_memory_asked_for() {
        let mut chance = stream(1, Owner::Synthesis, [0, 0, 0]);
        let mut series = Series::start(0.7, &mut chance);
        let values: Vec<f64> = (0..100_000).map(|_| series.next(&mut chance)).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 1e5;
        let lagged = values.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / 1e5;
        // 100 000 numbers with memory 0.7 tell a mean to 0.0075 (one standard error), a variance to 0.0076.
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03 && (lagged - 0.7).abs() < 0.03);
    }
}
