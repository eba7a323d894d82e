//! How long a contour is high, rising, and curved to the left.
//!
//! In:  a contour.
//! Out: six shares between 0 and 1.
//! Formula: `upleveltimeQ` frames above min + Q % of the range, over N; `risetime` steps upwards, over N - 1;
//! `leftctime` inner frames whose step in is smaller than their step out, over N - 2.
//! Source: `compare2016.md`, section 11.6; thresholds and differences in f32.

use super::contour::Contour;

/// The names of the results.
pub(super) const NAMES: [&str; 6] =
    ["upleveltime25", "upleveltime50", "upleveltime75", "upleveltime90", "risetime", "leftctime"];

/// The shares of the range whose exceeding is timed.
const LEVELS: [f32; 4] = [0.25, 0.5, 0.75, 0.9];

/// The functionals, in the order of [`NAMES`].
pub(super) fn times(contour: &Contour) -> [f32; 6] {
    let values = contour.values;
    let [quarter, half, three_quarters, nine_tenths] = LEVELS.map(|level| {
        let threshold = level * contour.range + contour.minimum;
        share(values.iter().filter(|value| **value > threshold).count(), values.len())
    });
    let rising = values.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let left_curved = values.windows(3).filter(|three| three[1] - three[0] < three[2] - three[1]).count();
    let count = values.len();
    [
        quarter,
        half,
        three_quarters,
        nine_tenths,
        share(rising, count.saturating_sub(1)),
        share(left_curved, count.saturating_sub(2)),
    ]
}

/// `part` of `whole`; 0 of nothing.
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> [f32; 6] {
        times(&Contour::new(values).unwrap())
    }

    #[test]
    fn levels_steps_and_curves_are_counted() {
        // Range 4: above 1 are 2 3 4 2, above 2 are 3 4, above 3 and above 3.6 is 4; steps +2 +1 +1 -2 -2: 3 of 5 rise,
        // none of the 4 inner frames has a step in that is smaller than its step out.
        assert_eq!(of(&[0.0, 2.0, 3.0, 4.0, 2.0, 0.0]), [4.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.6, 0.0]);
        // Steps -3 -1 +1 +3: each is larger than the one before.
        assert_eq!(of(&[4.0, 1.0, 0.0, 1.0, 4.0])[4..], [0.5, 1.0]);
    }

    #[test]
    fn one_and_two_frames_have_no_curve() {
        assert_eq!(of(&[3.0]), [0.0; 6]);
        assert_eq!(of(&[1.0, 3.0]), [0.5, 0.5, 0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn a_constant_contour_is_never_high() {
        assert_eq!(of(&[2.0; 12]), [0.0; 6]);
    }
}
