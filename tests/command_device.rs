//! `--device`: what cannot be had is refused in one line, before burn would panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod tiny;

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The program with a config that is good, in a folder with nothing to train on.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.yaml"), tiny::config_text("run", &[])).unwrap();
    folder
}

/// The error of a training on `device`, its first line.
fn complaint(folder: &Path, device: &str, libraries: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_unifr"))
        .current_dir(folder)
        .args(["train", "--config", "run.yaml", "--device", device])
        .env("LD_LIBRARY_PATH", libraries)
        .env("CUDA_PATH", folder)
        .env("XDG_CACHE_HOME", folder)
        .env("UNIFR_LIBDEVICE", folder.join("libdevice.10.bc"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    errors.lines().find(|line| line.contains("error")).unwrap_or(&errors).to_owned()
}

#[test]
fn a_word_that_names_no_device_is_refused_with_those_that_do() {
    let folder = folder();
    let line = complaint(folder.path(), "gpu", folder.path());
    assert!(line.contains("the device is `gpu`, expected `auto`, `cpu`, `cubecl-cpu`, `cuda`, `cuda:N`"), "{line}");
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_refuses_it() {
    let folder = folder();
    let line = complaint(folder.path(), "cuda:0,1", folder.path());
    assert!(line.ends_with("this build has no CUDA; build with `--features cuda`, or use `--device cpu`"), "{line}");
}

/// A driver that is none, made by a C compiler; none without one.
#[cfg(all(feature = "cuda", target_os = "linux"))]
fn fake_driver(folder: &Path, definitions: &[&str]) -> bool {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fake_driver.c");
    let mut compiler = Command::new("cc");
    compiler.current_dir(folder).args(["-shared", "-fPIC", source, "-o", "libcuda.so.1"]).args(definitions);
    let Ok(status) = compiler.status() else {
        eprintln!("skipped: there is no C compiler `cc`");
        return false;
    };
    assert!(status.success());
    true
}

#[cfg(all(feature = "cuda", target_os = "linux"))]
#[test]
fn every_obstacle_is_told_in_one_line() {
    let folder = folder();
    let path = folder.path();
    let broken = path.join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("libcuda.so.1"), "not a library").unwrap();
    let line = complaint(path, "cuda", &broken);
    assert!(
        line.contains("no NVIDIA driver answers, as `libcuda.so.1` cannot be opened; install the driver, or use"),
        "{line}"
    );
    let good = ["-DVERSION=12080", "-DCOUNT=2", "-DINIT=0"];
    let cases = [
        (["-DVERSION=11020", "-DCOUNT=2", "-DINIT=0"], "cuda", "is for CUDA 11.2, expected 11.4 or newer"),
        (["-DVERSION=12080", "-DCOUNT=2", "-DINIT=100"], "cuda", "the NVIDIA driver has no device"),
        (["-DVERSION=12080", "-DCOUNT=2", "-DINIT=3"], "cuda", "`cuInit` answers with error 3"),
        (good, "cuda:1,5", "there is no device `cuda:5`, as the driver has 2, counted from 0; name another"),
        (good, "cuda:1", "is in none of"),
    ];
    for (definitions, device, expected) in cases {
        if !fake_driver(path, &definitions) {
            return;
        }
        let line = complaint(path, device, path);
        assert!(line.contains(expected), "{line}");
    }
    // Everything is there but the training set: the devices were taken, and one is what this version can use.
    fs::write(path.join("libdevice.10.bc"), b"BC\xc0\xde").unwrap();
    let line = complaint(path, "cuda:0,1", path);
    assert!(line.contains("`--device cuda:0,1` names 2 devices"), "{line}");
}
