//! Deltas: how fast a smoothed contour rises, by regression over five frames.
//!
//! In:  smoothed contours.
//! Out: the frames that functionals read.
//! Source: `compare2016.md`, sections 9.2 and 12.2:
//! `delta[k] = ((x[k+1] - x[k-1]) + 2 (x[k+2] - x[k-2])) / 10` in f32; before the first frame it stands in itself.

use super::contours::Columns;

/// Sum of the squares of the distances, both sides.
const NORM: f32 = 10.0;

/// A contour, and what its deltas may read.
#[derive(Clone, Copy)]
struct Contour<'a> {
    values: &'a [f32],
    /// Frames that existed when the first delta was computed.
    existing: usize,
}

impl Contour<'_> {
    /// The values `distance` frames behind and before a frame.
    ///
    /// Published behaviour: at the first frame of a very short sound, frames that do not exist read as 0. Held by
    /// `frames_that_do_not_exist_are_zero`.
    fn pair(&self, frame: usize, distance: usize) -> (f32, f32) {
        let behind = frame + distance;
        let is_missing = frame == 0 && behind >= self.existing;
        let value = if is_missing { 0.0 } else { self.values[behind.min(self.values.len() - 1)] };
        (value, self.values[frame.saturating_sub(distance)])
    }
}

/// Deltas of the first `frame_count` frames of a contour of which `existing` frames were there in time.
pub fn deltas(values: &[f32], frame_count: usize, existing: usize) -> Vec<f32> {
    let contour = Contour { values, existing };
    let delta = |frame: usize| {
        let ((behind, before), (far_behind, far_before)) = (contour.pair(frame, 1), contour.pair(frame, 2));
        ((behind - before) + 2.0 * (far_behind - far_before)) / NORM
    };
    (0..frame_count).map(delta).collect()
}

/// Deltas of contours in which zero means nothing: a difference counts only between two values that are not zero.
///
/// Published behaviour: the sum is divided by a number that only grows, over all frames and columns, so the deltas
/// shrink as the recording goes on. Held by the stage `nz_de` in `tests/parity_compare.rs`.
pub fn deltas_of_nonzero(columns: &[Vec<f32>], frame_count: usize, existing: usize) -> Columns {
    let mut norm = NORM;
    let mut found = vec![Vec::with_capacity(frame_count); columns.len()];
    for frame in 0..frame_count {
        for (values, found) in columns.iter().zip(&mut found) {
            let mut sum = 0.0;
            for distance in 1..=2 {
                let (behind, before) = Contour { values, existing }.pair(frame, distance);
                if behind != 0.0 && before != 0.0 {
                    sum += distance as f32 * (behind - before);
                    norm += (distance * distance) as f32;
                }
            }
            found.push(sum / norm);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_slope() {
        // Inside: (2 + 2 * 4) / 10 = 1; at frame 0: (1 + 2 * 2) / 10; at frame 1: (2 + 2 * 3) / 10.
        let ramp: Vec<f32> = (0..8).map(|frame| frame as f32).collect();
        assert_eq!(deltas(&ramp, 4, 8), [0.5, 0.8, 1.0, 1.0]);
    }

    #[test]
    fn frames_that_do_not_exist_are_zero() {
        // Two frames existed: at frame 0, x[1] - x[0] = 2 and 2 (0 - x[0]) = -2.
        assert_eq!(deltas(&[1.0, 3.0, 3.0], 1, 2), [0.0]);
    }

    #[test]
    fn the_divisor_of_nonzero_deltas_only_grows() {
        // Frame 0: pairs (1, 1) and (2, 1) take part: 1 + 2 * 2 = 5 over 10 + 1 + 4.
        // Frame 1: pairs (3, 1) and (4, 1): 2 + 2 * 3 = 8 over 15 + 5.
        let found = deltas_of_nonzero(&[vec![1.0, 2.0, 3.0, 4.0, 5.0]], 2, 5);
        assert_eq!(found, [[5.0 / 15.0, 8.0 / 20.0]]);
        // A zero takes its pair out.
        let found = deltas_of_nonzero(&[vec![1.0, 0.0, 3.0, 4.0]], 1, 4);
        assert_eq!(found, [[4.0 / 14.0]]);
    }
}
