//! Which parameters weight decay pulls on.

use crate::model::is_transposed;

/// Whether a parameter decays: the weights of linear layers do; biases, norms, code tables and learned vectors don't.
///
/// Source: the two groups of the published `configure_optimizers`; `parity_training` compares them name by name.
pub fn decays(published_name: &str, rank: usize) -> bool {
    is_transposed(published_name, rank)
}
