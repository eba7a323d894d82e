//! 6373 functionals: each descriptor's contour over the whole clip in a few dozen numbers.
//!
//! In:  [`Contours`], the smoothed descriptors and their deltas.
//! Out: 6373 numbers in the reference's order; [`super::names::functional_names`] names them.
//! Source: `compare2016.md`, section 11. Every file below is one family of functionals; [`groups`] says which contour
//! gets which.

mod contour;
mod extrema;
mod extremes;
mod groups;
mod limit;
mod lpc;
mod means;
mod moments;
mod peaks;
mod percentiles;
mod regression;
mod segments;
mod slopes;
mod times;

pub(super) use groups::{GROUPS, Level};

use super::contours::Contours;
use contour::Scratch;

/// How many functionals a clip has.
pub const FUNCTIONAL_COUNT: usize = 6373;

/// The nominal time between two frames in seconds, also where the hop in samples is not exactly 10 ms.
const FRAME_SECS: f32 = 0.01;

/// All functionals of a clip, [`FUNCTIONAL_COUNT`] numbers; NaN throughout for a clip without a frame (below 60 ms).
///
/// `contours` has as many columns in each level, and as many frames in each column, as [`Contours`] promises.
pub fn functionals(contours: &Contours) -> Vec<f32> {
    if contours.counts.descriptors == 0 {
        return vec![f32::NAN; FUNCTIONAL_COUNT];
    }
    let mut results = Vec::with_capacity(FUNCTIONAL_COUNT);
    let mut scratch = Scratch::default();
    for group in &GROUPS {
        let frames = (group.frames)(&contours.counts);
        for column in group.levels.iter().flat_map(|level| level.columns(contours)) {
            group.append(&column[..frames.min(column.len())], &mut scratch, &mut results);
        }
    }
    debug_assert_eq!(results.len(), FUNCTIONAL_COUNT, "a level has more or fewer columns than it should");
    results
}
