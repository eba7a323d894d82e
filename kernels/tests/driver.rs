//! What a driver answers, asked of libraries that a C compiler makes for the test; without one, of none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use unifr_kernels::driver::{DriverAnswer, driver_answer, set_cuda_path};

/// A library as `definitions` say; none if there is no C compiler.
fn fake_driver(name: &str, definitions: &[&str]) -> Option<PathBuf> {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/fake_driver.c");
    let compiler = Command::new("cc").args(["-shared", "-fPIC", source, "-o"]).arg(&library).args(definitions).status();
    let Ok(status) = compiler else {
        eprintln!("skipped: there is no C compiler `cc`");
        return None;
    };
    assert!(status.success(), "the fake driver cannot be compiled");
    Some(library)
}

#[test]
fn a_driver_tells_its_version_and_its_devices() {
    let cases = [
        (
            ["-DVERSION=12080", "-DCOUNT=2", "-DINIT=0"],
            DriverAnswer::Ready { version: 12_080, devices: vec!["Fake 0".into(), "Fake 1".into()] },
        ),
        (["-DVERSION=11020", "-DCOUNT=0", "-DINIT=0"], DriverAnswer::Ready { version: 11_020, devices: Vec::new() }),
        (["-DVERSION=12080", "-DCOUNT=1", "-DINIT=100"], DriverAnswer::Refused { function: "cuInit", code: 100 }),
        (["-DVERSION=12080", "-DCOUNT=1", "-DOTHER"], DriverAnswer::Incomplete { function: "cuInit" }),
    ];
    for (number, (definitions, expected)) in cases.into_iter().enumerate() {
        // The system opens a library of one path once, so each has a name of its own.
        let Some(library) = fake_driver(&format!("libfake{number}.so"), &definitions) else { return };
        assert_eq!(driver_answer(&library), expected);
    }
}

#[test]
fn a_library_that_is_not_there_or_none_is_no_driver() {
    assert_eq!(driver_answer(Path::new("libno-such-driver.so.1")), DriverAnswer::Missing);
    assert_eq!(driver_answer(Path::new(file!())), DriverAnswer::Missing);
    assert_eq!(driver_answer(Path::new("a\0b")), DriverAnswer::Missing);
}

#[test]
fn the_environment_is_left_alone_while_other_threads_run() {
    let before = std::env::var_os("CUDA_PATH");
    let told = std::thread::scope(|threads| threads.spawn(|| set_cuda_path(Path::new("nowhere"))).join().unwrap());
    assert!(!told);
    assert_eq!(std::env::var_os("CUDA_PATH"), before);
}
