//! Clipping by the norm over all parameters together.
//!
//! Departure from burn: its optimizers clip each tensor by its own norm; the published training clips all at once.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::model::Transformer;

/// Added to the norm before dividing by it, as PyTorch does.
const NORM_EPSILON: f64 = 1e-6;

/// √ of the sum of all squares, on the device.
///
/// # Shapes
/// - returns: `[1]`
pub fn global_norm(model: &Transformer, gradients: &GradientsParams, device: &Device) -> Tensor<1> {
    let mut visitor = Squares { gradients, sums: Vec::new() };
    model.visit(&mut visitor);
    if visitor.sums.is_empty() {
        return Tensor::zeros([1], device);
    }
    Tensor::cat(visitor.sums, 0).sum().sqrt()
}

/// What all gradients are multiplied with so that their norm is at most `max_norm`; 1 if that is 0, which means never.
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    if max_norm > 0.0 { (max_norm / (norm + NORM_EPSILON)).min(1.0) } else { 1.0 }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(gradient.square().sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clip_factor;

    #[test]
    fn a_norm_over_the_limit_is_brought_to_it_and_a_small_one_is_left() {
        assert!((clip_factor(20.0, 10.0) - 0.5).abs() < 1e-6);
        assert!((clip_factor(5.0, 10.0) - 1.0).abs() < 1e-12);
        assert!((clip_factor(5.0, 0.0) - 1.0).abs() < 1e-12);
    }
}
