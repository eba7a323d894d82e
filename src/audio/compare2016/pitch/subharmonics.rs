//! Pitch candidates by subharmonic summation: a fundamental collects the peaks at its multiples.
//!
//! In:  the spectrum on the scale of octaves.
//! Out: up to six candidates: frequency in Hz, voicing (0 to 1), score.
//! Source: `compare2016.md`, sections 5.2 and 5.3. On a scale of octaves the `m`-th multiple lies `lg2(m)` octaves
//! higher, so the sum is the spectrum added to itself, shifted and fainter each time.

use std::f64::consts::LN_2;
use std::ops::RangeInclusive;

use super::super::parabola::vertex;
use super::octave::OctaveScale;

/// Candidates of a frame.
pub const CANDIDATE_COUNT: usize = 6;
/// Multiples that are added up, the fundamental included.
const HARMONICS: usize = 15;
/// Each multiple counts this much of the one before.
const COMPRESSION: f32 = 0.85;
/// Pitches in Hz that are believed.
const PITCHES_HZ: RangeInclusive<f32> = 52.0..=620.0;

/// One possible pitch of a frame; all zero where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Candidate {
    /// Frequency in Hz.
    pub frequency: f32,
    /// How far the peak stands out: `1 - mean / peak`.
    pub voicing: f32,
    /// Height of the peak.
    pub score: f32,
}

/// Candidates of one frame; the one with the highest score is the first.
pub type Candidates = [Candidate; CANDIDATE_COUNT];

/// Sums harmonics and finds candidates.
#[derive(Debug, Clone)]
pub struct Subharmonics {
    /// How far each multiple from the second on is shifted, in points.
    shifts: Vec<usize>,
    lowest: f32,
    step: f32,
    summed: Vec<f32>,
}

impl Subharmonics {
    /// For spectra on `scale`.
    pub fn new(scale: &OctaveScale) -> Self {
        let per_octave = f64::from(scale.per_octave as f32);
        let shift = |multiple: usize| (per_octave * ((multiple as f64).ln() / LN_2)).floor() as usize;
        Self {
            shifts: (2..=HARMONICS).map(shift).collect(),
            lowest: scale.lowest as f32,
            step: (scale.highest as f32 - scale.lowest as f32) / (scale.points - 1) as f32,
            summed: vec![0.0; scale.points],
        }
    }

    /// Candidates of one frame.
    pub fn candidates(&mut self, octaves: &[f32]) -> Candidates {
        self.sum(octaves);
        let mean = self.summed.iter().map(|value| f64::from(*value)).sum::<f64>() / self.summed.len() as f64;
        let mut candidates = Candidates::default();
        let believed = highest_peaks(&self.summed)
            .into_iter()
            .flatten()
            .map(|peak| self.candidate(peak, mean))
            .filter(|candidate| PITCHES_HZ.contains(&candidate.frequency));
        for (place, candidate) in candidates.iter_mut().zip(believed) {
            *place = candidate;
        }
        put_best_first(&mut candidates);
        candidates
    }

    /// Mean over the harmonics of each point taken as a fundamental (Z).
    fn sum(&mut self, octaves: &[f32]) {
        self.summed.copy_from_slice(octaves);
        let mut weight = COMPRESSION;
        for shift in &self.shifts {
            for (sum, value) in self.summed.iter_mut().zip(octaves.get(*shift..).unwrap_or_default()) {
                *sum += value * weight;
            }
            weight *= COMPRESSION;
        }
        for sum in &mut self.summed {
            *sum = (*sum / HARMONICS as f32).max(0.0);
        }
    }

    /// The peak between the points, by a parabola in f64 over a scale kept in f32.
    fn candidate(&self, peak: usize, mean: f64) -> Candidate {
        let around = [peak - 1, peak, peak + 1];
        let places = around.map(|point| f64::from(self.lowest + point as f32 * self.step));
        let (place, height) = vertex(places, around.map(|point| f64::from(self.summed[point])));
        let stands_out = height > 0.0 && height > mean;
        Candidate {
            frequency: (place * LN_2).exp() as f32,
            voicing: if stands_out { (1.0 - mean / height) as f32 } else { 0.0 },
            score: height as f32,
        }
    }
}

/// The highest local maxima, in descending order; the earlier of equals comes first.
fn highest_peaks(values: &[f32]) -> [Option<usize>; CANDIDATE_COUNT] {
    let mut peaks = [None; CANDIDATE_COUNT];
    for (before, around) in values.windows(3).enumerate() {
        if !(around[0] < around[1] && around[1] > around[2]) {
            continue;
        }
        let is_lower = |peak: &Option<usize>| peak.is_none_or(|peak| values[peak] < around[1]);
        if let Some(place) = peaks.iter().position(is_lower) {
            peaks[place..].rotate_right(1);
            peaks[place] = Some(before + 1);
        }
    }
    peaks
}

/// Changes places of the first candidate and the one with the highest score, the first of equals.
fn put_best_first(candidates: &mut Candidates) {
    let mut best = 0;
    for place in 1..CANDIDATE_COUNT {
        if candidates[place].score > candidates[best].score {
            best = place;
        }
    }
    candidates.swap(0, best);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_come_in_descending_order_and_the_seventh_drops_out() {
        let heights = [3.0, 5.0, 4.0, 5.0, 1.0, 2.0, 6.0, 0.5];
        let values: Vec<f32> = heights.iter().flat_map(|height| [0.0, *height]).chain([0.0]).collect();
        // Peak n stands at 2 n + 1; of the two fives the earlier comes first.
        assert_eq!(highest_peaks(&values), [13, 3, 7, 5, 1, 11].map(Some));
        assert_eq!(highest_peaks(&[1.0, 1.0, 1.0]), [None; 6]);
    }

    #[test]
    fn a_sound_of_harmonics_has_its_fundamental_as_first_candidate() {
        // 100 points an octave from 25 Hz: 100 Hz is point 200, its multiples lie 100 lg2(m) points higher.
        let scale = OctaveScale { points: 1000, lowest: 25f64.log2(), highest: 25f64.log2() + 9.99, per_octave: 100.0 };
        let mut octaves = vec![0.0; 1000];
        for multiple in 1..=8 {
            octaves[200 + (100.0 * f64::from(multiple).log2()).floor() as usize] = 1.0 / multiple as f32;
        }
        let best = Subharmonics::new(&scale).candidates(&octaves)[0];
        assert!((best.frequency - 100.0).abs() < 0.5, "{best:?}");
        assert!(best.voicing > 0.9, "{best:?}");
    }

    #[test]
    fn silence_has_no_candidates() {
        let scale = OctaveScale { points: 50, lowest: 4.6, highest: 12.0, per_octave: 6.75 };
        assert_eq!(Subharmonics::new(&scale).candidates(&[0.0; 50]), Candidates::default());
    }
}
