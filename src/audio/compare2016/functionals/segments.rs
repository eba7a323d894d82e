//! Lengths of the segments of a contour: between crossings of two levels, or of frames other than zero.
//!
//! In:  a contour.
//! Out: mean, largest and smallest length and their standard deviation, in seconds; zeros without a segment.
//! Formula: see [`relative_segments`] and [`nonzero_segments`]; lengths times 0.01 s.
//! Source: `compare2016.md`, section 11.5; at most 100 segments count, sums are f32.

use super::FRAME_SECS;
use super::contour::Contour;

/// The names of the results, of either kind.
pub(super) const NAMES: [&str; 4] = ["meanSegLen", "maxSegLen", "minSegLen", "segLenStddev"];

/// Further segments are ignored.
const MOST_SEGMENTS: usize = 100;
/// The levels whose crossing ends a segment, as shares of the range.
const LEVELS: [f32; 2] = [0.25, 0.75];
/// Frames of the moving average that is compared with the levels.
const AVERAGED_FRAMES: usize = 3;
/// So many nonzero frames make a segment.
const SHORTEST_SEGMENT: usize = 3;
/// So many zero frames end it.
const SHORTEST_PAUSE: usize = 2;

/// Lengths in frames.
struct Lengths {
    count: usize,
    frames: [f32; MOST_SEGMENTS],
}

impl Lengths {
    fn new() -> Self {
        Self { count: 0, frames: [0.0; MOST_SEGMENTS] }
    }

    fn push(&mut self, frames: usize) {
        if let Some(free) = self.frames.get_mut(self.count) {
            *free = frames as f32;
            self.count += 1;
        }
    }

    /// The functionals, in the order of [`NAMES`].
    fn statistics(&self) -> [f32; 4] {
        let lengths = &self.frames[..self.count];
        let Some(first) = lengths.first().copied() else { return [0.0; 4] };
        let mean = lengths.iter().sum::<f32>() / lengths.len() as f32;
        let longest = lengths.iter().copied().fold(first, f32::max);
        let shortest = lengths.iter().copied().fold(first, f32::min);
        let squares: f32 = lengths.iter().map(|length| (length - mean) * (length - mean)).sum();
        let deviation = if lengths.len() > 1 { (squares / lengths.len() as f32).sqrt() } else { 0.0 };
        [mean, longest, shortest, deviation].map(|frames| frames * FRAME_SECS)
    }
}

/// Segments between the frames where the average of three frames crosses 25 % or 75 % of the range.
///
/// A crossing closer than a hundredth of the contour to the one before does not count, and what follows the last
/// one is no segment. The running sum keeps its f32 rounding errors, as in the reference.
pub(super) fn relative_segments(contour: &Contour) -> [f32; 4] {
    let thresholds = LEVELS.map(|level| contour.minimum + contour.range * level);
    let shortest = (contour.len() as isize / 100 - 1).max(2);
    let mut start = -(shortest / 2);
    let mut lengths = Lengths::new();
    let (mut sum, mut before) = (0.0, 0.0);
    for (frame, value) in contour.values.iter().enumerate() {
        sum += value;
        if frame >= AVERAGED_FRAMES {
            sum -= contour.values[frame - AVERAGED_FRAMES];
        }
        let average = sum / (frame + 1).min(AVERAGED_FRAMES) as f32;
        let length = frame as isize - start;
        if length > shortest && thresholds.iter().any(|threshold| crosses(before, average, *threshold)) {
            lengths.push(length as usize);
            start = frame as isize;
        }
        before = average;
    }
    lengths.statistics()
}

fn crosses(before: f32, now: f32, threshold: f32) -> bool {
    (now > threshold && before <= threshold) || (now < threshold && before >= threshold)
}

/// Where a frame stands; `begin` is the first frame of what it stands in.
#[derive(Clone, Copy)]
enum Place {
    Pause,
    /// Nonzero frames, not yet enough for a segment.
    Candidate {
        begin: usize,
        nonzero: usize,
    },
    Segment {
        begin: usize,
    },
}

