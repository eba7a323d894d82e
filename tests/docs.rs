//! The documents agree with the repository: links, commands, configs, rooms and paths that they name are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The published README names it; it does not exist there either (defect 24).
const NOT_OURS: &str = "configs/cos-keeplr.yaml";

/// Folders whose contents are built, downloaded or the user's own.
const SKIPPED: [&str; 4] = ["target", ".git", ".venv", "artifacts"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

fn readme() -> String {
    text_of(&root().join("README.md"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    found.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// All Markdown files of the repository, sorted.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("artifacts/README.md")];
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder) {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_users = folder.ends_with("data") && !["demo", "models"].contains(&name.as_str());
            if entry.is_dir() && !SKIPPED.contains(&name.as_str()) && !is_users {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "md") {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

/// Lines outside of fenced code, with inline code left out.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    });
    lines.map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect()
}

/// What stands between `](` and `)`.
fn links(text: &str) -> Vec<String> {
    let after = prose(text);
    let ends = after.split("](").skip(1);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// Headings as GitHub names them in addresses.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    headings.map(|line| line.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// The commands of the program, as `src/cli/mod.rs` lists them.
fn verbs() -> BTreeSet<String> {
    let text = text_of(&root().join("src/cli/mod.rs"));
    let (_, list) = text.split_once("enum Verb {").expect("`src/cli/mod.rs` lists the verbs");
    let lines = list.lines().skip(1).take_while(|line| *line != "}");
    lines.filter_map(|line| Some(line.trim().split_once('(')?.0.to_lowercase())).filter(|name| is_word(name)).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The words after the program's name, where a line calls it.
fn called(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches("$ ");
        let starts = line.match_indices("unifr ").filter(|(at, _)| *at == 0 || line[..*at].ends_with('`'));
        let after_dashes = line.match_indices("cargo run --release -- ");
        for (at, name) in starts.chain(after_dashes) {
            let rest = &line[at + name.len()..];
            let end = rest.find([' ', '`', ')']).unwrap_or(rest.len());
            found.extend(Some(rest[..end].to_owned()).filter(|word| is_word(word)));
        }
    }
    found
}

/// Inline code that looks like a path of the repository.
fn paths(text: &str) -> BTreeSet<String> {
    let folders = ["src/", "kernels/", "tests/", "benches/", "configs/", ".ci/"];
    let inline =
        text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let plain = |code: &&str| !code.contains(['*', '<', '…', '$', ' ', '{']);
    inline
        .filter(plain)
        .filter(|code| folders.iter().any(|folder| code.starts_with(folder)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = text_of(&document);
        for link in links(&text).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(path, name)| (path, Some(name)));
            let target = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let is_there = target.exists()
                && anchor.is_none_or(|name| target.is_dir() || anchors(&text_of(&target)).contains(name));
            if !is_there {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_command_in_the_documents_is_one_of_the_program() {
    let verbs = verbs();
    assert!(verbs.contains("train"), "{verbs:?}");
    for document in documents() {
        let unknown: Vec<_> = called(&text_of(&document)).difference(&verbs).cloned().collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", document.display());
    }
}

#[test]
fn every_command_of_the_program_has_an_example() {
    let (text, headings) = (readme(), anchors(&readme()));
    let missing: Vec<_> =
        verbs().into_iter().filter(|verb| !headings.contains(verb) || !called(&text).contains(verb)).collect();
    assert!(missing.is_empty(), "without a section or a call in the README: {missing:?}");
}

#[test]
fn every_config_that_is_named_exists() {
    let sources = entries(&root().join("src/cli")).into_iter().filter(|path| path.is_file());
    for document in documents().into_iter().chain(sources) {
        for rest in text_of(&document).split("configs/").skip(1) {
            let Some((name, _)) = rest.split_once(".yaml") else { continue };
            let path = format!("configs/{name}.yaml");
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if is_name && path != NOT_OURS {
                assert!(root().join(&path).is_file(), "{}: `{path}` does not exist", document.display());
            }
        }
    }
}

#[test]
fn the_map_names_every_room_in_the_order_of_the_library() {
    let library = text_of(&root().join("src/lib.rs"));
    let rooms = library.lines().filter_map(|line| Some(line.strip_prefix("//! - [`")?.split_once('`')?.0));
    let text = readme();
    let mut last = 0;
    for room in rooms {
        let names = [format!("── {room}/ "), format!("── {room}.rs ")];
        let place = names.iter().find_map(|name| text.find(name)).unwrap_or_else(|| panic!("the map has no `{room}`"));
        assert!(place > last, "`{room}` stands elsewhere in `src/lib.rs`");
        last = place;
    }
    assert!(last > 0, "`src/lib.rs` lists no rooms");
}

#[test]
fn every_path_in_the_documents_exists() {
    for document in ["README.md", ".github/CONTRIBUTING.md", "benches/README.md", "artifacts/README.md"] {
        for path in paths(&text_of(&root().join(document))) {
            assert!(root().join(&path).exists(), "`{document}` names `{path}`, which does not exist");
        }
    }
}

#[test]
fn every_known_defect_has_its_line() {
    let text = readme();
    let (_, table) = text.split_once("## Departures").unwrap();
    // Section 10 of the description of the original numbers them.
    let missing: Vec<_> = (1..=41).filter(|number| table.matches(&format!("\n| {number} | ")).count() != 1).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
