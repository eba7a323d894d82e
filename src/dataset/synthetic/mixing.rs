//! From signals to features: fixed mixtures whose marginals are those measured on real clips.
//!
//! In:  the [`Marginal`] of every number of every stream, and the signals of reference clips.
//! Out: [`Mixture`]s, one per number: weights of the signals, a person's offset, noise, and a range.
//! Source: our own. The weights come from a constant seed, so every corpus of every seed speaks one language.
//!
//! A number is `clamp(location + scale z)`, where `z` of variance 1 sums signals, person and noise in the shares of
//! its stream. Location and scale are found on reference clips, so that the clamped number has the measured mean and
//! spread; the memory of the noise is what the measured lag correlation asks for.

use rayon::prelude::*;

use super::normal::normal;
use super::signals::{GROUPS, SIGNAL_COUNT, Signals};
use crate::features::compact::Marginal;
use crate::random::{Owner, stream};

/// Shares of the variance of a stream that tone, cues, voice and own face, a person's offset and noise have.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// Tone, cues, voice, own face.
    pub groups: [f64; 4],
    /// What sets one person apart from another. Each row has new people, so a small share is enough to keep a model
    /// from taking a value at its word, and no person can be learnt by heart.
    pub person: f64,
    /// Per-frame noise, independent for every number.
    pub noise: f64,
}

/// Seed of weights and reference clips: a part of the corpus' definition.
pub const LANGUAGE_SEED: u64 = 2023;
/// Rows that location and scale are found on: a mean is then true to 2 % of a spread.
const REFERENCE_ROWS: usize = 2048;
/// Rounds of finding location and scale; the most clamped numbers of the pose need about a hundred.
const FITTING_ROUNDS: usize = 150;
/// Noise takes at most this share when a measured number changes faster than the signals: they stay audible.
const MOST_NOISE: f64 = 0.6;
/// Longest memory of noise, a time constant of 50 frames.
const LONGEST_MEMORY: f64 = 0.98;

/// One number of a stream as a function of signals, person and noise.
#[derive(Clone, Debug)]
pub struct Mixture {
    weights: [f64; SIGNAL_COUNT],
    centre: f64,
    person: f64,
    noise: f64,
    /// Correlation of the noise with that of the next row.
    pub memory: f64,
    location: f64,
    scale: f64,
    low: f64,
    high: f64,
}

impl Mixture {
    /// The number, from the row's signals and standard normal person and noise.
    pub fn value(&self, signals: &[f64; SIGNAL_COUNT], person: f64, noise: f64) -> f32 {
        self.placed(self.mixed(signals) + self.person * person + self.noise * noise) as f32
    }

    fn mixed(&self, signals: &[f64; SIGNAL_COUNT]) -> f64 {
        self.weights.iter().zip(signals).map(|(weight, signal)| weight * signal).sum::<f64>() - self.centre
    }

    fn placed(&self, value: f64) -> f64 {
        (self.location + self.scale * value).clamp(self.low, self.high)
    }

    /// Finds location and scale with which the clamped values have the measured mean and spread.
    fn fit(&mut self, marginal: &Marginal, values: &[f64]) {
        (self.location, self.scale) = (marginal.mean, marginal.spread);
        for _ in 0..FITTING_ROUNDS {
            let (mean, spread) = mean_and_spread(values.iter().map(|value| self.placed(*value)));
            self.location += marginal.mean - mean;
            // A number that hardly moves yet is widened step by step.
            self.scale *= if spread > 0.0 { (marginal.spread / spread).clamp(0.5, 2.0) } else { 1.0 };
        }
    }
}

