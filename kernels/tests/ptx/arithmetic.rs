//! Arithmetic opcodes: which function each form of `add`, `mul`, `fma`, `min` and so on is.
//!
//! In:  statements.
//! Out: lane-wise actions; integers wrap as the hardware's do.
//! Source: PTX ISA, "Integer arithmetic instructions" and "Floating-point instructions".

use super::floats::{self, Operation};
use super::numbers::{Rounding, flushed};
use super::operand::Statement;
use super::program::{Action, Function, Source, Touch, Type};

/// Parts that choose among functions or say nothing that matters here.
const PARTS: [&str; 14] =
    ["rn", "rz", "rm", "rp", "ftz", "sat", "approx", "full", "relu", "NaN", "lo", "hi", "wide", "noftz"];

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&PARTS)?;
    let kind = statement.kind()?;
    let name = statement.parts[0];
    if !kind.is_float() {
        let function = integer_function(statement, kind).ok_or_else(|| "has no such form".to_owned())?;
        return statement.arithmetic(function);
    }
    if matches!(name, "neg" | "abs" | "copysign") { sign(statement, kind) } else { float(statement, kind) }
}

fn rounding(statement: &Statement) -> Rounding {
    let ways = [("rz", Rounding::Zero), ("rm", Rounding::Down), ("rp", Rounding::Up)];
    ways.into_iter().find(|(part, _)| statement.has(part)).map_or(Rounding::Nearest, |(_, way)| way)
}

fn float(statement: &Statement, kind: Type) -> Result<Vec<Action>, String> {
    let name = statement.parts[0];
    let function = match (rounding(statement), kind) {
        (Rounding::Nearest, _) => float_function(name, kind, statement.has("NaN")),
        (way, Type::F32) => floats::directed(name, way),
        (way, Type::F64) => floats::directed_double(name, way),
        _ => None,
    };
    let mut scalar = statement.scalar(function.ok_or_else(|| "has no such form".to_owned())?)?;
    let flushes = statement.has("ftz") && kind == Type::F32;
    scalar.before = flushes.then_some(flushed as Touch);
    scalar.after = after(statement, kind, flushes)?;
    Ok(vec![Action::Scalar(scalar)])
}

/// What is done to a result: `.ftz`, `.sat`, `.relu`.
fn after(statement: &Statement, kind: Type, flushes: bool) -> Result<Option<Touch>, String> {
    if statement.has("sat") {
        return match kind {
            Type::F32 => Ok(Some(|bits| floats::Saturate::apply::<floats::Single>([bits, 0, 0, 0]))),
            Type::F16 => Ok(Some(|bits| floats::Saturate::apply::<floats::Half>([bits, 0, 0, 0]))),
            _ => Err("saturates a type it is not known for".to_owned()),
        };
    }
    if statement.has("relu") {
        return match kind {
            Type::F16 | Type::F16x2 | Type::Bf16 | Type::Bf16x2 => Ok(Some(no_negative_halves)),
            _ => Err("has `.relu` on a type it is not known for".to_owned()),
        };
    }
    Ok(flushes.then_some(flushed as Touch))
}

/// Halves with their sign set become zero.
fn no_negative_halves(bits: u64) -> u64 {
    let one = |half: u64| if half & 0x8000 == 0 { half } else { 0 };
    one(bits & 0xffff) | one((bits >> 16) & 0xffff) << 16
}

/// Operations on the sign alone.
fn sign(statement: &Statement, kind: Type) -> Result<Vec<Action>, String> {
    let mask = Source::Immediate(floats::sign_bits(kind));
    let (function, place): (Function, usize) = match statement.parts[0] {
        "neg" => (|[a, mask, ..]| a ^ mask, 1),
        "abs" => (|[a, mask, ..]| a & !mask, 1),
        _ => (|[a, b, mask, _]| (a & mask) | (b & !mask), 2),
    };
    let mut scalar = statement.scalar(function)?;
    scalar.sources[place] = mask;
    scalar.after = (statement.has("ftz") && kind == Type::F32).then_some(flushed as Touch);
    Ok(vec![Action::Scalar(scalar)])
}

/// The function of a float opcode, rounded to nearest.
pub fn float_function(name: &str, kind: Type, keeps_nan: bool) -> Option<Function> {
    match name {
        "add" => floats::of::<floats::Add>(kind),
        "sub" => floats::of::<floats::Sub>(kind),
        "mul" => floats::of::<floats::Mul>(kind),
        "fma" | "mad" => floats::of::<floats::Fma>(kind),
        "div" => floats::of::<floats::Div>(kind),
        "rcp" => floats::of::<floats::Rcp>(kind),
        "sqrt" => floats::of::<floats::Sqrt>(kind),
        "rsqrt" => floats::of::<floats::Rsqrt>(kind),
        "min" if keeps_nan => floats::of::<floats::MinNan>(kind),
        "max" if keeps_nan => floats::of::<floats::MaxNan>(kind),
        "min" => floats::of::<floats::Min>(kind),
        "max" => floats::of::<floats::Max>(kind),
        "ex2" => floats::of::<floats::Ex2>(kind),
        "lg2" => floats::of::<floats::Lg2>(kind),
        "sin" => floats::of::<floats::Sin>(kind),
        "cos" => floats::of::<floats::Cos>(kind),
        "tanh" => floats::of::<floats::Tanh>(kind),
        _ => None,
    }
}

