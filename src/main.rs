//! The program: parse, start the log, run one command, return an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    unifr::cli::main(std::env::args_os())
}
