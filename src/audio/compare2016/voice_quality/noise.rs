//! Harmonics against noise: the mean period of a frame, and what is left of each period without it.
//!
//! In:  where the periods of a frame begin.
//! Out: `logHNR = 20 lg(EH / EN)` in dB, EH and EN the RMS of the mean period and of the rest.
//! Source: `compare2016.md`, section 6. Sums are f32; two or three samples at either end of a period do not count.

use super::NO_HARMONICS;

/// Begins of periods, and the mean of all periods.
#[derive(Debug, Clone, Default)]
pub struct PeriodMarks {
    marks: Vec<usize>,
    mean: Vec<f32>,
    log_hnr: f32,
}

impl PeriodMarks {
    /// A new frame, with a mean of `period` samples.
    pub fn begin(&mut self, period: usize) {
        self.marks.clear();
        self.mean.clear();
        self.mean.resize(period, 0.0);
    }

    /// Adds a period that begins at `place`.
    pub fn add(&mut self, read: &[f32], place: usize) {
        self.marks.push(place);
        for (sum, sample) in self.mean.iter_mut().zip(&read[place..]) {
            *sum += sample;
        }
    }

    /// The last period begins at `place` and is as long as the one before; computes the ratio.
    pub fn end(&mut self, read: &[f32], place: usize, length: usize) {
        self.marks.push(place);
        let count = self.marks.len() as f32;
        for (sum, sample) in self.mean.iter_mut().zip(read.get(place..).unwrap_or_default()) {
            *sum = (*sum + sample) / count;
        }
        self.marks.push(place + length);
        self.log_hnr = decibels(self.harmonics(), self.noise(read));
    }

    /// Ratio of the last frame, in dB.
    pub fn log_hnr(&self) -> f32 {
        self.log_hnr
    }

    fn harmonics(&self) -> f32 {
        let period = self.mean.len();
        let inner = self.mean.get(3..(period + 1).saturating_sub(3)).unwrap_or_default();
        let mut energy = inner.iter().fold(0.0, |sum, value| sum + value * value);
        if period > 4 {
            energy /= (period - 4) as f32;
        }
        energy.sqrt()
    }

    fn noise(&self, read: &[f32]) -> f32 {
        let (mut energy, mut count) = (0.0f32, 0);
        for pair in self.marks.windows(2) {
            // Up to three samples before the end, that one included.
            let end = (pair[1].min(pair[0] + self.mean.len()) + 1).saturating_sub(3).min(read.len());
            let rest = read.get(pair[0] + 2..end).unwrap_or_default();
            for (sample, mean) in rest.iter().zip(self.mean.get(2..).unwrap_or_default()) {
                energy += (sample - mean) * (sample - mean);
            }
            count += rest.len();
        }
        if count > 0 {
            energy /= count as f32;
        }
        energy.sqrt()
    }
}

/// Published behaviour: a voice without any noise has 0 dB. Held by `harmonics_without_noise_are_0_db`.
fn decibels(harmonics: f32, noise: f32) -> f32 {
    let ratio = harmonics / noise;
    if noise == 0.0 {
        0.0
    } else if ratio > 0.0 {
        (20.0 * f64::from(ratio).ln() / std::f64::consts::LN_10).max(f64::from(NO_HARMONICS)) as f32
    } else {
        NO_HARMONICS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_in_decibels() {
        assert_eq!((decibels(10.0, 1.0), decibels(0.0, 1.0)), (20.0, -100.0));
    }

    #[test]
    fn harmonics_without_noise_are_0_db() {
        assert_eq!(decibels(1.0, 0.0), 0.0);
    }

    #[test]
    fn the_mean_period_is_what_all_periods_share() {
        // Two periods of 8, all ones against all threes: mean 2, the rest is 1 everywhere. EH: samples 3 to 5 of the
        // mean, 3 * 4 / (8 - 4) = 3; EN = 1; 20 lg(sqrt 3) = 4.7712.
        let read: Vec<f32> = [[1.0; 8], [3.0; 8]].concat();
        let mut marks = PeriodMarks::default();
        marks.begin(8);
        marks.add(&read, 0);
        marks.end(&read, 8, 8);
        assert!((marks.log_hnr() - 4.771_2).abs() < 1e-4, "{}", marks.log_hnr());
    }
}
