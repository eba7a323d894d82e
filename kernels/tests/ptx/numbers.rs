//! The number formats of PTX in plain bits: `f16`, `bf16`, `tf32`, `f32` and `f64`.
//!
//! In:  the low bits of a register.
//! Out: a value that computes, and the bits back, rounded as the hardware rounds.
//! Source: PTX ISA, "Fundamental types" and "Alternate floating-point data formats".

/// Where a result goes that the format cannot hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `.rn`: to the nearest, ties to even.
    Nearest,
    /// `.rna`: to the nearest, ties away from zero.
    NearestAway,
    /// `.rz`: toward zero.
    Zero,
    /// `.rm`: toward minus infinity.
    Down,
    /// `.rp`: toward plus infinity.
    Up,
}

/// A binary format: bits of its fraction, its smallest normal exponent and its largest exponent.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    fraction_bits: i32,
    smallest_exponent: i32,
    largest_exponent: i32,
}

/// IEEE half precision.
pub const F16: Layout = Layout { fraction_bits: 10, smallest_exponent: -14, largest_exponent: 15 };
/// The upper half of an `f32`.
pub const BF16: Layout = Layout { fraction_bits: 7, smallest_exponent: -126, largest_exponent: 127 };
/// An `f32` with ten bits of fraction; lies in a 32-bit register as an `f32` does.
pub const TF32: Layout = Layout { fraction_bits: 10, smallest_exponent: -126, largest_exponent: 127 };
/// IEEE single precision.
pub const F32: Layout = Layout { fraction_bits: 23, smallest_exponent: -126, largest_exponent: 127 };

/// Unit steps of `value` are rounded to a whole number of them.
fn whole(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => value.round_ties_even(),
        Rounding::NearestAway => value.round(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}

/// The exponent of a finite value that is not zero: `value = m * 2^e` with `1 <= m < 2`.
fn exponent_of(value: f64) -> i32 {
    let biased = (value.to_bits() >> 52) & 0x7ff;
    if biased == 0 {
        // A subnormal `f64`; far below every format here, so only "very small" matters.
        return -1023;
    }
    biased as i32 - 1023
}

/// Two to the power of a normal exponent.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The nearest value (by `rounding`) that `layout` holds; infinite where it overflows.
pub fn rounded(value: f64, layout: Layout, rounding: Rounding) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let exponent = exponent_of(value).max(layout.smallest_exponent);
    let step = power(exponent - layout.fraction_bits);
    let result = (whole(value / step, rounding) * step).copysign(value);
    let largest = power(layout.largest_exponent) * (2.0 - power(-layout.fraction_bits));
    if result.abs() <= largest {
        return result;
    }
    let stays = match rounding {
        Rounding::Nearest | Rounding::NearestAway => false,
        Rounding::Zero => true,
        Rounding::Down => result > 0.0,
        Rounding::Up => result < 0.0,
    };
    if stays { largest.copysign(value) } else { f64::INFINITY.copysign(value) }
}

/// The value of an `f16`.
pub fn from_f16(bits: u64) -> f64 {
    let (sign, exponent, fraction) = ((bits >> 15) & 1, ((bits >> 10) & 0x1f) as i32, (bits & 0x3ff) as f64);
    let magnitude = match exponent {
        0 => fraction * power(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * power(exponent - 25),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// The bits of the `f16` nearest to a value.
pub fn to_f16(value: f64, rounding: Rounding) -> u64 {
    if value.is_nan() {
        return 0x7fff;
    }
    let value = rounded(value, F16, rounding);
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = value.abs();
    if magnitude.is_infinite() {
        return sign | 0x7c00;
    }
    if magnitude < power(-14) {
        return sign | (magnitude / power(-24)) as u64;
    }
    let exponent = exponent_of(magnitude);
    let fraction = (magnitude / power(exponent - 10)) as u64 - 1024;
    sign | (((exponent + 15) as u64) << 10) | fraction
}

/// The value of a `bf16`.
pub fn from_bf16(bits: u64) -> f64 {
    f64::from(f32::from_bits((bits as u32) << 16))
}

/// The bits of the `bf16` nearest to a value.
pub fn to_bf16(value: f64, rounding: Rounding) -> u64 {
    if value.is_nan() {
        return 0x7fff;
    }
    u64::from((rounded(value, BF16, rounding) as f32).to_bits() >> 16)
}

/// The value of an `f32`.
pub fn from_f32(bits: u64) -> f64 {
    f64::from(f32::from_bits(bits as u32))
}

/// The bits of the `f32` nearest to a value.
pub fn to_f32(value: f64, rounding: Rounding) -> u64 {
    if value.is_nan() {
        return 0x7fff_ffff;
    }
    let value = if rounding == Rounding::Nearest { value } else { rounded(value, F32, rounding) };
    u64::from((value as f32).to_bits())
}

/// The bits of the `tf32` nearest to a value.
pub fn to_tf32(value: f64, rounding: Rounding) -> u64 {
    if value.is_nan() {
        return 0x7fff_ffff;
    }
    u64::from((rounded(value, TF32, rounding) as f32).to_bits())
}

/// What the matrix units read of a 32-bit register as `tf32`: the lowest 13 bits are not looked at.
pub fn from_tf32(bits: u64) -> f64 {
    from_f32(bits & 0xffff_e000)
}

/// An `f32` below the normal numbers becomes zero of its sign, as `.ftz` asks.
pub fn flushed(bits: u64) -> u64 {
    if bits & 0x7f80_0000 == 0 { bits & 0x8000_0000 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for bits in (0..0x1_0000_u64).filter(|bits| bits & 0x7c00 != 0x7c00 || bits.trailing_zeros() >= 10) {
            assert_eq!(to_f16(from_f16(bits), Rounding::Nearest), bits, "{bits:#x}");
        }
    }

    #[test]
    fn halves_round_to_even_and_overflow_halfway_above_the_largest() {
        // 2049 lies between 2048 and 2050; 65520 between 65504 and the first number too large.
        assert_eq!(to_f16(2049.0, Rounding::Nearest), to_f16(2048.0, Rounding::Nearest));
        assert_eq!(to_f16(2051.0, Rounding::Nearest), to_f16(2052.0, Rounding::Nearest));
        assert_eq!(to_f16(65519.0, Rounding::Nearest), 0x7bff);
        assert_eq!(to_f16(65520.0, Rounding::Nearest), 0x7c00);
        assert_eq!(to_f16(65520.0, Rounding::Zero), 0x7bff);
    }

    #[test]
    fn brain_floats_round_to_even() {
        // 1 + 2^-8 lies between 1 and 1 + 2^-7, and 1 is even.
        assert_eq!(to_bf16(1.0 + 1.0 / 256.0, Rounding::Nearest), 0x3f80);
        assert_eq!(to_bf16(1.0 + 3.0 / 256.0, Rounding::Nearest), 0x3f82);
        assert_eq!(to_bf16(f64::from(f32::MAX), Rounding::Nearest), 0x7f80);
        assert_eq!(to_bf16(-0.0, Rounding::Nearest), 0x8000);
    }

    #[test]
    fn directed_rounding_of_singles_brackets_the_value() {
        let third = 1.0 / 3.0;
        let (down, up) = (to_f32(third, Rounding::Down), to_f32(third, Rounding::Up));
        assert_eq!(up - down, 1);
        assert!(from_f32(down) < third && third < from_f32(up));
    }
}
