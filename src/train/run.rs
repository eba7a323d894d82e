//! The loop: read, update, log, save, until the end or until it is stopped; a resumed run equals an unbroken one.
//!
//! In:  a config, a device, something that can interrupt.
//! Out: the run's folder and the trained model.
//! Source: `train.py` of the published code (sections 6.3 and 6.4 of the specification).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use burn::tensor::Device;
use burn_train::Interrupter;

use super::log::RunLog;
use super::plan::{Plan, model_sizes, trained_mask};
use super::step::{Learner, OBJECTIVES, UpdateReport, parameter_count};
use crate::batches::{BatchesError, ItemOptions, Loader, LoaderOptions, TrainingBatch, TrainingItem, TrainingItems};
use crate::checkpoint::{
    RunState, Weights, checkpoint_of_iteration, checkpoints_in, latest_checkpoint, read_optimizer, resume, save,
    set_aside_after,
};
use crate::config::{Mode, OptimizerOnFinetune, RunConfig, TrainedMask};
use crate::dataset::{Appropriateness, Reader};
use crate::device::Precision;
use crate::features::FeatureDims;
use crate::files::{create_folder, write_atomically};
use crate::model::Transformer;
use crate::optimizer::{AdamW, AdamWSettings, LossScaler};
use crate::report::Progress;
use crate::tokens::{CodebookFiles, Codebooks, VocabularySizes};

/// Updates in a row whose numbers are not finite before the run gives up.
const FAILURES_IN_A_ROW: u32 = 20;
/// Micro-batches that wait per reading thread.
const READ_AHEAD: usize = 2;

/// Where a training starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the run's newest checkpoint, if it has one.
    Newest,
    /// From the run's checkpoint of a published iteration.
    Iteration(i64),
    /// Anew; checkpoints of the run are ignored.
    Anew,
}

/// How a training runs, besides its config.
#[derive(Clone)]
pub struct TrainOptions {
    /// Where it starts.
    pub start: Start,
    /// Number format of products and attention.
    pub precision: Precision,
    /// Threads that read clips ahead.
    pub reading_threads: usize,
    /// Stops the run after the update at hand; a checkpoint is saved then.
    pub interrupter: Interrupter,
}

/// What a training leaves in memory.
#[derive(Debug)]
pub struct Trained {
    /// Model and optimizer.
    pub learner: Learner,
    /// The newest checkpoint.
    pub checkpoint: PathBuf,
    /// Whether every update was done.
    pub is_complete: bool,
}

/// Trains, or goes on training, as the config says.
pub fn train(config: &RunConfig, device: &Device, options: &TrainOptions) -> anyhow::Result<Trained> {
    let plan = Plan::new(config)?;
    let items = training_items(config, &plan)?;
    let dims = items.reader().dims();
    let run_folder = config.run_folder();
    let (learner, items_read) = start(config, &plan, dims, device, options)?;
    if learner.step >= plan.updates {
        ::log::info!("`{}` is complete: {} updates were done", run_folder.display(), learner.step);
    }
    create_folder(&run_folder)?;
    let aside = set_aside_after(&run_folder, learner.step)?;
    if aside > 0 {
        ::log::warn!("{aside} checkpoints after update {} were set aside: this run replaces them", learner.step);
    }
    write_atomically(&run_folder.join("config.yaml"), |file| file.write_all(config.to_text().as_bytes()))?;
    let columns = OBJECTIVES.iter().copied().chain(["learning_rate", "gradient_norm", "loss_scale", "skipped"]);
    let columns: Vec<&str> = columns.collect();
    let log = match learner.step {
        0 => RunLog::create(&run_folder, &columns)?,
        step => RunLog::resume(&run_folder, &columns, step)?,
    };
    let run = Run { config, plan: &plan, device, dims, folder: run_folder };
    run.go(learner, items_read, items, log, options)
}

/// The training set with its matrix.
fn training_items(config: &RunConfig, plan: &Plan) -> anyhow::Result<TrainingItems> {
    let paths = &config.paths;
    let params = &config.train_params;
    let reader = Reader::open(&paths.training_set).context("could not read the training set")?;
    let matrix = Appropriateness::open(&paths.train_appro).context("could not read which reactions are appropriate")?;
    let options = ItemOptions {
        seed: params.seed,
        shuffle_listener: params.shuffle_listener,
        has_impostor: plan.step.matching,
        counted_rate: params.counted_rate as f32,
        pose_delay: config.pose_delay(),
    };
    TrainingItems::new(reader, matrix, options).context("the training set cannot be trained on")
}

/// The sizes of the codebooks that the tokens of the training set belong to.
fn vocabulary(config: &RunConfig) -> anyhow::Result<VocabularySizes> {
    let params = config.transformer();
    if let [Ok(action_units), Ok(expression), Ok(valence_arousal)] =
        [params.action_unit_tokens, params.expression_tokens, params.valence_arousal_tokens].map(fixed)
    {
        return Ok(VocabularySizes { action_units, expression, valence_arousal });
    }
    let files = CodebookFiles::from(&config.test_params);
    let codebooks = Codebooks::load(&files, config.tokens.valence_arousal_cells)
        .context("could not read the codebooks, whose sizes the config leaves to the data")?;
    Ok(codebooks.sizes())
}

