//! The arithmetic that every path of sampling shares, so that all of them draw the same token from the same logits.
//!
//! A weight exp(logit - largest) is a whole number of 2^-47: sums of them are exact, so that neither the order of
//! additions nor the number of threads shows in a result. Its rounding is that of an `f32`, 6e-8 relative; what weighs
//! less than 7e-15 of the most probable token counts as nothing.
//!
//! `numbers_kernel.rs` has the same functions in the language of the kernels; `kernels/tests/sampling.rs` compares the results
//! bit by bit.

use crate::dropout::row_words;

/// Bits of the fraction of a weight: the most probable token weighs 2^47, and 65,536 of them 2^63.
pub(crate) const WEIGHT_BITS: u32 = 47;
/// Logits this far below the largest have no weight: exp(-33.5) is less than half of 2^-47.
pub(crate) const FARTHEST: f32 = 33.5;
/// Adding it rounds to a whole number, which then stands in the low bits: 1.5 * 2^23.
pub(crate) const ROUNDING: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few bits that its products with exponents are exact.
pub(crate) const LN_2_HIGH: f32 = 355.0 / 512.0;
pub(crate) const LN_2_LOW: f32 = -2.121_944_4e-4;
/// (exp(r) - 1 - r) / r² for |r| ≤ ln 2 / 2, highest power first (Cephes' `expf`).
pub(crate) const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

/// The sign of an `f32`.
pub(crate) const SIGN: u32 = 0x8000_0000;
/// Key of -inf.
pub(crate) const KEY_OF_NOTHING: u32 = 0x007f_ffff;

/// Whole numbers in the order of logits: equal for equal logits (0 and -0 among them), larger for larger ones.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn key(logit: f32) -> u32 {
    let bits = logit.to_bits();
    let negative = if bits == SIGN { SIGN } else { !bits };
    if bits < SIGN { bits | SIGN } else { negative }
}

/// The logit of a key.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn logit(key: u32) -> f32 {
    f32::from_bits(if key < SIGN { !key } else { key ^ SIGN })
}

/// Whether nothing can be drawn from a row with that logit: not a number, or +inf.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn is_bad(logit: f32) -> bool {
    let bits = logit.to_bits();
    (bits & 0x7f80_0000) == 0x7f80_0000 && bits != 0xff80_0000
}

/// exp(logit - largest) as a whole number of 2^-47.
///
/// Every product that is added to something is an explicit fused multiply-add, which is rounded once on every
/// machine; nothing is left for a compiler to contract.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn weight(logit: f32, largest: f32) -> u64 {
    let below = largest - logit;
    let below = if below < FARTHEST { below } else { FARTHEST };
    let rounded = (-below).mul_add(std::f32::consts::LOG2_E, ROUNDING);
    let exponent = rounded - ROUNDING;
    let rest = exponent.mul_add(-LN_2_HIGH, -below);
    let rest = exponent.mul_add(-LN_2_LOW, rest);
    let mut series = EXP[0];
    for coefficient in &EXP[1..] {
        series = series.mul_add(rest, *coefficient);
    }
    // Between 0.7 and 1.42, so that its exponent is 126 or 127.
    let bits = (series.mul_add(rest * rest, rest) + 1.0).to_bits();
    let mantissa = ((bits & 0x007f_ffff) | 0x0080_0000) << ((bits >> 23) - 126);
    (u64::from(mantissa) << (WEIGHT_BITS - 24)) >> (ROUNDING.to_bits() - rounded.to_bits())
}

/// 64 random bits of a row: a function of the seed of its sampler and of its place there.
#[inline]
pub(crate) fn random_bits(seed: u64, place: u64) -> u64 {
    let [low, high] = row_words(seed, place);
    u64::from(low) | u64::from(high) << 32
}

/// The product of a number and a fraction of 2^64, rounded down.
#[inline]
pub(crate) fn part(number: u64, fraction: u64) -> u64 {
    ((u128::from(number) * u128::from(fraction)) >> 64) as u64
}

/// Probability of a weight.
#[inline]
pub(crate) fn probability(weight: u64, total: u64) -> f32 {
    weight as f32 / total as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_logits() {
        let logits = [f32::NEG_INFINITY, f32::MIN, -1.5, -1.0, -1e-40, 0.0, 1e-40, 1.0, f32::MAX];
        assert!(logits.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(logits.iter().all(|value| logit(key(*value)).to_bits() == value.to_bits()));
        assert_eq!((key(-0.0), key(f32::NEG_INFINITY)), (key(0.0), KEY_OF_NOTHING));
    }

    #[test]
    fn weights_are_exponentials_to_the_last_bits_of_single_precision() {
        let scale = 2.0_f64.powi(WEIGHT_BITS as i32);
        for step in 0..335_000 {
            let below = step as f32 * 1e-4;
            let (found, exact) = (weight(-below, 0.0) as f64 / scale, (-f64::from(below)).exp());
            assert!((found - exact).abs() <= 1.3e-7 * exact + 1.0 / scale, "exp(-{below}) is {exact}, found {found}");
        }
    }

    #[test]
    fn weights_of_powers_of_two_are_exact() {
        // The golden cases hold logits that are logarithms of 1/2, 1/4 and 1/8, with p at their sums.
        for power in 0..8_u32 {
            let logit = (f64::from(power) * -std::f64::consts::LN_2) as f32;
            assert_eq!(weight(logit, 0.0), 1 << (WEIGHT_BITS - power));
        }
        assert_eq!([weight(f32::NEG_INFINITY, 3.0), weight(-1e30, 1e30)], [0, 0]);
    }

    #[test]
    fn a_part_is_rounded_down() {
        assert_eq!(part(7, 1 << 63), 3);
        assert_eq!(part(1 << 62, u64::MAX), (1 << 62) - 1);
    }
}
