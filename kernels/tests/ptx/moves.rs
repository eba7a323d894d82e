//! `mov` with its packing and unpacking, and `cvta`.
//!
//! In:  statements.
//! Out: copies; every space has its own range of addresses, so a generic address is the address itself.

use super::operand::{NONE, Operand, Statement, source_of};
use super::program::{Action, Function, Scalar, Source};

/// Keeps the low bits that fit a register of so many bytes.
pub fn kept(bytes: usize) -> Function {
    match bytes {
        1 => |[value, ..]| value & 1,
        2 => |[value, ..]| value & 0xffff,
        4 => |[value, ..]| value & 0xffff_ffff,
        _ => |[value, ..]| value,
    }
}

pub fn mov(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&[])?;
    statement.count(2..=2)?;
    match (statement.operand(0)?, statement.operand(1)?) {
        (Operand::Vector(targets), Operand::Vector(sources)) if targets.len() == sources.len() => {
            Err("moves a vector to a vector".to_owned())
        }
        (Operand::Vector(targets), source) => unpacked(targets, source_of(source)?, statement.kind()?.bytes()),
        (_, Operand::Vector(sources)) => packed(statement, sources),
        _ => statement.arithmetic(kept(statement.register(0)?.bytes)),
    }
}

/// The least significant part goes to the first register.
fn unpacked(targets: &[Operand], source: Source, bytes: usize) -> Result<Vec<Action>, String> {
    let function: Function = match bytes / targets.len() {
        2 => |[value, shift, ..]| (value >> shift) & 0xffff,
        4 => |[value, shift, ..]| (value >> shift) & 0xffff_ffff,
        other => return Err(format!("unpacks parts of {other} bytes")),
    };
    let bits = 8 * bytes / targets.len();
    let one = |(place, target): (usize, &Operand)| match target {
        Operand::Sink => Ok(None),
        Operand::Register(register) => {
            let sources = [source, Source::Immediate((place * bits) as u64), NONE, NONE];
            let scalar = Scalar { function, sources, destination: register.index, before: None, after: None };
            Ok(Some(Action::Scalar(scalar)))
        }
        other => Err(format!("writes to {other:?}")),
    };
    targets.iter().enumerate().map(one).filter_map(Result::transpose).collect()
}

fn packed(statement: &Statement, operands: &[Operand]) -> Result<Vec<Action>, String> {
    let part_bytes = statement.kind()?.bytes() / operands.len();
    let function: Function = match (operands.len(), part_bytes) {
        (2, 2) => |[a, b, ..]| (a & 0xffff) | (b & 0xffff) << 16,
        (2, 4) => |[a, b, ..]| (a & 0xffff_ffff) | b << 32,
        (4, 2) => |parts| parts.iter().rev().fold(0, |whole, part| whole << 16 | part & 0xffff),
        (count, bytes) => return Err(format!("packs {count} parts of {bytes} bytes")),
    };
    let mut sources = [NONE; 4];
    for (source, operand) in sources.iter_mut().zip(operands) {
        *source = source_of(operand)?;
    }
    let destination = statement.register(0)?.index;
    Ok(vec![Action::Scalar(Scalar { function, sources, destination, before: None, after: None })])
}

pub fn cvta(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["to", "global", "shared", "shared::cta", "local", "const", "param", "param::entry"])?;
    statement.count(2..=2)?;
    statement.arithmetic(kept(statement.register(0)?.bytes))
}
