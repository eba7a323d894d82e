//! One update of the weights: the passes of each micro-batch, then reduce, clip, schedule, update.
//!
//! In:  a model, an optimizer, micro-batches.
//! Out: both updated, and the numbers of the log.
//! Source: the inner loop of the published `train.py` (sections 5.6 and 6.3 of the specification).

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

use crate::batches::TrainingBatch;
use crate::device::Precision;
use crate::model::{Mode, ModelError, Transformer};
use crate::objectives::{causal_response_loss, masked_response_loss, matching_loss};
use crate::optimizer::{AdamW, LossScaler, clip_factor, global_norm};
use crate::random::{Owner, seed_of};

/// The passes of a micro-batch, in this order; their losses carry these names in every log.
pub const OBJECTIVES: [&str; 4] = ["slm_pos", "slm_neg", "mrm", "crm"];

/// Which passes run and how their gradients are put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSettings {
    /// The two matching passes: `train_slm`.
    pub matching: bool,
    /// The causal pass: pretraining has it, finetuning doesn't.
    pub causal: bool,
    /// Divide the sum of gradients by the micro-batches of an update; the published code does not.
    pub mean_gradient: bool,
    /// Norm over all gradients above which they are scaled down; 0 never.
    ///
    /// With `mean_gradient` the limit is divided by the same count, so that clipping begins at the same place.
    pub max_norm: f64,
    /// Where the dropout bits come from.
    pub seed: u64,
}

/// The losses of the passes that ran, on the device.
#[derive(Clone, Debug, Default)]
pub struct Losses(pub [Option<Tensor<1>>; 4]);

/// The numbers of one update.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateReport {
    /// Mean of each pass' loss over the micro-batches; none for a pass that doesn't run.
    pub losses: [Option<f64>; 4],
    /// Norm over all gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate used.
    pub learning_rate: f64,
    /// What the losses were multiplied with before backward; 1 unless products are in `f16`.
    pub loss_scale: f64,
}

/// Everything that an update changes.
#[derive(Debug)]
pub struct Learner {
    /// The weights.
    pub model: Transformer,
    /// The optimizer and its memory.
    pub optimizer: AdamW,
    /// Updates done, the skipped ones included.
    pub step: u64,
    /// Updates that left everything as it was because a loss or a gradient was not finite.
    pub skipped: u64,
    /// The scale of losses; none unless products are in `f16`.
    pub loss_scaler: Option<LossScaler>,
}

impl Learner {
    /// Before the first update.
    pub fn new(model: Transformer, optimizer: AdamW) -> Self {
        let loss_scaler = (model.precision() == Precision::F16).then(LossScaler::default);
        Self { model, optimizer, step: 0, skipped: 0, loss_scaler }
    }

    /// Updates that changed the weights; the learning rate is a function of them.
    ///
    /// Published behaviour: a skipped update does not advance the schedule.
    pub fn updates_done(&self) -> u64 {
        self.step - self.skipped
    }

    /// One update from its micro-batches. A loss or gradient that is not finite leaves the weights as they were and
    /// is reported as such.
    pub fn update(
        &mut self,
        batches: impl IntoIterator<Item = Result<TrainingBatch, anyhow::Error>>,
        settings: &StepSettings,
        learning_rate: f64,
    ) -> anyhow::Result<UpdateReport> {
        let mut accumulator = GradientsAccumulator::new();
        let mut losses = Vec::new();
        let loss_scale = self.loss_scaler.map_or(1.0, |scaler| scaler.scale);
        for (number, batch) in batches.into_iter().enumerate() {
            let seed = seed_of(settings.seed, Owner::Dropout, [self.step, number as u64, 0]);
            losses.push(micro_batch(&self.model, &batch?, settings, seed, loss_scale, &mut accumulator)?);
        }
        let gradients = accumulator.grads();
        let count = if settings.mean_gradient { losses.len().max(1) as f64 } else { 1.0 };
        let device = self.model.final_norm.gamma.val().device().inner();
        let norm = global_norm(&self.model, &gradients, &device).into_scalar::<f32>();
        let gradient_norm = f64::from(norm) / (count * loss_scale);
        let report = UpdateReport { losses: means(&losses), gradient_norm, learning_rate, loss_scale };
        if report.is_finite() {
            // With the mean the limit is divided by the same count, so that clipping begins at the same place.
            let scale = clip_factor(gradient_norm, settings.max_norm / count) / (count * loss_scale);
            // The mapper takes the model by value; a clone shares all tensors.
            self.model = self.optimizer.update(self.model.clone(), gradients, scale, learning_rate);
        }
        self.loss_scaler = self.loss_scaler.map(|scaler| scaler.after(report.is_finite()));
        self.skipped += u64::from(!report.is_finite());
        self.step += 1;
        Ok(report)
    }
}

impl UpdateReport {
    /// Whether every loss and the gradients are numbers one can use.
    pub fn is_finite(&self) -> bool {
        self.gradient_norm.is_finite() && self.losses.iter().flatten().all(|loss| loss.is_finite())
    }
}

/// The passes of one micro-batch, each with its backward right after it, which frees its activations. Gradients are
/// `loss_scale` times what they are.
fn micro_batch(
    model: &Transformer,
    batch: &TrainingBatch,
    settings: &StepSettings,
    seed: u64,
    loss_scale: f64,
    accumulator: &mut GradientsAccumulator<Transformer>,
) -> Result<Losses, ModelError> {
    let mode = |pass| Mode::Training { seed: seed_of(seed, Owner::Dropout, [pass, 0, 0]) };
    let mut losses = Losses::default();
    let mut backward = |pass: usize, loss: Tensor<1>| {
        losses.0[pass] = Some(loss.clone().inner());
        let gradients = GradientsParams::from_grads(loss.mul_scalar(loss_scale).backward(), model);
        accumulator.accumulate(model, gradients);
    };
    if settings.matching {
        let logits = model.matching(&batch.speaker, &batch.all_known(), mode(0))?;
        backward(0, matching_loss(logits, true));
        let logits = model.matching(&batch.speaker, &batch.impostor, mode(1))?;
        backward(1, matching_loss(logits, false));
    }
    let logits = model.masked(&batch.speaker, &batch.listener, mode(2))?;
    backward(2, masked_response_loss(logits, &batch.listener, &batch.counted));
    if settings.causal {
        let logits = model.causal(&batch.speaker, &batch.all_known(), mode(3))?;
        backward(3, causal_response_loss(logits, &batch.listener));
    }
    Ok(losses)
}

fn means(losses: &[Losses]) -> [Option<f64>; 4] {
    std::array::from_fn(|pass| {
        let values: Vec<Tensor<1>> = losses.iter().filter_map(|losses| losses.0[pass].clone()).collect();
        (!values.is_empty()).then(|| f64::from(Tensor::cat(values, 0).mean().into_scalar::<f32>()))
    })
}

/// Number of parameters, the time table included.
pub fn parameter_count(model: &Transformer) -> usize {
    model.num_params()
}
