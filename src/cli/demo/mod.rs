//! `unifr demo`: the whole system at work, in a few minutes on a plain CPU, from an empty folder.
//!
//! In:  nothing; clip, settings and face detector are inside the program.
//! Out: `artifacts/demo/`: a synthetic corpus, a trained model, reactions, scores, `report.html`; the scores on stdout.

mod assets;
mod learning;
mod report;
mod scores;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use burn::tensor::Device;

use super::{Verdict, interrupter, open_device};
use crate::batches::SpeakerItem;
use crate::config::{Mode, PrecisionChoice, RunConfig, Task};
use crate::dataset::synthetic::{SyntheticCorpus, SyntheticSettings, write_corpus};
use crate::device::DeviceChoice;
use crate::features::{ClipLength, PrepareOptions, Prepared, prepare_clip};
use crate::files::{create_folder, write_atomically};
use crate::predict::Predictor;
use crate::report::Progress;
use crate::tokens::{Codebooks, TokenArray};
use crate::train::{Start, TrainOptions, Trained, train};
use learning::Learning;
use scores::{HeldOut, score};

/// Show the whole system at work, in a few minutes on a plain CPU.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Where everything goes.
    #[arg(long, value_name = "FOLDER", default_value = "artifacts/demo")]
    pub out: PathBuf,
    /// Seed of the corpus and of the training.
    #[arg(long, default_value_t = 100)]
    pub seed: u64,
    /// Do only this share of the training, for a quick look; the scores mean little then.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub training_share: f64,
    /// `auto`, `cpu`, `cubecl-cpu`, `cuda` or `cuda:N`; `auto` takes CUDA where a driver answers.
    #[arg(long, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
}

