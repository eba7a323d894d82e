//! Jitter, shimmer and HNR: how much one period of the voice differs from the next.
//!
//! In:  samples, and the pitch of each 60 ms frame.
//! Out: per frame `jitterLocal`, `jitterDDP`, `shimmerLocal` (shares, 0 to 1) and `logHNR` (dB).
//! Source: `compare2016.md`, section 6. Jitter is the mean difference of neighbouring periods over their mean, DDP that
//! of neighbouring differences; shimmer the same for amplitudes; HNR compares the mean period with what is left of each.

pub mod correlation;
pub mod noise;

use self::correlation::PeriodSearch;
use self::noise::PeriodMarks;
use super::framing::Framing;
use super::samples::Samples;

/// logHNR where there is no voice.
const NO_HARMONICS: f32 = -100.0;
/// Periods that resemble the next one less are not counted.
const LEAST_RESEMBLANCE: f64 = 0.5;

/// The four descriptors of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoiceQuality {
    /// Mean difference of neighbouring periods, over the mean period.
    pub jitter: f32,
    /// Mean difference of neighbouring differences, over the mean period.
    pub jitter_ddp: f32,
    /// Mean difference of neighbouring amplitudes, over the mean amplitude.
    pub shimmer: f32,
    /// Harmonics over noise, in dB.
    pub log_hnr: f32,
}

impl VoiceQuality {
    const UNVOICED: Self = Self { jitter: 0.0, jitter_ddp: 0.0, shimmer: 0.0, log_hnr: NO_HARMONICS };
}

/// What goes from one voiced frame to the next.
#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    period: f32,
    difference: f32,
    jitter: f32,
    jitter_ddp: f32,
    shimmer: f32,
}

/// Follows the periods of a voice from frame to frame.
#[derive(Debug, Clone)]
pub struct PeriodFollower {
    framing: Framing,
    search: PeriodSearch,
    marks: PeriodMarks,
    /// Frames seen.
    frame: usize,
    /// Where the next frame's search begins.
    cursor: usize,
    /// Samples that the last search left unread.
    debt: usize,
    carried: Carried,
}

/// Lengths of one frame's search, in samples.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Expected period.
    period: usize,
    shortest: usize,
    longest: usize,
    /// What the frame has to read to keep up.
    share: usize,
    /// What it may read.
    wanted: usize,
}

/// Sums over the periods of a frame; all of it f32.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    periods: f32,
    period_count: f32,
    differences: f32,
    difference_count: f32,
    double_differences: f32,
    double_difference_count: f32,
    amplitudes: f32,
    amplitude_differences: f32,
}

