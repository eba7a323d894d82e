//! What the attention kernels share: sizes, strides, where a cube's rows lie, and the bits of dropout.

use cubecl::prelude::*;

use super::spans::{groups, places_before};
use crate::attention::problem::MaskRule;
use crate::dropout_kernel::{bits_of, row_words_of};

/// The problem's numbers as the kernels read them.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Sizes {
    /// Rows of queries.
    pub(crate) queries: u32,
    /// Keys that may be seen: keys at this position and later are seen by nobody.
    pub(crate) keys: u32,
    /// Position of the first query.
    pub(crate) first_query: u32,
    /// Heads of one batch entry.
    pub(crate) heads: u32,
    /// Factor of the scores: 1 / √width.
    pub(crate) scale: f32,
    /// A weight is dropped where its bits are below this.
    pub(crate) threshold: u32,
    /// Factor of the weights that are kept.
    pub(crate) kept: f32,
    /// Where the bits come from.
    pub(crate) seed: u64,
}

/// Steps between neighbours of a tensor `[batch, heads, tokens, width]`, counted in vectors.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Strides {
    pub(crate) batch: u32,
    pub(crate) head: u32,
    pub(crate) token: u32,
}

#[cube]
impl Strides {
    /// Where the row of a token starts.
    pub(crate) fn row(&self, batch: u32, head: u32, token: u32) -> usize {
        batch as usize * self.batch as usize + head as usize * self.head as usize + token as usize * self.token as usize
    }
}

/// The rows of one cube: `count` places of a group from `start`; none of them at or behind `end`.
#[derive(CubeType)]
pub(crate) struct Block {
    pub(crate) group: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The `index`-th block of `rows` rows: first the blocks of group 0, then those of group 1.
#[cube]
pub(crate) fn block(index: u32, rows: u32, first: u32, end: u32, #[comptime] rule: MaskRule) -> Block {
    let start = places_before(0u32, first, rule);
    let stop = places_before(0u32, end, rule);
    let blocks = (stop - start).div_ceil(rows);
    if comptime!(groups(rule) == 1) {
        Block { group: 0u32.runtime(), start: start + index * rows, end: stop }
    } else {
        let other_start = places_before(1u32, first, rule);
        let other_stop = places_before(1u32, end, rule);
        let is_first = index < blocks;
        Block {
            group: select(is_first, 0u32, 1u32),
            start: select(is_first, start + index * rows, other_start + (index - blocks) * rows),
            end: select(is_first, stop, other_stop),
        }
    }
}

/// The same, the last block of a group first: under the rules that look back it has the most to do, and what is
/// started first should take longest.
#[cube]
pub(crate) fn last_block_first(index: u32, rows: u32, first: u32, end: u32, #[comptime] rule: MaskRule) -> Block {
    let blocks = (places_before(0u32, end, rule) - places_before(0u32, first, rule)).div_ceil(rows);
    if comptime!(groups(rule) == 1) {
        block(blocks - 1 - index, rows, first, end, rule)
    } else {
        let others = (places_before(1u32, end, rule) - places_before(1u32, first, rule)).div_ceil(rows);
        let turned = select(index < blocks, blocks - 1 - index, blocks + (others - 1 - (index - blocks)));
        block(turned, rows, first, end, rule)
    }
}

/// What a row gives to the bits of its weights: two words.
#[cube]
pub(crate) fn row_words(seed: u64, row: u64) -> (u32, u32) {
    let words = row_words_of(seed, row);
    (words as u32, (words >> 32u64) as u32)
}

/// Factor of the weight in that row and column: 0, or what makes up for the dropped ones.
#[cube]
pub(crate) fn factor(words: (u32, u32), column: u32, sizes: &Sizes) -> f32 {
    select(bits_of(words.0, words.1, column) < sizes.threshold, 0.0f32, sizes.kept)
}
