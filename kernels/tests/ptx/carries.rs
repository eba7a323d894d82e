//! Integer arithmetic over several words: `add.cc`, `addc`, `sub.cc`, `subc`, `mad.cc`, `madc`.
//!
//! In:  statements.
//! Out: up to three actions: the carry into a spare register, the result, and the spare into the carry, so that the
//! result may overwrite an operand.
//! Source: PTX ISA, "Extended-precision integer arithmetic instructions".

use super::operand::{NONE, Statement};
use super::program::{Action, CARRY, Function, NEXT_CARRY, Scalar, Source, Type};

/// Whether a statement reads or writes the carry.
pub fn concerns(statement: &Statement) -> bool {
    statement.has("cc") || matches!(statement.parts[0], "addc" | "subc" | "madc")
}

/// The result and the carry of a sum that is exact: bits above the width are what is carried or borrowed.
type Both = [Function; 2];

macro_rules! both {
    ($word:ty, |$a:ident, $b:ident, $c:ident, $carry:ident| $sum:expr) => {{
        fn exact([a, b, c, carry]: [u64; 4]) -> i128 {
            let [$a, $b, $c] = [a, b, c].map(|bits| i128::from(bits as $word));
            let $carry = i128::from(carry);
            let _ = $c;
            $sum
        }
        let carried: Function = |operands| u64::from(exact(operands) >> <$word>::BITS != 0);
        let result: Function = |operands| u64::from(exact(operands) as $word);
        Some([result, carried])
    }};
}

fn functions(statement: &Statement, kind: Type) -> Option<Both> {
    let is_high = statement.has("hi");
    match (statement.parts[0], kind) {
        ("add" | "addc", Type::U32 | Type::S32) => both!(u32, |a, b, c, carry| a + b + carry),
        ("add" | "addc", Type::U64 | Type::S64) => both!(u64, |a, b, c, carry| a + b + carry),
        ("sub" | "subc", Type::U32 | Type::S32) => both!(u32, |a, b, c, carry| a - b - carry),
        ("sub" | "subc", Type::U64 | Type::S64) => both!(u64, |a, b, c, carry| a - b - carry),
        ("mad" | "madc", Type::U32) if is_high => both!(u32, |a, b, c, carry| ((a * b) >> 32) + c + carry),
        ("mad" | "madc", Type::U32) => both!(u32, |a, b, c, carry| ((a * b) & 0xffff_ffff) + c + carry),
        _ => None,
    }
}

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["cc", "lo", "hi"])?;
    let kind = statement.kind()?;
    let [result, carried] = functions(statement, kind).ok_or_else(|| "has no such form".to_owned())?;
    let mut scalar = statement.scalar(result)?;
    let reads_carry = statement.parts[0].ends_with('c');
    scalar.sources[3] = if reads_carry { Source::Register(CARRY) } else { NONE };
    if !statement.has("cc") {
        return Ok(vec![Action::Scalar(scalar)]);
    }
    let spare = Scalar { function: carried, destination: NEXT_CARRY, ..scalar };
    let sources = [Source::Register(NEXT_CARRY), NONE, NONE, NONE];
    let keep = Scalar { function: |[carry, ..]| carry, sources, destination: CARRY, ..scalar };
    Ok([spare, scalar, keep].map(Action::Scalar).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrow_is_carried_on() {
        let statement = Statement { parts: vec!["subc", "cc", "u32"], operands: Vec::new() };
        let [result, carried] = functions(&statement, Type::U32).expect("known");
        // 5 - 5 - 1 = -1
        assert_eq!((result([5, 5, 0, 1]), carried([5, 5, 0, 1])), (0xffff_ffff, 1));
        assert_eq!(carried([6, 5, 0, 1]), 0);
    }

    #[test]
    fn the_high_word_of_a_product_takes_what_the_low_word_carried() {
        let statement = Statement { parts: vec!["madc", "hi", "u32"], operands: Vec::new() };
        let [result, _] = functions(&statement, Type::U32).expect("known");
        assert_eq!(result([0xffff_ffff, 2, 10, 1]), 12);
    }
}
