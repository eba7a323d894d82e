//! From a trained model and a speaker to reactions, as tokens.
//!
//! In:  a [`crate::model::Transformer`], a [`crate::batches::SpeakerBatch`], one [`Lane`] per row of it.
//! Out: [`Decoded`] tokens and their log probabilities; ten reactions per clip in a
//! [`crate::tokens::TokenArray`].
//! Source: sections 7.1 to 7.4 of the specification of the published model.

mod clips;
mod lanes;
mod mask_schedule;
mod offline;
mod online;

pub use clips::{Predicted, Predictor, predict_clips};
pub use lanes::{Chance, Choice, Decoded, Draw, Lane, PredictError};
pub use mask_schedule::tokens_left;
pub use offline::OfflineDecoder;
pub use online::OnlineDecoder;
