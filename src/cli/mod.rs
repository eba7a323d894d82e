//! The command line: one file per verb.
//!
//! In:  arguments.
//! Out: data on stdout, everything else on stderr; exit code 0 all well, 1 some clip or file was bad, 2 not done at all.

pub mod arguments;
pub mod check;
pub mod convert;
pub mod decode;
pub mod demo;
pub mod evaluate;
pub mod predict;
pub mod prepare;
pub mod select;
pub mod synth;
pub mod test;
pub mod train;
pub mod voice;
pub mod weights;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;
use burn::tensor::Device;
use clap::{Parser, Subcommand};

use crate::config::PrecisionChoice;
use crate::device::{self, DeviceChoice, Opened, Precision};
use crate::report::{level_from_flags, start_log};

/// How a command ended that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to complain about.
    AllWell,
    /// Done, but not with everything; what was left out has been said.
    SomeBad,
}

/// The facial reactions of a listener to a speaker, from mp4 to scored predictions.
#[derive(Debug, Parser)]
#[command(name = "unifr", version, propagate_version = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Say more: once for what a developer wants, twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say less: once for warnings and errors only, twice for errors only.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    quiet: u8,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the whole system at work, in a few minutes on a plain CPU.
    Demo(demo::DemoArgs),
    Synth(synth::SynthArgs),
    Prepare(prepare::PrepareArgs),
    Check(check::CheckArgs),
    Train(train::TrainArgs),
    Predict(predict::PredictArgs),
    Test(test::TestArgs),
    Evaluate(evaluate::EvaluateArgs),
    Decode(decode::DecodeArgs),
    Select(select::SelectArgs),
    Convert(convert::ConvertArgs),
    Voice(voice::VoiceArgs),
    Weights(weights::WeightsArgs),
}

/// Runs the program with its arguments, the program's own name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_else(|| "unifr".into());
    let rewritten = arguments::rewritten(arguments);
    let arguments = match Arguments::try_parse_from(std::iter::once(program).chain(rewritten)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be told if even that cannot be printed.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    start_log(level_from_flags(arguments.verbose, arguments.quiet));
    unifr_kernels::keep_freed_pages();
    match run(&arguments.verb) {
        Ok(Verdict::AllWell) => ExitCode::SUCCESS,
        Ok(Verdict::SomeBad) => ExitCode::from(1),
        Err(error) => {
            let causes = error.chain().skip(1).map(|cause| format!("\n  caused by: {cause}"));
            log::error!("{error}{}{}", causes.collect::<String>(), hint(&error));
            ExitCode::from(2)
        }
    }
}

/// What to do about a file that is not there.
fn hint(error: &anyhow::Error) -> &'static str {
    let is_missing = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    if error.chain().any(is_missing) {
        "\n\nhint: check the path; a relative one starts at the folder the program was started in"
    } else {
        ""
    }
}

fn run(verb: &Verb) -> anyhow::Result<Verdict> {
    match verb {
        Verb::Demo(arguments) => demo::run(arguments),
        Verb::Synth(arguments) => synth::run(arguments),
        Verb::Prepare(arguments) => prepare::run(arguments),
        Verb::Check(arguments) => check::run(arguments),
        Verb::Train(arguments) => train::run(arguments),
        Verb::Predict(arguments) => predict::run(arguments),
        Verb::Test(arguments) => test::run(arguments),
        Verb::Evaluate(arguments) => evaluate::run(arguments),
        Verb::Decode(arguments) => decode::run(arguments),
        Verb::Select(arguments) => select::run(arguments),
        Verb::Convert(arguments) => convert::run(arguments),
        Verb::Voice(arguments) => voice::run(arguments),
        Verb::Weights(arguments) => weights::run(arguments),
    }
}

/// Loads a config, tells its notes, and adds the file to an error.
fn load_config(path: &std::path::Path) -> anyhow::Result<crate::config::RunConfig> {
    let loaded = crate::config::RunConfig::load(path)?;
    for note in &loaded.notes {
        log::info!("{note}");
    }
    Ok(loaded.config)
}

/// Opens the device that was asked for, finds the number format for it, and tells both with their reasons.
fn open_device(
    choice: &DeviceChoice,
    asked: impl FnOnce(&Opened) -> PrecisionChoice,
) -> anyhow::Result<(Device, Precision)> {
    let mut opened = device::open(choice)?;
    anyhow::ensure!(
        opened.devices.len() == 1,
        "`--device {choice}` names {} devices, but this version computes on one; name one of them",
        opened.devices.len()
    );
    let (precision, reason) = opened.precision(asked(&opened))?;
    log::info!("computing on {}; products in {reason}", opened.reason);
    Ok((opened.devices.remove(0), precision))
}

/// Stops a training on Ctrl-C or SIGTERM after the update at hand; a second signal ends the program at once.
fn interrupter() -> anyhow::Result<burn_train::Interrupter> {
    let interrupter = burn_train::Interrupter::new();
    let ours = interrupter.clone();
    ctrlc::set_handler(move || {
        if ours.should_stop() {
            std::process::exit(130);
        }
        log::warn!("stopping after this update; the checkpoint is saved then (once more to end at once)");
        ours.stop(Some("a signal"));
    })?;
    Ok(interrupter)
}

/// Reads which reactions are appropriate; where the challenge's file is missing but a prepared one lies beside it, says so.
fn open_matrix(path: &std::path::Path) -> anyhow::Result<crate::dataset::Appropriateness> {
    let prepared = path.with_file_name("val_appro.npy");
    crate::dataset::Appropriateness::open(path).with_context(|| {
        let hint = if !path.exists() && prepared.exists() {
            format!("; `{}` is there: name it as `paths.val_appro` or with `--appropriateness`", prepared.display())
        } else {
            String::new()
        };
        format!("could not read the appropriateness matrix `{}`{hint}", path.display())
    })
}
