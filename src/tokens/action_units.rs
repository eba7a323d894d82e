//! Tokens of action units: one for each combination that the codebook knows.
//!
//! In:  15 numbers, 0 or 1 in the published tables.
//! Out: the token of that combination, or of the nearest known one.
//!
//! Departure: the published code ends with an error at a combination it does not know (defect 10); here the one
//! that differs in the fewest action units stands in, the lowest token among several, and it is counted.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::table::{Table, key};
use super::{ACTION_UNIT_COUNT, TokensError};

/// The known combinations of action units.
#[derive(Clone, Debug)]
pub struct ActionUnitTable {
    table: Table<ACTION_UNIT_COUNT>,
    tokens: HashMap<[u64; ACTION_UNIT_COUNT], u32>,
}

impl ActionUnitTable {
    /// Reads `AU_index.csv`.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        Ok(Self::of_table(Table::read(path)?))
    }

    /// Numbers the combinations in ascending order; each counts once.
    pub fn of_combinations(combinations: impl IntoIterator<Item = [f64; ACTION_UNIT_COUNT]>) -> Self {
        // Ordered by the bits: those of numbers that are not negative are in the order of the numbers.
        let sorted: BTreeSet<_> = combinations.into_iter().map(|combination| key(&combination)).collect();
        Self::of_table(Table::of_combinations(sorted.into_iter().map(|bits| bits.map(f64::from_bits))))
    }

    fn of_table(table: Table<ACTION_UNIT_COUNT>) -> Self {
        Self { tokens: table.tokens(), table }
    }

    /// Writes `AU_index.csv`; whole numbers without a point, as published.
    pub fn write(&self, path: &Path) -> Result<(), TokensError> {
        self.table.write(path, |value| value.to_string())
    }

    /// The largest token.
    pub fn last(&self) -> u32 {
        self.table.last()
    }

    /// The token of a combination, if it is known.
    pub fn token(&self, combination: &[f64; ACTION_UNIT_COUNT]) -> Option<u32> {
        self.tokens.get(&key(combination)).copied()
    }

    /// The known combination that differs in the fewest action units; the lowest token among several.
    pub fn nearest(&self, combination: &[f64; ACTION_UNIT_COUNT]) -> u32 {
        let wanted = key(combination);
        let differences = |known: &[f64; ACTION_UNIT_COUNT]| {
            key(known).iter().zip(wanted).filter(|(known, wanted)| *known != wanted).count()
        };
        let entries = self.table.entries().iter();
        entries.min_by_key(|(token, known)| (differences(known), *token)).map_or(0, |entry| entry.0)
    }

    /// The action units of a token.
    pub fn combination(&self, token: u32) -> Option<&[f64; ACTION_UNIT_COUNT]> {
        self.table.combination(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combination(active: &[usize]) -> [f64; ACTION_UNIT_COUNT] {
        std::array::from_fn(|unit| f64::from(u8::from(active.contains(&unit))))
    }

    #[test]
    fn combinations_are_numbered_in_ascending_order_and_once() {
        let table = ActionUnitTable::of_combinations([&[0][..], &[14], &[], &[0], &[0, 14]].map(combination));
        let order: Vec<_> = (0..4).map(|token| *table.combination(token).unwrap()).collect();
        assert_eq!(order, [&[][..], &[14], &[0], &[0, 14]].map(combination));
        assert_eq!(table.last(), 3);
        assert_eq!(table.token(&combination(&[0, 14])), Some(3));
    }

    #[test]
    fn unknown_combinations_go_to_the_nearest_known_one() {
        // The published code ended here with a key error.
        let table = ActionUnitTable::of_combinations([&[][..], &[0, 1, 2], &[7]].map(combination));
        assert_eq!(table.token(&combination(&[0, 1])), None);
        assert_eq!(table.combination(table.nearest(&combination(&[0, 1]))), Some(&combination(&[0, 1, 2])));
        // One away from nothing at all and from unit 7: the lowest token wins.
        let table = ActionUnitTable::of_combinations([&[7][..], &[8]].map(combination));
        assert_eq!(table.nearest(&combination(&[])), 0);
    }

    #[test]
    fn the_file_is_like_the_published_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let table = ActionUnitTable::of_combinations([&[1][..], &[]].map(combination));
        table.write(file.path()).unwrap();
        let expected = "index,combinations\n0,\"(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)\"\n\
                        1,\"(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)\"\n";
        assert_eq!(crate::files::read_text(file.path()).unwrap(), expected);
        assert_eq!(ActionUnitTable::read(file.path()).unwrap().table, table.table);
    }
}
