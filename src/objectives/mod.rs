//! The three losses: does this listener match the speaker, what were the masked tokens, what comes next.
//!
//! In:  logits of [`crate::model`], the listener's true tokens.
//! Out: one number each, a mean over what the loss counts, natural logarithm.
//! Source: section 5.6 of the specification of the published model.

mod causal_response;
mod masked_response;
mod rows;
mod speaker_listener_matching;

pub use causal_response::causal_response_loss;
pub use masked_response::masked_response_loss;
pub use speaker_listener_matching::matching_loss;
