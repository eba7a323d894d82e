//! Dropout whose bits are a function of a seed and a place, so that forward and backward need not store them
//! and a resumed run drops what an unbroken one would have dropped.
//!
//! In:  a tensor, a probability, a seed.
//! Out: the tensor with elements set to 0 and the rest divided by the share that is kept.

use burn::tensor::{Device, Tensor, TensorData};

/// Which elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Share of elements that become 0, in [0, 1).
    pub probability: f32,
    /// Where the bits come from.
    pub seed: u64,
}

impl Dropout {
    /// What the element of that number (row-major) is multiplied with: 0, or 1 / (1 - probability).
    ///
    /// 32 bits of one round of a 64-bit mixer against the probability as a fraction of 2^32.
    #[inline]
    pub fn factor(self, element: u64) -> f32 {
        if bits(self.seed, element) < threshold(self.probability) { 0.0 } else { (1.0 - self.probability).recip() }
    }

    /// All factors of a matrix.
    ///
    /// # Shapes
    /// - returns: `[rows, columns]`
    pub fn factors(self, [rows, columns]: [usize; 2], device: &Device) -> Tensor<2> {
        let values: Vec<f32> = (0..(rows * columns) as u64).map(|element| self.factor(element)).collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }
}

/// The probability as a fraction of 2^32.
#[inline]
pub(crate) fn threshold(probability: f32) -> u32 {
    (f64::from(probability) * 4_294_967_296.0) as u32
}

/// 32 bits for one element: the high half of splitmix64's output.
#[inline]
pub(crate) fn bits(seed: u64, element: u64) -> u32 {
    let mut z = seed.wrapping_add(element.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 32) as u32
}

/// Applies dropout to a tensor of any rank; `None` changes nothing.
pub fn dropout<const D: usize>(input: Tensor<D>, dropout: Option<Dropout>) -> Tensor<D> {
    let Some(dropout) = dropout.filter(|dropout| dropout.probability > 0.0) else { return input };
    let shape = input.shape();
    let factors = dropout.factors([1, shape.num_elements()], &input.device());
    input * factors.reshape(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_dropped_elements_is_the_probability() {
        let dropout = Dropout { probability: 0.1, seed: 7 };
        let dropped = (0..100_000).filter(|element| dropout.factor(*element) == 0.0).count();
        // Standard deviation of a binomial with n = 100,000 and p = 0.1 is 95; five of them.
        assert!((dropped as i64 - 10_000).abs() < 475, "{dropped}");
    }

    #[test]
    fn kept_elements_make_up_for_the_dropped_ones() {
        let dropout = Dropout { probability: 0.25, seed: 1 };
        let factors: Vec<f32> = (0..1000).map(|element| dropout.factor(element)).collect();
        assert!(factors.iter().all(|factor| *factor == 0.0 || (*factor - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn equal_seeds_drop_the_same_elements() {
        let device = Device::flex();
        let input = Tensor::<2>::ones([30, 40], &device);
        let run = |seed| dropout(input.clone(), Some(Dropout { probability: 0.5, seed })).into_data();
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}
