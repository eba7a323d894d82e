//! `unifr train`: trains a run, or goes on with one.
//!
//! In:  a config, or the folder of a run.
//! Out: the run's folder; its newest checkpoint on stdout.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::{Verdict, interrupter, load_config, open_device};
use crate::config::PrecisionChoice;
use crate::device::DeviceChoice;
use crate::train::{Start, TrainOptions, config_of_run, train};

/// Train a model, or go on with a training.
///
/// Start with configs/pretrain-frame-causal.yaml and then configs/finetune-frame-causal.yaml: the corrected training.
/// The files with the published names train exactly as published, defects included.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  unifr train --config configs/pretrain-frame-causal.yaml\n  unifr train --resume artifacts/pretrain-frame-causal"
)]
pub struct TrainArgs {
    /// The run's settings.
    #[arg(long, value_name = "FILE", required_unless_present = "resume", conflicts_with = "resume")]
    pub config: Option<PathBuf>,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub resume: Option<PathBuf>,
    /// Threads that read clips ahead.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 4)]
    pub n_data_workers: usize,
    /// Start anew, whatever checkpoints the run has.
    #[arg(short, long, conflicts_with = "resume")]
    pub restart_train: bool,
    /// Go on from the checkpoint of this iteration; -1 for the newest.
    #[arg(short, long, value_name = "ITERATION", default_value_t = -1, allow_hyphen_values = true)]
    pub continue_iter: i64,
    /// What is said: 0 debug, 1 info, 2 warnings, 3 errors.
    #[arg(short, long, value_name = "LEVEL")]
    pub log_level: Option<u8>,
    /// `auto`, `cpu`, `cubecl-cpu`, `cuda` or `cuda:N`; `auto` takes CUDA where a driver answers.
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// `auto`, `f32`, `bf16` or `f16`: in which number format matrices are multiplied; without it as the config says.
    #[arg(long, value_name = "FORMAT")]
    pub precision: Option<PrecisionChoice>,
}

/// Runs the verb.
pub fn run(arguments: &TrainArgs) -> anyhow::Result<Verdict> {
    if let Some(level) = arguments.log_level {
        log::set_max_level(crate::report::level_from_published(level));
    }
    let path = match (&arguments.config, &arguments.resume) {
        (Some(config), _) => config.clone(),
        (None, Some(folder)) => config_of_run(folder),
        (None, None) => anyhow::bail!("neither `--config` nor `--resume` was given"),
    };
    let mut config = load_config(&path)?;
    // Kept in the run's config, so that going on needs no flag.
    config.train_params.precision = arguments.precision.unwrap_or(config.train_params.precision);
    let (device, precision) = open_device(&arguments.device, |_| config.train_params.precision)?;
    let start = match arguments.continue_iter {
        _ if arguments.restart_train => Start::Anew,
        iteration if iteration >= 0 => Start::Iteration(iteration),
        _ => Start::Newest,
    };
    let reading_threads = arguments.n_data_workers.max(1);
    let options = TrainOptions { start, precision, reading_threads, interrupter: interrupter()? };
    let trained = train(&config, &device, &options).context(format!("could not train `{}`", path.display()))?;
    if !trained.is_complete {
        log::info!("stopped; go on with `unifr train --resume {}`", config.run_folder().display());
    }
    writeln!(io::stdout(), "{}", trained.checkpoint.display()).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}
