//! `cvt`: from one number type to another.
//!
//! In:  statements.
//! Out: lane-wise actions. The common pairs have functions of their own; the others read a description that lies in
//! the operand no conversion needs.
//! Source: PTX ISA, "Data movement and conversion instructions: cvt".

use super::floats::{Float, Half, Operation, Relu, Saturate, Single};
use super::numbers::{Rounding, flushed, from_bf16, from_f16, from_f32, to_bf16, to_f16, to_f32, to_tf32};
use super::operand::Statement;
use super::program::{Action, Function, Source, Touch, Type};

const PARTS: [&str; 12] = ["rn", "rna", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "ftz", "sat", "relu"];
/// Types in the order of their codes.
const TYPES: [Type; 12] = [
    Type::U8,
    Type::S8,
    Type::U16,
    Type::S16,
    Type::U32,
    Type::S32,
    Type::U64,
    Type::S64,
    Type::F16,
    Type::Bf16,
    Type::F32,
    Type::F64,
];

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&PARTS)?;
    let [to, from] = statement.kinds()[..] else { return Err("does not name two types".to_owned()) };
    let way = way(statement);
    if matches!(to, Type::F16x2 | Type::Bf16x2) {
        return packed(statement, to, from, way);
    }
    let function = common(statement, to, from, way);
    let mut scalar = statement.scalar(function.unwrap_or(any))?;
    if function.is_none() {
        scalar.sources[3] = Source::Immediate(description(statement, to, from, way)?);
    }
    if statement.has("ftz") {
        scalar.before = (from == Type::F32).then_some(flushed as Touch);
        scalar.after = (to == Type::F32).then_some(flushed as Touch);
    }
    if !to.is_float() {
        scalar.after = Some(match statement.register(0)?.bytes {
            2 => |bits| bits & 0xffff,
            4 => |bits| bits & 0xffff_ffff,
            _ => |bits| bits,
        });
    }
    Ok(vec![Action::Scalar(scalar)])
}

/// The rounding that is named and whether it is to a whole number.
fn way(statement: &Statement) -> (Rounding, bool) {
    let ways = [
        ("rni", Rounding::Nearest, true),
        ("rzi", Rounding::Zero, true),
        ("rmi", Rounding::Down, true),
        ("rpi", Rounding::Up, true),
        ("rna", Rounding::NearestAway, false),
        ("rz", Rounding::Zero, false),
        ("rm", Rounding::Down, false),
        ("rp", Rounding::Up, false),
    ];
    let found = ways.into_iter().find(|(part, ..)| statement.has(part));
    found.map_or((Rounding::Nearest, false), |(_, rounding, is_whole)| (rounding, is_whole))
}

/// Functions for what kernels convert most.
fn common(statement: &Statement, to: Type, from: Type, way: (Rounding, bool)) -> Option<Function> {
    if statement.has("sat") || statement.has("relu") {
        return None;
    }
    let is_nearest = way == (Rounding::Nearest, false);
    Some(match (to, from) {
        (Type::F32, Type::Bf16) => |[a, ..]| (a & 0xffff) << 16,
        (Type::F32, Type::F16) => |[a, ..]| Single::write(from_f16(a & 0xffff)),
        (Type::Bf16, Type::F32) if is_nearest => |[a, ..]| to_bf16(from_f32(a), Rounding::Nearest),
        (Type::F16, Type::F32) if is_nearest => |[a, ..]| Half::write(from_f32(a)),
        (Type::Tf32, Type::F32) if way.0 == Rounding::NearestAway => {
            |[a, ..]| to_tf32(from_f32(a), Rounding::NearestAway)
        }
        (Type::Tf32, Type::F32) if is_nearest => |[a, ..]| to_tf32(from_f32(a), Rounding::Nearest),
        (Type::Tf32, Type::F32) if way.0 == Rounding::Zero => |[a, ..]| to_tf32(from_f32(a), Rounding::Zero),
        (Type::F32, Type::S32) if is_nearest => |[a, ..]| u64::from((a as i32 as f32).to_bits()),
        (Type::F32, Type::U32) if is_nearest => |[a, ..]| u64::from((a as u32 as f32).to_bits()),
        (Type::F32, Type::S64) if is_nearest => |[a, ..]| u64::from((a as i64 as f32).to_bits()),
        (Type::F32, Type::U64) if is_nearest => |[a, ..]| u64::from((a as f32).to_bits()),
        (Type::S32, Type::F32) if way == (Rounding::Zero, true) => {
            |[a, ..]| u64::from(f32::from_bits(a as u32) as i32 as u32)
        }
        (Type::U32, Type::F32) if way == (Rounding::Zero, true) => |[a, ..]| u64::from(f32::from_bits(a as u32) as u32),
        (Type::U64 | Type::S64, Type::U32) => |[a, ..]| a & 0xffff_ffff,
        (Type::S64 | Type::U64, Type::S32) => |[a, ..]| i64::from(a as i32) as u64,
        (Type::U32 | Type::S32, Type::U64 | Type::S64) => |[a, ..]| a & 0xffff_ffff,
        _ => return None,
    })
}

