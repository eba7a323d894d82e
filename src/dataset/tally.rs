//! Counts what is wrong with the numbers of a file, clip by clip.
//!
//! In:  an open file whose structure is right ([`super::Reader`]).
//! Out: findings with how often and where first, one a kind of fault, however many clips have it.

use super::check::Checked;
use super::layout::{Column, DESCRIPTORS, FUNCTIONALS, HAS_FACE, LISTENER_TOKENS};
use super::{DatasetError, Reader};
use crate::tokens::VocabularySizes;

/// What the three rows of [`LISTENER_TOKENS`] are.
const TOKEN_KINDS: [&str; 3] = ["action units", "expression", "valence-arousal"];

/// How often something was seen, and where first.
#[derive(Default)]
struct Tally {
    count: usize,
    first: String,
}

impl Tally {
    /// `place` is worked out for the first one only.
    fn add(&mut self, place: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = place();
        }
        self.count += 1;
    }
}

/// What is counted over all clips.
pub(super) struct Tallies {
    columns: Vec<(Column, Tally)>,
    vocabularies: Option<[usize; 3]>,
    flags: Tally,
    tokens: [Tally; 3],
    faceless_clips: Tally,
}

impl Tallies {
    pub(super) fn new(reader: &Reader, vocabularies: Option<VocabularySizes>) -> Self {
        let columns = reader.layout().columns().into_iter().filter(|column| column.name != HAS_FACE);
        let columns = columns.filter(|column| column.name != LISTENER_TOKENS).map(|column| (column, Tally::default()));
        Self {
            columns: columns.collect(),
            vocabularies: vocabularies.map(|sizes| [sizes.action_units, sizes.expression, sizes.valence_arousal]),
            flags: Tally::default(),
            tokens: Default::default(),
            faceless_clips: Tally::default(),
        }
    }

    /// Looks at one clip.
    pub(super) fn add(&mut self, reader: &Reader, row: usize) -> Result<(), DatasetError> {
        for (column, tally) in &mut self.columns {
            for (place, value) in reader.floats(column.name, row)?.into_iter().enumerate() {
                if !value.is_finite() {
                    tally.add(|| format!("{value} in clip {row} at {:?}", place_in(place, &column.row_shape)));
                }
            }
        }
        let flags = reader.ints(HAS_FACE, row)?;
        if flags.iter().all(|flag| *flag == 0) {
            self.faceless_clips.add(|| format!("clip {row}"));
        }
        for (frame, flag) in flags.into_iter().enumerate().filter(|(_, flag)| !(0..=1).contains(flag)) {
            self.flags.add(|| format!("`{flag}` in clip {row} at frame {frame}"));
        }
        if !reader.has_tokens() {
            return Ok(());
        }
        for (kind, tokens) in reader.listener_tokens(row)?.into_iter().enumerate() {
            let size = self.vocabularies.map_or(i64::MAX, |sizes| sizes[kind] as i64);
            for (frame, token) in tokens.into_iter().enumerate() {
                if !(0..size).contains(&i64::from(token)) {
                    self.tokens[kind].add(|| format!("`{token}` in clip {row} at frame {frame}"));
                }
            }
        }
        Ok(())
    }

    /// Says what was seen.
    pub(super) fn report(self, reader: &Reader, checked: &mut Checked) {
        for (column, Tally { count, first }) in self.columns.iter().filter(|(_, tally)| tally.count > 0) {
            let said = format!("`{}` has NaN or infinite values ({count}), the first {first}", column.name);
            // The batches turn NaN of clip features into zeros, as the published code does.
            if [FUNCTIONALS, DESCRIPTORS].contains(&column.name) && !first.contains("inf") {
                checked.note(format!("{said}; they are read as 0"));
            } else {
                checked.problem(format!("{said}, expected numbers; prepare these clips again"));
            }
        }
        if self.flags.count > 0 {
            let Tally { count, first } = &self.flags;
            checked.problem(format!(
                "`{HAS_FACE}` has values besides 0 and 1 ({count}), the first {first}; prepare it again"
            ));
        }
        for (kind, Tally { count, first }) in self.tokens.iter().enumerate().filter(|(_, tally)| tally.count > 0) {
            let expected =
                self.vocabularies.map_or("none below 0".to_owned(), |sizes| format!("0 to {}", sizes[kind] - 1));
            checked.problem(format!(
                "`{LISTENER_TOKENS}` has tokens of {} out of range ({count}), the first {first}, expected {expected}; \
                 prepare the file with the codebooks it is used with",
                TOKEN_KINDS[kind]
            ));
        }
        if self.faceless_clips.count > 0 {
            let Tally { count, first } = &self.faceless_clips;
            checked.note(format!(
                "{count} of {} clips show no face in any frame, the first is {first}",
                reader.clip_count()
            ));
        }
    }
}

/// The indices of the `place`-th value of a row.
fn place_in(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut indices: Vec<usize> = shape
        .iter()
        .rev()
        .map(|extent| {
            let index = place % extent;
            place /= extent;
            index
        })
        .collect();
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_axis_by_axis() {
        // 2 * 12 + 1 * 4 + 3 = 31 in a shape of 3 x 3 x 4.
        assert_eq!(place_in(31, &[3, 3, 4]), [2, 1, 3]);
    }
}
