//! Offline decoding: all tokens at once from the whole clip, the surest kept, the rest again.
//!
//! Source: MaskGIT's decoding as published, section 7.2 of the specification.

use burn::tensor::Device;

use super::lanes::{Chance, Decoded, Lane, PredictError, picks};
use super::mask_schedule::tokens_left;
use crate::batches::{ListenerBatch, SpeakerBatch};
use crate::config::{TempDecay, Ties};
use crate::model::{Mode, Transformer};

/// How the offline task is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfflineDecoder {
    /// Unmask steps, at least one.
    pub unmask_steps: usize,
    /// How the temperature changes from step to step.
    pub temp_decay: TempDecay,
    /// Which of equally sure tokens are accepted.
    pub ties: Ties,
}

/// One row while it is decoded: for each frame and modality a token and whether it is known, `[frame * 3 + modality]`.
struct Row {
    tokens: Vec<u32>,
    is_known: Vec<bool>,
    log_probability: f64,
}

impl OfflineDecoder {
    /// Decodes one reaction per row.
    pub fn decode(
        &self,
        model: &Transformer,
        speaker: &SpeakerBatch,
        lanes: &[Lane],
        chance: &dyn Chance,
    ) -> Result<Decoded, PredictError> {
        let (frames, device) = (speaker.frame_count(), speaker.expression.device());
        let fresh = || Row { tokens: vec![0; 3 * frames], is_known: vec![false; 3 * frames], log_probability: 0.0 };
        let mut rows: Vec<Row> = lanes.iter().map(|_| fresh()).collect();
        let mut temperature_factor = 1.0;
        for step in 1..=self.unmask_steps {
            let logits = model.masked(speaker, &listener(&rows, frames, &device), Mode::Inference)?;
            let picks = picks(logits, lanes, temperature_factor, step - 1, chance)?;
            let left = tokens_left(3 * frames, step, self.unmask_steps);
            for (number, row) in rows.iter_mut().enumerate() {
                let at = |place: usize| picks[place % 3][number][place / 3];
                let confidence: Vec<f32> = (0..3 * frames)
                    .map(|place| if row.is_known[place] { f32::INFINITY } else { at(place).probability })
                    .collect();
                for place in self.accepted(&confidence, left) {
                    row.tokens[place] = at(place).token as u32;
                    row.is_known[place] = true;
                    row.log_probability += f64::from(at(place).probability).ln();
                }
            }
            if self.temp_decay == TempDecay::Linear {
                temperature_factor = 1.0 - step as f64 / self.unmask_steps as f64;
            }
        }
        Ok(decoded(&rows))
    }

    /// Places that become known, so that about `left` stay masked; a known place has infinite confidence.
    fn accepted(&self, confidence: &[f32], left: usize) -> Vec<usize> {
        let unknown = || (0..confidence.len()).filter(|place| confidence[*place].is_finite());
        if left == 0 {
            return unknown().collect();
        }
        let mut order: Vec<usize> = (0..confidence.len()).collect();
        // The less sure first; of equally sure ones the later, so that the earlier is accepted first.
        order.sort_by(|a, b| confidence[*a].total_cmp(&confidence[*b]).then(b.cmp(a)));
        match self.ties {
            // Published behaviour: nothing as sure as the cut is accepted, so ties leave more than `left` masked
            // (defect 26; `offline_s8_top1_ties` of the golden cases).
            Ties::Published => {
                let cut = confidence[order[left - 1]];
                unknown().filter(|place| confidence[*place] > cut).collect()
            }
            Ties::Ordered => {
                let mut places: Vec<usize> =
                    order[left..].iter().copied().filter(|place| confidence[*place].is_finite()).collect();
                places.sort_unstable();
                places
            }
        }
    }
}

fn listener(rows: &[Row], frames: usize, device: &Device) -> ListenerBatch {
    let codes = [0, 1, 2].map(|modality| {
        rows.iter().flat_map(|row| row.tokens.iter().skip(modality).step_by(3).map(|token| *token as i32)).collect()
    });
    let known = rows.iter().flat_map(|row| row.is_known.iter().copied()).collect();
    ListenerBatch::partly_known(codes, known, [rows.len(), frames], device)
}

fn decoded(rows: &[Row]) -> Decoded {
    let tokens = std::array::from_fn(|modality| {
        rows.iter().map(|row| row.tokens.iter().skip(modality).step_by(3).copied().collect()).collect()
    });
    Decoded { tokens, log_probabilities: rows.iter().map(|row| row.log_probability).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(ties: Ties) -> OfflineDecoder {
        OfflineDecoder { unmask_steps: 2, temp_decay: TempDecay::None, ties }
    }

    #[test]
    fn ties_at_the_cut_wait_as_published_and_go_in_order_otherwise() {
        let confidence = [1.0, 1.0, f32::INFINITY, 1.0, 0.5];
        assert_eq!(decoder(Ties::Published).accepted(&confidence, 2), Vec::<usize>::new());
        assert_eq!(decoder(Ties::Ordered).accepted(&confidence, 2), vec![0, 1]);
    }

    #[test]
    fn the_last_step_accepts_everything_unknown() {
        let confidence = [0.1, f32::INFINITY, 0.1];
        assert_eq!(decoder(Ties::Published).accepted(&confidence, 0), vec![0, 2]);
    }
}
