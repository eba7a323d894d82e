//! Blocks of one width, every other one on a shifted grid, and the merge behind them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::WINDOW;
use super::block::Block;
use super::merge::Merge;
use super::windows::shift_mask;
use crate::features::trace::Trace;

/// A stage.
#[derive(Module, Debug)]
pub struct Stage {
    blocks: Vec<Block>,
    downsample: Option<Merge>,
}

impl Stage {
    pub(super) fn new(blocks: usize, width: usize, heads: usize, is_last: bool, device: &Device) -> Self {
        Self {
            blocks: (0..blocks).map(|_| Block::new(width, heads, device)).collect(),
            downsample: (!is_last).then(|| Merge::new(width, device)),
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: `[batch, tokens / 4, 2 * width]`; in the last stage as `hidden`
    pub fn forward(&self, hidden: Tensor<3>, trace: &mut Trace) -> Tensor<3> {
        let tokens = hidden.dims()[1];
        // A grid of one window has nothing to shift.
        let mask = (tokens > WINDOW * WINDOW).then(|| shift_mask(tokens, &hidden.device()));
        let mut hidden = hidden;
        for (number, block) in self.blocks.iter().enumerate() {
            let mask = mask.clone().filter(|_| number % 2 == 1);
            hidden = trace.see(&format!("blocks.{number}"), block.forward(hidden, mask));
        }
        match &self.downsample {
            Some(merge) => merge.forward(hidden),
            None => hidden,
        }
    }
}