fn fixed(size: crate::config::Size) -> Result<usize, ()> {
    match size {
        crate::config::Size::Count(count) => Ok(count),
        crate::config::Size::Auto => Err(()),
    }
}

/// Model and optimizer as the run needs them, and the number of items read so far.
fn start(
    config: &RunConfig,
    plan: &Plan,
    dims: FeatureDims,
    device: &Device,
    options: &TrainOptions,
) -> anyhow::Result<(Learner, u64)> {
    let sizes = model_sizes(config, dims, vocabulary(config)?)?;
    let device = device.clone().autodiff();
    let fresh = sizes.init(config.train_params.seed, &device)?.with_precision(options.precision);
    let settings = AdamWSettings::default();
    let run_folder = config.run_folder();
    let found = match options.start {
        Start::Anew => None,
        Start::Iteration(iteration) => Some(checkpoint_of_iteration(&run_folder, iteration)?),
        Start::Newest => checkpoints_in(&run_folder).pop().map(|(_, path)| path),
    };
    if let Some(folder) = found {
        if folder.is_file() {
            return of_published_weights(config, plan, fresh, &folder);
        }
        ::log::info!("resuming `{}`", folder.display());
        let resumed = resume(&folder, fresh, settings, &device)?;
        refuse_other_mask(config, resumed.state.trained_mask)?;
        let state = resumed.state;
        let new = Learner::new(resumed.model, resumed.optimizer);
        let loss_scaler = continued(new.loss_scaler, state.loss_scaler);
        return Ok((Learner { step: state.step, skipped: state.skipped, loss_scaler, ..new }, state.items_read));
    }
    ::log::info!("the model has {} parameters", parameter_count(&fresh));
    let anew = Learner::new(fresh, AdamW::new(settings));
    match config.train_params.mode {
        Mode::Pretrain => Ok((anew, 0)),
        Mode::Finetune => Ok((pretrained(config, anew, &device)?, 0)),
    }
}

/// Goes on from the weights that the published code saved at an iteration; its optimizer's memory is not read.
fn of_published_weights(
    config: &RunConfig,
    plan: &Plan,
    fresh: Transformer,
    path: &Path,
) -> anyhow::Result<(Learner, u64)> {
    let weights = Weights::read(path)?;
    if let Some(mask) = weights.trained_mask {
        refuse_other_mask(config, mask)?;
    }
    let step = weights.iteration.unwrap_or(0) / plan.accumulation;
    ::log::warn!("going on from the weights `{}` at update {step}; the optimizer starts anew", path.display());
    let new = Learner::new(weights.load_into(fresh)?, AdamW::new(AdamWSettings::default()));
    Ok((Learner { step, ..new }, step * plan.accumulation * config.train_params.batch_size as u64))
}

/// The scaler to go on with: the saved one, if this run needs one at all.
fn continued(new: Option<LossScaler>, saved: Option<LossScaler>) -> Option<LossScaler> {
    new.map(|new| saved.unwrap_or(new))
}

/// A checkpoint of this run that was trained under another mask belongs to another run.
fn refuse_other_mask(config: &RunConfig, found: TrainedMask) -> anyhow::Result<()> {
    let expected = trained_mask(config);
    anyhow::ensure!(
        found == expected,
        "the checkpoint was trained with the mask `{}` and `online_step` {}, the config says `{}` and {}; give this run \
         another `paths.experiment_name`, or start anew with `--restart-train`",
        found.causal_mask,
        found.online_step,
        expected.causal_mask,
        expected.online_step
    );
    Ok(())
}

/// Weights, and if the config says so the optimizer and the scale of losses, of the run that finetuning starts from.
fn pretrained(config: &RunConfig, anew: Learner, device: &Device) -> anyhow::Result<Learner> {
    let folder = config.pretrained_folder();
    let path = latest_checkpoint(&folder).context("finetuning starts from a pretrained run")?;
    ::log::info!("starting from `{}`", path.display());
    let weights = Weights::read(&path)?;
    if let Some(mask) = weights.trained_mask.filter(|mask| *mask != trained_mask(config)) {
        ::log::warn!(
            "the pretrained weights knew the mask `{}` with `online_step` {}; finetuning leaves the causal attention as \
             it is",
            mask.causal_mask,
            mask.online_step
        );
    }
    let model = weights.load_into(anew.model)?;
    let (mut optimizer, mut loss_scaler) = (anew.optimizer, anew.loss_scaler);
    if config.train_params.optimizer_on_finetune == OptimizerOnFinetune::Inherited {
        match crate::checkpoint::state_of(&path) {
            Some(state) => {
                let state = state?;
                optimizer = read_optimizer(&path, optimizer.settings, &state, device)?;
                loss_scaler = continued(loss_scaler, state.loss_scaler);
            }
            None => ::log::warn!("`{}` holds no optimizer, so it starts anew", path.display()),
        }
    }
    Ok(Learner { loss_scaler, ..Learner::new(model, optimizer) })
}

