//! Arithmetic of `f16`, `bf16`, `f32`, `f64` and pairs of halves, one lane at a time.
//!
//! In:  bits of the operands.
//! Out: bits of the result, rounded once. Narrow formats are computed in `f64` and rounded; a fused product is made
//! exact first by rounding to odd, so that the second rounding cannot go wrong.
//! Source: PTX ISA, "Floating-point instructions"; Boldo and Melquiond, "Emulation of FMA and correctly rounded sums".

use super::numbers::{Rounding, from_bf16, from_f16, from_f32, to_bf16, to_f16, to_f32};
use super::program::{Function, Type};
use std::cmp::Ordering;

/// A format as values of `f64`.
pub trait Float {
    /// The value of some bits.
    fn read(bits: u64) -> f64;
    /// The nearest bits to a value.
    fn write(value: f64) -> u64;
    /// `a * b + c`, rounded once.
    fn fused(a: f64, b: f64, c: f64) -> f64 {
        odd_sum(a * b, c)
    }
}

/// `f16`.
pub struct Half;
/// `bf16`.
pub struct Brain;
/// `f32`.
pub struct Single;
/// `f64`.
pub struct Double;

impl Float for Half {
    fn read(bits: u64) -> f64 {
        from_f16(bits & 0xffff)
    }
    fn write(value: f64) -> u64 {
        to_f16(value, Rounding::Nearest)
    }
}

impl Float for Brain {
    fn read(bits: u64) -> f64 {
        from_bf16(bits & 0xffff)
    }
    fn write(value: f64) -> u64 {
        to_bf16(value, Rounding::Nearest)
    }
}

impl Float for Single {
    fn read(bits: u64) -> f64 {
        from_f32(bits)
    }
    fn write(value: f64) -> u64 {
        u64::from((value as f32).to_bits())
    }
    fn fused(a: f64, b: f64, c: f64) -> f64 {
        f64::from((a as f32).mul_add(b as f32, c as f32))
    }
}

