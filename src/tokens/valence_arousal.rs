//! Tokens of valence and arousal: the cells of a grid over [-1, 1] x [-1, 1], 80 to the side.
//!
//! In:  two numbers.
//! Out: the token of their cell.
//!
//! Published behaviour: a cell goes by the sum of its lower edge and the step in doubles, compared for equality, so
//! decoding gives the *upper* edge (0.0125 too much on average); 1, values outside and NaN get the key 1.025;
//! a key that is not in the table silently becomes token 0 (defect 9; `parity_tokens` holds it).
//! Departure: [`Cells::Clamped`] compares cell numbers, takes values outside as the limit they passed, refuses
//! NaN, and moves a cell that is not in the table to the nearest one that is. Decoding keeps the table's values:
//! they are what the published model was trained with.

use std::collections::BTreeSet;
use std::path::Path;

use super::table::Table;
use super::{Cells, TokensError, VALENCE_AROUSAL_COUNT};

/// Cells to the side.
const SIDE: usize = 80;
/// Width of a cell.
const STEP: f64 = 0.025;
/// Edges to the side; each starts a cell, the last one that of the published key 1.025.
const EDGES: usize = SIDE + 1;
const EDGE_VALUES: [f64; EDGES] = edge_values();
/// How far a table's number may be from its cell's key; the sums of doubles are off by 1e-15.
const KEY_TOLERANCE: f64 = 1e-6;

/// The known cells.
#[derive(Clone, Debug)]
pub struct ValenceArousalTable {
    table: Table<VALENCE_AROUSAL_COUNT>,
    /// Tokens by cell number, valence first: those whose key is exactly the published sum.
    exact: Vec<Option<u32>>,
    /// The same for all keys within rounding of a cell's.
    near: Vec<Option<u32>>,
}

/// A pair of cell numbers, each 0 to 80.
pub(super) type Cell = [usize; VALENCE_AROUSAL_COUNT];

impl Cells {
    /// The cell of a pair in a codebook to be built.
    ///
    /// In the published reading the value 1 has the 81st cell to itself, clamped it is in the 80th.
    pub(super) fn cell_of(self, pair: [f64; VALENCE_AROUSAL_COUNT]) -> Cell {
        match self {
            Self::Published => pair.map(published_cell),
            Self::Clamped => pair.map(|value| clamped_cell(value).min(SIDE - 1)),
        }
    }
}

/// `-1 + number * 0.025`, as NumPy's `linspace` sums it.
const fn edge_values() -> [f64; EDGES] {
    let mut values = [0.0; EDGES];
    let mut number = 0;
    while number < EDGES {
        values[number] = -1.0 + number as f64 * STEP;
        number += 1;
    }
    values
}

/// The published key of a cell: `edge + step` in doubles, which is not always the next edge.
fn key(cell: usize) -> f64 {
    EDGE_VALUES[cell] + STEP
}

/// The cell whose lower edge is the last one up to `value`.
///
/// Below all edges the published index is -1, which is the last edge; NaN, published as above all edges, is there too.
fn published_cell(value: f64) -> usize {
    let edge_count = EDGE_VALUES.partition_point(|&edge| edge <= value);
    edge_count.checked_sub(1).unwrap_or(EDGES - 1)
}

fn clamped_cell(value: f64) -> usize {
    published_cell(value.clamp(-1.0, 1.0))
}

/// The cell of a number in the table, if there is one within `tolerance`.
fn cell_of_key(value: f64, tolerance: f64) -> Option<usize> {
    let number = ((value + 1.0) / STEP).round() - 1.0;
    let cell = (0.0..EDGES as f64).contains(&number).then_some(number as usize)?;
    ((value - key(cell)).abs() <= tolerance).then_some(cell)
}