/// `cvt.rn.bf16x2.f32 d, high, low`.
fn packed(statement: &Statement, to: Type, from: Type, way: (Rounding, bool)) -> Result<Vec<Action>, String> {
    if from != Type::F32 || statement.has("sat") {
        return Err("has no such form".to_owned());
    }
    let function: Function = match (to, way.0, statement.has("relu")) {
        (Type::Bf16x2, Rounding::Nearest, false) => {
            |[high, low, ..]| pair([low, high].map(|a| to_bf16(from_f32(a), Rounding::Nearest)))
        }
        (Type::Bf16x2, Rounding::Nearest, true) => {
            |[high, low, ..]| pair([low, high].map(|a| to_bf16(from_f32(positive(a)), Rounding::Nearest)))
        }
        (Type::Bf16x2, Rounding::Zero, false) => {
            |[high, low, ..]| pair([low, high].map(|a| to_bf16(from_f32(a), Rounding::Zero)))
        }
        (Type::F16x2, Rounding::Nearest, false) => {
            |[high, low, ..]| pair([low, high].map(|a| to_f16(from_f32(a), Rounding::Nearest)))
        }
        (Type::F16x2, Rounding::Nearest, true) => {
            |[high, low, ..]| pair([low, high].map(|a| to_f16(from_f32(positive(a)), Rounding::Nearest)))
        }
        (Type::F16x2, Rounding::Zero, false) => {
            |[high, low, ..]| pair([low, high].map(|a| to_f16(from_f32(a), Rounding::Zero)))
        }
        _ => return Err("has no such form".to_owned()),
    };
    statement.count(3..=3)?;
    statement.arithmetic(function)
}

fn pair([low, high]: [u64; 2]) -> u64 {
    low | high << 16
}

fn positive(bits: u64) -> u64 {
    Relu::apply::<Single>([bits, 0, 0, 0])
}

/// Types, rounding and flags as a number: 4 bits each for the types, 3 for the rounding, one each for the flags.
fn description(statement: &Statement, to: Type, from: Type, way: (Rounding, bool)) -> Result<u64, String> {
    let code = |kind| TYPES.iter().position(|known| *known == kind).map(|code| code as u64);
    let (Some(to), Some(from)) = (code(to), code(from)) else { return Err("has no such form".to_owned()) };
    let flags = [way.1, statement.has("sat"), statement.has("relu")];
    let flags = flags.iter().enumerate().fold(0, |sum, (place, flag)| sum | u64::from(*flag) << place);
    Ok(to | from << 4 | (way.0 as u64) << 8 | flags << 12)
}