/// How long each phase took.
#[derive(Debug, Default)]
pub(super) struct Phases(pub(super) Vec<(&'static str, Duration)>);

impl Phases {
    fn run<T>(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        log::info!("{name}");
        let began = Instant::now();
        let result = work().with_context(|| format!("the demo failed while {name}"));
        self.0.push((name, began.elapsed()));
        result
    }
}

/// Runs the verb.
pub fn run(arguments: &DemoArgs) -> anyhow::Result<Verdict> {
    anyhow::ensure!(
        arguments.training_share > 0.0 && arguments.training_share <= 1.0,
        "`--training-share` is {}, expected more than 0 and at most 1",
        arguments.training_share
    );
    let (device, precision) = open_device(&arguments.device, |_| PrecisionChoice::Auto)?;
    let out = &arguments.out;
    start_clean(out)?;
    let interrupter = interrupter()?;
    let options = TrainOptions { start: Start::Anew, precision, reading_threads: 1, interrupter: interrupter.clone() };
    let mut phases = Phases::default();
    let clip = phases.run("preparing a real clip", || real_clip(out))?;
    let corpus = phases.run("making a synthetic corpus", || synthetic_corpus(arguments))?;
    let [pretrain, finetune] = configs(arguments, &corpus)?;
    let pretrained = phases.run("pretraining", || train(&pretrain, &device, &options))?;
    if interrupter.should_stop() {
        stopped(out);
        return Ok(Verdict::AllWell);
    }
    let finetuned = phases.run("finetuning", || train(&finetune, &device, &options))?;
    if interrupter.should_stop() {
        stopped(out);
        return Ok(Verdict::AllWell);
    }
    let held_out = HeldOut::read(&corpus, &pretrain)?;
    let [offline, online] = phases
        .run("predicting", || predict(&held_out, [(&finetune, finetuned), (&pretrain, pretrained)], &clip, &device))?;
    let board = phases.run("scoring", || score(&held_out, &offline.held_out, &online.held_out, arguments.seed))?;
    write_reactions(out, &offline, &online)?;
    let learning = Learning::read(&pretrain.run_folder(), &finetune.run_folder())?;
    let page = report::page(&report::Material {
        clip: &clip,
        held_out: &held_out,
        offline: &offline,
        online: &online,
        board: &board,
        learning: &learning,
        phases: &phases,
        arguments,
    });
    page.write(&out.join("report.html"))?;
    print(&board, &learning, &phases, out).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

/// The demo writes into a folder of its own; what an earlier demo left there is replaced.
fn start_clean(out: &Path) -> anyhow::Result<()> {
    if out.join("data").join("Index").is_dir() || !out.exists() {
        for part in ["data", "pretrain", "finetune"] {
            let folder = out.join(part);
            if folder.exists() {
                std::fs::remove_dir_all(&folder).with_context(|| format!("could not clear `{}`", folder.display()))?;
            }
        }
        return Ok(create_folder(out)?);
    }
    let is_empty = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    anyhow::ensure!(
        is_empty,
        "`{}` holds something that is not a demo's; name another folder with `--out`",
        out.display()
    );
    Ok(())
}

fn stopped(out: &Path) {
    log::info!("stopped; run `unifr demo` again to start over, or go on with a training under `{}`", out.display());
}

/// A clip that was filmed, with its features.
pub(super) struct RealClip {
    pub(super) prepared: Prepared,
    pub(super) item: SpeakerItem,
}

fn real_clip(out: &Path) -> anyhow::Result<RealClip> {
    let path = out.join("speaker.mp4");
    write_atomically(&path, |file| file.write_all(assets::CLIP))?;
    let began = Instant::now();
    let config = RunConfig::from_text(assets::CONFIG)?.config;
    let prepared = prepare_clip(&path, &PrepareOptions::from_config(&config.prepare, ClipLength::Own))?;
    let frames = prepared.features.frame_count;
    log::info!(
        "{frames} frames at {:.0} frames/s, {} of them without a face",
        frames as f64 / began.elapsed().as_secs_f64(),
        prepared.faceless_count()
    );
    let item = SpeakerItem::from_features(prepared.features.clone(), 0);
    Ok(RealClip { prepared, item })
}

fn synthetic_corpus(arguments: &DemoArgs) -> anyhow::Result<SyntheticCorpus> {
    let frames = RunConfig::from_text(assets::CONFIG)?.config.transformer().max_frame_count;
    let settings = SyntheticSettings { seed: arguments.seed, frames, ..SyntheticSettings::default() };
    let total = settings.train_clips + settings.val_clips + settings.test_clips;
    let progress = Progress::new("writing", "clips", total as u64);
    let corpus = write_corpus(&arguments.out.join("data"), &settings, |_, _| progress.advance(1))?;
    progress.finish();
    Ok(corpus)
}

/// The settings of the two trainings: those of `demo.yaml`, and the same with fewer steps and without the causal pass.
fn configs(arguments: &DemoArgs, corpus: &SyntheticCorpus) -> anyhow::Result<[RunConfig; 2]> {
    let mut pretrain = RunConfig::from_text(assets::CONFIG)?.config;
    let [training, held_out, test] = &corpus.partitions;
    let paths = &mut pretrain.paths;
    paths.data_root = arguments.out.join("data");
    paths.training_set.clone_from(&training.dataset);
    paths.train_appro.clone_from(&training.matrix);
    paths.val_set.clone_from(&held_out.dataset);
    paths.val_appro.clone_from(&held_out.matrix);
    paths.test_set.clone_from(&test.dataset);
    paths.ckpt_root.clone_from(&arguments.out);
    paths.pretrain_name = "pretrain".into();
    paths.experiment_name = "pretrain".into();
    let files = &mut pretrain.test_params;
    files.speaker_truth.clone_from(&held_out.speaker_truth);
    files.listener_truth.clone_from(&held_out.listener_truth);
    files.action_units_csv.clone_from(&corpus.codebooks.action_units);
    files.expression_centres.clone_from(&corpus.codebooks.expression);
    files.valence_arousal_csv.clone_from(&corpus.codebooks.valence_arousal);
    pretrain.train_params.seed = arguments.seed;
    pretrain.model.decoding_params.seed = arguments.seed;
    shorten(&mut pretrain, arguments.training_share);
    let mut finetune = pretrain.clone();
    finetune.paths.experiment_name = "finetune".into();
    finetune.train_params.mode = Mode::Finetune;
    shorten(&mut finetune, FINETUNING_SHARE);
    finetune.model.base_learning_rate *= FINETUNING_RATE;
    Ok([pretrain, finetune])
}

/// Finetuning takes a quarter of the pretraining's steps, at half its rate.
const FINETUNING_SHARE: f64 = 0.25;
const FINETUNING_RATE: f64 = 0.5;

/// A training with a share of the steps, the schedule in proportion.
fn shorten(config: &mut RunConfig, share: f64) {
    let part = |steps: u64| ((steps as f64 * share).round() as u64).max(1);
    let accumulation = (config.train_params.total_batch_size / config.train_params.batch_size) as u64;
    config.train_params.max_iter = part(config.train_params.max_iter - 1).max(accumulation) + 1;
    let schedule = &mut config.model.scheduler_config.params;
    schedule.warm_up_steps = part(schedule.warm_up_steps);
    schedule.keep_steps = part(schedule.keep_steps);
    schedule.max_decay_steps = part(schedule.max_decay_steps - 1).max(schedule.warm_up_steps + accumulation) + 1;
}

/// The reactions of one task.
pub(super) struct Reactions {
    pub(super) held_out: TokenArray,
    pub(super) real: TokenArray,
}

fn predict(
    held_out: &HeldOut,
    trained: [(&RunConfig, Trained); 2],
    clip: &RealClip,
    device: &Device,
) -> anyhow::Result<[Reactions; 2]> {
    let [offline, online] = trained;
    Ok([
        reactions(held_out, offline, Task::Offline, clip, device)?,
        reactions(held_out, online, Task::Online, clip, device)?,
    ])
}

fn reactions(
    held_out: &HeldOut,
    (config, trained): (&RunConfig, Trained),
    task: Task,
    clip: &RealClip,
    device: &Device,
) -> anyhow::Result<Reactions> {
    let model = super::predict::trained_model(&mut config.clone(), &trained.checkpoint, task, device)?;
    let predicted = super::predict::predict_file(config, model.clone(), task, &held_out.dataset, device)?;
    let predictor = Predictor::new(model, config, task);
    // The clip is longer than the model's longest: its first frames are reacted to, and no more.
    let item = clip.item.first_frames(config.transformer().max_frame_count);
    let real = predictor.react_whole(&item, REAL_CLIP, device)?;
    Ok(Reactions { held_out: predicted.tokens, real: real.tokens })
}

/// Names the real clip's stream of chance, apart from all rows of a file.
const REAL_CLIP: u64 = u64::MAX;

fn write_reactions(out: &Path, offline: &Reactions, online: &Reactions) -> anyhow::Result<()> {
    for (task, reactions) in [("offline", offline), ("online", online)] {
        reactions.held_out.write(&out.join(format!("{task}_held_out_tokens.npy")))?;
        reactions.real.write(&out.join(format!("{task}_real_clip_tokens.npy")))?;
    }
    Ok(())
}

/// The attributes of one reaction.
pub(super) fn attributes(
    tokens: &TokenArray,
    codebooks: &Codebooks,
    clip: usize,
    reaction: usize,
) -> anyhow::Result<Vec<crate::tokens::Attributes>> {
    let frames = tokens.frame_count;
    let all = codebooks.attributes_from_clip(tokens, clip)?;
    Ok(all[reaction * frames..(reaction + 1) * frames].to_vec())
}

fn print(board: &scores::Board, learning: &Learning, phases: &Phases, out: &Path) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", board.text())?;
    writeln!(stdout, "{}", learning.text())?;
    for (name, duration) in &phases.0 {
        writeln!(stdout, "{name}: {:.1} s", duration.as_secs_f64())?;
    }
    writeln!(stdout, "\nreport: {}", out.join("report.html").display())
}
