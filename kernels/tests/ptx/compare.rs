//! Comparisons and choices: `setp`, `set`, `selp`, `slct`, `testp`.
//!
//! In:  statements.
//! Out: lane-wise actions that write predicates, masks or one of two values.
//! Source: PTX ISA, "Comparison and selection instructions".

use super::numbers::{flushed, from_bf16, from_f16, from_f32};
use super::operand::{NONE, Operand, Statement, source_of};
use super::program::{Action, Function, Scalar, Source, Touch, Type};
use std::cmp::Ordering;

/// Comparison names, ordered and unordered, of signed and unsigned integers.
const COMPARISONS: [&str; 18] = [
    "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
];

/// How a comparison joins a third predicate; the low bits of a code, with [`NEGATED`] for `!c`.
const JOINS: [&str; 3] = ["and", "or", "xor"];
const NEGATED: u64 = 4;

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    match statement.parts[0] {
        "setp" => setp(statement),
        "set" => set(statement),
        "testp" => testp(statement),
        name => {
            statement.allow(&["ftz"])?;
            let choice: Function = if name == "selp" {
                |[a, b, chooses, _]| if chooses & 1 == 1 { a } else { b }
            } else {
                |[a, b, sign, _]| if sign >> 31 & 1 == 0 { a } else { b }
            };
            let mut scalar = statement.scalar(choice)?;
            scalar.after = Some(match statement.register(0)?.bytes {
                2 => |bits| bits & 0xffff,
                4 => |bits| bits & 0xffff_ffff,
                _ => |bits| bits,
            });
            Ok(vec![Action::Scalar(scalar)])
        }
    }
}

fn comparison<'a>(statement: &Statement<'a>) -> Result<&'a str, String> {
    let found = statement.parts[1..].iter().find(|part| COMPARISONS.contains(part));
    found.copied().ok_or_else(|| "names no comparison".to_owned())
}

/// The code of how the third operand is joined, and the operand.
fn joining(statement: &Statement) -> Result<(u64, Source), String> {
    let Some(join) = JOINS.iter().position(|join| statement.has(join)) else { return Ok((0, NONE)) };
    match statement.operand(3)? {
        Operand::Negated(register) => Ok((join as u64 + 1 + NEGATED, Source::Register(register.index))),
        other => Ok((join as u64 + 1, source_of(other)?)),
    }
}

fn setp(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&[&COMPARISONS[..], &JOINS, &["ftz"]].concat())?;
    statement.count(3..=4)?;
    let (kind, name) = (statement.kind()?, comparison(statement)?);
    let (code, joined) = joining(statement)?;
    let one = |function: Option<Function>, target: &Operand| {
        let Operand::Register(register) = target else { return Err(format!("writes to {target:?}")) };
        let function = function.ok_or_else(|| format!("does not compare by `{name}`"))?;
        let sources = [statement.source(1)?, statement.source(2)?, joined, Source::Immediate(code)];
        let before = (statement.has("ftz") && kind == Type::F32).then_some(flushed as Touch);
        Ok(Action::Scalar(Scalar { function, sources, destination: register.index, before, after: None }))
    };
    match (kind, statement.operand(0)?) {
        (Type::F16x2 | Type::Bf16x2, Operand::Pair(low, high)) => {
            let [of_low, of_high] = half_comparisons(kind, name);
            Ok(vec![one(of_low, low)?, one(of_high, high)?])
        }
        (_, target) => Ok(vec![one(scalar_comparison(kind, name), target)?]),
    }
}

/// Joins a third predicate as its code says.
fn join(is_so: bool, third: u64, code: u64) -> u64 {
    let third = (third & 1 == 1) != (code & NEGATED != 0);
    u64::from(match code & 3 {
        0 => is_so,
        1 => is_so && third,
        2 => is_so || third,
        _ => is_so != third,
    })
}

/// One function per comparison, given how two values of a type are ordered (`None` where one is NaN).
macro_rules! by_order {
    ($name:expr, |$a:ident, $b:ident| $order:expr) => {{
        #[allow(clippy::unnecessary_wraps, reason = "floats need it")]
        fn order($a: u64, $b: u64) -> Option<Ordering> {
            $order
        }
        macro_rules! when {
            ($found:ident => $is_so:expr) => {
                Some(
                    (|[a, b, third, code]| {
                        let $found = order(a, b);
                        join($is_so, third, code)
                    }) as Function,
                )
            };
        }
        match $name {
            "eq" => when!(found => found == Some(Ordering::Equal)),
            "ne" => when!(found => found.is_some_and(Ordering::is_ne)),
            "lt" | "lo" => when!(found => found == Some(Ordering::Less)),
            "le" | "ls" => when!(found => found.is_some_and(Ordering::is_le)),
            "gt" | "hi" => when!(found => found == Some(Ordering::Greater)),
            "ge" | "hs" => when!(found => found.is_some_and(Ordering::is_ge)),
            "equ" => when!(found => found.is_none_or(Ordering::is_eq)),
            "neu" => when!(found => found != Some(Ordering::Equal)),
            "ltu" => when!(found => found.is_none_or(Ordering::is_lt)),
            "leu" => when!(found => found.is_none_or(Ordering::is_le)),
            "gtu" => when!(found => found.is_none_or(Ordering::is_gt)),
            "geu" => when!(found => found.is_none_or(Ordering::is_ge)),
            "num" => when!(found => found.is_some()),
            "nan" => when!(found => found.is_none()),
            _ => None,
        }
    }};
}

