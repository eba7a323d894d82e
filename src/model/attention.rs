//! Multi-head attention of one block, in one direction.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor};
use unifr_kernels::{AttentionProblem, attention, dropout};

use super::block::Drops;
use super::product::{half_product, product};
use super::transformer::Rows;
use crate::device::Precision;

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
    pub(super) fn forward(
        &self,
        hidden: Tensor<3>,
        problem: AttentionProblem,
        rows: Rows,
        drops: Drops,
        precision: Precision,
    ) -> Tensor<3> {
        let picks_first = problem.rule == unifr_kernels::MaskRule::Full;
        let asking = if picks_first { rows.pick(hidden.clone()) } else { hidden.clone() };
        let split = |layer: &Linear, hidden| self.split(half_product(layer, hidden, precision));
        let heads = [split(&self.query, asking), split(&self.key, hidden.clone()), split(&self.value, hidden)];
        let joined = join(attend(heads, &problem.with_dropout(drops.attention)));
        let joined = if picks_first { joined } else { rows.pick(joined) };
        dropout(product(&self.output, joined, precision), drops.attention_output)
    }

    fn split(&self, tokens: Tensor<3>) -> Tensor<4> {
        let [batch, count, width] = tokens.dims();
        tokens.reshape([batch, count, self.heads, width / self.heads]).swap_dims(1, 2)
    }
}

/// Attention of queries, keys and values, in their number format.
///
/// A processor's kernel takes `f32` only: there 16-bit values are widened and the result is rounded again, as on a GPU,
/// whose kernel reads and writes 16 bits and sums in `f32`.
fn attend(heads: [Tensor<4>; 3], problem: &AttentionProblem) -> Tensor<4> {
    let dtype = heads[0].dtype();
    let is_widened = dtype != DType::F32 && heads[0].device() == Device::flex();
    let [query, key, value] = if is_widened { heads.map(|tensor| tensor.cast(DType::F32)) } else { heads };
    let result = attention(query, key, value, problem).expect("the shapes were checked when the batch came in");
    if is_widened { result.cast(dtype) } else { result }
}

fn join(heads: Tensor<4>) -> Tensor<3> {
    let [batch, count, tokens, width] = heads.dims();
    heads.swap_dims(1, 2).reshape([batch, tokens, count * width])
}
