//! Checks a prepared file completely and says what is wrong with it, all of it.
//!
//! In:  a path, and the vocabulary sizes if tokens are to be checked against codebooks.
//! Out: [`Checked`]: findings, each one sentence: what, found, expected, what to do.

use std::collections::HashMap;
use std::path::Path;

use super::layout::{
    ACTION_UNITS, CLIP_ORDER, Column, DESCRIPTORS, EXPRESSION, FILTERBANK, FUNCTIONALS, HAS_FACE, LISTENER_TOKENS,
    Layout, NAMES, POSE, VALENCE_AROUSAL,
};
use super::probe::Probe;
use super::{DatasetError, Reader};
use crate::features::FeatureSet;
use crate::report::with_causes;
use crate::tokens::VocabularySizes;

/// Datasets without which a file is none of ours.
const REQUIRED: [&str; 9] =
    [NAMES, EXPRESSION, ACTION_UNITS, VALENCE_AROUSAL, POSE, FILTERBANK, FUNCTIONALS, DESCRIPTORS, HAS_FACE];
/// What the three rows of [`LISTENER_TOKENS`] are.
const TOKEN_KINDS: [&str; 3] = ["action units", "expression", "valence-arousal"];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Worth knowing; the file can be used.
    Note,
    /// The file, or a clip of it, cannot be used.
    Problem,
}

/// One sentence about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What, found, expected, what to do.
    pub text: String,
}

/// Everything there is to say about a file.
#[derive(Debug, Default)]
pub struct Checked {
    /// In the order they were found.
    pub findings: Vec<Finding>,
    /// Clips and the layout of each, as far as the shapes say.
    pub layout: Option<(Layout, usize)>,
}

impl Checked {
    /// Whether no finding is a problem.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Note)
    }

    fn problem(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { severity: Severity::Problem, text: text.into() });
    }

    fn note(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { severity: Severity::Note, text: text.into() });
    }

    fn error(&mut self, error: &DatasetError) {
        // The path is said once, above all findings.
        let text = match error {
            DatasetError::File { problem, .. } => with_causes(problem.as_ref()),
            other => with_causes(other),
        };
        self.problem(text);
    }
}

/// Checks the file at `path`; `vocabularies` are the sizes of the three codebooks (action units, expression,
/// valence-arousal); `progress` hears how many clips are done. Only a file that cannot be opened at all is an error.
pub fn check(
    path: &Path,
    vocabularies: Option<VocabularySizes>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Checked, DatasetError> {
    let mut checked = Checked::default();
    let probe = match Probe::open(path) {
        Ok(probe) => probe,
        Err(error @ DatasetError::Access(_)) => return Err(error),
        Err(error) => {
            checked.error(&error);
            return Ok(checked);
        }
    };
    check_structure(&probe, &mut checked);
    if checked.is_well() {
        match Reader::open(path) {
            Ok(reader) => check_contents(&reader, vocabularies, &mut checked, progress),
            Err(error) => checked.error(&error),
        }
    }
    Ok(checked)
}

/// Names, shapes, types and storage of the datasets.
fn check_structure(probe: &Probe, checked: &mut Checked) {
    let names = match probe.dataset_names() {
        Ok(names) => names,
        Err(error) => return checked.error(&error),
    };
    for missing in REQUIRED.into_iter().filter(|required| !names.iter().any(|name| name == required)) {
        checked.problem(format!("`{missing}` is missing; prepare the file again with `unifr prepare`"));
    }
    for name in &names {
        if !REQUIRED.contains(&name.as_str()) && name != LISTENER_TOKENS && name != CLIP_ORDER {
            checked.note(format!("`{name}` is a dataset UniFR does not know; it is not read"));
        }
    }
    if !checked.is_well() {
        return;
    }
    let (layout, clip_count) = match probe.layout() {
        Ok(found) => found,
        Err(error) => return checked.error(&error),
    };
    checked.layout = Some((layout, clip_count));
    if clip_count == 0 || layout.frame_count == 0 {
        checked.problem(format!(
            "it holds {clip_count} clips of {} frames, expected at least one of each",
            layout.frame_count
        ));
    }
    for column in layout.columns() {
        if let Err(error) = probe.locate(&column, clip_count) {
            checked.error(&error);
        } else if column.row_count() == 0 {
            checked
                .problem(format!("`{}` has rows of shape {:?}, expected no empty axis", column.name, column.row_shape));
        }
    }
    check_feature_set(probe, &layout, checked);
}

/// A file that names its feature set has that set's widths.
fn check_feature_set(probe: &Probe, layout: &Layout, checked: &mut Checked) {
    let attributes = match probe.attributes() {
        Ok(attributes) => attributes,
        Err(error) => return checked.error(&error),
    };
    let named = attributes.iter().find(|(name, _)| name == "feature_set").map(|(_, text)| text);
    let Some(set) = named.and_then(|text| text.parse::<FeatureSet>().ok()) else { return };
    let expected = Layout { dims: set.dims(), ..*layout };
    for (found, expected) in layout.columns().iter().zip(expected.columns()).filter(|(found, wanted)| *found != wanted)
    {
        checked.problem(format!(
            "`{}` has rows of shape {:?}, expected {:?} for the feature set `{set}` that the file names",
            found.name, found.row_shape, expected.row_shape
        ));
    }
}

/// Names and numbers of every clip.
fn check_contents(
    reader: &Reader,
    vocabularies: Option<VocabularySizes>,
    checked: &mut Checked,
    progress: &mut dyn FnMut(usize, usize),
) {
    check_names(reader.names(), checked);
    if let Err(error) = reader.clip_order() {
        checked.error(&error);
    }
    let mut tallies = Tallies::new(reader, vocabularies);
    for row in 0..reader.clip_count() {
        if let Err(error) = tallies.add(reader, row) {
            return checked.error(&error);
        }
        progress(row + 1, reader.clip_count());
    }
    tallies.report(reader, checked);
}

fn check_names(names: &[String], checked: &mut Checked) {
    let mut first_row = HashMap::new();
    for (row, name) in names.iter().enumerate() {
        if name.is_empty() {
            checked.problem(format!("`{NAMES}` is empty for clip {row}, expected the path of its video"));
        } else if let Some(before) = first_row.insert(name, row) {
            checked.problem(format!("`{NAMES}` is `{name}` for clips {before} and {row}, expected each clip once"));
        }
    }
}

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
struct Tallies {
    columns: Vec<(Column, Tally)>,
    vocabularies: Option<[usize; 3]>,
    flags: Tally,
    tokens: [Tally; 3],
    faceless_clips: Tally,
}

impl Tallies {
    fn new(reader: &Reader, vocabularies: Option<VocabularySizes>) -> Self {
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

    fn add(&mut self, reader: &Reader, row: usize) -> Result<(), DatasetError> {
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

    fn report(self, reader: &Reader, checked: &mut Checked) {
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
