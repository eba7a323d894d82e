//! Four neighbouring tokens become one of twice the width.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{NORM_EPSILON, side_of};
use crate::features::norm::normalised;

/// The end of a stage.
#[derive(Module, Debug)]
pub struct Merge {
    norm: LayerNorm,
    reduction: Linear,
}

impl Merge {
    pub(super) fn new(width: usize, device: &Device) -> Self {
        Self {
            norm: LayerNormConfig::new(4 * width).init(device),
            reduction: LinearConfig::new(4 * width, 2 * width).with_bias(false).init(device),
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, tokens, width]`
    /// - returns: `[batch, tokens / 4, 2 * width]`
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.reduction.forward(normalised(&self.norm, quartered(hidden), NORM_EPSILON))
    }
}

/// The four tokens of each 2x2 cell one behind the other: down the left column, then down the right one.
fn quartered(hidden: Tensor<3>) -> Tensor<3> {
    let [batch, tokens, width] = hidden.dims();
    let half = side_of(tokens) / 2;
    let cells: Tensor<6> = hidden.reshape([batch, half, 2, half, 2, width]);
    // [batch, cell y, cell x, column in the cell, row in the cell, width]
    cells.permute([0, 1, 3, 4, 2, 5]).reshape([batch, half * half, 4 * width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn the_left_column_of_a_cell_comes_first() {
        let values: Vec<f32> = (0..16).map(|value| value as f32).collect();
        let grid = Tensor::<3>::from_data(TensorData::new(values, [1, 16, 1]), &Device::flex());
        let cells = quartered(grid).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(cells[..8], [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
    }
}