/// Segments of at least three frames other than zero, ended by two zeros in a row.
///
/// Published behaviour: a length is one less than the frames of its segment (held by the parity test).
pub(super) fn nonzero_segments(contour: &Contour) -> [f32; 4] {
    let mut lengths = Lengths::new();
    let mut place = Place::Pause;
    let mut zeros = 0; // in a row, up to this frame
    for (frame, value) in contour.values.iter().enumerate() {
        zeros = if *value == 0.0 { zeros + 1 } else { 0 };
        place = match place {
            Place::Pause if zeros == 0 => Place::Candidate { begin: frame, nonzero: 1 },
            Place::Candidate { begin, nonzero } if zeros == 0 && nonzero + 1 == SHORTEST_SEGMENT => {
                Place::Segment { begin }
            }
            Place::Candidate { begin, nonzero } if zeros == 0 => Place::Candidate { begin, nonzero: nonzero + 1 },
            Place::Candidate { .. } if zeros >= SHORTEST_PAUSE => Place::Pause,
            Place::Segment { begin } if zeros >= SHORTEST_PAUSE => {
                lengths.push(frame - zeros - begin);
                Place::Pause
            }
            same => same,
        };
    }
    if let Place::Segment { begin } = place {
        lengths.push(contour.len() - 1 - zeros - begin);
    }
    lengths.statistics()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_frames(seconds: [f32; 4]) -> [f32; 4] {
        seconds.map(|value| (value * 1e4).round() / 100.0)
    }

    fn relative(values: &[f32]) -> [f32; 4] {
        in_frames(relative_segments(&Contour::new(values).unwrap()))
    }

    fn nonzero(values: &[f32]) -> [f32; 4] {
        in_frames(nonzero_segments(&Contour::new(values).unwrap()))
    }

    #[test]
    fn a_segment_reaches_from_crossing_to_crossing() {
        // Range 12, levels 3 and 9; averages 0 0 0 0 0 4 8 12 12 12 8 4 0 0: crossings at 5 (3 upwards), 7 (9 upwards,
        // 2 frames later, too close), 10 (9 downwards), 12 (too close); the segments are 5 - -1 and 10 - 5.
        let mut values = [0.0; 14];
        values[5..10].fill(12.0);
        assert_eq!(relative(&values), [5.5, 6.0, 5.0, 0.5]);
    }

    #[test]
    fn the_first_frames_are_averaged_as_far_as_they_go() {
        // Averages 12 12 12 12 8 4 0: a crossing at 0, which is too early, at 4, and at 6, which is too close.
        let mut values = [0.0; 14];
        values[..4].fill(12.0);
        assert_eq!(relative(&values), [5.0, 5.0, 5.0, 0.0]);
    }

    #[test]
    fn crossings_of_a_long_contour_are_a_hundredth_of_it_apart() {
        // 600 frames: more than 600/100 - 1 = 5. Averages rise at 301 above a quarter, at 302 above three quarters, and
        // fall below at 306 (too close to 301) and 307; so 301 - -2 and 307 - 301.
        let mut values = [0.0; 600];
        values[301..305].fill(3.0);
        assert_eq!(relative(&values), [154.5, 303.0, 6.0, 148.5]);
    }

    #[test]
    fn a_constant_contour_has_no_crossing() {
        assert_eq!(relative(&[0.0; 300]), [0.0; 4]);
        assert_eq!(relative(&[1.0]), [0.0; 4]);
    }

    #[test]
    fn nonzero_segments_are_one_frame_shorter_than_they_look() {
        // Five nonzero frames, two zeros, three nonzero frames: 4 and 2.
        assert_eq!(nonzero(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 2.0, 2.0, 2.0]), [3.0, 4.0, 2.0, 1.0]);
    }

    #[test]
    fn a_single_zero_does_not_end_a_segment_and_two_frames_make_none() {
        // Frames 1 to 6, with one zero between: 6 frames, so 5. The two frames after the pause are no segment.
        assert_eq!(nonzero(&[0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 3.0, 3.0]), [5.0, 5.0, 5.0, 0.0]);
        // Two zeros end what has not become a segment yet.
        assert_eq!(nonzero(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]), [2.0, 2.0, 2.0, 0.0]);
        // A zero at the end belongs to no segment.
        assert_eq!(nonzero(&[1.0, 1.0, 1.0, 1.0, 0.0]), [3.0, 3.0, 3.0, 0.0]);
        assert_eq!(nonzero(&[0.0; 20]), [0.0; 4]);
    }

    #[test]
    fn only_a_hundred_segments_count() {
        let values: Vec<f32> = (0..1000).map(|frame| f32::from(u8::from(frame % 5 < 3))).collect();
        // 200 segments of three frames, then nothing but one of 50 frames.
        let with_long: Vec<f32> = values.iter().copied().chain([0.0, 0.0]).chain([1.0; 50]).collect();
        assert_eq!(nonzero(&with_long), [2.0, 2.0, 2.0, 0.0]);
    }
}
