//! Energy and zero crossings of a frame without a window.
//!
//! In:  samples of a frame.
//! Out: root of the mean square (`pcm_RMSenergy`, 20 ms; with a window also the gate of the pitch, 60 ms), and zero
//! crossings per sample (`pcm_zcr`, 60 ms).
//! Source: `compare2016.md`, sections 5.5 and 7.

/// Root of the mean square.
pub fn root_mean_square(frame: &[f32]) -> f32 {
    let sum: f64 = frame.iter().map(|sample| f64::from(sample * sample)).sum();
    (sum / frame.len() as f64).sqrt() as f32
}

/// Sign changes over the number of samples.
///
/// Published behaviour: a sample that is zero counts too, so digital silence has about 1. Held by
/// `zeros_are_counted_as_crossings`.
pub fn zero_crossings(frame: &[f32]) -> f32 {
    let crosses = |around: &&[f32]| (around[0] * around[2] <= 0.0 && around[1] == 0.0) || around[0] * around[1] < 0.0;
    frame.windows(3).filter(crosses).count() as f32 / frame.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_the_root_of_the_mean_square() {
        assert_eq!(root_mean_square(&[3.0, -4.0, 0.0, 0.0]), 2.5);
    }

    #[test]
    fn crossings_are_counted_before_the_last_sample() {
        // Changes before samples 1, 2 and 4; the one before the last sample is not looked at.
        assert_eq!(zero_crossings(&[1.0, -1.0, 1.0, 1.0, -1.0, 1.0]), 3.0 / 6.0);
    }

    #[test]
    fn zeros_are_counted_as_crossings() {
        assert_eq!(zero_crossings(&[0.0; 8]), 6.0 / 8.0);
        assert_eq!(zero_crossings(&[1.0, 0.0, 1.0]), 0.0);
        assert_eq!(zero_crossings(&[1.0, 0.0, -1.0]), 1.0 / 3.0);
    }
}