/// The comparison of a type by its name.
pub fn scalar_comparison(kind: Type, name: &str) -> Option<Function> {
    match kind {
        Type::U16 | Type::B16 => by_order!(name, |a, b| Some((a as u16).cmp(&(b as u16)))),
        Type::U32 | Type::B32 => by_order!(name, |a, b| Some((a as u32).cmp(&(b as u32)))),
        Type::U64 | Type::B64 => by_order!(name, |a, b| Some(a.cmp(&b))),
        Type::S16 => by_order!(name, |a, b| Some((a as i16).cmp(&(b as i16)))),
        Type::S32 => by_order!(name, |a, b| Some((a as i32).cmp(&(b as i32)))),
        Type::S64 => by_order!(name, |a, b| Some((a as i64).cmp(&(b as i64)))),
        Type::F16 => by_order!(name, |a, b| from_f16(a & 0xffff).partial_cmp(&from_f16(b & 0xffff))),
        Type::Bf16 => by_order!(name, |a, b| from_bf16(a & 0xffff).partial_cmp(&from_bf16(b & 0xffff))),
        Type::F32 => by_order!(name, |a, b| from_f32(a).partial_cmp(&from_f32(b))),
        Type::F64 => by_order!(name, |a, b| f64::from_bits(a).partial_cmp(&f64::from_bits(b))),
        _ => None,
    }
}

/// The comparisons of the low and the high halves.
fn half_comparisons(kind: Type, name: &str) -> [Option<Function>; 2] {
    if kind == Type::F16x2 {
        let low = scalar_comparison(Type::F16, name);
        return [low, by_order!(name, |a, b| from_f16((a >> 16) & 0xffff).partial_cmp(&from_f16((b >> 16) & 0xffff)))];
    }
    let low = scalar_comparison(Type::Bf16, name);
    [low, by_order!(name, |a, b| from_bf16((a >> 16) & 0xffff).partial_cmp(&from_bf16((b >> 16) & 0xffff)))]
}

/// `set`: all ones, or 1.0, where the comparison holds.
fn set(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&[&COMPARISONS[..], &JOINS, &["ftz"]].concat())?;
    let [result, kind] = statement.kinds()[..] else { return Err("does not name two types".to_owned()) };
    let (code, joined) = joining(statement)?;
    let function = scalar_comparison(kind, comparison(statement)?).ok_or_else(|| "has no such form".to_owned())?;
    let sources = [statement.source(1)?, statement.source(2)?, joined, Source::Immediate(code)];
    let after: Touch = match result {
        Type::U32 | Type::S32 => |holds| if holds == 1 { 0xffff_ffff } else { 0 },
        Type::U16 | Type::S16 => |holds| if holds == 1 { 0xffff } else { 0 },
        Type::F32 => |holds| if holds == 1 { 0x3f80_0000 } else { 0 },
        Type::F16 => |holds| if holds == 1 { 0x3c00 } else { 0 },
        Type::Bf16 => |holds| if holds == 1 { 0x3f80 } else { 0 },
        _ => return Err("has no such form".to_owned()),
    };
    let before = (statement.has("ftz") && kind == Type::F32).then_some(flushed as Touch);
    let destination = statement.register(0)?.index;
    Ok(vec![Action::Scalar(Scalar { function, sources, destination, before, after: Some(after) })])
}

fn testp(statement: &Statement) -> Result<Vec<Action>, String> {
    let classes = ["finite", "infinite", "number", "notanumber", "normal", "subnormal"];
    statement.allow(&classes)?;
    let name = classes.iter().find(|class| statement.has(class)).ok_or_else(|| "names no class".to_owned())?;
    macro_rules! of {
        ($read:expr) => {
            match *name {
                "finite" => |[a, ..]| u64::from($read(a).is_finite()),
                "infinite" => |[a, ..]| u64::from($read(a).is_infinite()),
                "number" => |[a, ..]| u64::from(!$read(a).is_nan()),
                "notanumber" => |[a, ..]| u64::from($read(a).is_nan()),
                "normal" => |[a, ..]| u64::from($read(a).is_normal()),
                _ => |[a, ..]| u64::from($read(a).is_subnormal()),
            }
        };
    }
    let function: Function = match statement.kind()? {
        Type::F32 => of!(|a| f32::from_bits(a as u32)),
        Type::F64 => of!(f64::from_bits),
        _ => return Err("has no such form".to_owned()),
    };
    statement.arithmetic(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unordered_comparisons_hold_for_nan() {
        let nan = u64::from(f32::NAN.to_bits());
        let [ordered, unordered] = ["lt", "ltu"].map(|name| scalar_comparison(Type::F32, name).expect("known"));
        assert_eq!((ordered([nan, 0, 0, 0]), unordered([nan, 0, 0, 0])), (0, 1));
    }

    #[test]
    fn a_third_predicate_joins_negated() {
        let less = scalar_comparison(Type::S32, "lt").expect("known");
        assert_eq!(less([1, 2, 1, 1 + NEGATED]), 0);
        assert_eq!(less([3, 2, 0, 2 + NEGATED]), 1);
        let minus_one = u64::from(u32::MAX);
        assert_eq!(less([minus_one, 0, 0, 0]), 1);
    }
}
