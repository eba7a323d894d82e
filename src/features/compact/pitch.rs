//! How high the voice is in one video frame.
//!
//! In:  40 ms of one signal at 44.1 kHz.
//! Out: pitch in octaves above 100 Hz, or none where the sound has no period.
//! Source: normalised cross-correlation, the first stage of RAPT (Talkin 1995), without its tracking stage.

use crate::audio::RATE_HZ;

/// One sample of four is kept, the mean of sixteen: pitch needs nothing above about 1200 Hz, and lags between two whole
/// ones still correlate.
const REDUCTION: usize = 4;
const AVERAGED: usize = 16;
const REDUCED_HZ: f32 = RATE_HZ as f32 / REDUCTION as f32;

/// Voices are sought from 60 to 400 Hz.
const LEAST_LAG: usize = (REDUCED_HZ / 400.0) as usize;
const MOST_LAG: usize = (REDUCED_HZ / 60.0) as usize;

/// Correlation from which a frame counts as voiced.
const LEAST_CORRELATION: f32 = 0.6;
/// The first peak that comes this close to the best one is taken: the best may be two or three periods away.
const NEAR_BEST: f32 = 0.85;

/// Pitch of one window in octaves above 100 Hz.
pub fn pitch_octaves(window: &[f64]) -> Option<f32> {
    let averages = window.windows(AVERAGED).step_by(REDUCTION);
    let reduced: Vec<f32> = averages.map(|group| (group.iter().sum::<f64>() / AVERAGED as f64) as f32).collect();
    let compared = reduced.len().checked_sub(MOST_LAG + 1).filter(|compared| *compared >= LEAST_LAG)?;
    let correlations: Vec<f32> =
        (LEAST_LAG..=MOST_LAG).map(|lag| correlation(&reduced[..compared], &reduced[lag..lag + compared])).collect();
    let best = correlations.iter().copied().fold(0.0, f32::max);
    if best < LEAST_CORRELATION {
        return None;
    }
    let peak = correlations
        .windows(3)
        .position(|near| near[1] >= NEAR_BEST * best && near[1] >= near[0] && near[1] >= near[2])?;
    let lag = (LEAST_LAG + peak + 1) as f32 + between_lags(&correlations[peak..peak + 3]);
    Some((REDUCED_HZ / lag / 100.0).log2())
}

/// Cosine of the angle between two stretches of the signal.
fn correlation(first: &[f32], second: &[f32]) -> f32 {
    let (mut product, mut first_square, mut second_square) = (0.0, 0.0, 0.0);
    for (first, second) in first.iter().zip(second) {
        product += first * second;
        first_square += first * first;
        second_square += second * second;
    }
    // One step of 16-bit sound as the least power: digital silence correlates with nothing.
    let least = first.len() as f32;
    product / (first_square * second_square).sqrt().max(least)
}

/// Vertex of the parabola through three neighbours, from -0.5 to 0.5.
fn between_lags(near: &[f32]) -> f32 {
    let bend = near[0] - 2.0 * near[1] + near[2];
    if bend < 0.0 { (0.5 * (near[0] - near[2]) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buzz with ten harmonics, as a voice has them.
    fn buzz(hz: f64) -> Vec<f64> {
        let at =
            |n: usize, harmonic: i32| (std::f64::consts::TAU * hz * f64::from(harmonic) * n as f64 / 44_100.0).sin();
        (0..1764).map(|n| (1..=10).map(|harmonic| 1000.0 * at(n, harmonic)).sum()).collect()
    }

    #[test]
    fn a_buzz_has_its_own_pitch() {
        for hz in [75.0, 100.0, 142.0, 220.0, 350.0] {
            let found = 100.0 * pitch_octaves(&buzz(hz)).unwrap().exp2();
            assert!((f64::from(found) / hz - 1.0).abs() < 0.02, "{hz} Hz found as {found}");
        }
    }

    #[test]
    fn noise_and_silence_have_none() {
        let noise: Vec<f64> = (0..1764u64)
            .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 7)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40)
            .map(|bits| bits as f64 / 4096.0 - 2048.0)
            .collect();
        assert_eq!(pitch_octaves(&noise), None);
        assert_eq!(pitch_octaves(&vec![0.0; 1764]), None);
        assert_eq!(pitch_octaves(&[]), None);
    }
}
