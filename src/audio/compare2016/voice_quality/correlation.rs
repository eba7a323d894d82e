//! The length of a period: where a piece of sound resembles the piece behind it most.
//!
//! In:  samples, a place, the shortest and longest period.
//! Out: the best length, and its vertex between the samples.
//! Source: `compare2016.md`, section 6: normalised cross-correlation of neighbouring pieces, means removed, in f64.
//!
//! Measured: means and energies of all pieces come from running sums, so a length costs one product of vectors instead
//! of five passes. Where a piece hardly moves around its mean, the difference of sums would lose digits, and the plain
//! formula is taken.

use super::super::parabola::vertex;

/// Below this share of the energy the deviation is computed around the mean itself.
const LEAST_DEVIATION: f64 = 1e-5;

/// A period that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// Length in whole samples.
    pub length: usize,
    /// Samples that the vertex lies behind the shortest length.
    pub offset: f64,
    /// Correlation at the vertex.
    pub resemblance: f64,
}

/// Searches periods in a stretch of samples.
#[derive(Debug, Clone, Default)]
pub struct PeriodSearch {
    samples: Vec<f64>,
    /// Sums of all samples before each place.
    sums: Vec<f64>,
    /// Sums of the squares of all samples before each place.
    energies: Vec<f64>,
    correlations: Vec<f64>,
}

impl PeriodSearch {
    /// Takes the stretch that is searched.
    pub fn begin(&mut self, samples: &[f32]) {
        self.samples.clear();
        self.samples.extend(samples.iter().map(|sample| f64::from(*sample)));
        let (mut sum, mut energy) = (0.0, 0.0);
        self.sums.clear();
        self.energies.clear();
        self.sums.push(sum);
        self.energies.push(energy);
        for sample in &self.samples {
            sum += sample;
            energy += sample * sample;
            self.sums.push(sum);
            self.energies.push(energy);
        }
    }

    /// The local maximum of the correlation that is highest, the shortest of equals.
    pub fn best(&mut self, place: usize, shortest: usize, longest: usize) -> Option<Period> {
        let correlations = std::mem::take(&mut self.correlations);
        let mut correlations = refilled(correlations, (shortest..=longest).map(|length| self.at(place, length)));
        let mut best: Option<usize> = None;
        for middle in 1..correlations.len().saturating_sub(2) {
            let is_peak =
                correlations[middle - 1] < correlations[middle] && correlations[middle] > correlations[middle + 1];
            if is_peak && best.is_none_or(|best| correlations[middle] > correlations[best]) {
                best = Some(middle);
            }
        }
        let found = best.map(|middle| {
            let around = [middle - 1, middle, middle + 1];
            let heights = around.map(|point| correlations[point]);
            let (offset, resemblance) = vertex(around.map(|point| point as f64), heights);
            Period { length: shortest + middle, offset, resemblance }
        });
        std::mem::swap(&mut self.correlations, &mut correlations);
        found
    }

    /// Correlation of the `length` samples from `place` on with those behind them; NaN where one of both is constant.
    fn at(&self, place: usize, length: usize) -> f64 {
        let [start, middle, end] = [place, place + length, place + 2 * length];
        let (first, second) = (&self.samples[start..middle], &self.samples[middle..end]);
        let first_mean = (self.sums[middle] - self.sums[start]) / length as f64;
        let second_mean = (self.sums[end] - self.sums[middle]) / length as f64;
        let energies = [self.energies[middle] - self.energies[start], self.energies[end] - self.energies[middle]];
        let product = product(first, second) - length as f64 * first_mean * second_mean;
        let deviations = [
            energies[0] - length as f64 * first_mean * first_mean,
            energies[1] - length as f64 * second_mean * second_mean,
        ];
        let total = self.energies[end];
        if deviations.iter().all(|deviation| *deviation > LEAST_DEVIATION * total) {
            return product / (deviations[0].sqrt() * deviations[1].sqrt());
        }
        plain(first, second)
    }
}

fn refilled(mut values: Vec<f64>, new: impl Iterator<Item = f64>) -> Vec<f64> {
    values.clear();
    values.extend(new);
    values
}

/// Sum of products, in eight partial sums.
fn product(first: &[f64], second: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (firsts, seconds) = (first.chunks_exact(LANES), second.chunks_exact(LANES));
    let rest: f64 = firsts.remainder().iter().zip(seconds.remainder()).map(|(x, y)| x * y).sum();
    for (first, second) in firsts.zip(seconds) {
        for (sum, (x, y)) in sums.iter_mut().zip(first.iter().zip(second)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The formula as it stands: means first, then deviations from them.
fn plain(first: &[f64], second: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first_mean, second_mean) = (mean(first), mean(second));
    let (mut both, mut first_square, mut second_square) = (0.0, 0.0, 0.0);
    for (x, y) in first.iter().zip(second) {
        let (x, y) = (x - first_mean, y - second_mean);
        both += x * y;
        first_square += x * x;
        second_square += y * y;
    }
    both / (first_square.sqrt() * second_square.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(samples: &[f32]) -> PeriodSearch {
        let mut search = PeriodSearch::default();
        search.begin(samples);
        search
    }

    #[test]
    fn the_period_of_a_wave_is_found_between_the_samples() {
        let wave: Vec<f32> = (0..200).map(|n| (std::f32::consts::TAU * n as f32 / 40.4).sin()).collect();
        let found = search(&wave).best(0, 30, 50).unwrap();
        assert_eq!(found.length, 40);
        assert!((30.0 + found.offset - 40.4).abs() < 0.1, "{found:?}");
        assert!(found.resemblance > 0.99, "{found:?}");
    }

    #[test]
    fn running_sums_and_the_plain_formula_agree() {
        let wave: Vec<f32> = (0..120).map(|n| (n as f32 * 0.3).sin() + 0.2 * (n as f32 * 1.7).cos() + 0.1).collect();
        let search = search(&wave);
        for length in [5, 17, 40] {
            let first = &search.samples[7..7 + length];
            let second = &search.samples[7 + length..7 + 2 * length];
            assert!((search.at(7, length) - plain(first, second)).abs() < 1e-13);
        }
    }

    #[test]
    fn constant_sound_has_no_period() {
        assert!(search(&[0.25; 100]).at(0, 10).is_nan());
        assert_eq!(search(&[0.25; 100]).best(0, 10, 40), None);
        assert_eq!(search(&[0.0; 100]).best(0, 10, 40), None);
    }
}
