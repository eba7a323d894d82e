//! Predictions depend on the speaker and the seed, and on nothing else: not on the batch, not on other clips, and in
//! the online task not on what comes later.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use burn::tensor::Device;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unifr::batches::{ListenerBatch, SpeakerBatch, SpeakerItem};
use unifr::config::{RunConfig, Task};
use unifr::features::FeatureDims;
use unifr::kernels::MaskRule;
use unifr::model::{Mode, ModelConfig, Transformer, load_parameters, parameters};
use unifr::predict::{PredictError, Predicted, Predictor, predict_clips};
use unifr::tokens::VocabularySizes;

const FRAMES: usize = 20;
/// Frames of the speaker up to here are the same in both versions of a clip; a multiple of the window.
const SAME: usize = 10;
const WINDOW: usize = 5;
/// A fresh model is almost indifferent; weights this many times larger make its choices depend on the speaker.
const DECIDEDNESS: f32 = 8.0;
const DIMS: FeatureDims = FeatureDims {
    expression: 3,
    action_units: 4,
    valence_arousal: 2,
    pose: 3,
    filterbank: 5,
    functionals: 2,
    descriptors: 3,
};

fn model(rule: MaskRule) -> Transformer {
    let sizes = ModelConfig {
        frames: FRAMES,
        dims: DIMS,
        vocabulary: VocabularySizes { action_units: 7, expression: 9, valence_arousal: 11 },
        blocks: 2,
        heads: 2,
        width: 12,
        embedding_dropout: 0.1,
        residual_dropout: 0.1,
        attention_dropout: 0.1,
        causal_rule: rule,
    };
    let fresh = sizes.init(3, &Device::flex()).unwrap();
    let mut tensors = parameters(&fresh);
    for tensor in tensors.iter_mut().filter(|tensor| tensor.shape.len() == 2) {
        tensor.values.iter_mut().for_each(|value| *value *= DECIDEDNESS);
    }
    load_parameters(fresh, tensors).unwrap()
}

/// A speaker of random numbers; `later` decides the frames from [`SAME`] on.
fn speaker(number: u64, later: u64) -> SpeakerItem {
    let mut early = ChaCha8Rng::seed_from_u64(number);
    let mut late = ChaCha8Rng::seed_from_u64(1000 * later + number);
    let mut stream = |width: usize| -> Vec<f32> {
        let rows = |random: &mut ChaCha8Rng, count: usize| -> Vec<f32> {
            (0..count * width).map(|_| random.random_range(-2.0..2.0)).collect()
        };
        [rows(&mut early, SAME), rows(&mut late, FRAMES - SAME)].concat()
    };
    SpeakerItem {
        frame_count: FRAMES,
        expression: stream(DIMS.expression),
        action_units: stream(DIMS.action_units),
        valence_arousal: stream(DIMS.valence_arousal),
        pose: stream(DIMS.pose),
        filterbank: stream(DIMS.filterbank),
        functionals: vec![0.5; DIMS.functionals],
        descriptors: vec![-0.5; DIMS.descriptors],
        has_face: (0..FRAMES).map(|frame| frame % 7 != 3).collect(),
    }
}

fn config(batch_size: usize, seed: u64) -> RunConfig {
    let mut config = RunConfig::default();
    config.model.decoding_params.unmask_step_count = 8;
    config.model.decoding_params.online_step = WINDOW;
    config.model.decoding_params.online_max_len = 15;
    config.model.decoding_params.seed = seed;
    config.test_params.batch_size = batch_size;
    config
}

fn predicted(config: &RunConfig, task: Task, speakers: &[SpeakerItem]) -> Predicted {
    let rule = MaskRule::FrameCausal { online_step: WINDOW };
    let predictor = Predictor::new(model(rule), config, task);
    let read = |clip: usize| Ok::<_, PredictError>(speakers[clip].clone());
    predict_clips(&predictor, speakers.len(), FRAMES, &Device::flex(), read, |_| Ok(())).unwrap()
}

