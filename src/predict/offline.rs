//! Offline decoding: all tokens at once from the whole clip, the surest kept, the rest again.
//!
//! Source: MaskGIT's decoding as published, section 7.2 of the specification.

use unifr_kernels::sampling::{self, CODEBOOKS, Masking, Unmasked};

use super::lanes::{Chance, Decoded, Lane, PredictError, drawn, probabilities_of, tokens_of};
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

impl OfflineDecoder {
    /// Decodes one reaction per row. Nothing is read from the model's device before the last unmask step.
    pub fn decode(
        &self,
        model: &Transformer,
        speaker: &SpeakerBatch,
        lanes: &[Lane],
        chance: Chance<'_>,
    ) -> Result<Decoded, PredictError> {
        let (frames, device) = (speaker.frame_count(), speaker.expression.device());
        let ties = match self.ties {
            Ties::Published => sampling::Ties::Published,
            Ties::Ordered => sampling::Ties::Ordered,
        };
        let mut known = Unmasked::nothing(lanes.len(), frames, &device);
        let mut temperature_factor = 1.0;
        for step in 1..=self.unmask_steps {
            let logits = model.masked(speaker, &listener(&known, frames), Mode::Inference)?;
            let drawn = drawn(logits, lanes, temperature_factor, step - 1, chance)?;
            let left = tokens_left(CODEBOOKS * frames, step, self.unmask_steps);
            known = known.keep(drawn, Masking { left, ties });
            if self.temp_decay == TempDecay::Linear {
                temperature_factor = 1.0 - step as f64 / self.unmask_steps as f64;
            }
        }
        decoded(known)
    }
}

fn listener(known: &Unmasked, frames: usize) -> ListenerBatch {
    let [rows, places] = known.tokens.dims();
    let tokens = known.tokens.clone().reshape([rows, frames, CODEBOOKS]);
    let codes = |codebook: usize| tokens.clone().narrow(2, codebook, 1).reshape([rows, frames]);
    ListenerBatch {
        action_units: codes(0),
        expression: codes(1),
        valence_arousal: codes(2),
        known: Some(known.is_known().reshape([rows, places / CODEBOOKS, CODEBOOKS])),
    }
}

fn decoded(known: Unmasked) -> Result<Decoded, PredictError> {
    let [_, places] = known.tokens.dims();
    let probabilities = probabilities_of(known.probabilities.into_data(), |number| number % places / CODEBOOKS)?;
    let tokens = tokens_of(known.tokens.into_data());
    let row = |row: &[u32], modality: usize| row.iter().skip(modality).step_by(CODEBOOKS).copied().collect();
    let log_probability = |row: &[f32]| row.iter().map(|probability| f64::from(*probability).ln()).sum();
    Ok(Decoded {
        tokens: std::array::from_fn(|modality| tokens.chunks(places).map(|tokens| row(tokens, modality)).collect()),
        log_probabilities: probabilities.chunks(places).map(log_probability).collect(),
    })
}
