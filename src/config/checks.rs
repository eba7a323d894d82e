//! Values that can't work are refused before anything is read or allocated.
//!
//! In:  a [`RunConfig`] of the right kinds.
//! Out: one [`Problem`] for each impossible value, with its path, what was found and what was expected.

use std::fmt::Display;

use super::names::REACTION_COUNT;
use super::{
    ConfigError, DecodingParams, Keep, Number, Problem, RunConfig, ScheduleStep, SchedulerParams, Size, TrainParams,
    TransformerParams,
};

/// The model's layout: three tokens of the speaker and three of the listener per frame.
const TOKENS_PER_SIDE: usize = 3;
/// No machine holds a model with a size above this; it keeps products of sizes from overflowing.
const LARGEST_SIZE: usize = 1 << 24;
/// How far ten additions of a double may stray beyond the end of a range.
const ROUNDING: f64 = 1e-9;

/// Everything that is impossible in `config`.
pub fn problems(config: &RunConfig) -> Vec<Problem> {
    let mut found = Findings::default();
    found.positive("model.base_learning_rate", config.model.base_learning_rate);
    found.scheduler(config.scheduler());
    found.transformer(config.transformer());
    found.decoding(config.decoding(), &config.test_params.schedule_step);
    found.training(&config.train_params);
    found.size("test_params.batch_size", config.test_params.batch_size);
    found.folder_name("paths.experiment_name", &config.paths.experiment_name);
    if !config.paths.pretrain_name.is_empty() {
        found.folder_name("paths.pretrain_name", &config.paths.pretrain_name);
    }
    found.0
}