impl PeriodFollower {
    /// At the start of a sound.
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            search: PeriodSearch::default(),
            marks: PeriodMarks::default(),
            frame: 0,
            cursor: 0,
            debt: 0,
            carried: Carried::default(),
        }
    }

    /// First sample that a later frame may still read.
    pub fn needed_from(&self) -> usize {
        self.cursor.min(self.frame * self.framing.hop)
    }

    /// The next frame, whose pitch is `frequency` (0 is unvoiced).
    pub fn take(&mut self, samples: &Samples, frequency: f32) -> VoiceQuality {
        let start = self.frame * self.framing.hop;
        self.frame += 1;
        let share = self.framing.search_step + self.debt;
        if frequency <= 0.0 {
            self.cursor = if start == self.cursor + self.debt { self.cursor } else { start } + share;
            self.debt = 0;
            self.carried = Carried::default();
            return VoiceQuality::UNVOICED;
        }
        if start != self.cursor + self.debt {
            self.cursor = start; // where the hop is not a whole number of samples
        }
        let bounds = self.bounds(frequency, share);
        let read = samples.slice(self.cursor..self.cursor + bounds.wanted);
        let (sums, advance) = self.walk(read, &bounds);
        self.debt = share - advance;
        self.cursor += advance;
        self.described(&sums)
    }

    fn bounds(&self, frequency: f32, share: usize) -> Bounds {
        let period = (1.0 / f64::from(frequency)) / self.sample_secs();
        let longest = (1.25 * period).ceil() as usize;
        let cap = self.framing.long_length + self.debt;
        Bounds {
            period: period.round() as usize,
            shortest: (0.75 * period).floor() as usize,
            longest,
            share,
            wanted: share.max(2 * longest + 2).min(cap),
        }
    }

    fn sample_secs(&self) -> f64 {
        1.0 / f64::from(self.framing.rate_hz)
    }

    /// Goes from period to period; returns the sums and how far the next frame's search begins.
    fn walk(&mut self, read: &[f32], bounds: &Bounds) -> (Sums, usize) {
        let (mut sums, mut place, mut advance, mut last) = (Sums::default(), 0, 0, 0);
        self.marks.begin(bounds.period);
        self.search.begin(read);
        while place + 2 * bounds.longest + 1 < read.len() {
            match self.search.best(place, bounds.shortest, bounds.longest) {
                Some(found) => {
                    last = found.length;
                    self.marks.add(read, place);
                    if found.resemblance > LEAST_RESEMBLANCE {
                        let secs = ((bounds.shortest as f64 + found.offset).abs() * self.sample_secs()) as f32;
                        self.count(&mut sums, secs);
                        sums.count_amplitudes(peak_to_peak(read, place, last), peak_to_peak(read, place + last, last));
                    }
                }
                None => last = bounds.period,
            }
            place += last;
            if place + 1 < bounds.share {
                advance = place;
            }
        }
        self.marks.end(read, place, last);
        (sums, advance)
    }

    fn count(&mut self, sums: &mut Sums, period: f32) {
        sums.periods += period;
        sums.period_count += 1.0;
        let carried = &mut self.carried;
        if carried.period > 0.0 {
            let difference = (carried.period - period).abs();
            sums.differences += difference;
            sums.difference_count += 1.0;
            if carried.difference > 0.0 {
                sums.double_differences += (carried.difference - difference).abs();
                sums.double_difference_count += 1.0;
            }
            carried.difference = difference;
        }
        carried.period = period;
    }

    /// Where a frame has no period of its own, the last values are held.
    fn described(&mut self, sums: &Sums) -> VoiceQuality {
        let carried = &mut self.carried;
        let held = |sum: f32, count: f32, held: &mut f32| {
            if sums.period_count == 0.0 {
                return *held;
            }
            if count == 0.0 {
                return 0.0;
            }
            *held = ((sum / count) / (sums.periods / sums.period_count)).min(1.0);
            *held
        };
        let jitter = held(sums.differences, sums.difference_count, &mut carried.jitter);
        let jitter_ddp = held(sums.double_differences, sums.double_difference_count, &mut carried.jitter_ddp);
        if sums.period_count > 0.0 {
            let has_amplitude = sums.amplitudes > 0.0;
            carried.shimmer = if has_amplitude { (sums.amplitude_differences / sums.amplitudes).min(1.0) } else { 0.0 };
        }
        VoiceQuality { jitter, jitter_ddp, shimmer: carried.shimmer, log_hnr: self.marks.log_hnr() }
    }
}

impl Sums {
    fn count_amplitudes(&mut self, this: f32, next: f32) {
        self.amplitudes += this.midpoint(next);
        self.amplitude_differences += (this - next).abs();
    }
}

/// Highest minus lowest sample of the period that begins at `place`, without its ends.
fn peak_to_peak(read: &[f32], place: usize, length: usize) -> f32 {
    let inner = &read[place + 1..(place + length).saturating_sub(1).max(place + 1)];
    let (lowest, highest) = inner
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), sample| (low.min(*sample), high.max(*sample)));
    if lowest <= highest { highest - lowest } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qualities(amplitude: impl Fn(usize) -> f32) -> Vec<VoiceQuality> {
        // 100 Hz at 16 kHz: 160 samples a period, a pulse with a soft tail in each.
        let pulse = |n: usize| amplitude(n / 160) * (-((n % 160) as f32) / 20.0).exp() * ((n % 160) as f32 / 6.0).sin();
        let mut samples = Samples::default();
        samples.append(&(0..16_000).map(pulse).collect::<Vec<_>>());
        let mut follower = PeriodFollower::new(Framing::new(16_000).unwrap());
        (0..80).map(|_| follower.take(&samples, 100.0)).collect()
    }

    #[test]
    fn a_perfect_voice_has_neither_jitter_nor_shimmer() {
        let last = qualities(|_| 0.5)[79];
        assert!(last.jitter < 1e-6 && last.jitter_ddp < 1e-6 && last.shimmer < 1e-6, "{last:?}");
    }

    #[test]
    fn amplitudes_that_alternate_are_shimmer() {
        // 0.4 and 0.6: difference 0.2 over mean 0.5.
        let last = qualities(|period| if period % 2 == 0 { 0.4 } else { 0.6 })[79];
        assert!((last.shimmer - 0.4).abs() < 1e-3, "{last:?}");
    }

    #[test]
    fn unvoiced_frames_are_zero_with_hnr_at_the_bottom() {
        let mut follower = PeriodFollower::new(Framing::new(11_025).unwrap());
        let samples = Samples::default();
        for _ in 0..3 {
            assert_eq!(follower.take(&samples, 0.0), VoiceQuality::UNVOICED);
        }
        assert_eq!(follower.needed_from(), 330, "three hops of 110 samples");
    }
}
