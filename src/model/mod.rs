//! The transformer that reads a speaker and a listener and scores the listener's tokens.
//!
//! In:  [`crate::batches::SpeakerBatch`] and [`crate::batches::ListenerBatch`], six tokens per frame.
//! Out: logits of the three codebooks, or of "this listener belongs to this speaker".
//! Source: the published `base_transformer.py`; one set of blocks serves the offline task (bidirectional
//! attention) and the online task (causal attention).

mod attention;
mod block;
mod config;
mod embedding;
mod heads;
mod initialize;
mod names;
mod parameters;
mod product;
mod transformer;

pub use attention::{Attention, Direction};
pub use block::{Block, Mlp};
pub use config::{ModelConfig, ModelError};
pub use embedding::{Embedding, Last};
pub use heads::{Heads, TokenLogits};
pub use names::{is_transposed, published_name};
pub use parameters::{NamedTensor, ParameterError, load_parameters, parameters};
pub use transformer::{Mode, Rows, Trace, Transformer};