/// What stays the same during a run.
struct Run<'a> {
    config: &'a RunConfig,
    plan: &'a Plan,
    device: &'a Device,
    dims: FeatureDims,
    folder: PathBuf,
}

impl Run<'_> {
    fn go(
        &self,
        mut learner: Learner,
        items_read: u64,
        items: TrainingItems,
        mut log: RunLog,
        options: &TrainOptions,
    ) -> anyhow::Result<Trained> {
        let device = self.device.clone().autodiff();
        let mut batches = self.loader(&learner, items_read, items, options.reading_threads);
        let progress = Progress::new("training", "updates", self.plan.updates.saturating_sub(learner.step));
        let mut failures = 0;
        let mut saved = None;
        while learner.step < self.plan.updates && !options.interrupter.should_stop() {
            let dims = self.dims;
            let micro_batches = batches.by_ref().take(self.plan.accumulation as usize).map(|items| {
                let items: Vec<TrainingItem> = items?;
                Ok(TrainingBatch::of(&items, &dims, &device))
            });
            let rate = self.plan.learning_rate(learner.updates_done());
            let report = learner.update(micro_batches, &self.plan.step, rate)?;
            log.append(learner.step, &row(&report, learner.skipped))?;
            failures = self.watch(&report, &learner, failures)?;
            progress.advance(1);
            if learner.step.is_multiple_of(self.plan.log_every) {
                progress.note(words(&report));
            }
            saved = None;
            if learner.step.is_multiple_of(self.plan.save_every) {
                saved = Some(self.save(&learner)?);
            }
        }
        progress.finish();
        if learner.skipped > 0 {
            ::log::info!("{} of {} updates were skipped", learner.skipped, learner.step);
        }
        let checkpoint = match saved {
            Some(path) => path,
            None => self.save(&learner)?,
        };
        let is_complete = learner.step >= self.plan.updates;
        Ok(Trained { learner, checkpoint, is_complete })
    }

    fn clips_per_update(&self) -> u64 {
        self.config.train_params.batch_size as u64 * self.plan.accumulation
    }

    /// Reads the items of all updates that are left, ahead of their use.
    fn loader(&self, learner: &Learner, items_read: u64, items: TrainingItems, threads: usize) -> Loader<TrainingItem> {
        let end = items_read + self.plan.updates.saturating_sub(learner.step) * self.clips_per_update();
        let options =
            LoaderOptions { batch_size: self.config.train_params.batch_size, ahead: READ_AHEAD, thread_count: threads };
        let items = Arc::new(items);
        Loader::start(items_read..end, options, move |number| -> Result<TrainingItem, BatchesError> {
            items.item(number)
        })
    }

    /// Counts updates whose numbers are not finite; too many in a row end the run.
    fn watch(&self, report: &UpdateReport, learner: &Learner, failures: u32) -> anyhow::Result<u32> {
        if report.is_finite() {
            return Ok(0);
        }
        let what = format!("update {} was skipped: its losses or gradients are not finite", learner.step);
        match learner.loss_scaler {
            // In f16 this is how the scale is found; nothing is wrong yet.
            Some(scaler) => ::log::info!("{what}; losses are scaled by {} from now on", scaler.scale),
            None => ::log::warn!("{what} ({})", words(report)),
        }
        let newest = checkpoints_in(&self.folder).pop().map(|(_, path)| path.display().to_string());
        anyhow::ensure!(
            failures + 1 < FAILURES_IN_A_ROW,
            "{FAILURES_IN_A_ROW} updates in a row were not finite; lower the learning rate and resume from {}",
            newest.map_or("the start, since nothing was saved".to_owned(), |path| format!("`{path}`"))
        );
        Ok(failures + 1)
    }

    fn save(&self, learner: &Learner) -> anyhow::Result<PathBuf> {
        let state = RunState {
            layout: crate::checkpoint::LAYOUT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            step: learner.step,
            iteration: learner.step * self.plan.accumulation,
            items_read: learner.step * self.clips_per_update(),
            skipped: learner.skipped,
            loss_scaler: learner.loss_scaler,
            seed: self.config.train_params.seed,
            trained_mask: trained_mask(self.config),
            parameter_steps: std::collections::BTreeMap::new(),
        };
        let folder = self.folder.join("checkpoints");
        Ok(save(&folder, &learner.model, &learner.optimizer, state)?)
    }
}

/// A row of the log; a pass that did not run has NaN.
fn row(report: &UpdateReport, skipped: u64) -> Vec<f64> {
    let losses = report.losses.iter().map(|loss| loss.unwrap_or(f64::NAN));
    losses.chain([report.learning_rate, report.gradient_norm, report.loss_scale, skipped as f64]).collect()
}

/// The losses in a few words.
fn words(report: &UpdateReport) -> String {
    let losses = OBJECTIVES.iter().zip(report.losses).filter_map(|(name, loss)| Some(format!("{name} {:.3}", loss?)));
    losses.collect::<Vec<_>>().join(", ")
}

/// The checkpoints of a run are beside its config.
pub fn config_of_run(run_folder: &Path) -> PathBuf {
    run_folder.join("config.yaml")
}