/// Mixtures of one stream. `place` tells its language from those of other streams; `reference` are the stream's rows
/// of the reference clips, one inner list per clip.
pub fn mixtures(place: u64, marginals: &[Marginal], shares: &Shares, reference: &[Signals]) -> Vec<Mixture> {
    let statistics = Statistics::of(reference);
    let sample = resampled(reference);
    let mixture = |(number, marginal): (usize, &Marginal)| {
        let mut chance = stream(LANGUAGE_SEED, Owner::Synthesis, [u64::MAX, place, number as u64]);
        let directions = std::array::from_fn(|_| normal(&mut chance));
        let mut mixture = statistics.mixture(&directions, shares, marginal);
        let values: Vec<f64> = sample
            .iter()
            .map(|row| {
                let chances = mixture.person * normal(&mut chance) + mixture.noise * normal(&mut chance);
                mixture.mixed(row) + chances
            })
            .collect();
        mixture.fit(marginal, &values);
        mixture
    };
    marginals.par_iter().enumerate().map(mixture).collect()
}

/// Second moments of the reference signals.
struct Statistics {
    mean: [f64; SIGNAL_COUNT],
    now: [[f64; SIGNAL_COUNT]; SIGNAL_COUNT],
    next: [[f64; SIGNAL_COUNT]; SIGNAL_COUNT],
}

impl Statistics {
    fn of(reference: &[Signals]) -> Self {
        let count = reference.iter().map(Vec::len).sum::<usize>() as f64;
        let mut mean = [0.0; SIGNAL_COUNT];
        for (place, mean) in mean.iter_mut().enumerate() {
            *mean = reference.iter().flatten().map(|row| row[place]).sum::<f64>() / count;
        }
        let now = moments(reference.iter().flatten().map(|row| (row, row)), &mean);
        let pairs = reference.iter().flat_map(|clip| clip.windows(2).map(|pair| (&pair[0], &pair[1])));
        let next = moments(pairs, &mean);
        Self { mean, now, next }
    }

    /// Weights in the shares of the stream, and the noise that the measured lag correlation asks for.
    fn mixture(&self, directions: &[f64; SIGNAL_COUNT], shares: &Shares, marginal: &Marginal) -> Mixture {
        let mut weights = [0.0; SIGNAL_COUNT];
        for (group, share) in GROUPS.iter().zip(shares.groups) {
            let mut alone = [0.0; SIGNAL_COUNT];
            alone[group.clone()].copy_from_slice(&directions[group.clone()]);
            let variance = quadratic(&self.now, &alone);
            let scale = if variance > 0.0 { (share / variance).sqrt() } else { 0.0 };
            alone.iter().zip(&mut weights).for_each(|(direction, weight)| *weight += scale * direction);
        }
        let variance = quadratic(&self.now, &weights);
        let signal_lag = if variance > 0.0 { quadratic(&self.next, &weights) / variance } else { 0.0 };
        let (noise, memory) = noise_for(marginal.lag, shares, signal_lag);
        // What noise takes beyond its share, signals and person give up alike.
        let kept = (1.0 - noise) / (1.0 - shares.noise);
        let signal_share = shares.groups.iter().sum::<f64>() * kept;
        let scale = if variance > 0.0 { (signal_share / variance).sqrt() } else { 0.0 };
        let weights = weights.map(|weight| weight * scale);
        let centre = weights.iter().zip(&self.mean).map(|(weight, mean)| weight * mean).sum();
        let (low, high) = (marginal.low, marginal.high);
        let (person, noise) = ((shares.person * kept).sqrt(), noise.sqrt());
        Mixture { weights, centre, person, noise, memory, location: 0.0, scale: 1.0, low, high }
    }
}

/// Share and memory of the noise with which the whole has the lag correlation `target`, as nearly as can be.
fn noise_for(target: f64, shares: &Shares, signal_lag: f64) -> (f64, f64) {
    let steady = shares.groups.iter().sum::<f64>() * signal_lag + shares.person;
    let memory = (target - steady) / shares.noise;
    if memory >= 0.0 {
        return (shares.noise, memory.min(LONGEST_MEMORY));
    }
    // Too fast for signals in their shares: fresh noise in place of some of them, and noise that swings at worst.
    let steady = steady / (1.0 - shares.noise);
    let noise = (1.0 - target / steady).clamp(shares.noise, MOST_NOISE);
    let memory = (target - (1.0 - noise) * steady) / noise;
    (noise, memory.clamp(-LONGEST_MEMORY, 0.0))
}

