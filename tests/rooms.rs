//! The house keeps its order: rooms import only what stands before them, files are short and open with a card, the
//! README's tree is true, and nothing tells on which machine this was written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Files of more lines are hard to read in one go.
const LONGEST_FILE: usize = 400;
/// Longer ones, and why.
const LONGER: [(&str, &str); 1] = [("src/files/pickle/machine.rs", "one arm for each opcode of a pickle")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder`, sorted; hidden ones, and what is built or downloaded, are left out.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || ["target", "artifacts", "results"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn sources(folders: &[&str]) -> Vec<PathBuf> {
    let all = folders.iter().flat_map(|folder| files_under(&root().join(folder)));
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The rooms in the order of the card of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let card = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let named = card.lines().filter_map(|line| Some(line.strip_prefix("//! - [`")?.split_once('`')?.0.to_owned()));
    named.collect()
}

/// The room of a file: the first name below `src`, without its ending.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a line of code names by `crate::`; comments may point anywhere.
fn named_rooms(line: &str) -> Vec<&str> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let ends = |rest: &str| rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
    let after = line.split("crate::").skip(1);
    // `$crate::` inside a macro of the same room is the same.
    after.map(|rest| &rest[..ends(rest)]).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_room_stands_in_the_card() {
    let rooms = rooms();
    for path in sources(&["src"]) {
        let room = room_of(&path);
        assert!(["lib", "main"].contains(&room.as_str()) || rooms.contains(&room), "`{room}` is not in src/lib.rs");
    }
    assert_eq!(rooms.len(), 20, "{rooms:?}");
}

#[test]
fn rooms_use_only_rooms_before_them() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|name| name == room);
    let mut wrong = Vec::new();
    for path in sources(&["src"]) {
        let Some(own) = place(&room_of(&path)) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for named in named_rooms(line) {
                match place(named) {
                    Some(other) if other <= own => {}
                    _ => wrong.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim())),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these lines use a room that comes later, or none:\n{}", wrong.join("\n"));
}

#[test]
fn the_kernels_know_nothing_of_the_program() {
    for path in sources(&["kernels"]) {
        let text = fs::read_to_string(&path).unwrap();
        let own = text.lines().find(|line| line.contains("unifr::") && !line.trim_start().starts_with("//"));
        assert_eq!(own, None, "{}", shown(&path));
    }
}

#[test]
fn every_file_opens_with_a_card() {
    for path in sources(&["src", "kernels", "tests", "benches"]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} has no card", shown(&path));
    }
}

#[test]
fn files_are_short_enough_to_be_read_in_one_go() {
    for path in sources(&["src", "kernels/src"]) {
        let (name, lines) = (shown(&path), fs::read_to_string(&path).unwrap().lines().count());
        let is_listed = LONGER.iter().any(|(longer, _)| *longer == name);
        assert_eq!(lines > LONGEST_FILE, is_listed, "{name} has {lines} lines");
    }
}

/// Paths of a tree as it is drawn with box characters: the depth of a name is where its line ends.
fn drawn_paths(text: &str) -> Vec<PathBuf> {
    let mut folders: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    for line in text.lines() {
        let Some(end) = line.find("── ") else { continue };
        let depth = line[..end].chars().count() / 4;
        let name = line[end + "── ".len()..].split_whitespace().next().unwrap_or_default();
        folders.truncate(depth);
        folders.push(name.trim_end_matches('/').to_owned());
        paths.push(folders.iter().collect());
    }
    paths
}

#[test]
fn the_tree_in_the_readme_names_only_what_is_there() {
    let Ok(readme) = fs::read_to_string(root().join("README.md")) else { return };
    for path in drawn_paths(&readme) {
        let is_made_by_running = path.starts_with("artifacts");
        assert!(is_made_by_running || root().join(&path).exists(), "README.md draws `{}`", path.display());
    }
}

#[test]
fn a_drawn_tree_is_read_by_its_depth() {
    let tree = "x/\n├── src/       rooms\n│   ├── lib.rs  map\n│   └── a/\n│       └── b.rs\n└── tests/\n";
    let paths: Vec<String> = drawn_paths(tree).iter().map(|path| path.display().to_string()).collect();
    assert_eq!(paths, ["src", "src/lib.rs", "src/a", "src/a/b.rs", "tests"]);
}

#[test]
fn nothing_tells_on_which_machine_this_was_written() {
    // Put together here, so that this file does not hold them.
    let machine = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["index.", "crates.io"]];
    let machine = machine.map(|parts| parts.concat());
    let hidden = [".ci/run", ".ci/llvm", ".cargo/config.toml", ".config/nextest.toml"].map(|name| root().join(name));
    let mut found = Vec::new();
    for path in files_under(root()).into_iter().chain(hidden) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if machine.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}", shown(&path), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "paths or hosts of one machine in {found:?}");
}
