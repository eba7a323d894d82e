//! Keys under `train_params`, `test_params`, `paths`, `tokens` and `prepare`, and the whole of a file.

use std::path::PathBuf;

use super::keys::group;
use super::model::{DecodingParams, ModelParams, SchedulerParams, TransformerParams};
use super::{
    Crop, Features, Filterbank, Gradient, KeyDoc, Mode, Number, OptimizerOnFinetune, PoseWindow, PrecisionChoice,
    ValenceArousalCells,
};

group! {
    /// How the model is trained.
    TrainParams at "train_params" {
        /// Which objectives are trained.
        Published "mode" mode: Mode = Mode::Pretrain;
        /// The training ends before this iteration; one iteration is one micro-batch.
        Published "max_iter" max_iter: u64 = 150_001;
        /// Clips per update, over all devices.
        Published "total_batch_size" total_batch_size: usize = 16;
        /// Clips in a micro-batch on one device.
        Published "batch_size" batch_size: usize = 1;
        /// Train the matching of speaker and listener too.
        Published "train_slm" train_slm: bool = true;
        /// Largest norm of the gradient of an update; 0 for no limit. With `gradient: mean` it is divided by the number
        /// of micro-batches.
        Published "max_norm" max_norm: f64 = 10.0;
        /// How often another appropriate listener stands in for the real one.
        Published "shuffle_listener" shuffle_listener: f64 = 0.2;
        /// Iterations between checkpoints; rounded down to whole updates.
        Published "save_interval" save_interval: u64 = 2000;
        /// Iterations between lines of the log.
        Published "log_interval" log_interval: u64 = 200;
        /// How the gradients of the micro-batches of an update are put together.
        Ours "gradient" gradient: Gradient = Gradient::Sum;
        /// What the optimizer knows when finetuning starts.
        Ours "optimizer_on_finetune" optimizer_on_finetune: OptimizerOnFinetune = OptimizerOnFinetune::Inherited;
        /// How often a visible token counts in the masked objective.
        Ours "counted_rate" counted_rate: f64 = 0.2;
        /// In which number format matrices are multiplied; `--precision` goes before it.
        Ours "precision" precision: PrecisionChoice = PrecisionChoice::Auto;
        /// Seed of the weights, masks, listeners and dropout.
        Ours "seed" seed: u64 = 100;
    }
}

group! {
    /// How predictions are made and measured.
    TestParams at "test_params" {
        /// Clips predicted at once; predictions do not depend on it.
        Published "batch_size" batch_size: usize = 4;
        /// Attributes of the speakers, for measuring.
        Published "s_gt_path" speaker_truth: PathBuf = "data/val_s_gt.npy".into();
        /// Attributes of the listeners, for measuring.
        Published "l_gt_path" listener_truth: PathBuf = "data/val_l_gt.npy".into();
        /// Codebook of the action units.
        Published "AU_csv" action_units_csv: PathBuf = "data/Index/AU_index.csv".into();
        /// Codebook of the expressions; for a `.pkl` file, the `.npy` file beside it is read.
        Published "exp_pkl" expression_centres: PathBuf = "data/Index/kmeans.pkl".into();
        /// Codebook of valence and arousal.
        Published "VA_csv" valence_arousal_csv: PathBuf = "data/Index/VA_index.csv".into();
        in schedule_step: ScheduleStep, "How the sampling changes from one of the ten reactions to the next.";
    }
}

group! {
    /// What is added from one of the ten reactions to the next.
    ScheduleStep at "test_params.schedule_step" {
        /// Added to `top_k`; the sum is cut to a whole number.
        Published "top_k" top_k: Number = Number::Whole(0);
        /// Added to `top_p`.
        Published "top_p" top_p: Number = Number::Whole(0);
        /// Added to `temperature`.
        Published "temperature" temperature: Number = Number::Whole(0);
    }
}

