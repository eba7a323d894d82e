//! A codebook of combinations: tokens and the numbers they stand for, as the published csv files hold them.
//!
//! In:  columns `index` and `combinations`; the second is a Python tuple in text, `"(0, 1, 0.5)"`.
//! Out: the numbers of each token, always as `f64`.
//!
//! Departure: the published decoder takes the type of the first entry for all, so that a table which mixes
//! whole numbers and fractions loses the fractions (defect 11); here every number is a float.

use std::collections::HashMap;
use std::path::Path;

use super::TokensError;
use crate::files;

/// Tokens are at most this: a table that says more would make a model that fits no machine.
const MOST_TOKEN: u32 = 1 << 24;

/// Combinations of `N` numbers by token, in the order of the tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table<const N: usize> {
    entries: Vec<(u32, [f64; N])>,
}

impl<const N: usize> Table<N> {
    /// Numbers the combinations from 0 on.
    pub fn of_combinations(combinations: impl IntoIterator<Item = [f64; N]>) -> Self {
        Self { entries: (0..).zip(combinations).collect() }
    }

    /// Tokens and their combinations, tokens ascending.
    pub fn entries(&self) -> &[(u32, [f64; N])] {
        &self.entries
    }

    /// The largest token, and thereby one less than the vocabulary.
    pub fn last(&self) -> u32 {
        self.entries.last().map_or(0, |entry| entry.0)
    }

    /// The numbers that `token` stands for.
    pub fn combination(&self, token: u32) -> Option<&[f64; N]> {
        // In all known tables the token is the row.
        let row = match self.entries.get(token as usize) {
            Some(entry) if entry.0 == token => token as usize,
            _ => self.entries.binary_search_by_key(&token, |entry| entry.0).ok()?,
        };
        Some(&self.entries[row].1)
    }

    /// The token of each combination; the lowest where one stands twice.
    pub fn tokens(&self) -> HashMap<[u64; N], u32> {
        // From the back, so that the lowest token is inserted last and stays.
        self.entries.iter().rev().map(|(token, combination)| (key(combination), *token)).collect()
    }

    /// Reads a csv file.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(files::open(path)?);
        let not_codebook = |problem: String| TokensError::Codebook { path: path.into(), problem };
        let headers = reader.headers().map_err(|error| not_codebook(error.to_string()))?;
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.ok_or_else(|| not_codebook(format!("it has no column `{name}`")))
        };
        let columns = (column("index")?, column("combinations")?);
        let mut entries = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| not_codebook(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            entries.push(entry_from_record(&record, columns).map_err(|problem| TokensError::Line {
                path: path.into(),
                line,
                problem,
            })?);
        }
        entries.sort_by_key(|entry| entry.0);
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(not_codebook(format!("it has the index {} twice", pair[0].0)));
        }
        if entries.is_empty() {
            return Err(not_codebook("it has no entry".into()));
        }
        Ok(Self { entries })
    }

    /// Writes a csv file like the published ones; `number` writes one number.
    pub fn write(&self, path: &Path, number: impl Fn(f64) -> String) -> Result<(), TokensError> {
        files::write_atomically(path, |out| {
            writeln!(out, "index,combinations")?;
            for (token, combination) in &self.entries {
                let numbers = combination.map(&number).join(", ");
                writeln!(out, "{token},\"({numbers})\"")?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// The bits of a combination, with one zero instead of two, so that equal combinations have equal keys.
pub(super) fn key<const N: usize>(combination: &[f64; N]) -> [u64; N] {
    combination.map(|value| (value + 0.0).to_bits())
}

fn entry_from_record<const N: usize>(
    record: &csv::StringRecord,
    (index, combinations): (usize, usize),
) -> Result<(u32, [f64; N]), String> {
    let token = record[index].parse().ok().filter(|&token| token <= MOST_TOKEN);
    let token = token.ok_or_else(|| format!("found index `{}`, expected 0 to {MOST_TOKEN}", &record[index]))?;
    let text = &record[combinations];
    let combination = combination_from_text(text)
        .ok_or_else(|| format!("found combination `{text}`, expected {N} finite numbers in parentheses"))?;
    Ok((token, combination))
}

fn combination_from_text<const N: usize>(text: &str) -> Option<[f64; N]> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let numbers: Result<Vec<f64>, _> = inner.split(',').map(|number| number.trim().parse()).collect();
    let numbers: [f64; N] = numbers.ok()?.try_into().ok()?;
    numbers.iter().all(|number| number.is_finite()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Table<2>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let short = |error: TokensError| error.to_string().replace(&file.path().display().to_string(), "x.csv");
        Table::read(file.path()).map_err(short)
    }

    #[test]
    fn tokens_need_not_be_row_numbers() {
        let table = read(",index,combinations\n0,7,\"(1, 0.5)\"\n1,2,\"(-0.25, 1e-3)\"\n").unwrap();
        assert_eq!(table.combination(7), Some(&[1.0, 0.5]));
        assert_eq!(table.combination(2), Some(&[-0.25, 0.001]));
        assert_eq!(table.combination(0), None);
        assert_eq!(table.last(), 7);
    }

    #[test]
    fn fractions_survive_beside_whole_numbers() {
        // Defect 11: the published decoder gives 0 for the 0.5, because the first entry is whole.
        let table = read("index,combinations\n0,\"(0, 1)\"\n1,\"(0.5, 1)\"\n").unwrap();
        assert_eq!(table.combination(1), Some(&[0.5, 1.0]));
    }

    #[test]
    fn whole_numbers_and_floats_are_the_same_combination() {
        let table = read("index,combinations\n0,\"(0, 1)\"\n1,\"(1.0, 1)\"\n2,\"(0.0, 1.0)\"\n").unwrap();
        assert_eq!(table.tokens()[&key(&[-0.0, 1.0])], 0);
    }

    #[test]
    fn what_is_wrong_with_a_codebook_is_said() {
        for (content, problem) in [
            ("index,value\n", "`x.csv` is not a codebook: it has no column `combinations`"),
            ("index,combinations\n", "`x.csv` is not a codebook: it has no entry"),
            ("index,combinations\n3,\"(1, 1)\"\n3,\"(0, 1)\"\n", "`x.csv` is not a codebook: it has the index 3 twice"),
            ("index,combinations\n-1,\"(1, 1)\"\n", "`x.csv`, line 2: found index `-1`, expected 0 to 16777216"),
            (
                "index,combinations\n0,\"(1, 1, 1)\"\n",
                "`x.csv`, line 2: found combination `(1, 1, 1)`, expected 2 finite numbers in parentheses",
            ),
            (
                "index,combinations\n0,\"(1, exit())\"\n",
                "`x.csv`, line 2: found combination `(1, exit())`, expected 2 finite numbers in parentheses",
            ),
        ] {
            assert_eq!(read(content).unwrap_err(), problem);
        }
    }
}
