//! Times one update of the weights (four passes, clipping, AdamW) and one forward of the masked pass.
//!
//! `cargo bench --bench training_step`; the rival on the same machine is `benches/rivals/training_step.py`.

mod timing;

use burn::tensor::Device;
use timing::{print, row};
use unifr::batches::{SpeakerItem, TrainingBatch, TrainingItem};
use unifr::features::FeatureDims;
use unifr::kernels::MaskRule;
use unifr::model::{Mode, ModelConfig};
use unifr::optimizer::{AdamW, AdamWSettings};
use unifr::tokens::VocabularySizes;
use unifr::train::{Learner, StepSettings};

/// A model and a batch.
struct Sizes {
    name: &'static str,
    batch: usize,
    frames: usize,
    blocks: usize,
    heads: usize,
    width: usize,
}

/// The demo's, and one between it and the published model.
const ALL: [Sizes; 2] = [
    Sizes { name: "demo", batch: 4, frames: 75, blocks: 2, heads: 2, width: 64 },
    Sizes { name: "middle", batch: 1, frames: 150, blocks: 4, heads: 4, width: 256 },
];

/// Widths of the compact features, and codes of the synthetic corpus.
const DIMS: FeatureDims = FeatureDims {
    expression: 256,
    action_units: 336,
    valence_arousal: 75,
    pose: 24,
    filterbank: 26,
    functionals: 120,
    descriptors: 288,
};
const VOCABULARY: VocabularySizes = VocabularySizes { action_units: 22, expression: 32, valence_arousal: 51 };

fn main() -> std::io::Result<()> {
    unifr::kernels::keep_freed_pages();
    timing::on_threads(|| ALL.iter().try_for_each(time))
}

fn time(sizes: &Sizes) -> std::io::Result<()> {
    let device = Device::flex();
    let config = ModelConfig {
        frames: sizes.frames,
        dims: DIMS,
        vocabulary: VOCABULARY,
        blocks: sizes.blocks,
        heads: sizes.heads,
        width: sizes.width,
        embedding_dropout: 0.1,
        residual_dropout: 0.1,
        attention_dropout: 0.1,
        causal_rule: MaskRule::FrameCausal { online_step: 5 },
    };
    let items: Vec<TrainingItem> = (0..sizes.batch).map(|clip| item(sizes.frames, clip)).collect();
    let still = TrainingBatch::of(&items, &DIMS, &device);
    let batch = TrainingBatch::of(&items, &DIMS, &device.clone().autodiff());
    let model = config.init(1, &device.clone().autodiff()).expect("sizes of a model");
    let plain = config.init(1, &device).expect("sizes of a model");
    let mut learner = Learner::new(model, AdamW::new(AdamWSettings::default()));
    let settings = StepSettings { matching: true, causal: true, mean_gradient: true, max_norm: 10.0, seed: 1 };
    let rows = [
        row("one update: four passes, clipping, AdamW", || {
            learner.update([Ok(batch.clone())], &settings, 1e-4).expect("an update");
        }),
        row("one forward of the masked pass", || {
            let logits = plain.masked(&still.speaker, &still.listener, Mode::Inference).expect("a forward");
            logits.action_units.into_data();
        }),
    ];
    let Sizes { name, batch, frames, blocks, heads, width } = *sizes;
    print(&format!("{name}: batch {batch}, {frames} frames, {blocks} blocks, {heads} heads, width {width}"), &rows)
}

/// Made-up numbers: time does not depend on them.
fn item(frames: usize, clip: usize) -> TrainingItem {
    let wave = |count: usize| (0..count).map(|place| ((place + 7 * clip) as f32 * 0.37).sin()).collect::<Vec<f32>>();
    let codes = |modulus: usize| (0..frames).map(|frame| ((frame / 9 + clip) % modulus) as i32).collect::<Vec<i32>>();
    let reaction = || [codes(22), codes(32), codes(51)];
    TrainingItem {
        row: clip,
        speaker: SpeakerItem {
            frame_count: frames,
            expression: wave(frames * DIMS.expression),
            action_units: wave(frames * DIMS.action_units),
            valence_arousal: wave(frames * DIMS.valence_arousal),
            pose: wave(frames * DIMS.pose),
            filterbank: wave(frames * DIMS.filterbank),
            functionals: wave(DIMS.functionals),
            descriptors: wave(DIMS.descriptors),
            has_face: vec![true; frames],
        },
        listener: reaction(),
        impostor: Some(reaction()),
        is_known: (0..3 * frames).map(|place| place % 3 == 0).collect(),
        is_counted: vec![true; 3 * frames],
    }
}
