//! One signal brought to another rate.
//!
//! In:  samples at `from_hz`.
//! Out: samples at `to_hz`, aligned at time 0, `ceil(n * to / from)` of them.
//! Source: band-limited interpolation with a windowed sinc, J. O. Smith, "Digital Audio Resampling".

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side; with the window below the stop band lies under -60 dB.
const CROSSINGS: usize = 24;

/// Brings `signal` from `from_hz` to `to_hz`; equal rates copy.
pub fn resampled(signal: &[f64], from_hz: u32, to_hz: u32) -> Vec<f64> {
    if from_hz == to_hz || signal.is_empty() {
        return signal.to_vec();
    }
    let shared = greatest_common_divisor(from_hz, to_hz);
    let (up, down) = ((to_hz / shared) as usize, (from_hz / shared) as usize);
    let kernel = Kernel::new(up, down);
    (0..(signal.len() * up).div_ceil(down)).map(|sample| kernel.value_at(signal, sample * down)).collect()
}

/// The sinc sampled at every phase that occurs: target sample `t` lies at `t * down / up` of the source.
struct Kernel {
    up: usize,
    reach: usize,
    /// `[up, 2 * reach]`: weights of the source samples `whole - reach + 1 ..= whole + reach`.
    weights: Vec<f64>,
}

impl Kernel {
    fn new(up: usize, down: usize) -> Self {
        // Going down, the sinc is widened so that nothing above the new half rate remains.
        let cutoff = (up as f64 / down as f64).min(1.0);
        let reach = (CROSSINGS as f64 / cutoff).ceil() as usize;
        let weights = (0..up)
            .flat_map(|phase| {
                let offset = phase as f64 / up as f64;
                (0..2 * reach).map(move |tap| windowed_sinc(tap as f64 + 1.0 - reach as f64 - offset, cutoff))
            })
            .collect();
        Self { up, reach, weights }
    }

    /// The signal at `place / up` source samples; silence beyond both ends.
    fn value_at(&self, signal: &[f64], place: usize) -> f64 {
        let (whole, phase) = (place / self.up, place % self.up);
        let taps = &self.weights[phase * 2 * self.reach..][..2 * self.reach];
        let before = self.reach - 1;
        let first = whole.saturating_sub(before);
        let taps = &taps[before - (whole - first)..];
        let samples = signal.get(first..).unwrap_or_default();
        samples.iter().zip(taps).map(|(sample, weight)| sample * weight).sum()
    }
}

/// `sinc` of the distance in source samples, under a Hann window `CROSSINGS` zero crossings wide on each side.
fn windowed_sinc(distance: f64, cutoff: f64) -> f64 {
    let phase = distance * cutoff;
    if phase.abs() >= CROSSINGS as f64 {
        return 0.0;
    }
    let sinc = if phase == 0.0 { 1.0 } else { (PI * phase).sin() / (PI * phase) };
    cutoff * sinc * (0.5 + 0.5 * (PI * phase / CROSSINGS as f64).cos())
}

fn greatest_common_divisor(first: u32, second: u32) -> u32 {
    if second == 0 { first } else { greatest_common_divisor(second, first % second) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate_hz: u32, count: usize) -> Vec<f64> {
        (0..count).map(|n| (2.0 * PI * hz * n as f64 / f64::from(rate_hz)).sin()).collect()
    }

    #[test]
    fn a_tone_keeps_pitch_phase_and_loudness() {
        for (from, to) in [(48_000, 44_100), (16_000, 44_100), (44_100, 22_050)] {
            let found = resampled(&tone(440.0, from, from as usize / 10), from, to);
            let expected = tone(440.0, to, to as usize / 10);
            assert_eq!(found.len(), expected.len());
            // Away from the ends, where the silence beyond is heard.
            for place in 200..found.len() - 200 {
                assert!((found[place] - expected[place]).abs() < 2e-3, "{from} to {to} at {place}");
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_carry_is_removed() {
        // 15 kHz does not fit in 22050 Hz.
        let found = resampled(&tone(15_000.0, 44_100, 4410), 44_100, 22_050);
        assert!(found[200..2000].iter().all(|sample| sample.abs() < 2e-3));
    }
}
