//! Multi-head attention of one block, in one direction.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use unifr_kernels::{AttentionProblem, attention, dropout};

use super::block::Drops;
use super::transformer::Rows;

/// Who may look at whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Everybody at everybody: the offline task and the two bidirectional objectives.
    Bidirectional,
    /// The past only, by the model's mask rule: the online task and its objective.
    Causal,
}

/// Queries, keys and values of all heads, and the projection of their result.
#[derive(Module, Debug)]
pub struct Attention {
    /// Projection to queries.
    pub query: Linear,
    /// Projection to keys.
    pub key: Linear,
    /// Projection to values.
    pub value: Linear,
    /// Projection of the joined heads.
    pub output: Linear,
    heads: usize,
}

impl Attention {
    pub(super) fn new(width: usize, heads: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(width, width).init(device);
        Self { query: linear(), key: linear(), value: linear(), output: linear(), heads }
    }

    /// What attention adds to the rows asked for.
    ///
    /// With the full rule only those rows are queries; a causal rule needs all rows in place, and the rows are
    /// picked afterwards. Either way the result is what attention over all rows gives at these rows.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`, already normalised
    /// - returns: `[batch, picked tokens, width]`
    pub(super) fn forward(&self, hidden: Tensor<3>, problem: AttentionProblem, rows: Rows, drops: Drops) -> Tensor<3> {
        let picks_first = problem.rule == unifr_kernels::MaskRule::Full;
        let asking = if picks_first { rows.pick(hidden.clone()) } else { hidden.clone() };
        let query = self.split(self.query.forward(asking));
        let key = self.split(self.key.forward(hidden.clone()));
        let value = self.split(self.value.forward(hidden));
        let problem = problem.with_dropout(drops.attention);
        let joined = attention(query, key, value, &problem).expect("the shapes were checked when the batch came in");
        let joined = join(joined);
        let joined = if picks_first { joined } else { rows.pick(joined) };
        dropout(self.output.forward(joined), drops.attention_output)
    }

    fn split(&self, tokens: Tensor<3>) -> Tensor<4> {
        let [batch, count, width] = tokens.dims();
        tokens.reshape([batch, count, self.heads, width / self.heads]).swap_dims(1, 2)
    }
}

fn join(heads: Tensor<4>) -> Tensor<3> {
    let [batch, count, tokens, width] = heads.dims();
    heads.swap_dims(1, 2).reshape([batch, tokens, count * width])
}
