//! From logits to one token: temperature, top-k, top-p, softmax, one draw.
//!
//! In:  the logits of one position, a [`Filter`], a uniform number.
//! Out: a token and its probability.

pub mod reference;

pub use reference::{Filter, Pick, SamplingError, pick, probabilities};
