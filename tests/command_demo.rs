//! `unifr demo` with little training, the real program in an empty folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn demo(folder: &Path, out: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unifr"));
    let output = command.current_dir(folder).args(["demo", "--training-share", "0.02", "--out", out]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_demo_runs_in_an_empty_folder_and_again_over_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = Vec::new();
    for _ in 0..2 {
        let (code, out, errors) = demo(folder.path(), "x");
        assert_eq!(code, 0, "{errors}");
        for row in ["FRCorr", "offline", "online", "random", "mime", "mean sequence", "mean frame", "ceiling"] {
            assert!(out.contains(row), "{row} is missing in\n{out}");
        }
        assert!(out.ends_with("report: x/report.html\n"), "{out}");
        let page = fs::read_to_string(folder.path().join("x/report.html")).unwrap();
        for text in ["Losses", "Reactions to a real clip (no ground truth)", "<svg", "Scores"] {
            assert!(page.contains(text), "{text} is missing in the page");
        }
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "the page stands alone");
        tables.push(out.split("\n\n").nth(1).unwrap().to_owned());
    }
    assert_eq!(tables[0], tables[1], "the same seed gives the same scores");
}

#[test]
fn a_folder_that_is_not_a_demos_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/thesis.txt"), "precious").unwrap();
    let (code, out, errors) = demo(folder.path(), "mine");
    assert_eq!((code, out.as_str()), (2, ""));
    let expected = "error: `mine` holds something that is not a demo's; name another folder with `--out`";
    assert!(errors.contains(expected), "{errors}");
    assert_eq!(fs::read_dir(folder.path().join("mine")).unwrap().count(), 1);
}
