//! Logic and shifts, and the opcodes that look at single bits.
//!
//! In:  statements.
//! Out: lane-wise actions.
//! Source: PTX ISA, "Logic and shift instructions" and "Integer arithmetic instructions".

use super::operand::{Operand, Statement};
use super::program::{Action, Function, Source, Type};

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    let name = statement.parts[0];
    statement.allow(match name {
        "shf" => &["l", "r", "wrap", "clamp"],
        "bfind" => &["shiftamt"],
        _ => &[],
    })?;
    let kind = statement.kind()?;
    if name == "shf" {
        return statement.arithmetic(funnel(statement));
    }
    let logic = matches!(name, "and" | "or" | "xor" | "not");
    let function = if logic { logic_function(name, kind) } else { bit_function(statement, kind) };
    let mut scalar = statement.scalar(function.ok_or_else(|| "has no such form".to_owned())?)?;
    if matches!(statement.operands.last(), Some(Operand::Negated(_))) {
        return Err("negates an operand".to_owned());
    }
    if logic {
        scalar.sources[3] = Source::Immediate(ones(kind));
    }
    Ok(vec![Action::Scalar(scalar)])
}

fn ones(kind: Type) -> u64 {
    match kind {
        Type::Pred => 1,
        Type::B16 => 0xffff,
        Type::B32 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// Logic under a mask of the type's bits, which is the fourth operand.
fn logic_function(name: &str, kind: Type) -> Option<Function> {
    if !matches!(kind, Type::Pred | Type::B16 | Type::B32 | Type::B64) {
        return None;
    }
    Some(match name {
        "and" => |[a, b, _, mask]| a & b & mask,
        "or" => |[a, b, _, mask]| (a | b) & mask,
        "xor" => |[a, b, _, mask]| (a ^ b) & mask,
        _ => |[a, _, _, mask]| !a & mask,
    })
}

fn bit_function(statement: &Statement, kind: Type) -> Option<Function> {
    match statement.parts[0] {
        "shl" => shift_left(kind),
        "shr" => shift_right(kind),
        "cnot" => Some(|[a, ..]| u64::from(a == 0)),
        "popc" if kind.bytes() == 4 => Some(|[a, ..]| u64::from((a as u32).count_ones())),
        "popc" => Some(|[a, ..]| u64::from(a.count_ones())),
        "clz" if kind.bytes() == 4 => Some(|[a, ..]| u64::from((a as u32).leading_zeros())),
        "clz" => Some(|[a, ..]| u64::from(a.leading_zeros())),
        "brev" if kind.bytes() == 4 => Some(|[a, ..]| u64::from((a as u32).reverse_bits())),
        "brev" => Some(|[a, ..]| a.reverse_bits()),
        "bfe" => extract(kind),
        "bfi" if kind.bytes() == 4 => Some(|[a, b, at, length]| insert(a, b, at, length, 32)),
        "bfi" => Some(|[a, b, at, length]| insert(a, b, at, length, 64)),
        "bfind" => highest_bit(kind, statement.has("shiftamt")),
        "prmt" => Some(|[a, b, selector, _]| permuted(a, b, selector)),
        "lop3" => Some(|[a, b, c, table]| logic_of_three(a, b, c, table)),
        _ => None,
    }
}

/// Shift amounts beyond the width empty the register.
fn shift_left(kind: Type) -> Option<Function> {
    Some(match kind.bytes() {
        2 => |[a, by, ..]| if by as u32 > 15 { 0 } else { (a << (by as u32)) & 0xffff },
        4 => |[a, by, ..]| if by as u32 > 31 { 0 } else { (a << (by as u32)) & 0xffff_ffff },
        8 => |[a, by, ..]| if by as u32 > 63 { 0 } else { a << (by as u32) },
        _ => return None,
    })
}

fn shift_right(kind: Type) -> Option<Function> {
    Some(match kind {
        Type::B16 | Type::U16 => |[a, by, ..]| if by as u32 > 15 { 0 } else { (a & 0xffff) >> (by as u32) },
        Type::B32 | Type::U32 => |[a, by, ..]| if by as u32 > 31 { 0 } else { (a & 0xffff_ffff) >> (by as u32) },
        Type::B64 | Type::U64 => |[a, by, ..]| if by as u32 > 63 { 0 } else { a >> (by as u32) },
        Type::S16 => |[a, by, ..]| u64::from((a as i16 >> (by as u32).min(15)) as u16),
        Type::S32 => |[a, by, ..]| u64::from((a as i32 >> (by as u32).min(31)) as u32),
        Type::S64 => |[a, by, ..]| (a as i64 >> (by as u32).min(63)) as u64,
        _ => return None,
    })
}

/// A field of `length` bits from bit `at` on; of signed types its top bit fills the rest.
fn field(a: i128, at: u64, length: u64, bits: u32) -> i128 {
    let (at, length) = ((at & 0xff) as u32, ((length & 0xff) as u32).min(bits));
    if length == 0 {
        return 0;
    }
    let field = (a >> at.min(127)) & ((1_i128 << length) - 1);
    let top = (a >> (at + length - 1).min(bits - 1)) & 1;
    if a < 0 || top == 1 { field | if at + length > bits || top == 1 { -1_i128 << length } else { 0 } } else { field }
}

fn extract(kind: Type) -> Option<Function> {
    Some(match kind {
        Type::U32 => |[a, at, length, _]| unsigned_field(a & 0xffff_ffff, at, length),
        Type::U64 => |[a, at, length, _]| unsigned_field(a, at, length),
        Type::S32 => |[a, at, length, _]| u64::from(field(i128::from(a as i32), at, length, 32) as u32),
        Type::S64 => |[a, at, length, _]| field(i128::from(a as i64), at, length, 64) as u64,
        _ => return None,
    })
}

fn unsigned_field(a: u64, at: u64, length: u64) -> u64 {
    let (at, length) = (at & 0xff, (length & 0xff).min(64));
    (u128::from(a) >> at.min(127)) as u64 & ((1_u128 << length) - 1) as u64
}

/// `b` with `length` bits from bit `at` on replaced by the lowest of `a`.
fn insert(a: u64, b: u64, at: u64, length: u64, bits: u64) -> u64 {
    let (at, length) = ((at & 0xff).min(bits), (length & 0xff).min(bits));
    let mask = (((1_u128 << length) - 1) << at) as u64;
    let all = ((1_u128 << bits) - 1) as u64;
    ((b & !mask) | ((u128::from(a) << at) as u64 & mask)) & all
}

/// Place of the highest bit that differs from the sign, or all ones.
fn highest_bit(kind: Type, counts_shift: bool) -> Option<Function> {
    Some(match (kind, counts_shift) {
        (Type::U32, false) => |[a, ..]| u64::from(31_u32.wrapping_sub((a as u32).leading_zeros())),
        (Type::S32, false) => |[a, ..]| {
            let a = a as i32;
            u64::from(31_u32.wrapping_sub((if a < 0 { !a } else { a }).leading_zeros()))
        },
        (Type::U64, false) => |[a, ..]| u64::from(63_u32.wrapping_sub(a.leading_zeros())),
        (Type::U32, true) => |[a, ..]| if a as u32 == 0 { 0xffff_ffff } else { u64::from((a as u32).leading_zeros()) },
        _ => return None,
    })
}

/// Four bytes chosen among the eight of `b:a`; bit 3 of a choice spreads the byte's sign.
fn permuted(a: u64, b: u64, selector: u64) -> u64 {
    let bytes = (a & 0xffff_ffff) | b << 32;
    (0..4).fold(0, |result, place| {
        let choice = selector >> (4 * place);
        let byte = (bytes >> (8 * (choice & 7))) & 0xff;
        let byte = if choice & 8 == 0 {
            byte
        } else if byte & 0x80 == 0 {
            0
        } else {
            0xff
        };
        result | byte << (8 * place)
    })
}

/// Any function of three bits, given by the table of its values for `0b_abc`.
fn logic_of_three(a: u64, b: u64, c: u64, table: u64) -> u64 {
    let term = |place: u64| {
        let pick = |value: u64, bit: u64| if place & bit == 0 { !value } else { value };
        if table >> place & 1 == 1 { pick(a, 4) & pick(b, 2) & pick(c, 1) } else { 0 }
    };
    (0..8).map(term).fold(0, |sum, term| sum | term) & 0xffff_ffff
}

/// A shift of the 64 bits `b:a` of which the upper or lower half is kept.
fn funnel(statement: &Statement) -> Function {
    match (statement.has("l"), statement.has("wrap")) {
        (true, true) => |[a, b, by, _]| (both(a, b) << (by & 31)) >> 32,
        (true, false) => |[a, b, by, _]| ((u128::from(both(a, b)) << (by as u32).min(32)) as u64) >> 32,
        (false, true) => |[a, b, by, _]| (both(a, b) >> (by & 31)) & 0xffff_ffff,
        (false, false) => |[a, b, by, _]| (both(a, b) >> (by as u32).min(32)) & 0xffff_ffff,
    }
}

fn both(a: u64, b: u64) -> u64 {
    (a & 0xffff_ffff) | b << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_out_with_and_without_sign() {
        assert_eq!(unsigned_field(0xabcd, 4, 8), 0xbc);
        // 0xbc as eight bits is -68.
        assert_eq!(field(0xabcd, 4, 8, 32) as i32, -68);
        // A field over the end of a negative number is filled with its sign.
        assert_eq!(field(i128::from(-1_i32), 28, 8, 32) as i32, -1);
        assert_eq!(insert(0xf, 0, 4, 8, 32), 0xf0);
    }

    #[test]
    fn bytes_are_chosen_across_both_registers() {
        assert_eq!(permuted(0x3322_1100, 0x7766_5544, 0x7610), 0x7766_1100);
        assert_eq!(permuted(0x0000_8000, 0, 0x0009), 0x0000_00ff);
    }

    #[test]
    fn the_table_of_xor_gives_xor() {
        assert_eq!(logic_of_three(0b1100, 0b1010, 0b0110, 0x96) & 0xf, 0b1100 ^ 0b1010 ^ 0b0110);
    }
}