/// Tokens of a clip's ten reactions at the first `frames` frames.
fn tokens(predicted: &Predicted, clip: usize, frames: usize) -> Vec<[i64; 3]> {
    let reactions = 0..predicted.tokens.reaction_count;
    reactions
        .flat_map(|reaction| (0..frames).map(move |frame| (reaction, frame)))
        .map(|(reaction, frame)| predicted.tokens.frame(clip, reaction, frame))
        .collect()
}

const TASKS: [Task; 2] = [Task::Offline, Task::Online];

#[test]
fn predictions_do_not_depend_on_the_batch_size() {
    let speakers = [speaker(1, 0), speaker(2, 0)];
    for task in TASKS {
        let one = predicted(&config(1, 5), task, &speakers);
        for batch_size in [2, 3, 10] {
            let other = predicted(&config(batch_size, 5), task, &speakers);
            assert!(one.tokens == other.tokens, "{task}, {batch_size} at once");
        }
    }
}

#[test]
fn predictions_do_not_depend_on_the_clips_behind_them() {
    // The published code shared memory between the clips of a batch (defect 12).
    let (alone, both) = ([speaker(1, 0)], [speaker(1, 0), speaker(2, 0)]);
    for task in TASKS {
        let [alone, both] = [&alone[..], &both].map(|speakers| predicted(&config(4, 5), task, speakers));
        assert_eq!(tokens(&alone, 0, FRAMES), tokens(&both, 0, FRAMES), "{task}");
        assert_eq!(alone.log_probabilities[0], both.log_probabilities[0], "{task}");
    }
}

#[test]
fn the_seed_decides_the_tokens() {
    let speakers = [speaker(1, 0)];
    for task in TASKS {
        let first = predicted(&config(10, 5), task, &speakers);
        assert!(first.tokens == predicted(&config(10, 5), task, &speakers).tokens, "{task}");
        assert!(first.tokens != predicted(&config(10, 6), task, &speakers).tokens, "{task}");
    }
}

#[test]
fn log_probabilities_are_finite_with_one_unmask_step_and_with_eight() {
    // The published sum is NaN with more than one unmask step (defect 25).
    for (task, steps) in [(Task::Offline, 1), (Task::Offline, 8), (Task::Online, 8)] {
        let mut config = config(10, 5);
        config.model.decoding_params.unmask_step_count = steps;
        let predicted = predicted(&config, task, &[speaker(1, 0)]);
        assert_eq!(predicted.log_probabilities[0].len(), 10);
        for value in predicted.log_probabilities.iter().flatten() {
            assert!(value.is_finite() && *value < 0.0, "{task}, {steps} steps: {value}");
        }
    }
}

#[test]
fn the_online_task_does_not_see_what_comes_later_and_the_offline_task_does() {
    let both = [0, 1].map(|later| [speaker(1, later)]);
    let early = |task| both.each_ref().map(|speakers| tokens(&predicted(&config(10, 5), task, speakers), 0, SAME));
    let [one, other] = early(Task::Online);
    assert_eq!(one, other);
    let [one, other] = early(Task::Offline);
    assert_ne!(one, other);
}

/// Largest change of the causal logits of the first [`SAME`] frames when the speaker changes after them.
fn change(rule: MaskRule) -> f32 {
    let device = Device::flex();
    let reaction = [0, 1, 2].map(|_| vec![1; FRAMES]);
    let logits = [0, 1].map(|later| {
        let speakers = SpeakerBatch::of(&[&speaker(1, later)], &DIMS, &device);
        let listener = ListenerBatch::of(&[&reaction], &device);
        let logits = model(rule).causal(&speakers, &listener, Mode::Inference).unwrap();
        logits.expression.narrow(1, 0, SAME)
    });
    let [one, other] = logits;
    (one - other).abs().max().into_scalar::<f32>()
}

#[test]
fn causal_logits_of_a_window_know_nothing_of_later_windows() {
    // A mask's forbidden weights are exactly 0, so nothing may change at all.
    for rule in [MaskRule::FrameCausal { online_step: WINDOW }, MaskRule::Published { online_step: WINDOW }] {
        assert_eq!(change(rule).to_bits(), 0.0_f32.to_bits(), "{rule:?}");
    }
    assert!(change(MaskRule::FrameCausal { online_step: FRAMES }) > 0.0);
}
