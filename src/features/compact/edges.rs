//! Action-unit stream: directions of the edges of brows, eyes, cheeks and mouth.
//!
//! In:  [`NormalFace`].
//! Out: 8 directions in each of 7x6 cells, about 0 to 1.
//! Source: histograms of oriented gradients (Dalal and Triggs 2005), the usual descriptor of action units without a
//! network (OpenFace 2, Baltrušaitis et al. 2018). The cells begin at the brows and end at the chin: hair and
//! forehead above carry nothing.

use std::f32::consts::PI;

use super::face::{NormalFace, SIDE};

/// Cells down: three over brows and eyes, one over nose and cheeks, three over mouth and chin.
const ROWS: usize = 7;
/// Cells across.
const COLUMNS: usize = 6;
/// Height and width of a cell in points of the face.
const CELL_HEIGHT: usize = 7;
const CELL_WIDTH: usize = 10;
/// First row of points: in the detector's boxes the brows begin a fifth below the upper edge.
const TOP: usize = 14;
/// First column of points: the cells are centred.
const LEFT: usize = (SIDE - COLUMNS * CELL_WIDTH) / 2;
/// Directions of an edge, opposite ones counted as the same.
const DIRECTIONS: usize = 8;

/// Numbers per frame.
pub const WIDTH: usize = ROWS * COLUMNS * DIRECTIONS;

/// The least strength of a neighbourhood: a cell of 70 points that all differ from their neighbours by a twentieth of the
/// face's standard deviation. Flat cells stay near zero.
const LEAST_STRENGTH: f32 = 3.5;
/// No single direction counts for more than this, as in Dalal and Triggs: one hard edge must not hide the rest.
const MOST: f32 = 1.5;

type Cells = [[f32; DIRECTIONS]; ROWS * COLUMNS];

/// Appends the descriptor of one face: `[WIDTH]`.
pub fn describe(face: &NormalFace, out: &mut Vec<f32>) {
    let cells = directions_of_cells(face);
    for (cell, directions) in cells.iter().enumerate() {
        let scale = 1.0 / neighbourhood_strength(&cells, cell / COLUMNS, cell % COLUMNS).max(LEAST_STRENGTH);
        out.extend(directions.iter().map(|strength| (strength * scale).min(MOST)));
    }
}

/// Each point adds its edge to the four cells around it, the nearer the more, so that a brow that rises within its cell
/// shows too.
fn directions_of_cells(face: &NormalFace) -> Cells {
    let mut cells = [[0.0; DIRECTIONS]; ROWS * COLUMNS];
    for row in 0..ROWS * CELL_HEIGHT {
        let (above, here) = (face.row(TOP + row - 1), face.row(TOP + row));
        let below = face.row((TOP + row + 1).min(SIDE - 1));
        for column in 0..COLUMNS * CELL_WIDTH {
            let point = LEFT + column;
            let edge = Edge::new(here[point + 1] - here[point - 1], below[point] - above[point]);
            for (cell_row, row_share) in nearest_cells(row, CELL_HEIGHT, ROWS) {
                for (cell_column, column_share) in nearest_cells(column, CELL_WIDTH, COLUMNS) {
                    edge.add_to(&mut cells[cell_row * COLUMNS + cell_column], row_share * column_share);
                }
            }
        }
    }
    cells
}

/// The two cells whose centres a point lies between, and its shares of them; a point beyond the last centre counts once.
fn nearest_cells(point: usize, extent: usize, count: usize) -> [(usize, f32); 2] {
    let place = ((point as f32 + 0.5) / extent as f32 - 0.5).clamp(0.0, (count - 1) as f32);
    let (first, share) = (place as usize, place.fract());
    [(first, 1.0 - share), ((first + 1).min(count - 1), share)]
}

/// A gradient: how strong, and the two directions it lies between.
struct Edge {
    strength: f32,
    first: usize,
    second_share: f32,
}

