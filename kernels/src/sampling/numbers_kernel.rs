//! The arithmetic of `numbers.rs` in the language of the kernels: the same bits.

use cubecl::prelude::*;

use super::numbers::{EXP, FARTHEST, LN_2_HIGH, LN_2_LOW, ROUNDING, SIGN, WEIGHT_BITS};

/// [`super::numbers::key`].
#[cube]
pub(super) fn key_of(logit: f32) -> u32 {
    let bits = u32::reinterpret(logit);
    let negative = select(bits == SIGN, SIGN.runtime(), !bits);
    select(bits < SIGN, bits | SIGN, negative)
}

/// [`super::numbers::logit`].
#[cube]
pub(super) fn logit_of(key: u32) -> f32 {
    f32::reinterpret(select(key < SIGN, !key, key ^ SIGN))
}

/// [`super::numbers::weight`].
#[cube]
pub(super) fn weight_of(logit: f32, largest: f32) -> u64 {
    let below = largest - logit;
    let below = select(below < FARTHEST, below, FARTHEST.runtime());
    let rounded = fma(-below, f32::new(std::f32::consts::LOG2_E), f32::new(ROUNDING));
    let exponent = rounded - ROUNDING;
    let rest = fma(exponent, f32::new(-LN_2_HIGH), -below);
    let rest = fma(exponent, f32::new(-LN_2_LOW), rest);
    let mut series = f32::new(comptime!(EXP[0]));
    #[unroll]
    for power in 1..6usize {
        series = fma(series, rest, f32::new(comptime!(EXP[power])));
    }
    let bits = u32::reinterpret(fma(series, rest * rest, rest) + 1.0f32);
    let mantissa = ((bits & 0x007f_ffffu32) | 0x0080_0000u32) << ((bits >> 23u32) - 126u32);
    let shift = comptime!(ROUNDING.to_bits()) - u32::reinterpret(rounded);
    (u64::cast_from(mantissa) << comptime!(u64::from(WEIGHT_BITS - 24))) >> u64::cast_from(shift)
}

/// [`super::numbers::part`], from products of halves.
#[cube]
pub(super) fn part_of(number: u64, fraction: u64) -> u64 {
    let mask = 0xffff_ffffu64;
    let (low, high) = (number & mask, number >> 32u64);
    let (fraction_low, fraction_high) = (fraction & mask, fraction >> 32u64);
    let first = low * fraction_high;
    let second = high * fraction_low;
    let carried = ((low * fraction_low) >> 32u64) + (first & mask) + (second & mask);
    high * fraction_high + (first >> 32u64) + (second >> 32u64) + (carried >> 32u64)
}

/// Two words as one number, the low one first.
#[cube]
pub(super) fn words_of(samplers: &[u32], first: usize) -> u64 {
    u64::cast_from(samplers[first]) | (u64::cast_from(samplers[first + 1]) << 32u64)
}
