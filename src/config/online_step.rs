//! The mask a checkpoint was trained with, against what the config says.
//!
//! Departure: the published checkpoints hold the mask itself, which silently wins over the config (defect 20). Here a
//! checkpoint tells its mask and step, it wins with a warning, and decoding in other steps is refused.

use serde::{Deserialize, Serialize};

use super::{CausalMask, ConfigError, Problem, RunConfig};

/// What a checkpoint tells about its causal pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedMask {
    /// Which tokens it was allowed to look at.
    pub causal_mask: CausalMask,
    /// Frames in a chunk of the mask.
    pub online_step: usize,
}

impl RunConfig {
    /// Takes over the mask a checkpoint was trained with; a warning tells what of the config it replaced.
    pub fn adopt_trained_mask(&mut self, trained: TrainedMask) -> Option<String> {
        let configured =
            TrainedMask { causal_mask: self.model.causal_mask, online_step: self.transformer().online_step };
        if trained == configured {
            return None;
        }
        self.model.causal_mask = trained.causal_mask;
        self.model.transformer_config.params.online_step = trained.online_step;
        Some(format!(
            "the checkpoint was trained with the mask `{}` and `online_step` {}, which replaces `{}` and {} of the config",
            trained.causal_mask, trained.online_step, configured.causal_mask, configured.online_step
        ))
    }

    /// Refuses online decoding in other steps than the model was trained with.
    pub fn check_online_decoding(&self) -> Result<(), ConfigError> {
        let (trained, decoding) = (self.transformer().online_step, self.decoding().online_step);
        if trained == decoding {
            return Ok(());
        }
        let expected = format!("{trained}, the step the model was trained with");
        let problem = Problem::value("model.decoding_params.online_step", decoding, expected);
        Err(ConfigError::Problems { origin: "the config".into(), problems: vec![problem] })
    }

    /// Both of the above, as the online task needs them.
    pub fn reconcile_online_step(&mut self, trained: Option<TrainedMask>) -> Result<Option<String>, ConfigError> {
        let warning = trained.and_then(|trained| self.adopt_trained_mask(trained));
        self.check_online_decoding()?;
        Ok(warning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(model_step: usize, decoding_step: usize) -> RunConfig {
        let mut config = RunConfig::default();
        config.model.transformer_config.params.online_step = model_step;
        config.model.decoding_params.online_step = decoding_step;
        config
    }

    fn published(online_step: usize) -> TrainedMask {
        TrainedMask { causal_mask: CausalMask::Published, online_step }
    }

    #[test]
    fn the_trained_step_wins_with_a_warning() {
        // test-5s-*: the model says 1, decoding says 5, the checkpoint was trained with 5.
        let mut config = config(1, 5);
        let warning = config.reconcile_online_step(Some(published(5))).unwrap().unwrap();
        assert!(warning.contains("`online_step` 5, which replaces `published` and 1"), "{warning}");
        assert_eq!(config.transformer().online_step, 5);
    }

    #[test]
    fn the_trained_mask_wins_with_a_warning() {
        let mut config = config(1, 1);
        let trained = TrainedMask { causal_mask: CausalMask::FrameCausal, online_step: 1 };
        assert!(config.reconcile_online_step(Some(trained)).unwrap().is_some());
        assert_eq!(config.model.causal_mask, CausalMask::FrameCausal);
    }

    #[test]
    fn agreement_needs_no_words() {
        assert_eq!(config(5, 5).reconcile_online_step(Some(published(5))).unwrap(), None);
        assert_eq!(config(5, 5).reconcile_online_step(None).unwrap(), None);
    }

    #[test]
    fn decoding_in_other_steps_than_trained_is_refused() {
        let error = config(5, 5).reconcile_online_step(Some(published(1))).unwrap_err().to_string();
        assert_eq!(
            error,
            "the config: `model.decoding_params.online_step` is `5`, expected 1, the step the model was trained with"
        );
        assert!(config(1, 5).reconcile_online_step(None).is_err());
    }

    #[test]
    fn offline_tasks_may_adopt_a_mask_whatever_the_decoding_step() {
        assert!(config(1, 1).adopt_trained_mask(published(5)).is_some());
    }
}
