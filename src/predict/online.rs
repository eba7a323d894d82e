//! Online decoding: window by window, each from the speaker so far and the reaction so far.
//!
//! Source: section 7.3 of the specification. A model call never sees a frame after the window that it predicts.
//!
//! Published behaviour: when the look-back slides, positions and chunks start at 0 again in every call, as they did in
//! training for the first frames of a clip (golden cases `online_*_max7_*`).

use burn::tensor::Device;

use super::lanes::{Chance, Decoded, Lane, PredictError, drawn, read};
use crate::batches::{ListenerBatch, SpeakerBatch};
use crate::model::Transformer;

/// How the online task is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineDecoder {
    /// Frames produced at once.
    pub window: usize,
    /// Frames that a call looks at, the window included; at least `window`.
    pub look_back: usize,
}

/// The part of a clip that one call looks at.
#[derive(Clone, Copy)]
struct View {
    first: usize,
    end: usize,
    known_end: usize,
}

impl OnlineDecoder {
    /// Decodes one reaction per row.
    pub fn decode(
        &self,
        model: &Transformer,
        speaker: &SpeakerBatch,
        lanes: &[Lane],
        chance: Chance<'_>,
    ) -> Result<Decoded, PredictError> {
        let (frames, device) = (speaker.frame_count(), speaker.expression.device());
        let mut decoded = Decoded {
            tokens: std::array::from_fn(|_| vec![Vec::with_capacity(frames); lanes.len()]),
            log_probabilities: vec![0.0; lanes.len()],
        };
        for (round, known_end) in (0..frames).step_by(self.window).enumerate() {
            let end = (known_end + self.window).min(frames);
            let view = View { first: end.saturating_sub(self.look_back), end, known_end };
            let seen = speaker.frames(view.first, end - view.first);
            let listener = listener(&decoded, view, &device);
            let logits = model.causal_end(&seen, &listener, end - known_end)?;
            let window = end - known_end;
            for (modality, drawn) in drawn(logits, lanes, 1.0, round, chance)?.into_iter().enumerate() {
                let (tokens, probabilities) = read(drawn, window)?;
                for (row, (tokens, probabilities)) in
                    tokens.chunks(window).zip(probabilities.chunks(window)).enumerate()
                {
                    decoded.tokens[modality][row].extend(tokens);
                    let sum: f64 = probabilities.iter().map(|probability| f64::from(*probability).ln()).sum();
                    decoded.log_probabilities[row] += sum;
                }
            }
        }
        Ok(decoded)
    }
}

/// The reaction so far; the frames of the window are masked.
fn listener(decoded: &Decoded, view: View, device: &Device) -> ListenerBatch {
    let rows = decoded.log_probabilities.len();
    let codes = [0, 1, 2].map(|modality: usize| {
        let code = |row: &Vec<u32>, frame: usize| row.get(frame).map_or(0, |token| *token as i32);
        decoded.tokens[modality]
            .iter()
            .flat_map(|row| (view.first..view.end).map(move |frame| code(row, frame)))
            .collect()
    });
    let known = (0..rows).flat_map(|_| (view.first..view.end).flat_map(|frame| [frame < view.known_end; 3])).collect();
    ListenerBatch::partly_known(codes, known, [rows, view.end - view.first], device)
}