impl ValenceArousalTable {
    /// Reads `VA_index.csv`.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        Ok(Self::of_table(Table::read(path)?))
    }

    /// Numbers the cells in ascending order, under the keys by which the published reading finds them.
    pub(super) fn of_cells(cells: &BTreeSet<Cell>) -> Self {
        Self::of_table(Table::of_combinations(cells.iter().map(|cell| cell.map(key))))
    }

    fn of_table(table: Table<VALENCE_AROUSAL_COUNT>) -> Self {
        let by_cell = |tolerance| {
            let mut tokens = vec![None; EDGES * EDGES];
            // From the back, so that the lowest token of a cell stays.
            for (token, pair) in table.entries().iter().rev() {
                if let [Some(valence), Some(arousal)] = pair.map(|value| cell_of_key(value, tolerance)) {
                    tokens[valence * EDGES + arousal] = Some(*token);
                }
            }
            tokens
        };
        Self { exact: by_cell(0.0), near: by_cell(KEY_TOLERANCE), table }
    }

    /// Writes `VA_index.csv`, every number in its shortest form that reads back the same.
    pub fn write(&self, path: &Path) -> Result<(), TokensError> {
        self.table.write(path, |value| format!("{value:?}"))
    }

    /// The largest token.
    pub fn last(&self) -> u32 {
        self.table.last()
    }

    /// The pair that a token stands for: the upper edges of its cell.
    pub fn pair(&self, token: u32) -> Option<&[f64; VALENCE_AROUSAL_COUNT]> {
        self.table.combination(token)
    }

    /// The token of a pair, and whether its own cell is in the table. A pair with NaN is for the caller to refuse
    /// where the reading is [`Cells::Clamped`].
    pub fn token(&self, pair: [f64; VALENCE_AROUSAL_COUNT], cells: Cells) -> (u32, bool) {
        match cells {
            Cells::Published => self.published_token(pair),
            Cells::Clamped => self.clamped_token(pair.map(clamped_cell)),
        }
    }

    fn published_token(&self, pair: [f64; VALENCE_AROUSAL_COUNT]) -> (u32, bool) {
        let [valence, arousal] = pair.map(published_cell);
        self.exact[valence * EDGES + arousal].map_or((0, false), |token| (token, true))
    }

    fn clamped_token(&self, cell: Cell) -> (u32, bool) {
        // A published table has a cell of its own for the value 1; in one of ours it belongs to the last of the 80.
        let inside = cell.map(|number| number.min(SIDE - 1));
        let own = [cell, inside].into_iter().find_map(|[valence, arousal]| self.near[valence * EDGES + arousal]);
        own.map_or_else(|| (self.nearest(inside), false), |token| (token, true))
    }

    /// The token of the cell at the smallest distance; the lowest among several.
    fn nearest(&self, cell: Cell) -> u32 {
        let tokens = self.near.iter().enumerate().filter_map(|(place, token)| Some((place, (*token)?)));
        let distance =
            |place: usize| (place / EDGES).abs_diff(cell[0]).pow(2) + (place % EDGES).abs_diff(cell[1]).pow(2);
        tokens.min_by_key(|&(place, token)| (distance(place), token)).map_or(0, |(_, token)| token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(pairs: impl IntoIterator<Item = [f64; 2]>, cells: Cells) -> ValenceArousalTable {
        ValenceArousalTable::of_cells(&pairs.into_iter().map(|pair| cells.cell_of(pair)).collect())
    }

    #[test]
    fn published_keys_are_sums_and_not_edges() {
        // e_41 + 0.025 with e_41 = -1 + 41 * 0.025 = 0.02500000000000013: the spec's example.
        assert_eq!(key(41).to_string(), "0.050000000000000135");
        assert!(key(41) > EDGE_VALUES[42]);
        assert_eq!(key(80).to_string(), "1.025");
    }

    #[test]
    fn the_published_reading_wraps_and_falls_back_to_token_0() {
        // Sorted by cell: (0.5, 0.5) is token 0, (0.5, 1.025) token 1, (1.025, 0.5) token 2.
        let table = table_of([[1.0, 0.5], [0.5, 0.5], [0.5, 1.0]], Cells::Published);
        let token = |pair| table.token(pair, Cells::Published);
        assert_eq!(token([1.0, 0.5]), (2, true));
        assert_eq!(token([-1.3, 0.5]), (2, true), "below -1 wraps to the last edge");
        assert_eq!(token([0.5, f64::NAN]), (1, true), "NaN is above all edges");
        assert_eq!(token([0.9, 0.9]), (0, false));
    }

    #[test]
    fn the_clamped_reading_takes_the_limit_or_the_nearest_cell() {
        let table = table_of([[-1.0, 0.0], [0.5, 0.5], [1.0, 1.0]], Cells::Clamped);
        let token = |pair| table.token(pair, Cells::Clamped);
        assert_eq!(token([-1.3, 0.01]), (0, true));
        assert_eq!(token([7.0, 1.0]), (2, true));
        assert_eq!(token([0.999, 1.0]), (2, true), "1 is in the last of the 80 cells");
        assert_eq!(token([0.5, 0.4]), (1, false));
        assert_eq!(table.pair(2).map(|pair| pair.map(|value| (value * 1e9).round())), Some([1e9, 1e9]));
    }

    #[test]
    fn a_published_table_keeps_its_cell_for_the_value_1() {
        let table = table_of([[0.99, 0.99], [1.0, 0.99]], Cells::Published);
        assert_eq!(table.token([1.0, 0.99], Cells::Clamped), (1, true));
        assert_eq!(table.token([1.5, 1.0], Cells::Clamped), (0, true), "otherwise the last of the 80");
    }

    #[test]
    fn both_readings_agree_inside_the_square() {
        let values: Vec<f64> = (-999..1000).map(|number| f64::from(number) / 1000.0).collect();
        let pairs = || values.iter().map(|&value| [value, -value]);
        let table = table_of(pairs(), Cells::Clamped);
        for pair in pairs() {
            let (token, known) = table.token(pair, Cells::Published);
            assert!(known);
            assert_eq!(table.token(pair, Cells::Clamped), (token, true));
            let found = table.pair(token).unwrap();
            assert!(found.iter().zip(pair).all(|(upper, value)| (-1e-12..=STEP + 1e-12).contains(&(upper - value))));
        }
    }
}
