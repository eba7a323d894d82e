//! Dynamic time warping between two sequences of action units that are all 0 or 1.
//!
//! In:  one 16-bit mask per frame; bit `d` is action unit `d`.
//! Out: the same sum as [`super::dtw`], which for zeros and ones counts the units that differ: exact in 16 bits.
//!
//! Both real reactions and decoded tokens have such action units; then 15 columns cost as much as one.

use pulp::Arch;

/// Larger than any sum within [`MOST_FRAMES`], with room for what the padding adds.
const INFINITE: u16 = 1 << 15;

/// Frames of both sequences together for which every sum (15 a cell) stays below [`INFINITE`].
pub(super) const MOST_FRAMES: usize = INFINITE as usize / 16;

/// One mask per frame, or none where a value is neither 0 nor 1. `columns`: `[units, frames]`, at most 16 units.
pub(super) fn masks_from_columns(columns: &[f32], frame_count: usize) -> Option<Vec<u16>> {
    let mut masks = vec![0; frame_count];
    for (unit, column) in columns.chunks_exact(frame_count).enumerate() {
        for (mask, value) in masks.iter_mut().zip(column) {
            *mask |= bit(*value)? << unit;
        }
    }
    Some(masks)
}

fn bit(value: f32) -> Option<u16> {
    match value {
        0.0 => Some(0),
        1.0 => Some(1),
        _ => None,
    }
}

/// The smallest number of differing units over all warpings. `backwards` is the second sequence, last frame first.
pub(super) fn warped_cost(arch: Arch, first: &[u16], backwards: &[u16], lines: &mut [Vec<u16>; 3]) -> u16 {
    arch.dispatch(|| walk(first, backwards, lines))
}

#[expect(clippy::inline_always, reason = "vector code must land inside the caller's instruction set")]
#[inline(always)]
fn walk(first: &[u16], backwards: &[u16], lines: &mut [Vec<u16>; 3]) -> u16 {
    let (rows, columns) = (first.len(), backwards.len());
    for line in &mut *lines {
        line.clear();
        line.resize(rows + 2, INFINITE);
    }
    let [mut now, mut last, mut before_last] = lines.each_mut().map(Vec::as_mut_slice);
    // Row `i` of the table is at `i + 1`; the walk enters row 0 from this corner.
    before_last[0] = 0;
    for diagonal in 0..rows + columns - 1 {
        let low = diagonal.saturating_sub(columns - 1);
        let high = diagonal.min(rows - 1);
        let count = high + 1 - low;
        let pairs = first[low..][..count].iter().zip(&backwards[low + columns - 1 - diagonal..][..count]);
        let straight = last[low + 1..][..count].iter().zip(&last[low..][..count]);
        let sources = straight.zip(&before_last[low..][..count]);
        for ((to, (a, b)), ((left, above), corner)) in now[low + 1..][..count].iter_mut().zip(pairs).zip(sources) {
            *to = (a ^ b).count_ones() as u16 + *left.min(above).min(corner);
        }
        now[low] = INFINITE;
        now[high + 2] = INFINITE;
        (now, last, before_last) = (before_last, now, last);
    }
    last[rows]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_exist_only_for_zeros_and_ones() {
        // Two units over three frames.
        assert_eq!(masks_from_columns(&[0.0, 1.0, 1.0, 1.0, 0.0, 1.0], 3), Some(vec![0b10, 0b01, 0b11]));
        assert_eq!(masks_from_columns(&[0.0, 0.5], 2), None);
        assert_eq!(masks_from_columns(&[0.0, f32::NAN], 2), None);
    }

    #[test]
    fn differing_units_are_counted_along_the_best_warping() {
        let mut lines = [Vec::new(), Vec::new(), Vec::new()];
        // 00 11 against 00 00 11: waiting costs nothing.
        assert_eq!(warped_cost(Arch::new(), &[0b00, 0b11], &[0b11, 0b00, 0b00], &mut lines), 0);
        // 01 against 10 and 11: 2 + 1.
        assert_eq!(warped_cost(Arch::new(), &[0b01], &[0b11, 0b10], &mut lines), 3);
    }

    #[test]
    fn the_longest_allowed_sequences_do_not_overflow() {
        let half = MOST_FRAMES / 2;
        let mut lines = [Vec::new(), Vec::new(), Vec::new()];
        let found = warped_cost(Arch::new(), &vec![0x7fff; half], &vec![0; half], &mut lines);
        assert_eq!(usize::from(found), half * 15);
    }
}
