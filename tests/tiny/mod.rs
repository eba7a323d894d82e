//! A corpus and a model so small that a test can train: clips of 50 frames, one block of width 16.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use unifr::config::RunConfig;
use unifr::dataset::synthetic::{SyntheticSettings, write_corpus};

/// Frames of every clip: the fewest that the synthetic corpus allows.
pub const FRAMES: usize = 50;

/// Writes a corpus into `data` below `folder`.
pub fn write_data(folder: &Path) {
    let settings = SyntheticSettings { seed: 7, frames: FRAMES, train_clips: 16, val_clips: 8, test_clips: 8 };
    write_corpus(&folder.join("data"), &settings, |_, _| ()).unwrap();
}

/// A config in YAML whose run is called `name`; `training` are more keys of `train_params`, one a line.
pub fn config_text(name: &str, training: &[&str]) -> String {
    let more = training.iter().map(|line| format!("  {line}\n")).collect::<Vec<_>>().concat();
    format!(
        "model:
  base_learning_rate: 0.25
  causal_mask: frame-causal
  scheduler_config:
    params: {{warm_up_steps: 4, keep_steps: 8, max_decay_steps: 400, lr_start: 1e-4, lr_max: 2e-3, keep: continuous}}
  transformer_config:
    params:
      max_n_frame: {FRAMES}
      online_step: 5
      dim_s_exp: auto
      dim_s_AU: auto
      dim_s_VA: auto
      dim_s_pose: auto
      dim_s_MFCC: auto
      dim_s_GeMAPfunc: auto
      dim_s_GeMAPlld: auto
      n_l_AU: auto
      n_l_exp: auto
      n_l_VA: auto
      n_layer: 1
      n_head: 2
      dim_embed: 16
  decoding_params: {{step: 8, online_step: 5, online_max_len: {FRAMES}, ties: ordered}}
train_params:
  batch_size: 2
{more}tokens:
  valence_arousal_cells: clamped
paths:
  val_appro: data/val_appro.npy
  pretrain_name: pretrained
  experiment_name: {name}
"
    )
}

/// The same config with all its paths below `folder`, and runs in `runs` there.
pub fn config(folder: &Path, runs: &str, name: &str, training: &[&str]) -> RunConfig {
    let mut config = RunConfig::from_text(&config_text(name, training)).unwrap().config;
    let paths = &mut config.paths;
    for path in [
        &mut paths.data_root,
        &mut paths.training_set,
        &mut paths.val_set,
        &mut paths.test_set,
        &mut paths.train_appro,
        &mut paths.val_appro,
    ] {
        *path = folder.join(&path);
    }
    paths.ckpt_root = folder.join(runs);
    let test = &mut config.test_params;
    for path in [
        &mut test.speaker_truth,
        &mut test.listener_truth,
        &mut test.action_units_csv,
        &mut test.expression_centres,
        &mut test.valence_arousal_csv,
    ] {
        *path = folder.join(&path);
    }
    config
}
