//! From YAML to [`RunConfig`]: unknown keys, wrong kinds of values and impossible values are told all at once.
//!
//! In:  a path or a text.
//! Out: [`Loaded`]: the config, with published values for every key left out, and notes on keys that do nothing.

use std::io::Read;
use std::path::Path;

use serde_yaml_ng::{Mapping, Value};

use super::keys::KeyDoc;
use super::run::{GROUPS, IDLE_KEYS};
use super::{ConfigError, Problem, RunConfig, checks};
use crate::files::{self, FileError};

/// No config comes near this; it stops a data file named by mistake from being read whole.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

/// A config that was read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: RunConfig,
    /// One line for each key of the file that does nothing, for the log.
    pub notes: Vec<String>,
}

impl RunConfig {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
        let mut text = String::new();
        let mut file = files::open(path)?.take(LARGEST_FILE_BYTES + 1);
        file.read_to_string(&mut text).map_err(FileError::system("read", path))?;
        if text.len() as u64 > LARGEST_FILE_BYTES {
            return Err(ConfigError::TooLarge { path: path.into(), limit_bytes: LARGEST_FILE_BYTES });
        }
        loaded(&text, &format!("`{}`", path.display()))
    }

    /// Reads and checks a text.
    pub fn from_text(text: &str) -> Result<Loaded, ConfigError> {
        loaded(text, "the config")
    }

    /// The whole config as YAML; reading it gives an equal one.
    pub fn to_text(&self) -> String {
        serde_yaml_ng::to_string(self).expect("plain data with text keys can always be written as YAML")
    }
}

fn loaded(text: &str, origin: &str) -> Result<Loaded, ConfigError> {
    let mut reading = Reading::new();
    match parsed(text).map_err(|message| ConfigError::Syntax { origin: origin.into(), message })? {
        Value::Null => {}
        Value::Mapping(top) => reading.group("", &top),
        other => reading.problems.push(Problem { key: "the file".into(), text: not_a_group(&other) }),
    }
    let (config, mut problems) = (reading.config, reading.problems);
    problems.extend(checks::problems(&config));
    if problems.is_empty() {
        Ok(Loaded { config, notes: reading.notes })
    } else {
        Err(ConfigError::Problems { origin: origin.into(), problems })
    }
}

fn parsed(text: &str) -> Result<Value, String> {
    let mut value: Value = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
    value.apply_merge().map_err(|error| error.to_string())?;
    Ok(value)
}

/// A config on its way from the published values to what the file says.
struct Reading {
    /// The config as it stands, and the same as a tree.
    config: RunConfig,
    tree: Value,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl Reading {
    fn new() -> Self {
        let config = RunConfig::default();
        let tree = serde_yaml_ng::to_value(&config).expect("plain data can always be written as YAML");
        Self { config, tree, problems: Vec::new(), notes: Vec::new() }
    }

    /// Takes over a group of the file, groups inside it included.
    fn group(&mut self, group_path: &str, group: &Mapping) {
        for (name, value) in group {
            let Value::String(name) = name else {
                let key = if group_path.is_empty() { "the file" } else { group_path };
                self.problems
                    .push(Problem { key: key.into(), text: format!("has the key `{}`, expected a name", shown(name)) });
                continue;
            };
            let path = if group_path.is_empty() { name.clone() } else { format!("{group_path}.{name}") };
            self.entry(&path, name, value);
        }
    }

    fn entry(&mut self, path: &str, name: &str, value: &Value) {
        if let Some((_, reason)) = IDLE_KEYS.iter().find(|(idle, _)| *idle == name) {
            self.notes.push(format!("`{path}` does nothing: {reason}"));
        } else if let Some(key) = known_keys().find(|key| key.path == path) {
            self.set(key, value);
        } else if !group_paths().contains(&path) {
            self.problems.push(Problem { key: path.into(), text: unknown(path) });
        } else if let Value::Mapping(inner) = value {
            self.group(path, inner);
        } else if !value.is_null() {
            self.problems.push(Problem { key: path.into(), text: not_a_group(value) });
        }
    }

    /// Puts one value into the tree and keeps it if the tree still is a config.
    fn set(&mut self, key: &KeyDoc, value: &Value) {
        let mut tree = self.tree.clone();
        *key.path.split('.').fold(&mut tree, |place, name| &mut place[name]) = value.clone();
        // The reader would look through a tag; no setting has one.
        let plain = !matches!(value, Value::Tagged(_));
        match serde_yaml_ng::from_value(tree.clone()) {
            Ok(config) if plain => (self.config, self.tree) = (config, tree),
            _ => self.problems.push(Problem::value(key.path, shown(value), key.expected)),
        }
    }
}

fn known_keys() -> impl Iterator<Item = &'static KeyDoc> {
    GROUPS.iter().flat_map(|(_, keys)| keys.iter())
}

/// The paths of all groups, those that hold only groups included.
fn group_paths() -> Vec<&'static str> {
    let ends = |path: &'static str| path.match_indices('.').map(move |(end, _)| &path[..end]);
    GROUPS.iter().flat_map(|(path, _)| ends(path).chain([*path])).collect()
}

fn not_a_group(value: &Value) -> String {
    format!("is `{}`, expected a group of keys", shown(value))
}

fn unknown(path: &str) -> String {
    let known = known_keys().map(|key| key.path).chain(group_paths());
    let nearest = known.min_by_key(|known| distance(path, known)).expect("there are known keys");
    format!("is not a known key; the nearest is `{nearest}`")
}

