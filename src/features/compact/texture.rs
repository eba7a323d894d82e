//! Expression stream: which small patterns of light and dark a face shows, and where.
//!
//! In:  [`NormalFace`].
//! Out: 16 patterns in each of 4x4 cells, as square roots of shares (0 to 1).
//! Source: centre-symmetric local binary patterns (Heikkilä, Pietikäinen and Schmid 2009), in cells as local binary
//! patterns are used for expressions (Shan, Gong and McOwan 2009), with soft bits (Iakovidis, Keramidas and Maroulis
//! 2008): a step near the threshold counts in part, so that noise and light do not turn it over. The square root makes
//! plain distances behave like Hellinger's.

use super::face::{NormalFace, SIDE};

/// Cells across and down.
const CELLS: usize = 4;

/// Patterns: one bit for each of the four lines through a point.
const PATTERNS: usize = 16;

/// Numbers per frame.
pub const WIDTH: usize = CELLS * CELLS * PATTERNS;

/// Difference of two opposite neighbours, in standard deviations of the face, from which a bit counts in full; half of
/// it is the threshold of a plain pattern, and about the shading of flat skin.
const FULL_STEP: f32 = 0.2;

/// Appends the descriptor of one face: `[WIDTH]`.
pub fn describe(face: &NormalFace, out: &mut Vec<f32>) {
    let mut counts = [[0.0; PATTERNS]; CELLS * CELLS];
    for row in 1..SIDE - 1 {
        for column in 1..SIDE - 1 {
            let cell = row * CELLS / SIDE * CELLS + column * CELLS / SIDE;
            add_patterns(&mut counts[cell], bits_at(face, column, row));
        }
    }
    for cell in &counts {
        let total: f32 = cell.iter().sum();
        out.extend(cell.iter().map(|count| (count / total).sqrt()));
    }
}

/// How far each bit is set, 0 to 1: right against left, lower right against upper left, below against above, lower left
/// against upper right.
fn bits_at(face: &NormalFace, column: usize, row: usize) -> [f32; 4] {
    let (above, here, below) = (face.row(row - 1), face.row(row), face.row(row + 1));
    let (left, right) = (column - 1, column + 1);
    let steps = [
        here[right] - here[left],
        below[right] - above[left],
        below[column] - above[column],
        below[left] - above[right],
    ];
    steps.map(|step| (step / FULL_STEP).clamp(0.0, 1.0))
}

/// Adds one point to the patterns in proportion to its bits; the parts add up to 1.
fn add_patterns(counts: &mut [f32; PATTERNS], [first, second, third, fourth]: [f32; 4]) {
    let low = [(1.0 - first) * (1.0 - second), first * (1.0 - second), (1.0 - first) * second, first * second];
    let high = [(1.0 - third) * (1.0 - fourth), third * (1.0 - fourth), (1.0 - third) * fourth, third * fourth];
    for (counts, high) in counts.chunks_exact_mut(4).zip(high) {
        for (count, low) in counts.iter_mut().zip(low) {
            *count += low * high;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::face::drawn::{Look, REST, distance, face};
    use super::*;

    fn described(look: Look) -> Vec<f32> {
        let mut out = Vec::new();
        describe(&NormalFace::from_crop(&face(look)), &mut out);
        out
    }

    #[test]
    fn a_half_set_bit_counts_half_in_two_patterns() {
        let mut counts = [0.0; PATTERNS];
        // Bits 1, 1/2, 0, 0: patterns 0b0001 and 0b0011.
        add_patterns(&mut counts, [1.0, 0.5, 0.0, 0.0]);
        assert!((counts[0b0001] - 0.5).abs() < 1e-6 && (counts[0b0011] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_shares_of_each_cell_add_up_to_one() {
        let rest = described(REST);
        assert_eq!(rest.len(), WIDTH);
        for cell in rest.chunks_exact(PATTERNS) {
            assert!((cell.iter().map(|root| root * root).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn mouth_and_brows_move_it_and_light_hardly_does() {
        let rest = described(REST);
        let light = distance(&rest, &described(Look { light: 0.7, ..REST }));
        for changed in [Look { mouth: 10.0, ..REST }, Look { brows: 6.0, ..REST }] {
            let moved = distance(&rest, &described(changed));
            assert!(moved > 3.0 * light, "moved {moved}, light {light}");
        }
    }
}