impl Float for Double {
    fn read(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
    fn write(value: f64) -> u64 {
        value.to_bits()
    }
    fn fused(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

/// A sum rounded to odd: where it is not exact, the last bit of the result is one.
pub fn odd_sum(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if !sum.is_finite() {
        return sum;
    }
    let error = sum_error(a, b, sum);
    if error == 0.0 || sum.to_bits() & 1 == 1 {
        return sum;
    }
    if error > 0.0 { sum.next_up() } else { sum.next_down() }
}

/// An operation that every format knows.
pub trait Operation {
    /// The result's bits.
    fn apply<F: Float>(operands: [u64; 4]) -> u64;
}

/// The operation on both halves of a register.
fn both<F: Float, O: Operation>(operands: [u64; 4]) -> u64 {
    let low = O::apply::<F>(operands.map(|bits| bits & 0xffff));
    let high = O::apply::<F>(operands.map(|bits| (bits >> 16) & 0xffff));
    low | high << 16
}

/// An operation for a type.
pub fn of<O: Operation>(kind: Type) -> Option<Function> {
    Some(match kind {
        Type::F16 => O::apply::<Half>,
        Type::F16x2 => both::<Half, O>,
        Type::Bf16 => O::apply::<Brain>,
        Type::Bf16x2 => both::<Brain, O>,
        Type::F32 => O::apply::<Single>,
        Type::F64 => O::apply::<Double>,
        _ => return None,
    })
}

macro_rules! operation {
    ($(#[$doc:meta])* $name:ident, $format:ident, |$a:ident, $b:ident, $c:ident| $value:expr) => {
        $(#[$doc])*
        pub struct $name;
        impl Operation for $name {
            fn apply<$format: Float>(operands: [u64; 4]) -> u64 {
                #[allow(unused_variables, reason = "few operations have three operands")]
                let [$a, $b, $c] = [operands[0], operands[1], operands[2]].map($format::read);
                $format::write($value)
            }
        }
    };
}

operation!(/** Sum. */ Add, F, |a, b, c| a + b);
operation!(/** Difference. */ Sub, F, |a, b, c| a - b);
operation!(/** Product. */ Mul, F, |a, b, c| a * b);
operation!(/** Product and sum, rounded once. */ Fma, F, |a, b, c| F::fused(a, b, c));
operation!(/** Quotient. */ Div, F, |a, b, c| a / b);
operation!(/** Inverse. */ Rcp, F, |a, b, c| 1.0 / a);
operation!(/** Square root. */ Sqrt, F, |a, b, c| a.sqrt());
operation!(/** Inverse of the square root. */ Rsqrt, F, |a, b, c| 1.0 / a.sqrt());
operation!(/** The smaller one; a number rather than NaN. */ Min, F, |a, b, c| smaller(a, b));
operation!(/** The larger one; a number rather than NaN. */ Max, F, |a, b, c| -smaller(-a, -b));
operation!(/** The smaller one, or NaN. */ MinNan, F, |a, b, c| if a.is_nan() || b.is_nan() { f64::NAN } else { smaller(a, b) });
operation!(/** The larger one, or NaN. */ MaxNan, F, |a, b, c| if a.is_nan() || b.is_nan() { f64::NAN } else { -smaller(-a, -b) });
operation!(/** Two to a power. */ Ex2, F, |a, b, c| a.exp2());
operation!(/** Logarithm to base two. */ Lg2, F, |a, b, c| a.log2());
operation!(/** Sine. */ Sin, F, |a, b, c| a.sin());
operation!(/** Cosine. */ Cos, F, |a, b, c| a.cos());
operation!(/** Hyperbolic tangent. */ Tanh, F, |a, b, c| a.tanh());
operation!(/** Between zero and one; zero for NaN. */ Saturate, F, |a, b, c| if a > 0.0 { a.min(1.0) } else { 0.0 });
operation!(/** Zero where negative. */ Relu, F, |a, b, c| if a.is_nan() || a > 0.0 { a } else { 0.0 });

/// The smaller of two numbers, minus zero below plus zero; the number where the other is NaN.
fn smaller(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        Some(Ordering::Equal) if b.is_sign_negative() => b,
        Some(Ordering::Equal | Ordering::Less) => a,
        Some(Ordering::Greater) => b,
        None => {
            if b.is_nan() {
                a
            } else {
                b
            }
        }
    }
}

/// The bit that holds the sign of a type, or of both halves.
pub fn sign_bits(kind: Type) -> u64 {
    match kind {
        Type::F16 | Type::Bf16 => 0x8000,
        Type::F16x2 | Type::Bf16x2 => 0x8000_8000,
        Type::F64 => 1 << 63,
        _ => 0x8000_0000,
    }
}

/// `f32` arithmetic rounded in a direction.
pub fn directed(name: &str, rounding: Rounding) -> Option<Function> {
    macro_rules! each {
        (|$a:ident, $b:ident, $c:ident| $value:expr) => {{
            #[allow(unused_variables, reason = "few operations have three operands")]
            fn exact(operands: [u64; 4]) -> f64 {
                let [$a, $b, $c] = [operands[0], operands[1], operands[2]].map(from_f32);
                $value
            }
            match rounding {
                Rounding::Zero => |operands| to_f32(exact(operands), Rounding::Zero),
                Rounding::Down => |operands| to_f32(exact(operands), Rounding::Down),
                Rounding::Up => |operands| to_f32(exact(operands), Rounding::Up),
                _ => |operands| to_f32(exact(operands), Rounding::Nearest),
            }
        }};
    }
    let function: Function = match name {
        "add" => each!(|a, b, c| odd_sum(a, b)),
        "sub" => each!(|a, b, c| odd_sum(a, -b)),
        "mul" => each!(|a, b, c| a * b),
        "fma" | "mad" => each!(|a, b, c| odd_sum(a * b, c)),
        "div" => each!(|a, b, c| a / b),
        "rcp" => each!(|a, b, c| 1.0 / a),
        "sqrt" => each!(|a, b, c| a.sqrt()),
        _ => return None,
    };
    Some(function)
}

/// `f64` arithmetic rounded in a direction, from the nearest result and the sign of its error.
pub fn directed_double(name: &str, rounding: Rounding) -> Option<Function> {
    macro_rules! each {
        (|$a:ident, $b:ident, $c:ident| $value:expr, |$nearest:ident| $error:expr) => {{
            #[allow(unused_variables, reason = "few operations have three operands")]
            fn parts(operands: [u64; 4]) -> (f64, f64) {
                let [$a, $b, $c] = [operands[0], operands[1], operands[2]].map(f64::from_bits);
                let $nearest: f64 = $value;
                ($nearest, $error)
            }
            match rounding {
                Rounding::Zero => |operands| toward_zero(parts(operands)).to_bits(),
                Rounding::Down => |operands| downward(parts(operands)).to_bits(),
                Rounding::Up => |operands| {
                    let (nearest, error) = parts(operands);
                    (-downward((-nearest, -error))).to_bits()
                },
                _ => |operands| parts(operands).0.to_bits(),
            }
        }};
    }
    let function: Function = match name {
        "add" => each!(|a, b, c| a + b, |sum| sum_error(a, b, sum)),
        "sub" => each!(|a, b, c| a - b, |sum| sum_error(a, -b, sum)),
        "mul" => each!(|a, b, c| a * b, |product| a.mul_add(b, -product)),
        "fma" => each!(|a, b, c| a.mul_add(b, c), |sum| fused_error(a, b, c, sum)),
        "div" => each!(|a, b, c| a / b, |quotient| (-quotient).mul_add(b, a) * b.signum()),
        "rcp" => each!(|a, b, c| 1.0 / a, |inverse| (-inverse).mul_add(a, 1.0) * a.signum()),
        "sqrt" => each!(|a, b, c| a.sqrt(), |root| (-root).mul_add(root, a)),
        _ => return None,
    };
    Some(function)
}

/// What a sum lost to rounding.
fn sum_error(a: f64, b: f64, sum: f64) -> f64 {
    let part = sum - a;
    (a - (sum - part)) + (b - part)
}

/// What a fused product and sum lost to rounding; its sign is right, its last bits need not be.
fn fused_error(a: f64, b: f64, c: f64, fused: f64) -> f64 {
    let product = a * b;
    let sum = product + c;
    (sum - fused) + (sum_error(product, c, sum) + a.mul_add(b, -product))
}

fn downward((nearest, error): (f64, f64)) -> f64 {
    if error < 0.0 { nearest.next_down() } else { nearest }
}

fn toward_zero((nearest, error): (f64, f64)) -> f64 {
    if nearest > 0.0 { downward((nearest, error)) } else { -downward((-nearest, -error)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fused_product_of_halves_keeps_what_a_rounded_one_loses() {
        // (1 + 2^-10) (1 - 2^-10) - 1 = -2^-20; the product alone rounds to 1.
        let [a, b, c] = [1.0 + 1.0 / 1024.0, 1.0 - 1.0 / 1024.0, -1.0].map(Half::write);
        assert_eq!(Fma::apply::<Half>([a, b, c, 0]), Half::write(-1.0 / 1_048_576.0));
    }

    #[test]
    fn rounding_down_and_up_bracket_a_sum() {
        let bits = |value: f32| u64::from(value.to_bits());
        let [down, up] = [Rounding::Down, Rounding::Up].map(|way| {
            let add = directed("add", way).expect("addition has directions");
            f32::from_bits(add([bits(1.0), bits(1e-20), 0, 0]) as u32)
        });
        assert_eq!((down, up), (1.0, 1.0_f32.next_up()));
    }

    #[test]
    fn the_smaller_zero_is_the_negative_one_and_numbers_win_over_nan() {
        let bits = |value: f32| u64::from(value.to_bits());
        assert_eq!(Min::apply::<Single>([bits(0.0), bits(-0.0), 0, 0]), bits(-0.0));
        assert_eq!(Max::apply::<Single>([bits(f32::NAN), bits(2.0), 0, 0]), bits(2.0));
    }
}