/// Changed letters between two paths; the same name in another group counts as near.
fn distance(path: &str, known: &str) -> usize {
    let last = |path: &str| path.rsplit('.').next().map(str::to_lowercase).unwrap_or_default();
    let by_path = strsim::damerau_levenshtein(path, known);
    by_path.min(strsim::damerau_levenshtein(&last(path), &last(known)) + 1)
}

/// A value in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Mapping(_) => "a group".into(),
        Value::Sequence(_) => "a list".into(),
        Value::Tagged(tagged) => format!("a value tagged {}", tagged.tag),
        plain => serde_yaml_ng::to_string(plain).unwrap_or_default().trim().replace('\n', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CausalMask, Number};

    fn problems(text: &str) -> Vec<String> {
        match RunConfig::from_text(text) {
            Err(ConfigError::Problems { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
            other => panic!("expected problems, found {other:?}"),
        }
    }

    #[test]
    fn an_empty_file_is_the_published_config() {
        for text in ["", "# nothing\n", "model:\n", "{}"] {
            assert_eq!(RunConfig::from_text(text).unwrap().config, RunConfig::default());
        }
    }

    #[test]
    fn a_file_may_name_only_what_differs() {
        let text =
            "model: {causal_mask: frame-causal, decoding_params: {temperature: 0.5}}\ntest_params: {batch_size: 2}";
        let config = RunConfig::from_text(text).unwrap().config;
        assert_eq!(config.model.causal_mask, CausalMask::FrameCausal);
        assert_eq!(config.decoding().temperature, Number::Real(0.5));
        assert_eq!((config.test_params.batch_size, config.transformer().width), (2, 768));
    }

    #[test]
    fn a_resolved_config_reads_back_equal() {
        let text = "model: {decoding_params: {top_p: 0.33, temperature: 1.0, temp_decay: linear}, transformer_config: {params: {dim_s_exp: auto}}}";
        let config = RunConfig::from_text(text).unwrap().config;
        assert_eq!(RunConfig::from_text(&config.to_text()).unwrap().config, config);
        assert_eq!(RunConfig::from_text(&RunConfig::default().to_text()).unwrap().config, RunConfig::default());
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        assert_eq!(
            problems("train_params: {batchsize: 2}\ntrian_params: {mode: 3}\ntemperature: 2"),
            [
                "`train_params.batchsize` is not a known key; the nearest is `train_params.batch_size`",
                "`trian_params` is not a known key; the nearest is `train_params`",
                "`temperature` is not a known key; the nearest is `model.decoding_params.temperature`",
            ]
        );
    }

    #[test]
    fn wrong_kinds_of_values_are_told_with_what_was_expected() {
        assert_eq!(
            problems("train_params: {batch_size: two, train_slm: 1, mode: train}\nmodel: {causal_mask: [1]}\npaths: 3"),
            [
                "`train_params.batch_size` is `two`, expected a whole number",
                "`train_params.train_slm` is `1`, expected `true` or `false`",
                "`train_params.mode` is `train`, expected `pretrain` or `finetune`",
                "`model.causal_mask` is `a list`, expected `published` or `frame-causal`",
                "`paths` is `3`, expected a group of keys",
            ]
        );
    }

    #[test]
    fn idle_keys_are_noted_wherever_they_stand() {
        let text = "model:\n  visual_decoder_config: {anything: [1, 2]}\n  scheduler_config: {target: a.b.C}\ntrain_params: {mask_scheme: cos}";
        let notes = RunConfig::from_text(text).unwrap().notes;
        assert_eq!(notes.len(), 3);
        assert_eq!(notes[1], "`model.scheduler_config.target` does nothing: it names a Python class");
    }

    #[test]
    fn python_spellings_of_true_are_understood() {
        assert!(!RunConfig::from_text("train_params: {train_slm: False}").unwrap().config.train_params.train_slm);
    }

    #[test]
    fn twice_the_same_key_and_broken_text_are_no_yaml() {
        for text in ["paths: {data_root: a}\npaths: {data_root: b}", "paths: [", "a: b: c"] {
            assert!(matches!(RunConfig::from_text(text), Err(ConfigError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn a_tag_of_another_language_is_refused() {
        let found = problems("paths: {data_root: !python/object x}");
        assert!(found[0].starts_with("`paths.data_root` is `a value tagged"), "{found:?}");
    }

    #[test]
    fn a_missing_file_and_a_data_file_are_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.yaml");
        let error = RunConfig::load(&path).unwrap_err().to_string();
        assert_eq!(error, format!("could not open `{}`", path.display()));
        std::fs::write(&path, vec![b' '; LARGEST_FILE_BYTES as usize + 1]).unwrap();
        let error = RunConfig::load(&path).unwrap_err().to_string();
        assert_eq!(error, format!("`{}` is larger than 1048576 bytes, expected a config", path.display()));
    }

    #[test]
    fn one_problem_stays_in_the_sentence_and_several_get_lines() {
        let one = RunConfig::from_text("paths: 3").unwrap_err().to_string();
        assert_eq!(one, "the config: `paths` is `3`, expected a group of keys");
        let two = RunConfig::from_text("paths: 3\ntokens: 4").unwrap_err().to_string();
        assert!(two.starts_with("the config has 2 problems\n  `paths` is `3`"), "{two}");
    }
}