/// Any conversion by its description.
fn any([a, _, _, description]: [u64; 4]) -> u64 {
    let [to, from] = [description & 15, description >> 4 & 15].map(|code| TYPES[code as usize]);
    let rounding = match description >> 8 & 15 {
        0 => Rounding::Nearest,
        1 => Rounding::NearestAway,
        2 => Rounding::Zero,
        3 => Rounding::Down,
        _ => Rounding::Up,
    };
    let [is_whole, saturates, has_relu] = [12, 13, 14].map(|bit| description >> bit & 1 == 1);
    if !from.is_float() && !to.is_float() {
        let value = integer_value(a, from);
        return if saturates { clamped(value, to) } else { integer_bits(value, to) };
    }
    if !from.is_float() {
        return float_bits(integer_value(a, from) as f64, to, rounding);
    }
    let mut value = float_value(a, from);
    if !to.is_float() {
        let whole = rounded_to_whole(value, rounding);
        return if whole.is_nan() { 0 } else { clamped(whole as i128, to) };
    }
    if is_whole {
        value = rounded_to_whole(value, rounding);
    }
    let bits = float_bits(value, to, rounding);
    match (saturates, has_relu) {
        (true, _) if to == Type::F32 => Saturate::apply::<Single>([bits, 0, 0, 0]),
        (true, _) => float_bits(if value > 0.0 { value.min(1.0) } else { 0.0 }, to, rounding),
        (_, true) => float_bits(if value > 0.0 || value.is_nan() { value } else { 0.0 }, to, rounding),
        _ => bits,
    }
}

fn rounded_to_whole(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => value.round_ties_even(),
        Rounding::NearestAway => value.round(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}

fn integer_value(bits: u64, kind: Type) -> i128 {
    match kind {
        Type::U8 => i128::from(bits as u8),
        Type::S8 => i128::from(bits as i8),
        Type::U16 => i128::from(bits as u16),
        Type::S16 => i128::from(bits as i16),
        Type::U32 => i128::from(bits as u32),
        Type::S32 => i128::from(bits as i32),
        Type::S64 => i128::from(bits as i64),
        _ => i128::from(bits),
    }
}

/// The lowest bits, widened by the type's sign so that a wider register holds the same number.
fn integer_bits(value: i128, kind: Type) -> u64 {
    integer_value(value as u64, kind) as u64
}

fn clamped(value: i128, kind: Type) -> u64 {
    let bits = 8 * kind.bytes() as u32;
    let (least, most) = if kind.is_signed() {
        (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
    } else {
        (0, (1_i128 << bits) - 1)
    };
    value.clamp(least, most) as u64
}

fn float_value(bits: u64, kind: Type) -> f64 {
    match kind {
        Type::F16 => from_f16(bits & 0xffff),
        Type::Bf16 => from_bf16(bits & 0xffff),
        Type::F32 => from_f32(bits),
        _ => f64::from_bits(bits),
    }
}

fn float_bits(value: f64, kind: Type, rounding: Rounding) -> u64 {
    match kind {
        Type::F16 => to_f16(value, rounding),
        Type::Bf16 => to_bf16(value, rounding),
        Type::F32 => to_f32(value, rounding),
        _ => value.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(to: Type, from: Type, rounding: Rounding, flags: u64, bits: u64) -> u64 {
        let code = |kind| TYPES.iter().position(|known| *known == kind).expect("listed") as u64;
        any([bits, 0, 0, code(to) | code(from) << 4 | (rounding as u64) << 8 | flags << 12])
    }

    #[test]
    fn floats_become_whole_numbers_toward_the_named_side_and_stay_in_range() {
        let bits = |value: f32| u64::from(value.to_bits());
        let down = converted(Type::S32, Type::F32, Rounding::Down, 1, bits(-1.5));
        assert_eq!(down as i32, -2);
        assert_eq!(converted(Type::U8, Type::F32, Rounding::Zero, 1, bits(300.0)), 255);
        assert_eq!(converted(Type::S32, Type::F32, Rounding::Zero, 1, bits(f32::NAN)), 0);
    }

    #[test]
    fn narrow_integers_keep_their_sign() {
        assert_eq!(converted(Type::S32, Type::S8, Rounding::Nearest, 0, 0xff) as i32, -1);
        assert_eq!(converted(Type::U32, Type::U8, Rounding::Nearest, 0, 0x1ff), 0xff);
    }

    #[test]
    fn a_double_rounds_once_to_a_half() {
        // 1 + 2^-11 + 2^-30 is above the middle of two halves; through f32 it would lie on it and go to 1.
        let value = 1.0 + 2.0_f64.powi(-11) + 2.0_f64.powi(-30);
        assert_eq!(converted(Type::F16, Type::F64, Rounding::Nearest, 0, value.to_bits()), 0x3c01);
    }
}
