//! `unifr test`: the original's `test.py`, with its command line as it stands: predict, decode, measure.
//!
//! In:  `-i 150000 --config configs/test-cos-keeplr-0.yaml -t offline -d val -p -m -hf -s -ap`.
//! Out: files with the published names under the run's folder and in `results/`; the published line on stdout.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::predict::{predict_file, trained_model, write};
use super::{Verdict, load_config, open_device, open_matrix};
use crate::checkpoint::checkpoint_of_iteration;
use crate::config::{OutputNames, PrecisionChoice, RunConfig, Task};
use crate::dataset::Partition;
use crate::device::DeviceChoice;
use crate::files::npy;
use crate::metrics::{self, Clips, Predictions, evaluate, published_line, table, write_json, write_published_line};
use crate::tokens::{CodebookFiles, Codebooks, TokenArray};

/// Predict and measure with the original's command line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  unifr test -i 150000 --config configs/test-cos-keeplr-0.yaml -t offline -d val -p -m -s"
)]
#[expect(clippy::struct_excessive_bools, reason = "the original has these five switches")]
pub struct TestArgs {
    /// Model, decoding and paths.
    #[arg(long, value_name = "FILE", default_value = "configs/test-5s-randL-gp-0.yaml")]
    pub config: PathBuf,
    /// Predict tokens.
    #[arg(short, long)]
    pub predict: bool,
    /// Decode and measure predicted tokens.
    #[arg(short, long)]
    pub measure: bool,
    /// The published iteration of the weights; -1 for the newest.
    #[arg(short = 'i', long, value_name = "ITERATION", default_value_t = -1, allow_hyphen_values = true)]
    pub load_iter: i64,
    /// `offline` or `online`.
    #[arg(short, long, default_value_t = Task::Offline)]
    pub task: Task,
    /// `val` or `test`.
    #[arg(short, long, default_value_t = Partition::Val)]
    pub dataset: Partition,
    /// Multiply matrices in f16 on a GPU (`-hf`); a processor computes in f32.
    #[arg(long)]
    pub half_precision: bool,
    /// With -m: write the decoded reactions to `results/`.
    #[arg(short, long)]
    pub save_pred: bool,
    /// Write the log probabilities too (`-ap`).
    #[arg(long)]
    pub accumulate_probs: bool,
    /// What is said: 0 debug, 1 info, 2 warnings, 3 errors.
    #[arg(short, long, value_name = "LEVEL")]
    pub log_level: Option<u8>,
    /// `auto`, `cpu`, `cubecl-cpu`, `cuda` or `cuda:N`; `auto` takes CUDA where a driver answers.
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
}

/// Where the files of a test go, as published.
struct Places {
    names: OutputNames,
    run_folder: PathBuf,
}

impl Places {
    fn tokens(&self) -> PathBuf {
        self.run_folder.join("test_result").join(self.names.tokens())
    }

    fn log_probabilities(&self) -> PathBuf {
        self.run_folder.join("test_result").join(self.names.log_probabilities())
    }

    fn metrics(&self) -> PathBuf {
        self.run_folder.join("test_log").join(self.names.metrics())
    }

    /// The same scores with the values of every clip.
    fn all_scores(&self) -> PathBuf {
        self.metrics().with_extension("json")
    }

    fn attributes(&self) -> PathBuf {
        PathBuf::from("results").join(self.names.attributes())
    }
}

/// Runs the verb.
pub fn run(arguments: &TestArgs) -> anyhow::Result<Verdict> {
    if let Some(level) = arguments.log_level {
        log::set_max_level(crate::report::level_from_published(level));
    }
    let mut config = load_config(&arguments.config)?;
    anyhow::ensure!(
        arguments.predict || arguments.measure,
        "nothing to do: give `-p` to predict, `-m` to measure, or both"
    );
    anyhow::ensure!(
        !(arguments.measure && arguments.dataset == Partition::Test),
        "there is no ground truth of the test part, so it cannot be measured; use `-d val`, or leave out `-m`"
    );
    anyhow::ensure!(
        arguments.dataset != Partition::Train,
        "`-d train` is not a part to test on, expected `val` or `test`"
    );
    let names = config.output_names(arguments.task, arguments.dataset.name(), arguments.load_iter);
    let places = Places { names, run_folder: config.run_folder() };
    if arguments.predict {
        predict(arguments, &mut config, &places)?;
    }
    if arguments.measure {
        measure(arguments, &config, &places)?;
    }
    Ok(Verdict::AllWell)
}

fn predict(arguments: &TestArgs, config: &mut RunConfig, places: &Places) -> anyhow::Result<()> {
    let (device, precision) = open_device(&arguments.device, |opened| match arguments.half_precision {
        true if opened.is_gpu => PrecisionChoice::F16,
        true => PrecisionChoice::Auto,
        false => PrecisionChoice::F32,
    })?;
    let weights = checkpoint_of_iteration(&places.run_folder, arguments.load_iter)?;
    let model = trained_model(config, &weights, arguments.task, &device)?.with_precision(precision);
    let data = match arguments.dataset {
        Partition::Test => &config.paths.test_set,
        _ => &config.paths.val_set,
    };
    let predicted = predict_file(config, model, arguments.task, data, &device)?;
    let probabilities = arguments.accumulate_probs.then(|| places.log_probabilities());
    write(&predicted, &places.tokens(), probabilities.as_deref())?;
    std::iter::once(places.tokens()).chain(probabilities).try_for_each(|path| tell(&path))
}

/// Names a file that was written.
fn tell(path: &Path) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", path.display()).context("could not write to stdout")
}

fn measure(arguments: &TestArgs, config: &RunConfig, places: &Places) -> anyhow::Result<()> {
    let tokens = TokenArray::read(&places.tokens()).context("no predicted tokens to measure; run with `-p` first")?;
    let test = &config.test_params;
    let files = CodebookFiles::from(test);
    let codebooks = Codebooks::load(&files, config.tokens.valence_arousal_cells)?;
    let predictions = Predictions::from_tokens(&tokens, &codebooks)?;
    if arguments.save_pred {
        let shape = [tokens.clip_count, tokens.reaction_count, tokens.frame_count, crate::tokens::ATTRIBUTE_COUNT];
        npy::write(&places.attributes(), &shape, predictions.values())?;
        tell(&places.attributes())?;
    }
    let listeners = Clips::read("the listeners' ground truth", &test.listener_truth)?;
    let speakers = Clips::read("the speakers' ground truth", &test.speaker_truth)?;
    let matrix = open_matrix(&config.paths.val_appro)?;
    let scores = evaluate(&predictions, &listeners, &speakers, &matrix, &|_: metrics::Progress| {})?;
    let rows = [("predictions", &scores)];
    write_published_line(&places.metrics(), &scores)?;
    write_json(&places.all_scores(), &rows)?;
    tell(&places.metrics())?;
    tell(&places.all_scores())?;
    writeln!(io::stdout(), "{}{}", table(&rows), published_line(&scores)).context("could not write to stdout")
}
