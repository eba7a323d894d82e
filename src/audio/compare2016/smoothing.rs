//! Moving average over three frames.
//!
//! In:  a descriptor's values, frame by frame.
//! Out: one frame more than there are: the last average still sees the last value.
//! Source: `compare2016.md`, sections 9.1 and 12.2. Beyond either end the outermost frame stands in. f32, the middle
//! frame first, then the one before, then the one behind.

/// Where a value ends for the smoother although there is more of it.
///
/// Published behaviour: the frames whose pitch is decided at the end of the input reach the smoother before their jitter
/// does, so the averages around the last frame decided before see its jitter as the last. Held by the stage `nz_sma` in
/// `tests/parity_compare.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlyEnd {
    /// Frames that were decided before the end of the input (M).
    pub decided_frames: usize,
}

impl EarlyEnd {
    /// The last frame that the average at `frame` sees, of `count` frames.
    fn last(self, frame: usize, count: usize) -> usize {
        let decided = self.decided_frames;
        let is_cut = decided > 0 && decided < count && (frame == decided || frame + 1 == decided);
        if is_cut { decided - 1 } else { count - 1 }
    }
}

/// Averages `frame_count` frames; there may be more values, and the last stands in for missing ones.
pub fn averaged(values: &[f32], frame_count: usize) -> Vec<f32> {
    let last = values.len() - 1;
    let average = |frame: usize| {
        let [middle, before, behind] = around(values, frame, last);
        ((middle + before) + behind) / 3.0
    };
    (0..frame_count).map(average).collect()
}

/// Averages what is not zero among three frames; a frame that is zero itself stays zero.
pub fn averaged_nonzero(values: &[f32], early_end: Option<EarlyEnd>) -> Vec<f32> {
    let last = values.len() - 1;
    let average = |frame: usize| {
        let last = early_end.map_or(last, |early| early.last(frame, values.len()));
        let around = around(values, frame, last);
        if around[0] == 0.0 {
            return 0.0;
        }
        let nonzero = around.iter().filter(|value| **value != 0.0);
        let (sum, count) = nonzero.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    };
    (0..=values.len()).map(average).collect()
}

/// The value at a frame, the one before and the one behind.
///
/// Published behaviour: where there is a single frame, the one behind it reads as 0 at first. Held by
/// `a_single_frame_is_averaged_with_zero`.
fn around(values: &[f32], frame: usize, last: usize) -> [f32; 3] {
    let behind = if frame == 0 && values.len() == 1 { 0.0 } else { values[(frame + 1).min(last)] };
    [values[frame.min(last)], values[frame.saturating_sub(1).min(last)], behind]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_stand_in_for_what_is_beyond() {
        // (3 + 3 + 6) / 3, (6 + 3 + 9) / 3, (9 + 6 + 9) / 3, then the last three times.
        assert_eq!(averaged(&[3.0, 6.0, 9.0], 4), [4.0, 6.0, 8.0, 9.0]);
        // Of four values, two averages.
        assert_eq!(averaged(&[3.0, 6.0, 9.0, 9.0], 2), [4.0, 6.0]);
    }

    #[test]
    fn zeros_stay_zero_and_are_not_averaged() {
        assert_eq!(averaged_nonzero(&[0.0, 2.0, 4.0, 0.0], None), [0.0, 3.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn averages_around_an_early_end_do_not_look_beyond() {
        // Four frames, two decided: averages 1 and 2 end with frame 1, the others with frame 3.
        let early = Some(EarlyEnd { decided_frames: 2 });
        assert_eq!(averaged_nonzero(&[3.0, 6.0, 9.0, 12.0], early), [4.0, 5.0, 6.0, 11.0, 12.0]);
        let all = Some(EarlyEnd { decided_frames: 4 });
        assert_eq!(averaged_nonzero(&[3.0, 6.0, 9.0, 12.0], all), [4.0, 6.0, 9.0, 11.0, 12.0]);
    }

    #[test]
    fn a_single_frame_is_averaged_with_zero() {
        assert_eq!(averaged(&[3.0], 2), [2.0, 3.0]);
        assert_eq!(averaged_nonzero(&[3.0], None), [3.0, 3.0]);
    }
}
