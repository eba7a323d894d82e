//! exp and erf as polynomials, so that a loop over them becomes vector instructions.
//!
//! Source: exp has the range reduction and the polynomial of Cephes' `expf`; erf has the two polynomials of
//! N. Juffa's `erff` (published under a BSD licence): one for small arguments, one inside `1 - exp` for the rest.

use super::simd::multiply_add;

/// Below it exp is taken as exp of it, 1.6e-38: a weight that small adds nothing to a sum of others.
const LOWEST: f32 = -87.0;
/// Above it exp would leave the range of `f32`.
const HIGHEST: f32 = 88.0;
/// Adding it rounds to a whole number, which then stands in the low bits: 1.5 * 2^23.
const ROUNDING: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few bits that its products with exponents are exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// (exp(r) - 1 - r) / r² for |r| ≤ ln 2 / 2, highest power first.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

/// e to the power of x, within 1.2e-7 relative for x in [-87, 88]; outside, the value at the nearer end.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    let x = if x < LOWEST { LOWEST } else { x };
    let x = if x > HIGHEST { HIGHEST } else { x };
    let rounded = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUNDING);
    let exponent = rounded - ROUNDING;
    let rest = multiply_add::<FUSED>(exponent, -LN_2_HIGH, x);
    let rest = multiply_add::<FUSED>(exponent, -LN_2_LOW, rest);
    let mut series = EXP[0];
    for coefficient in &EXP[1..] {
        series = multiply_add::<FUSED>(series, rest, *coefficient);
    }
    let value = multiply_add::<FUSED>(series, rest * rest, rest) + 1.0;
    let power_of_two = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    value * power_of_two
}

/// Where the two polynomials of erf meet.
const ERF_SEAM: f32 = 0.927_734_4;
/// erf is 1 in `f32` from 3.92 on; the polynomial is not asked beyond this.
const ERF_END: f32 = 4.5;
/// (erf(x) - x) / x as a polynomial of x², highest power first.
const ERF_SMALL: [f32; 6] =
    [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_2e-1, -3.761_253_4e-1, 1.283_791_7e-1];
/// (ln(1 - erf(x)) + x) / x as a polynomial of x, highest power first.
const ERF_LARGE: [f32; 7] =
    [-1.728_534_7e-5, 3.831_971_3e-4, -3.883_964_4e-3, 2.425_462_2e-2, -1.067_778_8e-1, -6.348_467e-1, -1.287_175_1e-1];

/// The error function, within 1.2e-7 absolute.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn erf<const FUSED: bool>(x: f32) -> f32 {
    let square = x * x;
    let mut small = ERF_SMALL[0];
    for coefficient in &ERF_SMALL[1..] {
        small = multiply_add::<FUSED>(small, square, *coefficient);
    }
    let small = multiply_add::<FUSED>(small, x, x);

    let size = if x.abs() > ERF_END { ERF_END } else { x.abs() };
    let mut large = ERF_LARGE[0];
    for coefficient in &ERF_LARGE[1..] {
        large = multiply_add::<FUSED>(large, size, *coefficient);
    }
    let large = 1.0 - exp::<FUSED>(multiply_add::<FUSED>(large, size, -size));
    if x.abs() > ERF_SEAM { large.copysign(x) } else { small }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Taylor series (small arguments) and its continued fraction (large ones), in double precision.
    fn exact_erf(x: f64) -> f64 {
        if x.abs() < 3.0 {
            let (mut term, mut sum) = (x, x);
            for n in 1..200 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            return sum * 2.0 / std::f64::consts::PI.sqrt();
        }
        let mut fraction = 0.0;
        for n in (1..100).rev() {
            fraction = f64::from(n) / 2.0 / (x.abs() + fraction);
        }
        let complement = (-x * x).exp() / std::f64::consts::PI.sqrt() / (x.abs() + fraction);
        (1.0 - complement).copysign(x)
    }

    #[test]
    fn exp_is_right_to_the_last_bits() {
        let worst = |function: fn(f32) -> f32| {
            let inputs = (-870_000..880_000).step_by(7).map(|n| n as f32 * 1e-4);
            inputs.map(|x| (f64::from(function(x)) / f64::from(x).exp() - 1.0).abs()).fold(0.0, f64::max)
        };
        assert!(worst(exp::<true>) < 1.2e-7, "{}", worst(exp::<true>));
        assert!(worst(exp::<false>) < 1.2e-7, "{}", worst(exp::<false>));
        assert!(exp::<true>(-1e30) < 2e-38 && exp::<true>(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn erf_is_right_within_two_in_ten_million() {
        let worst = |function: fn(f32) -> f32| {
            let inputs = (-60_000..60_000).step_by(3).map(|n| n as f32 * 1e-4);
            inputs.map(|x| (f64::from(function(x)) - exact_erf(f64::from(x))).abs()).fold(0.0, f64::max)
        };
        assert!(worst(erf::<true>) < 1.2e-7, "{}", worst(erf::<true>));
        assert!(worst(erf::<false>) < 1.2e-7, "{}", worst(erf::<false>));
        assert!((erf::<true>(1e30) - 1.0).abs() < 1e-7 && (erf::<true>(-1e30) + 1.0).abs() < 1e-7);
    }
}
