//! Checks a prepared file completely and says what is wrong with it, all of it.
//!
//! In:  a path, and the vocabulary sizes if tokens are to be checked against codebooks.
//! Out: [`Checked`]: findings, each one sentence: what, found, expected, what to do.

use std::collections::HashMap;
use std::path::Path;

use super::layout::{
    ACTION_UNITS, CLIP_ORDER, DESCRIPTORS, EXPRESSION, FILTERBANK, FUNCTIONALS, HAS_FACE, LISTENER_TOKENS, Layout,
    NAMES, POSE, VALENCE_AROUSAL,
};
use super::probe::Probe;
use super::tally::Tallies;
use super::{DatasetError, Reader};
use crate::features::FeatureSet;
use crate::report::with_causes;
use crate::tokens::VocabularySizes;

/// Datasets without which a file is none of ours.
const REQUIRED: [&str; 9] =
    [NAMES, EXPRESSION, ACTION_UNITS, VALENCE_AROUSAL, POSE, FILTERBANK, FUNCTIONALS, DESCRIPTORS, HAS_FACE];

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

    pub(super) fn problem(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { severity: Severity::Problem, text: text.into() });
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
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