impl RunConfig {
    /// Micro-batches per update on each of `devices`: `total_batch_size / batch_size / devices`.
    pub fn n_acc(&self, devices: usize) -> Result<u64, ConfigError> {
        let train = &self.train_params;
        let at_once = train.batch_size * devices.max(1);
        let micro_batches = (train.total_batch_size / at_once) as u64;
        let mut found = Findings::default();
        let multiple = train.total_batch_size.is_multiple_of(at_once) && micro_batches > 0;
        let expected = format!("a multiple of {at_once}, `batch_size` on {} device(s)", devices.max(1));
        found.require(multiple, "train_params.total_batch_size", train.total_batch_size, expected);
        let interval = train.save_interval;
        let expected = format!("at least {micro_batches}, the micro-batches of one update");
        found.require(interval >= micro_batches, "train_params.save_interval", interval, expected);
        match found.0 {
            none if none.is_empty() => Ok(micro_batches),
            problems => Err(ConfigError::Problems { origin: "the config".into(), problems }),
        }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Findings(Vec<Problem>);

impl Findings {
    fn require(&mut self, holds: bool, key: &str, found: impl Display, expected: impl Display) {
        if !holds {
            self.0.push(Problem::value(key, found, expected));
        }
    }

    fn positive(&mut self, key: &str, found: f64) {
        self.require(found.is_finite() && found > 0.0, key, found, "a finite number above 0");
    }

    fn not_negative(&mut self, key: &str, found: f64) {
        self.require(found.is_finite() && found >= 0.0, key, found, "a finite number of at least 0");
    }

    fn probability(&mut self, key: &str, found: f64) {
        self.require((0.0..=1.0).contains(&found), key, found, "a number in [0, 1]");
    }

    fn dropout(&mut self, key: &str, found: f64) {
        self.require((0.0..1.0).contains(&found), key, found, "a number in [0, 1)");
    }

    fn size(&mut self, key: &str, found: usize) {
        let expected = format_args!("a whole number from 1 to {LARGEST_SIZE}");
        self.require((1..=LARGEST_SIZE).contains(&found), key, found, expected);
    }

    fn at_least_one(&mut self, key: &str, found: u64) {
        self.require(found >= 1, key, found, "at least 1");
    }

    fn folder_name(&mut self, key: &str, found: &str) {
        let one_name = !found.is_empty() && found != "." && found != ".." && !found.contains(['/', '\\', '\0']);
        self.require(one_name, key, found, "the name of one folder, without separators");
    }

    fn scheduler(&mut self, schedule: &SchedulerParams) {
        let at = |key: &str| format!("model.scheduler_config.params.{key}");
        let (warm_up, keep, end) = (schedule.warm_up_steps, schedule.keep_steps, schedule.max_decay_steps);
        self.require(warm_up < end, &at("warm_up_steps"), warm_up, format_args!("less than `max_decay_steps`, {end}"));
        let continuous = schedule.keep == Keep::Continuous;
        let expected = format_args!("less than `max_decay_steps`, {end}, with `keep: continuous`");
        self.require(!continuous || keep < end, &at("keep_steps"), keep, expected);
        // The published keep phase repeats the last rate of the warm-up; without one it repeats 0 for ever.
        let idle = !continuous && warm_up == 0 && keep > 0;
        self.require(!idle, &at("keep_steps"), keep, "0 without a warm-up, or `keep: continuous`");
        self.not_negative(&at("lr_start"), schedule.lr_start);
        self.positive(&at("lr_max"), schedule.lr_max);
        self.not_negative(&at("lr_min"), schedule.lr_min);
    }

    fn transformer(&mut self, sizes: &TransformerParams) {
        let at = |key: &str| format!("model.transformer_config.params.{key}");
        self.size(&at("max_n_frame"), sizes.max_frame_count);
        self.size(&at("online_step"), sizes.online_step);
        for (key, found) in [("n_s_token", sizes.speaker_token_count), ("n_l_token", sizes.listener_token_count)] {
            self.require(found == TOKENS_PER_SIDE, &at(key), found, TOKENS_PER_SIDE);
        }
        for (key, size) in fixable_sizes(sizes) {
            if let Size::Count(count) = size {
                self.size(&at(key), count);
            }
        }
        self.size(&at("n_layer"), sizes.block_count);
        self.size(&at("n_head"), sizes.head_count);
        self.size(&at("dim_embed"), sizes.width);
        let divides =
            sizes.head_count == 0 || (sizes.width.is_multiple_of(sizes.head_count) && sizes.width.is_multiple_of(2));
        let expected = format_args!("a multiple of 2 and of `n_head`, {}", sizes.head_count);
        self.require(divides, &at("dim_embed"), sizes.width, expected);
        self.dropout(&at("embd_pdrop"), sizes.embedding_dropout);
        self.dropout(&at("resid_pdrop"), sizes.residual_dropout);
        self.dropout(&at("attn_pdrop"), sizes.attention_dropout);
    }

    fn decoding(&mut self, decoding: &DecodingParams, per_reaction: &ScheduleStep) {
        let at = |key: &str| format!("model.decoding_params.{key}");
        self.size(&at("step"), decoding.unmask_step_count);
        self.size(&at("online_step"), decoding.online_step);
        let (step, window) = (decoding.online_step, decoding.online_max_len);
        let fits = step > 0 && window >= step && window.is_multiple_of(step);
        self.require(fits, &at("online_max_len"), window, format_args!("a multiple of `online_step`, {step}"));
        self.probability(&at("top_p"), decoding.top_p.value());
        self.positive(&at("temperature"), decoding.temperature.value());
        self.reactions(decoding, per_reaction);
    }

    /// The sampling of the last of the ten reactions, which the changes lead to.
    fn reactions(&mut self, decoding: &DecodingParams, change: &ScheduleStep) {
        let last = REACTION_COUNT as f64 - 1.0;
        let mut require = |key: &str, start: f64, change: Number, possible: fn(f64) -> bool, expected: &str| {
            let reached = start + last * change.value();
            let key = format!("test_params.schedule_step.{key}");
            self.require(change.value() == 0.0 || possible(reached), &key, change.python_text(), expected);
        };
        let possible = |top_k: f64| (0.0..=LARGEST_SIZE as f64).contains(&top_k);
        require("top_k", decoding.top_k as f64, change.top_k, possible, "`top_k` of at least 0 to the tenth reaction");
        let possible = |top_p: f64| (-ROUNDING..=1.0 + ROUNDING).contains(&top_p);
        require("top_p", decoding.top_p.value(), change.top_p, possible, "`top_p` in [0, 1] to the tenth reaction");
        let possible = |temperature: f64| temperature.is_finite() && temperature > ROUNDING;
        let (start, expected) = (decoding.temperature.value(), "`temperature` above 0 to the tenth reaction");
        require("temperature", start, change.temperature, possible, expected);
    }

    fn training(&mut self, train: &TrainParams) {
        let at = |key: &str| format!("train_params.{key}");
        self.require(train.max_iter >= 2, &at("max_iter"), train.max_iter, "at least 2, as the first iteration is 1");
        self.size(&at("total_batch_size"), train.total_batch_size);
        self.size(&at("batch_size"), train.batch_size);
        let divides = train.batch_size == 0 || train.total_batch_size.is_multiple_of(train.batch_size);
        let expected = format_args!("a multiple of `batch_size`, {}", train.batch_size);
        self.require(divides, &at("total_batch_size"), train.total_batch_size, expected);
        self.not_negative(&at("max_norm"), train.max_norm);
        self.probability(&at("shuffle_listener"), train.shuffle_listener);
        self.probability(&at("counted_rate"), train.counted_rate);
        self.at_least_one(&at("save_interval"), train.save_interval);
        self.at_least_one(&at("log_interval"), train.log_interval);
    }
}

/// The sizes that may be `auto`, with their keys.
fn fixable_sizes(sizes: &TransformerParams) -> [(&'static str, Size); 10] {
    [
        ("dim_s_exp", sizes.expression_dim),
        ("dim_s_AU", sizes.action_units_dim),
        ("dim_s_VA", sizes.valence_arousal_dim),
        ("dim_s_pose", sizes.pose_dim),
        ("dim_s_MFCC", sizes.filterbank_dim),
        ("dim_s_GeMAPfunc", sizes.functionals_dim),
        ("dim_s_GeMAPlld", sizes.descriptors_dim),
        ("n_l_AU", sizes.action_unit_tokens),
        ("n_l_exp", sizes.expression_tokens),
        ("n_l_VA", sizes.valence_arousal_tokens),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GROUPS;

    fn found(text: &str) -> Vec<String> {
        let Err(ConfigError::Problems { problems, .. }) = RunConfig::from_text(text) else {
            panic!("`{text}` was accepted");
        };
        assert!(problems.iter().all(|problem| is_known(&problem.key)), "{problems:?}");
        problems.iter().map(ToString::to_string).collect()
    }

    fn is_known(path: &str) -> bool {
        GROUPS.iter().flat_map(|(_, keys)| keys.iter()).any(|key| key.path == path)
    }

    fn refused(group: &str, settings: &str, expected: &str) {
        let text = group.split('.').rev().fold(format!("{{{settings}}}"), |inner, name| format!("{{{name}: {inner}}}"));
        let problems = found(&text);
        assert_eq!(problems, [format!("`{group}.{expected}")], "{text}");
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let group = "model.transformer_config.params";
        refused(group, "dim_embed: 770", "dim_embed` is `770`, expected a multiple of 2 and of `n_head`, 12");
        refused(group, "dim_embed: 15, n_head: 5", "dim_embed` is `15`, expected a multiple of 2 and of `n_head`, 5");
        refused(group, "n_l_token: 4", "n_l_token` is `4`, expected 3");
        refused(group, "n_layer: 0", "n_layer` is `0`, expected a whole number from 1 to 16777216");
        refused(group, "dim_s_AU: 0", "dim_s_AU` is `0`, expected a whole number from 1 to 16777216");
        refused(group, "attn_pdrop: 1.0", "attn_pdrop` is `1`, expected a number in [0, 1)");
    }

    #[test]
    fn impossible_decoding_is_refused() {
        let group = "model.decoding_params";
        refused(group, "top_p: 1.01", "top_p` is `1.01`, expected a number in [0, 1]");
        refused(group, "top_p: .nan", "top_p` is `NaN`, expected a number in [0, 1]");
        refused(group, "temperature: 0", "temperature` is `0`, expected a finite number above 0");
        refused(group, "online_step: 4", "online_max_len` is `750`, expected a multiple of `online_step`, 4");
        let steps = "test_params.schedule_step";
        refused(
            steps,
            "temperature: -0.12",
            "temperature` is `-0.12`, expected `temperature` above 0 to the tenth reaction",
        );
        refused(steps, "top_k: -1", "top_k` is `-1`, expected `top_k` of at least 0 to the tenth reaction");
        refused(steps, "top_p: 0.1", "top_p` is `0.1`, expected `top_p` in [0, 1] to the tenth reaction");
    }

    #[test]
    fn impossible_training_is_refused() {
        let group = "train_params";
        refused(group, "batch_size: 3", "total_batch_size` is `16`, expected a multiple of `batch_size`, 3");
        refused(group, "max_norm: -1", "max_norm` is `-1`, expected a finite number of at least 0");
        refused(group, "shuffle_listener: 1.5", "shuffle_listener` is `1.5`, expected a number in [0, 1]");
        refused(group, "log_interval: 0", "log_interval` is `0`, expected at least 1");
        refused(
            "paths",
            "experiment_name: ../up",
            "experiment_name` is `../up`, expected the name of one folder, without separators",
        );
    }

    #[test]
    fn impossible_schedules_are_refused() {
        let group = "model.scheduler_config.params";
        refused(
            group,
            "warm_up_steps: 150001",
            "warm_up_steps` is `150001`, expected less than `max_decay_steps`, 150001",
        );
        refused(group, "lr_max: 0", "lr_max` is `0`, expected a finite number above 0");
        refused(
            group,
            "keep: continuous, keep_steps: 200000",
            "keep_steps` is `200000`, expected less than `max_decay_steps`, 150001, with `keep: continuous`",
        );
        refused(
            group,
            "warm_up_steps: 0, keep_steps: 9",
            "keep_steps` is `9`, expected 0 without a warm-up, or `keep: continuous`",
        );
    }

    #[test]
    fn all_problems_of_a_file_are_told_at_once() {
        let text =
            "model: {base_learning_rate: 0, decoding_params: {step: 0}}\ntrain_params: {batch_size: 0, maxiter: 3}";
        assert_eq!(
            found_keys(text),
            [
                "train_params.maxiter",
                "model.base_learning_rate",
                "model.decoding_params.step",
                "train_params.batch_size"
            ]
        );
    }

    fn found_keys(text: &str) -> Vec<String> {
        let Err(ConfigError::Problems { problems, .. }) = RunConfig::from_text(text) else {
            panic!("`{text}` was accepted");
        };
        problems.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn micro_batches_per_update_follow_from_the_devices() {
        let config = RunConfig::default(); // 16 clips per update, 1 at once
        assert_eq!(config.n_acc(1).unwrap(), 16);
        assert_eq!(config.n_acc(4).unwrap(), 4);
        let error = config.n_acc(3).unwrap_err().to_string();
        assert_eq!(
            error,
            "the config: `train_params.total_batch_size` is `16`, expected a multiple of 3, `batch_size` on 3 device(s)"
        );
    }

    #[test]
    fn a_checkpoint_is_at_least_one_update_apart_from_the_next() {
        let config = RunConfig::from_text("train_params: {save_interval: 8}").unwrap().config;
        assert!(config.n_acc(1).is_err()); // 8 iterations, but 16 in an update: the published code divides by zero
        assert_eq!(config.n_acc(2).unwrap(), 8);
    }
}