group! {
    /// Where things are. Relative paths start at the working directory.
    Paths at "paths" {
        /// The folder with the partitions `train`, `val` and `test`.
        Published "data_root" data_root: PathBuf = "data".into();
        /// Prepared clips to train on.
        Published "training_set" training_set: PathBuf = "data/train_shuffled.h5".into();
        /// Prepared clips to validate on.
        Published "val_set" val_set: PathBuf = "data/val_sequential.h5".into();
        /// Prepared clips to test on.
        Published "test_set" test_set: PathBuf = "data/test_sequential.h5".into();
        /// Which reactions are appropriate, in the order of the training set.
        Published "train_appro" train_appro: PathBuf = "data/train_appro_shuffled.npy".into();
        /// Which reactions are appropriate, in the order of the validation set.
        Published "val_appro" val_appro: PathBuf = "data/neighbour_emotion_val.npy".into();
        /// The folder that holds a folder per run.
        Published "ckpt_root" ckpt_root: PathBuf = "artifacts".into();
        /// The run whose weights finetuning starts from.
        Published "pretrain_name" pretrain_name: String = "pretrain-cos-klr".into();
        /// The name of this run and of its folder.
        Published "experiment_name" experiment_name: String = "pretrain-cos-klr".into();
    }
}

group! {
    /// How attributes become tokens.
    TokensConfig at "tokens" {
        /// How valence and arousal find their cell.
        Ours "valence_arousal_cells" valence_arousal_cells: ValenceArousalCells = ValenceArousalCells::Published;
    }
}

group! {
    /// How clips are prepared.
    PrepareConfig at "prepare" {
        /// Which features are computed.
        Ours "feature_set" feature_set: Features = Features::React2023;
        /// How the voice is read.
        Ours "filterbank" filterbank: Filterbank = Filterbank::Published;
        /// How a face at the border of the picture is cut out.
        Ours "crop" crop: Crop = Crop::Published;
        /// Seed of the order of the training set and of the first k-means centres.
        Ours "seed" seed: u64 = 100;
    }
}

/// Frames that one pose vector is computed from, fixed by the published features.
const FRAMES_PER_POSE: usize = 5;

/// Everything a file in `configs/` may say.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The model, its learning rate and its decoding.
    pub model: ModelParams,
    /// How the model is trained.
    pub train_params: TrainParams,
    /// How predictions are made and measured.
    pub test_params: TestParams,
    /// Where things are.
    pub paths: Paths,
    /// How attributes become tokens.
    pub tokens: TokensConfig,
    /// How clips are prepared.
    pub prepare: PrepareConfig,
}

impl RunConfig {
    /// The learning-rate schedule.
    pub fn scheduler(&self) -> &SchedulerParams {
        &self.model.scheduler_config.params
    }

    /// The transformer's sizes.
    pub fn transformer(&self) -> &TransformerParams {
        &self.model.transformer_config.params
    }

    /// How tokens are drawn.
    pub fn decoding(&self) -> &DecodingParams {
        &self.model.decoding_params
    }

    /// The folder of this run.
    pub fn run_folder(&self) -> PathBuf {
        self.paths.ckpt_root.join(&self.paths.experiment_name)
    }

    /// The folder of the run that finetuning starts from.
    pub fn pretrained_folder(&self) -> PathBuf {
        self.paths.ckpt_root.join(&self.paths.pretrain_name)
    }

    /// Pose windows by which the pose comes late, so that no frame sees a window that is not over (defect 29).
    ///
    /// Frames that are predicted five or more at once see their own window whole anyway.
    pub fn pose_delay(&self) -> usize {
        let looks_ahead = self.transformer().online_step < FRAMES_PER_POSE;
        usize::from(self.model.pose_window == PoseWindow::Finished && looks_ahead)
    }

    /// The factor before the schedule's multiplier: `total_batch_size · base_learning_rate`.
    pub fn learning_rate_base(&self) -> f64 {
        self.train_params.total_batch_size as f64 * self.model.base_learning_rate
    }
}

/// The groups of keys in the order of the README, each with its path.
pub const GROUPS: &[(&str, &[KeyDoc])] = &[
    ("model", ModelParams::KEYS),
    ("model.scheduler_config.params", SchedulerParams::KEYS),
    ("model.transformer_config.params", TransformerParams::KEYS),
    ("model.decoding_params", DecodingParams::KEYS),
    ("train_params", TrainParams::KEYS),
    ("test_params", TestParams::KEYS),
    ("test_params.schedule_step", ScheduleStep::KEYS),
    ("paths", Paths::KEYS),
    ("tokens", TokensConfig::KEYS),
    ("prepare", PrepareConfig::KEYS),
];

/// Keys of the published files that do nothing, wherever they stand, and why.
pub const IDLE_KEYS: &[(&str, &str)] = &[
    ("target", "it names a Python class"),
    ("visual_decoder_config", "the published code does not use it"),
    ("mask_scheme", "the published code does not use it"),
    ("n_dim_3DMM", "the published code does not use it"),
    ("verbosity_interval", "the learning rate is logged at every `train_params.log_interval`"),
];