impl Edge {
    fn new(across: f32, down: f32) -> Self {
        let place = (down.atan2(across) / PI).rem_euclid(1.0) * DIRECTIONS as f32;
        Self { strength: across.hypot(down), first: place as usize % DIRECTIONS, second_share: place.fract() }
    }

    fn add_to(&self, directions: &mut [f32; DIRECTIONS], weight: f32) {
        let strength = self.strength * weight;
        directions[self.first] += strength * (1.0 - self.second_share);
        directions[(self.first + 1) % DIRECTIONS] += strength * self.second_share;
    }
}

/// Root of the mean squared strength of a cell and its neighbours, so that a typical cell has length 1.
fn neighbourhood_strength(cells: &Cells, row: usize, column: usize) -> f32 {
    let (mut square, mut count) = (0.0, 0.0);
    for near_row in row.saturating_sub(1)..=(row + 1).min(ROWS - 1) {
        for near_column in column.saturating_sub(1)..=(column + 1).min(COLUMNS - 1) {
            square += cells[near_row * COLUMNS + near_column].iter().map(|strength| strength * strength).sum::<f32>();
            count += 1.0;
        }
    }
    f32::sqrt(square / count)
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
    fn an_edge_goes_to_its_own_direction_and_one_between_two_is_shared() {
        let mut directions = [0.0; DIRECTIONS];
        Edge::new(3.0, 0.0).add_to(&mut directions, 1.0);
        assert!((directions[0] - 3.0).abs() < 1e-5);
        // 11.25 degrees is half way between directions 0 and 1, which lie 22.5 degrees apart.
        let mut directions = [0.0; DIRECTIONS];
        let angle = 11.25f32.to_radians();
        Edge::new(2.0 * angle.cos(), 2.0 * angle.sin()).add_to(&mut directions, 1.0);
        assert!((directions[0] - 1.0).abs() < 1e-4 && (directions[1] - 1.0).abs() < 1e-4);
    }

    #[test]
    fn opposite_gradients_are_the_same_direction() {
        let (mut rising, mut falling) = ([0.0; DIRECTIONS], [0.0; DIRECTIONS]);
        Edge::new(1.0, 2.0).add_to(&mut rising, 1.0);
        Edge::new(-1.0, -2.0).add_to(&mut falling, 1.0);
        assert!(distance(&rising, &falling) < 1e-5);
    }

    #[test]
    fn a_point_between_two_centres_is_shared_and_one_at_the_border_is_not() {
        // Cells of 10 points: centres at 5 and 15; point 7 covers 7 to 8, its middle is a quarter of the way.
        assert_eq!(nearest_cells(7, 10, 6), [(0, 0.75), (1, 0.25)]);
        assert_eq!(nearest_cells(59, 10, 6), [(5, 1.0), (5, 0.0)]);
    }

    #[test]
    fn mouth_and_brows_move_their_own_cells_and_light_hardly_moves_any() {
        let (rest, dim) = (described(REST), described(Look { light: 0.7, ..REST }));
        let (raised, open) = (described(Look { brows: 6.0, ..REST }), described(Look { mouth: 6.0, ..REST }));
        let upper = 3 * COLUMNS * DIRECTIONS;
        let moved = |look: &[f32]| [distance(&rest[..upper], &look[..upper]), distance(&rest[upper..], &look[upper..])];
        let ([raised_above, raised_below], [open_above, open_below]) = (moved(&raised), moved(&open));
        let [dim_above, dim_below] = moved(&dim);
        assert!(raised_above > 2.0 * raised_below && open_below > 2.0 * open_above);
        assert!(raised_above > 2.0 * dim_above, "raised {raised_above}, dim {dim_above}");
        assert!(open_below > 2.0 * dim_below, "open {open_below}, dim {dim_below}");
    }

    #[test]
    fn a_flat_face_has_no_edges() {
        let flat = crate::media::GrayImage { width: 128, height: 128, pixels: vec![9; 128 * 128] };
        let mut out = Vec::new();
        describe(&NormalFace::from_crop(&flat), &mut out);
        assert!(out.len() == WIDTH && out.iter().all(|value| *value == 0.0));
    }
}
