//! Keys under `model`: learning rate and its schedule, the transformer, decoding.

use serde::{Deserialize, Serialize};

use super::keys::group;
use super::{CausalMask, Keep, Number, PoseWindow, Size, TempDecay, Ties};

/// The published files put the settings of a part one level deeper, under `params`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params<T> {
    /// The settings.
    pub params: T,
}

group! {
    /// The model and everything that belongs to it.
    ModelParams at "model" {
        /// Learning rate per clip of the global batch: the schedule's multiplier times this times `total_batch_size`.
        Published "base_learning_rate" base_learning_rate: f64 = 0.0625;
        /// Follow the schedule; otherwise the learning rate is constant.
        Published "use_scheduler" use_scheduler: bool = true;
        /// Which tokens the causal pass may look at. A checkpoint that was trained with another mask wins over this.
        Ours "causal_mask" causal_mask: CausalMask = CausalMask::Published;
        /// Which frames a pose vector is given to.
        Ours "pose_window" pose_window: PoseWindow = PoseWindow::Published;
        in scheduler_config: Params<SchedulerParams>, "The learning-rate schedule.";
        in transformer_config: Params<TransformerParams>, "The transformer.";
        in decoding_params: DecodingParams, "Decoding.";
    }
}

group! {
    /// The learning-rate schedule: linear warm-up, a constant phase, a cosine. All steps are counted in iterations.
    SchedulerParams at "model.scheduler_config.params" {
        /// Iterations of linear growth from `lr_start` to `lr_max`.
        Published "warm_up_steps" warm_up_steps: u64 = 5000;
        /// Until which iteration the rate stays at its peak; 0 for not at all.
        Published "keep_steps" keep_steps: u64 = 0;
        /// At which iteration the cosine reaches `lr_min`.
        Published "max_decay_steps" max_decay_steps: u64 = 150_001;
        /// Multiplier at the start.
        Published "lr_start" lr_start: f64 = 2.5e-6;
        /// Multiplier at the peak.
        Published "lr_max" lr_max: f64 = 1.5e-4;
        /// Multiplier at the end.
        Published "lr_min" lr_min: f64 = 1e-8;
        /// Whether `keep_steps` is counted as published (undivided, with a jump at its end) or like the other steps.
        Ours "keep" keep: Keep = Keep::Published;
    }
}

group! {
    /// The transformer's sizes. `auto` takes a size from the data file or the codebooks.
    TransformerParams at "model.transformer_config.params" {
        /// Longest clip, in frames.
        Published "max_n_frame" max_frame_count: usize = 750;
        /// Frames in a chunk of the causal mask. The step a checkpoint was trained with wins over this.
        Published "online_step" online_step: usize = 1;
        /// Speaker tokens per frame; always 3.
        Published "n_s_token" speaker_token_count: usize = 3;
        /// Listener tokens per frame; always 3.
        Published "n_l_token" listener_token_count: usize = 3;
        /// Width of the expression features.
        Published "dim_s_exp" expression_dim: Size = Size::Count(512);
        /// Width of the action-unit features.
        Published "dim_s_AU" action_units_dim: Size = Size::Count(25_088);
        /// Width of the valence-arousal features.
        Published "dim_s_VA" valence_arousal_dim: Size = Size::Count(1408);
        /// Width of the pose features.
        Published "dim_s_pose" pose_dim: Size = Size::Count(1408);
        /// Filter bank values per frame.
        Published "dim_s_MFCC" filterbank_dim: Size = Size::Count(26);
        /// Voice statistics per clip.
        Published "dim_s_GeMAPfunc" functionals_dim: Size = Size::Count(6373);
        /// Voice descriptors per clip, all frames in a row.
        Published "dim_s_GeMAPlld" descriptors_dim: Size = Size::Count(194_805);
        /// Action-unit tokens.
        Published "n_l_AU" action_unit_tokens: Size = Size::Count(5976);
        /// Expression tokens.
        Published "n_l_exp" expression_tokens: Size = Size::Count(8000);
        /// Valence-arousal tokens.
        Published "n_l_VA" valence_arousal_tokens: Size = Size::Count(2710);
        /// Blocks.
        Published "n_layer" block_count: usize = 8;
        /// Attention heads per block.
        Published "n_head" head_count: usize = 12;
        /// Width of the transformer; a multiple of `n_head` and of 2.
        Published "dim_embed" width: usize = 768;
        /// Dropout of the embeddings.
        Published "embd_pdrop" embedding_dropout: f64 = 0.1;
        /// Dropout of what a block adds.
        Published "resid_pdrop" residual_dropout: f64 = 0.1;
        /// Dropout of the attention weights.
        Published "attn_pdrop" attention_dropout: f64 = 0.1;
    }
}

group! {
    /// How tokens are drawn.
    DecodingParams at "model.decoding_params" {
        /// Unmask steps of the offline decoding.
        Published "step" unmask_step_count: usize = 10;
        /// Frames produced at once in the online task; must equal the step the model was trained with.
        Published "online_step" online_step: usize = 1;
        /// Frames the online decoding looks back over, the new ones included; a multiple of `online_step`.
        Published "online_max_len" online_max_len: usize = 750;
        /// Draw from this many of the most probable tokens; 0 for all.
        Published "top_k" top_k: usize = 0;
        /// Draw from the most probable tokens that together reach this probability; 1 for all.
        Published "top_p" top_p: Number = Number::Whole(1);
        /// Logits are divided by this before drawing.
        Published "temperature" temperature: Number = Number::Whole(1);
        /// How the temperature changes between unmask steps.
        Published "temp_decay" temp_decay: TempDecay = TempDecay::None;
        /// Which of equally confident tokens an unmask step accepts.
        Ours "ties" ties: Ties = Ties::Published;
        /// Seed of the sampling.
        Ours "seed" seed: u64 = 100;
    }
}
