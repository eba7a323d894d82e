//! `configs/README.md`, made from the doc comments of the keys.
//!
//! Run the tests with `UNIFR_WRITE_DOCS=1` to write it anew.

use serde_yaml_ng::Value;

use super::run::{GROUPS, IDLE_KEYS};
use super::{KeyDoc, Origin, RunConfig};

const HEAD: &str = "\
# Configs

The ten files of the published system keep their names, keys and values; only paths are ours. A file names what differs from
the defaults below, which are the published values. `pretrain-frame-causal.yaml` and `finetune-frame-causal.yaml` are the
corrected siblings: start from these. `demo.yaml` is what `unifr demo` trains, small enough for a CPU.

Unknown keys and impossible values are refused. Relative paths start at the working directory. Keys marked *ours* are not
in the published system; their defaults do what it does.

This page is made from the source: edit `src/config/` and run `UNIFR_WRITE_DOCS=1 cargo test --lib config`.
";

fn page() -> String {
    let defaults = serde_yaml_ng::to_value(RunConfig::default()).unwrap();
    let groups = GROUPS.iter().map(|(path, keys)| {
        let rows = keys.iter().map(|key| row(key, &defaults)).collect::<Vec<_>>().concat();
        format!("\n## `{path}`\n\n| key | values | default | from | meaning |\n| --- | --- | --- | --- | --- |\n{rows}")
    });
    let idle: Vec<String> = IDLE_KEYS.iter().map(|(key, reason)| format!("- `{key}`: {reason}\n")).collect();
    let foot = "\n## Keys that do nothing\n\nPublished files may have them; each is noted once in the log.\n\n";
    groups.fold(HEAD.to_owned(), |page, group| page + &group) + foot + &idle.concat()
}

fn row(key: &KeyDoc, defaults: &Value) -> String {
    let name = key.path.rsplit('.').next().unwrap();
    let default = serde_yaml_ng::to_string(at(defaults, key.path)).unwrap();
    let origin = match key.origin {
        Origin::Published => "published",
        Origin::Ours => "*ours*",
    };
    let choices = key.choices.iter().filter(|(word, _)| !word.is_empty());
    let choices: Vec<String> = choices.map(|(word, meaning)| format!("<br>`{word}`: {}", text(meaning))).collect();
    let meaning = text(key.meaning) + &choices.concat();
    format!("| `{name}` | {} | `{}` | {origin} | {meaning} |\n", key.expected, default.trim())
}

/// The lines of a doc comment as one, without the tag that the choice's word already says.
fn text(lines: &[&str]) -> String {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    text.replace("Published behaviour: ", "").replace("Departure: ", "")
}

fn at<'a>(tree: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(tree, |place, name| &place[name])
}

#[test]
fn the_readme_explains_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/README.md");
    if std::env::var_os("UNIFR_WRITE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(found == page(), "`{path}` is out of date; run this test with UNIFR_WRITE_DOCS=1");
}

#[test]
fn every_key_of_the_structs_is_documented_and_every_documented_key_is_there() {
    let defaults = serde_yaml_ng::to_value(RunConfig::default()).unwrap();
    let mut found = Vec::new();
    leaves("", &defaults, &mut found);
    let mut documented: Vec<String> =
        GROUPS.iter().flat_map(|(_, keys)| keys.iter()).map(|key| key.path.into()).collect();
    found.sort();
    documented.sort();
    assert_eq!(found, documented);
}

fn leaves(path: &str, tree: &Value, found: &mut Vec<String>) {
    let Value::Mapping(group) = tree else {
        found.push(path.into());
        return;
    };
    for (name, value) in group {
        let name = name.as_str().unwrap();
        leaves(&if path.is_empty() { name.into() } else { format!("{path}.{name}") }, value, found);
    }
}

#[test]
fn every_shipped_config_is_accepted() {
    let mut paths: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert!(paths.len() >= 13, "ten published files, two corrected siblings and the demo");
    for path in paths {
        let loaded = RunConfig::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    }
}
