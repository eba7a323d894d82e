//! What follows from a config before anything is trained: sizes of the model, updates, when to save and to log.

use unifr_kernels::MaskRule;

use crate::config::{CausalMask, Gradient, Mode, RunConfig, Size, TrainedMask};
use crate::features::FeatureDims;
use crate::model::ModelConfig;
use crate::optimizer::{ScheduleError, WarmupKeepCosine};
use crate::tokens::VocabularySizes;
use crate::train::StepSettings;

/// Settings that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The data has another size than the config fixes.
    #[error(
        "`model.transformer_config.params.{key}` is {fixed}, but {source_of_found} has {found}; correct the config, or write `auto`"
    )]
    Size {
        /// The config's key.
        key: &'static str,
        /// What the config says.
        fixed: usize,
        /// What the data says.
        found: usize,
        /// Where that was found.
        source_of_found: &'static str,
    },
    /// No update would be done.
    #[error("`train_params.max_iter` is {max_iter}, which leaves no update of {accumulation} micro-batches")]
    NoUpdate {
        /// The config's limit.
        max_iter: u64,
        /// Micro-batches per update.
        accumulation: u64,
    },
    /// The schedule cannot be.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The batches cannot be.
    #[error("`train_params.total_batch_size` is {total}, expected a multiple of `batch_size` {micro}")]
    Batches {
        /// Clips per update.
        total: usize,
        /// Clips per micro-batch.
        micro: usize,
    },
}

/// The numbers of a training on one device.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Micro-batches per update.
    pub accumulation: u64,
    /// Updates in all.
    pub updates: u64,
    /// Updates between checkpoints.
    pub save_every: u64,
    /// Updates between rows of the log on the screen.
    pub log_every: u64,
    /// How each update is made.
    pub step: StepSettings,
    schedule: Option<WarmupKeepCosine>,
    base_rate: f64,
}

impl Plan {
    /// Works out the numbers.
    pub fn new(config: &RunConfig) -> Result<Self, PlanError> {
        let params = &config.train_params;
        let (total, micro) = (params.total_batch_size, params.batch_size);
        if micro == 0 || total == 0 || !total.is_multiple_of(micro) {
            return Err(PlanError::Batches { total, micro });
        }
        let accumulation = (total / micro) as u64;
        // The published loop counts iterations from 1 and ends before `max_iter`.
        let updates = params.max_iter.saturating_sub(1) / accumulation;
        if updates == 0 {
            return Err(PlanError::NoUpdate { max_iter: params.max_iter, accumulation });
        }
        let schedule = if config.model.use_scheduler {
            Some(WarmupKeepCosine::new(config.scheduler(), accumulation)?)
        } else {
            None
        };
        Ok(Self {
            accumulation,
            updates,
            save_every: (params.save_interval / accumulation).max(1),
            log_every: (params.log_interval / accumulation).max(1),
            step: StepSettings {
                matching: params.train_slm,
                causal: params.mode == Mode::Pretrain,
                mean_gradient: params.gradient == Gradient::Mean,
                max_norm: params.max_norm,
                seed: params.seed,
            },
            schedule,
            base_rate: config.learning_rate_base(),
        })
    }

    /// The learning rate of an update, the first being 0.
    ///
    /// Without a schedule the published optimizer keeps the rate it was made with: the base itself.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.base_rate * self.schedule.map_or(1.0, |schedule| schedule.multiplier(step))
    }
}

/// The mask that the causal pass is trained with.
pub(super) fn trained_mask(config: &RunConfig) -> TrainedMask {
    TrainedMask { causal_mask: config.model.causal_mask, online_step: config.transformer().online_step }
}

/// The sizes of the model that a config and the data ask for; the two have to agree where the config fixes a size.
pub fn model_sizes(
    config: &RunConfig,
    dims: FeatureDims,
    vocabulary: VocabularySizes,
) -> Result<ModelConfig, PlanError> {
    let params = config.transformer();
    let fit = |key, size: Size, found, source_of_found| {
        size.for_data(found).map_err(|fixed| PlanError::Size { key, fixed, found, source_of_found })
    };
    let stream = |key, size, found| fit(key, size, found, "the prepared file");
    let codes = |key, size, found| fit(key, size, found, "the codebook");
    let online_step = params.online_step;
    Ok(ModelConfig {
        frames: params.max_frame_count,
        dims: FeatureDims {
            expression: stream("dim_s_exp", params.expression_dim, dims.expression)?,
            action_units: stream("dim_s_AU", params.action_units_dim, dims.action_units)?,
            valence_arousal: stream("dim_s_VA", params.valence_arousal_dim, dims.valence_arousal)?,
            pose: stream("dim_s_pose", params.pose_dim, dims.pose)?,
            filterbank: stream("dim_s_MFCC", params.filterbank_dim, dims.filterbank)?,
            functionals: stream("dim_s_GeMAPfunc", params.functionals_dim, dims.functionals)?,
            descriptors: stream("dim_s_GeMAPlld", params.descriptors_dim, dims.descriptors)?,
        },
        vocabulary: VocabularySizes {
            action_units: codes("n_l_AU", params.action_unit_tokens, vocabulary.action_units)?,
            expression: codes("n_l_exp", params.expression_tokens, vocabulary.expression)?,
            valence_arousal: codes("n_l_VA", params.valence_arousal_tokens, vocabulary.valence_arousal)?,
        },
        blocks: params.block_count,
        heads: params.head_count,
        width: params.width,
        embedding_dropout: params.embedding_dropout as f32,
        residual_dropout: params.residual_dropout as f32,
        attention_dropout: params.attention_dropout as f32,
        causal_rule: match config.model.causal_mask {
            CausalMask::Published => MaskRule::Published { online_step },
            CausalMask::FrameCausal => MaskRule::FrameCausal { online_step },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_pretraining_on_one_device_counts_updates_of_sixteen() {
        let plan = Plan::new(&RunConfig::default()).expect("published values");
        // 150,000 iterations of 1 clip, 16 clips an update.
        assert_eq!((plan.accumulation, plan.updates, plan.save_every, plan.log_every), (16, 9375, 125, 12));
        assert!(plan.step.causal && plan.step.matching && !plan.step.mean_gradient);
    }

    #[test]
    fn a_fixed_size_that_the_data_lacks_is_named() {
        let published = FeatureDims {
            expression: 512,
            action_units: 100,
            valence_arousal: 1408,
            pose: 1408,
            filterbank: 26,
            functionals: 6373,
            descriptors: 194_805,
        };
        let vocabulary = VocabularySizes { action_units: 5976, expression: 8000, valence_arousal: 2710 };
        let error = model_sizes(&RunConfig::default(), published, vocabulary).expect_err("100 is not 25088");
        assert_eq!(
            error.to_string(),
            "`model.transformer_config.params.dim_s_AU` is 25088, but the prepared file has 100; correct the config, or \
             write `auto`"
        );
    }
}