/// A function of integers of a type: `$wide` is the type of twice the width.
macro_rules! integer {
    ($kind:expr, |$a:ident, $b:ident, $c:ident, $wide:ident| $value:expr) => {{
        macro_rules! one {
            ($narrow:ty, $unsigned:ty, $twice:ty) => {{
                #[allow(unused_variables, reason = "few operations have three operands")]
                #[allow(clippy::cast_lossless, reason = "one text for all types")]
                fn function([a, b, c, _]: [u64; 4]) -> u64 {
                    type $wide = $twice;
                    let ($a, $b, $c) = (a as $narrow, b as $narrow, c as $narrow);
                    let value: $narrow = $value;
                    value as $unsigned as u64
                }
                Some(function as Function)
            }};
        }
        match $kind {
            Type::U16 | Type::B16 => one!(u16, u16, u32),
            Type::S16 => one!(i16, u16, i32),
            Type::U32 | Type::B32 => one!(u32, u32, u64),
            Type::S32 => one!(i32, u32, i64),
            Type::U64 | Type::B64 => one!(u64, u64, u128),
            Type::S64 => one!(i64, u64, i128),
            _ => None,
        }
    }};
}

fn integer_function(statement: &Statement, kind: Type) -> Option<Function> {
    let name = statement.parts[0];
    if statement.has("sat") || statement.has("relu") {
        return None;
    }
    match name {
        "mul" | "mad" if statement.has("wide") => wide(kind),
        "mul" if statement.has("hi") => {
            integer!(kind, |a, b, c, Wide| ((a as Wide).wrapping_mul(b as Wide) >> (8 * size_of_val(&a))) as _)
        }
        "mad" if statement.has("hi") => integer!(kind, |a, b, c, Wide| {
            let high = (a as Wide).wrapping_mul(b as Wide) >> (8 * size_of_val(&a));
            c.wrapping_add(high as _)
        }),
        "mad" => integer!(kind, |a, b, c, Wide| a.wrapping_mul(b).wrapping_add(c)),
        "sad" => integer!(kind, |a, b, c, Wide| c.wrapping_add(a.max(b).wrapping_sub(a.min(b)))),
        "neg" => integer!(kind, |a, b, c, Wide| a.wrapping_neg()),
        "abs" => match kind {
            Type::S16 => Some(|[a, ..]| u64::from((a as i16).unsigned_abs())),
            Type::S32 => Some(|[a, ..]| u64::from((a as i32).unsigned_abs())),
            Type::S64 => Some(|[a, ..]| (a as i64).unsigned_abs()),
            _ => None,
        },
        _ => two_integers(name, kind),
    }
}

/// Integer functions of two operands, also those of atomics.
pub fn two_integers(name: &str, kind: Type) -> Option<Function> {
    if matches!(kind, Type::U16x2 | Type::S16x2) {
        return integer_pairs(name, kind);
    }
    match name {
        "add" => integer!(kind, |a, b, c, Wide| a.wrapping_add(b)),
        "sub" => integer!(kind, |a, b, c, Wide| a.wrapping_sub(b)),
        "mul" => integer!(kind, |a, b, c, Wide| a.wrapping_mul(b)),
        // Without an exception to raise, the hardware gives all ones for a quotient by zero.
        "div" => integer!(kind, |a, b, c, Wide| if b == 0 { !0 } else { a.wrapping_div(b) }),
        "rem" => integer!(kind, |a, b, c, Wide| if b == 0 { a } else { a.wrapping_rem(b) }),
        "min" => integer!(kind, |a, b, c, Wide| a.min(b)),
        "max" => integer!(kind, |a, b, c, Wide| a.max(b)),
        _ => None,
    }
}

/// Functions of pairs of 16-bit integers.
fn integer_pairs(name: &str, kind: Type) -> Option<Function> {
    macro_rules! each {
        (|$a:ident, $b:ident| $value:expr) => {
            |[a, b, ..]| {
                let one = |shift: u32| {
                    let ($a, $b) = ((a >> shift) as u16, (b >> shift) as u16);
                    u64::from($value) << shift
                };
                one(0) | one(16)
            }
        };
    }
    Some(match (name, kind) {
        ("add", _) => each!(|a, b| a.wrapping_add(b)),
        ("min", Type::U16x2) => each!(|a, b| a.min(b)),
        ("max", Type::U16x2) => each!(|a, b| a.max(b)),
        ("min", _) => each!(|a, b| (a as i16).min(b as i16) as u16),
        ("max", _) => each!(|a, b| (a as i16).max(b as i16) as u16),
        _ => return None,
    })
}

/// A product of twice the width, plus the third operand (which is zero for `mul`).
fn wide(kind: Type) -> Option<Function> {
    Some(match kind {
        Type::U16 => |[a, b, c, _]| u64::from((u32::from(a as u16) * u32::from(b as u16)).wrapping_add(c as u32)),
        Type::S16 => {
            |[a, b, c, _]| u64::from((i32::from(a as i16) * i32::from(b as i16)).wrapping_add(c as i32) as u32)
        }
        Type::U32 => |[a, b, c, _]| (u64::from(a as u32) * u64::from(b as u32)).wrapping_add(c),
        Type::S32 => |[a, b, c, _]| (i64::from(a as i32) * i64::from(b as i32)).wrapping_add(c as i64) as u64,
        _ => return None,
    })
}