fn moments<'a>(
    pairs: impl Iterator<Item = (&'a [f64; SIGNAL_COUNT], &'a [f64; SIGNAL_COUNT])>,
    mean: &[f64; SIGNAL_COUNT],
) -> [[f64; SIGNAL_COUNT]; SIGNAL_COUNT] {
    let mut sums = [[0.0; SIGNAL_COUNT]; SIGNAL_COUNT];
    let mut count = 0.0;
    for (a, b) in pairs {
        count += 1.0;
        for (row, sums) in sums.iter_mut().enumerate() {
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum += (a[row] - mean[row]) * (b[column] - mean[column]);
            }
        }
    }
    sums.map(|row| row.map(|sum| sum / f64::max(count, 1.0)))
}

fn quadratic(matrix: &[[f64; SIGNAL_COUNT]; SIGNAL_COUNT], vector: &[f64; SIGNAL_COUNT]) -> f64 {
    let product = |row: &[f64; SIGNAL_COUNT]| row.iter().zip(vector).map(|(entry, value)| entry * value).sum::<f64>();
    matrix.iter().zip(vector).map(|(row, value)| value * product(row)).sum()
}

/// [`REFERENCE_ROWS`] rows, evenly out of more, or in a circle out of fewer: each gets noise of its own.
fn resampled(reference: &[Signals]) -> Vec<[f64; SIGNAL_COUNT]> {
    let rows: Vec<_> = reference.iter().flatten().copied().collect();
    rows.iter().step_by(rows.len().div_ceil(REFERENCE_ROWS)).copied().cycle().take(REFERENCE_ROWS).collect()
}

fn mean_and_spread(values: impl ExactSizeIterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares { groups: [0.2, 0.4, 0.1, 0.1], person: 0.05, noise: 0.15 };

    #[test]
    fn noise_remembers_what_the_signals_lack() {
        // Signals of share 0.8 and lag 0.9 and a person of 0.05 give 0.77; 0.815 needs 0.045 more from 0.15: 0.3.
        let (noise, memory) = noise_for(0.815, &SHARES, 0.9);
        assert!((noise - 0.15).abs() < 1e-12 && (memory - 0.3).abs() < 1e-12);
        // All but the noise have 0.77 of 0.85 together; for half of that ratio, noise takes half.
        let (noise, memory) = noise_for(0.5 * 0.77 / 0.85, &SHARES, 0.9);
        assert!((noise - 0.5).abs() < 1e-12 && memory.abs() < 1e-12);
        // For nothing at all it takes 0.6, and must swing against the 0.4 times 0.77 / 0.85 of the rest.
        let (noise, memory) = noise_for(0.0, &SHARES, 0.9);
        assert!((noise - 0.6).abs() < 1e-12 && (memory + 0.4 * 0.77 / 0.85 / 0.6).abs() < 1e-12);
    }

    #[test]
    fn clamped_numbers_get_the_measured_mean_and_spread() {
        let reference: Vec<Signals> = (0..64)
            .map(|clip| (0..64).map(|t| std::array::from_fn(|k| ((t * (k + 3) + clip) % 11) as f64)).collect())
            .collect();
        // Near its least value on average, so that a good part of the numbers is clamped.
        let marginal = Marginal { mean: 0.1, spread: 0.15, low: 0.0, high: 1.0, lag: 0.5 };
        let mixture = &mixtures(0, &[marginal], &SHARES, &reference)[0];
        let mut chance = stream(5, Owner::Synthesis, [0, 0, 0]);
        let values: Vec<f64> = reference
            .iter()
            .flatten()
            .map(|row| f64::from(mixture.value(row, normal(&mut chance), normal(&mut chance))))
            .collect();
        let (mean, spread) = mean_and_spread(values.iter().copied());
        assert!((mean - 0.1).abs() < 0.02 && (spread - 0.15).abs() < 0.02, "{mean} {spread}");
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    }
}
