//! `unifr predict`: ten reactions for every clip of a prepared file.
//!
//! In:  a config, a trained run or weights, a prepared file.
//! Out: `[3, clips, 10, frames]` tokens, and log probabilities if asked for; the paths on stdout.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;

use super::{Verdict, load_config, open_device};
use crate::batches::SpeakerItem;
use crate::checkpoint::{Weights, checkpoint_of_iteration, sizes_of};
use crate::config::{PrecisionChoice, RunConfig, Task};
use crate::dataset::Reader;
use crate::device::DeviceChoice;
use crate::files::npy;
use crate::model::Transformer;
use crate::predict::{Predicted, Predictor, predict_clips};
use crate::report::Progress;
use crate::train::model_sizes;

/// Predict ten reactions for every clip of a prepared file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  unifr predict --config configs/test-cos-keeplr-0.yaml --task offline --data data/val_sequential.h5 --out reactions.npy"
)]
pub struct PredictArgs {
    /// Model, decoding and paths.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Weights: a checkpoint folder, `.safetensors`, `.ckpt` or `.pth`; without it the run's newest checkpoint.
    #[arg(long, value_name = "PATH")]
    pub weights: Option<PathBuf>,
    /// `offline` or `online`.
    #[arg(short, long, default_value_t = Task::Offline)]
    pub task: Task,
    /// The prepared file; without it the config's val set.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Where the tokens go.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where the log probabilities go, `[clips, 10]`.
    #[arg(long, value_name = "FILE")]
    pub probabilities: Option<PathBuf>,
    /// `auto`, `cpu`, `cubecl-cpu`, `cuda` or `cuda:N`; `auto` takes CUDA where a driver answers.
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// `auto`, `f32`, `bf16` or `f16`: in which number format matrices are multiplied.
    #[arg(long, value_name = "FORMAT", default_value_t = PrecisionChoice::F32)]
    pub precision: PrecisionChoice,
}

/// Runs the verb.
pub fn run(arguments: &PredictArgs) -> anyhow::Result<Verdict> {
    let mut config = load_config(&arguments.config)?;
    let (device, precision) = open_device(&arguments.device, |_| arguments.precision)?;
    let weights = match &arguments.weights {
        Some(path) => path.clone(),
        None => checkpoint_of_iteration(&config.run_folder(), -1)?,
    };
    let model = trained_model(&mut config, &weights, arguments.task, &device)?.with_precision(precision);
    let data = arguments.data.clone().unwrap_or_else(|| config.paths.val_set.clone());
    let predicted = predict_file(&config, model, arguments.task, &data, &device)?;
    write(&predicted, &arguments.out, arguments.probabilities.as_deref())?;
    let written = std::iter::once(&arguments.out).chain(&arguments.probabilities);
    for path in written {
        writeln!(io::stdout(), "{}", path.display()).context("could not write to stdout")?;
    }
    Ok(Verdict::AllWell)
}

/// The model of some weights, under the mask that they were trained with.
pub(super) fn trained_model(
    config: &mut RunConfig,
    path: &Path,
    task: Task,
    device: &Device,
) -> anyhow::Result<Transformer> {
    let weights = Weights::read(path).context("could not read the trained weights")?;
    if let Some(warning) = weights.trained_mask.and_then(|mask| config.adopt_trained_mask(mask)) {
        log::warn!("{warning}");
    }
    if task == Task::Online {
        config.check_online_decoding()?;
    }
    let (dims, vocabulary) =
        sizes_of(&weights.tensors).with_context(|| format!("`{}` holds no weights of this model", path.display()))?;
    let sizes = model_sizes(config, dims, vocabulary)
        .with_context(|| format!("the weights `{}` do not fit the config", path.display()))?;
    log::info!("weights of `{}`", path.display());
    Ok(weights.load_into(sizes.init(0, device)?)?)
}

/// Predicts every clip of a prepared file, with progress.
pub(super) fn predict_file(
    config: &RunConfig,
    model: Transformer,
    task: Task,
    data: &Path,
    device: &Device,
) -> anyhow::Result<Predicted> {
    let reader = Reader::open(data).context("could not read the speakers")?;
    reader.require_dims(&model.config().dims).context("the model was trained with other features")?;
    let (clips, frames) = (reader.clip_count(), reader.frame_count());
    let delay = config.pose_delay();
    let predictor = Predictor::new(model, config, task);
    let progress = Progress::new(format!("predicting {task}"), "clips", clips as u64);
    let speaker = |clip| -> anyhow::Result<SpeakerItem> { Ok(SpeakerItem::read(&reader, clip, delay)?) };
    let predicted = predict_clips(&predictor, clips, frames, device, speaker, |_| {
        progress.advance(1);
        Ok(())
    })?;
    progress.finish();
    Ok(predicted)
}

/// Writes tokens, and log probabilities if there is a place for them.
pub(super) fn write(predicted: &Predicted, tokens: &Path, probabilities: Option<&Path>) -> anyhow::Result<()> {
    predicted.tokens.write(tokens)?;
    if let Some(path) = probabilities {
        let values: Vec<f64> = predicted.log_probabilities.iter().flatten().copied().collect();
        let shape = [predicted.tokens.clip_count, predicted.tokens.reaction_count];
        npy::write(path, &shape, &values)?;
    }
    Ok(())
}
