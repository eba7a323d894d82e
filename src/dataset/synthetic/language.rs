//! The seven feature streams of a speaker, made from its signals.
//!
//! In:  the marginals of `compact` features on real clips ([`Marginals`]) and a clip's [`Signals`].
//! Out: [`SpeakerFeatures`]; face streams are zero and `has_face` is false in stretches without a face.
//! Source: our own.
//!
//! The causal pass reads action units at the face token, expressions at the pose token and valence-arousal at the
//! voice token of a frame, so each of the three must tell tone and cues by itself. All numbers of a stream carry them
//! with other weights and noise of their own, so a linear reading of a single row explains 60 to 90 % of the tone and
//! 70 to 90 % of the cues on held-out rows, least for the pose with its 24 numbers; a test repeats that.

use rand_chacha::ChaCha8Rng;

use super::conversations::{Conversations, TAKES};
use super::mixing::{LANGUAGE_SEED, Mixture, Shares, mixtures};
use super::normal::{Series, normal};
use super::signals::{SIGNAL_COUNT, Signals};
use crate::dataset::Partition;
use crate::features::compact::Marginals;
use crate::features::{FRAMES_PER_POSE, SpeakerFeatures};

/// Streams in the order of the fields of [`SpeakerFeatures`]: three of the face, pose, filterbank, two per clip.
const STREAM_COUNT: usize = 7;

/// What each stream is made of: tone, cues, voice, own face; person; noise. Each row sums to 1.
const SHARES: [Shares; STREAM_COUNT] = [
    // The face shows the cue first, then its own answers to the partner, which tell nothing of the listener.
    Shares { groups: [0.20, 0.40, 0.05, 0.15], person: 0.08, noise: 0.12 },
    Shares { groups: [0.20, 0.40, 0.05, 0.15], person: 0.08, noise: 0.12 },
    Shares { groups: [0.25, 0.35, 0.05, 0.15], person: 0.08, noise: 0.12 },
    // The head moves with cues and speech.
    Shares { groups: [0.20, 0.45, 0.10, 0.05], person: 0.08, noise: 0.12 },
    // The voice is loud or silent, and coloured by tone and cue; a silent answer cannot be heard.
    Shares { groups: [0.20, 0.35, 0.25, 0.00], person: 0.08, noise: 0.12 },
    // What lasts for a clip: the tone, how often which cue came, how long was spoken, and who spoke.
    Shares { groups: [0.45, 0.20, 0.10, 0.00], person: 0.13, noise: 0.12 },
    Shares { groups: [0.45, 0.20, 0.10, 0.00], person: 0.13, noise: 0.12 },
];

/// Clips that means, spreads and lag correlations of the signals are taken from.
const REFERENCE_CLIPS: usize = 256;
/// Mean length of a stretch without a face: 0.6 s, a hand or a turn of the head.
const FACELESS_FRAMES: f64 = 16.0;

/// All mixtures of one feature set.
#[derive(Clone, Debug)]
pub struct Language {
    streams: [Vec<Mixture>; STREAM_COUNT],
    faceless_share: f64,
}

impl Language {
    /// Fits the mixtures of all streams to `marginals`, for clips of `frame_count` frames.
    pub fn new(marginals: &Marginals, frame_count: usize) -> Self {
        let clip_count = REFERENCE_CLIPS * TAKES;
        let clips = Conversations { seed: LANGUAGE_SEED, partition: Partition::Train, clip_count, frame_count };
        // One take of each script.
        let frames: Vec<Signals> = (0..clip_count).step_by(TAKES).map(|row| clips.signals(row)).collect();
        let windows: Vec<Signals> = frames.iter().map(|clip| means(clip, FRAMES_PER_POSE)).collect();
        let whole: Vec<Signals> = frames.iter().map(|clip| means(clip, frame_count)).collect();
        let reference = [&frames, &frames, &frames, &windows, &frames, &whole, &whole];
        let stream = |place: usize| mixtures(place as u64, &marginals.streams[place], &SHARES[place], reference[place]);
        Self { streams: std::array::from_fn(stream), faceless_share: faceless_share(marginals) }
    }

    /// The features of a speaker; `chance` gives person and noise, `face_chance` the stretches without a face.
    pub fn features(
        &self,
        signals: &Signals,
        chance: &mut ChaCha8Rng,
        face_chance: &mut ChaCha8Rng,
    ) -> SpeakerFeatures {
        let frame_count = signals.len();
        let (windows, whole) = (means(signals, FRAMES_PER_POSE), means(signals, frame_count));
        let rows = [signals, signals, signals, &windows, signals, &whole, &whole];
        let [mut expression, mut action_units, mut valence_arousal, pose, filterbank, functionals, descriptors] =
            std::array::from_fn(|place| stream_values(&self.streams[place], rows[place], chance));
        let has_face = faces(self.faceless_share, frame_count, face_chance);
        for stream in [&mut expression, &mut action_units, &mut valence_arousal] {
            clear_faceless(stream, &has_face);
        }
        SpeakerFeatures {
            frame_count,
            expression,
            action_units,
            valence_arousal,
            pose,
            filterbank,
            functionals,
            descriptors,
            has_face,
        }
    }
}

/// Share of frames without a face, every real clip counting alike.
pub fn faceless_share(marginals: &Marginals) -> f64 {
    marginals.faceless_shares.iter().sum::<f64>() / marginals.faceless_shares.len() as f64
}

/// Means over windows of `length` rows; rows that fill no window are left out.
fn means(signals: &Signals, length: usize) -> Signals {
    let mean = |rows: &[[f64; SIGNAL_COUNT]]| {
        std::array::from_fn(|place| rows.iter().map(|row| row[place]).sum::<f64>() / length as f64)
    };
    signals.chunks_exact(length).map(mean).collect()
}

/// All numbers of one stream, row after row.
fn stream_values(mixtures: &[Mixture], rows: &Signals, chance: &mut ChaCha8Rng) -> Vec<f32> {
    let people: Vec<f64> = mixtures.iter().map(|_| normal(chance)).collect();
    let mut noise: Vec<Series> = mixtures.iter().map(|mixture| Series::start(mixture.memory, chance)).collect();
    let mut values = Vec::with_capacity(rows.len() * mixtures.len());
    for row in rows {
        for ((mixture, person), noise) in mixtures.iter().zip(&people).zip(&mut noise) {
            values.push(mixture.value(row, *person, noise.next(chance)));
        }
    }
    values
}

/// Stretches with and without a face: the share and the mean length are those asked for, the lengths geometric.
fn faces(faceless_share: f64, frame_count: usize, chance: &mut ChaCha8Rng) -> Vec<bool> {
    use rand::Rng;
    let leave = 1.0 / FACELESS_FRAMES;
    let enter = (faceless_share / (1.0 - faceless_share) * leave).min(1.0);
    let mut has_face = !chance.random_bool(faceless_share);
    let frame = |_| {
        let now = has_face;
        has_face = if now { !chance.random_bool(enter) } else { chance.random_bool(leave) };
        now
    };
    (0..frame_count).map(frame).collect()
}

fn clear_faceless(stream: &mut [f32], has_face: &[bool]) {
    let width = stream.len() / has_face.len();
    for (row, _) in stream.chunks_exact_mut(width).zip(has_face).filter(|(_, has_face)| !**has_face) {
        row.fill(0.0);
    }
}
