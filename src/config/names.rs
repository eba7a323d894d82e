//! Names of the files a prediction leaves, and the sampling of each of the ten reactions.
//!
//! In:  task, data set, experiment, iteration and the sampling settings as they were written.
//! Out: the published file names, e.g.
//!      `val_pretrain-cos-klr_150000_offline_s8_t0.912-0.08_k5_p0.05+0.1_tokens_pred.npy`.

use super::{DecodingParams, RunConfig, ScheduleStep, Task, TempDecay};

/// Reactions per speaker, fixed by REACT.
pub const REACTION_COUNT: usize = 10;

/// How the tokens of one reaction are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Draw from this many of the most probable tokens; 0 for all.
    pub top_k: usize,
    /// Draw from the most probable tokens that together reach this probability.
    pub top_p: f64,
    /// Logits are divided by this.
    pub temperature: f64,
}

impl RunConfig {
    /// The sampling of each of the ten reactions.
    ///
    /// Published behaviour: each is made from the one before by adding doubles, so 0.05 + 0.1 is 0.15000000000000002;
    /// `parity_names` holds it.
    pub fn sampling_per_reaction(&self) -> [Sampling; REACTION_COUNT] {
        let decoding = self.decoding();
        let change = &self.test_params.schedule_step;
        let (top_p, temperature) = (decoding.top_p.value(), decoding.temperature.value());
        let mut next = Sampling { top_k: decoding.top_k, top_p, temperature };
        std::array::from_fn(|_| {
            let this = next;
            // `int()` of Python cuts towards zero, as `as` does.
            next.top_k = (this.top_k as f64 + change.top_k.value()) as usize;
            next.top_p += change.top_p.value();
            next.temperature += change.temperature.value();
            this
        })
    }

    /// The names of the files that one prediction leaves.
    ///
    /// `iteration` is what was asked for: -1 for the last checkpoint.
    pub fn output_names(&self, task: Task, dataset: &str, iteration: i64) -> OutputNames {
        let sampling = sampling_text(task, self.decoding(), &self.test_params.schedule_step);
        let decay = if self.decoding().temp_decay == TempDecay::None { "" } else { "decay_" };
        let experiment = &self.paths.experiment_name;
        OutputNames { stem: format!("{dataset}_{experiment}_{iteration}_{task}_{sampling}_{decay}") }
    }
}

/// Steps, temperature, top-k and top-p with their changes per reaction, e.g. `s8_t0.912-0.08_k5_p0.05+0.1`.
fn sampling_text(task: Task, decoding: &DecodingParams, change: &ScheduleStep) -> String {
    let step = match task {
        Task::Offline => decoding.unmask_step_count,
        Task::Online => decoding.online_step,
    };
    let temperature = decoding.temperature.python_text() + &change.temperature.signed_text();
    let top_k = decoding.top_k.to_string() + &change.top_k.signed_text();
    let top_p = decoding.top_p.python_text() + &change.top_p.signed_text();
    format!("s{step}_t{temperature}_k{top_k}_p{top_p}")
}

/// The published names of what one prediction leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputNames {
    /// What the names begin with, a `_` at its end.
    pub stem: String,
}

impl OutputNames {
    /// Tokens, i64 `[3, clips, 10, frames]`.
    pub fn tokens(&self) -> String {
        format!("{}tokens_pred.npy", self.stem)
    }

    /// Log probabilities, f64 `[clips, 10]`.
    pub fn log_probabilities(&self) -> String {
        format!("{}probs.npy", self.stem)
    }

    /// Attributes, f64 `[clips, 10, frames, 25]`.
    pub fn attributes(&self) -> String {
        format!("{}pred.npy", self.stem)
    }

    /// One line with the scores.
    pub fn metrics(&self) -> String {
        format!("{}metrics.txt", self.stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> RunConfig {
        RunConfig::from_text(text).unwrap().config
    }

    #[test]
    fn all_files_of_a_prediction_share_one_stem() {
        let names = RunConfig::default().output_names(Task::Online, "val", -1);
        assert_eq!(names.tokens(), "val_pretrain-cos-klr_-1_online_s1_t1_k0_p1_tokens_pred.npy");
        assert_eq!(names.log_probabilities(), "val_pretrain-cos-klr_-1_online_s1_t1_k0_p1_probs.npy");
        assert_eq!(names.attributes(), "val_pretrain-cos-klr_-1_online_s1_t1_k0_p1_pred.npy");
        assert_eq!(names.metrics(), "val_pretrain-cos-klr_-1_online_s1_t1_k0_p1_metrics.txt");
    }

    #[test]
    fn numbers_stand_in_names_as_they_were_written_and_the_decay_is_named() {
        let settings = "model: {decoding_params: {temperature: 1.0, temp_decay: linear}}\ntest_params: {schedule_step: {top_k: 2}}";
        let name = config(settings).output_names(Task::Offline, "test", 7).tokens();
        assert_eq!(name, "test_pretrain-cos-klr_7_offline_s10_t1.0_k0+2_p1_decay_tokens_pred.npy");
    }

    #[test]
    fn top_k_is_cut_to_a_whole_number_at_each_reaction() {
        // 4 -> int(5.5) = 5 -> int(6.5) = 6 -> 7 ...
        let settings = "model: {decoding_params: {top_k: 4}}\ntest_params: {schedule_step: {top_k: 1.5}}";
        let top_k = config(settings).sampling_per_reaction().map(|sampling| sampling.top_k);
        assert_eq!(top_k, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    }
}
