//! The forms of loads, stores, atomics and asynchronous copies.
//!
//! In:  statements.
//! Out: what [`super::access`] executes.
//! Source: PTX ISA, "Data movement and conversion instructions" and "Parallel synchronization instructions".

use super::arithmetic::{float_function, two_integers};
use super::moves::kept;
use super::operand::{NONE, Operand, Statement, source_of};
use super::program::{
    Access, Action, Atomic, CopyAsync, DYNAMIC_SHARED, Function, GLOBAL, LOCAL, PARAMETERS, Source, Space, Type,
};

/// Parts that order an access with others.
const ORDERS: [&str; 8] = ["relaxed", "acquire", "release", "acq_rel", "volatile", "mmio", "sc", "seq_cst"];
/// Parts that say how far an order reaches, or are hints to caches.
const HINTS: [&str; 16] = [
    "weak", "cta", "cluster", "gpu", "sys", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "noftz", "unified", "sync",
];
const SPACES: [(&str, Space); 10] = [
    ("global", Space::Global),
    ("shared", Space::Shared),
    ("shared::cta", Space::Shared),
    ("local", Space::Local),
    ("param", Space::Param),
    ("param::entry", Space::Param),
    ("param::func", Space::Param),
    ("const", Space::Const),
    ("shared::cluster", Space::Shared),
    ("generic", Space::Generic),
];

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    match statement.parts[0] {
        "ld" | "ldu" => load(statement),
        "st" => store(statement),
        "atom" | "red" => atomic(statement),
        "isspacep" => is_in_space(statement),
        _ => copy(statement),
    }
}

fn allow(statement: &Statement, more: &[&str]) -> Result<(), String> {
    let spaces = SPACES.map(|(name, _)| name);
    let hints: Vec<&str> =
        statement.parts.iter().copied().filter(|part| part.starts_with("L1::") || part.starts_with("L2::")).collect();
    statement.allow(&[&ORDERS[..], &HINTS, &spaces, &hints, more].concat())
}

fn space(statement: &Statement) -> Space {
    SPACES.iter().find(|(name, _)| statement.has(name)).map_or(Space::Generic, |(_, space)| *space)
}

fn is_ordered(statement: &Statement) -> bool {
    ORDERS.iter().any(|order| statement.has(order))
}

/// An access to memory named by operand `at`, with the registers of operand `values`.
fn access(statement: &Statement, at: usize, values: usize, register_bytes: usize) -> Result<Access, String> {
    allow(statement, &["v2", "v4", "v8"])?;
    statement.count(2..=2)?;
    let values = statement.list(values)?;
    let width = [("v2", 2), ("v4", 4), ("v8", 8)].into_iter().find(|(part, _)| statement.has(part));
    if width.map_or(1, |(_, width)| width) != values.len() {
        return Err(format!("has {} registers", values.len()));
    }
    Ok(Access {
        space: space(statement),
        address: statement.address(at)?,
        kind: statement.kind()?,
        values,
        register_bytes,
        is_ordered: is_ordered(statement),
    })
}

fn load(statement: &Statement) -> Result<Vec<Action>, String> {
    let bytes_of = |operand: &Operand| match operand {
        Operand::Register(register) => Some(register.bytes),
        _ => None,
    };
    let register_bytes = match statement.operand(0)? {
        Operand::Vector(operands) => operands.iter().find_map(bytes_of),
        other => bytes_of(other),
    };
    let access = access(statement, 1, 0, register_bytes.ok_or_else(|| "loads into no register".to_owned())?)?;
    if access.values.iter().any(|value| !matches!(value, None | Some(Source::Register(_)))) {
        return Err("loads into something other than a register".to_owned());
    }
    Ok(vec![Action::Load(access)])
}

fn store(statement: &Statement) -> Result<Vec<Action>, String> {
    let access = access(statement, 0, 1, 8)?;
    if access.values.iter().any(Option::is_none) {
        return Err("stores `_`".to_owned());
    }
    Ok(vec![Action::Store(access)])
}

fn atomic(statement: &Statement) -> Result<Vec<Action>, String> {
    let names = ["add", "min", "max", "exch", "cas", "and", "or", "xor", "inc", "dec"];
    allow(statement, &names)?;
    let name = names.iter().find(|name| statement.has(name)).ok_or_else(|| "names no operation".to_owned())?;
    let kind = statement.kind()?;
    let function = atomic_function(name, kind).ok_or_else(|| "has no such form".to_owned())?;
    let at = usize::from(statement.parts[0] == "atom");
    let destination = match (at, statement.operand(0)?) {
        (0, _) | (_, Operand::Sink) => None,
        (_, Operand::Register(register)) => Some(register.index),
        (_, other) => return Err(format!("writes to {other:?}")),
    };
    let operands = &statement.operands[at + 1..];
    let operand = |place: usize| operands.get(place).map_or(Ok(NONE), source_of);
    let expected = 1 + usize::from(*name == "cas");
    if operands.len() != expected {
        return Err(format!("has {} values, expected {expected}", operands.len()));
    }
    Ok(vec![Action::Atomic(Atomic {
        space: space(statement),
        address: statement.address(at)?,
        bytes: kind.bytes(),
        function,
        operands: [operand(0)?, operand(1)?],
        destination,
    })])
}

/// The new value from the old one and the operands.
fn atomic_function(name: &str, kind: Type) -> Option<Function> {
    Some(match (name, kind) {
        ("exch", _) => |[_, value, ..]| value,
        ("cas", Type::B16) => |[old, expected, value, _]| if old == expected & 0xffff { value } else { old },
        ("cas", _) if kind.bytes() == 4 => {
            |[old, expected, value, _]| if old == expected & 0xffff_ffff { value } else { old }
        }
        ("cas", _) => |[old, expected, value, _]| if old == expected { value } else { old },
        ("and", _) => |[old, value, ..]| old & value,
        ("or", _) => |[old, value, ..]| old | value,
        ("xor", _) => |[old, value, ..]| old ^ value,
        ("inc", _) => |[old, most, ..]| if old as u32 >= most as u32 { 0 } else { old + 1 },
        ("dec", _) => |[old, most, ..]| if old as u32 == 0 || old as u32 > most as u32 { most } else { old - 1 },
        _ if kind.is_float() => return float_function(name, kind, false),
        _ => return two_integers(name, kind),
    })
}

fn is_in_space(statement: &Statement) -> Result<Vec<Action>, String> {
    allow(statement, &[])?;
    let function: Function = match space(statement) {
        Space::Shared => |[address, ..]| u64::from((DYNAMIC_SHARED..LOCAL).contains(&address)),
        Space::Local => |[address, ..]| u64::from((LOCAL..PARAMETERS).contains(&address)),
        Space::Global => |[address, ..]| u64::from(address >= GLOBAL),
        _ => return Err("has no such form".to_owned()),
    };
    statement.arithmetic(function)
}

/// `cp.async` and its groups.
fn copy(statement: &Statement) -> Result<Vec<Action>, String> {
    if !statement.has("async") {
        return Err("is not known".to_owned());
    }
    allow(statement, &["async", "commit_group", "wait_group", "wait_all"])?;
    if statement.has("commit_group") {
        return Ok(vec![Action::CommitCopies]);
    }
    if statement.has("wait_all") {
        return Ok(vec![Action::WaitCopies(None)]);
    }
    if statement.has("wait_group") {
        let Operand::Immediate(count) = statement.operand(0)? else { return Err("waits for no number".to_owned()) };
        return Ok(vec![Action::WaitCopies(Some(*count))]);
    }
    statement.count(3..=4)?;
    let Operand::Immediate(bytes) = statement.operand(2)? else { return Err("copies no fixed size".to_owned()) };
    let allowed: &[u64] = if statement.has("cg") { &[16] } else { &[4, 8, 16] };
    if !allowed.contains(bytes) {
        return Err(format!("copies {bytes} bytes, expected {allowed:?}"));
    }
    let read_bytes = if statement.operands.len() == 4 { statement.source(3)? } else { Source::Immediate(*bytes) };
    Ok(vec![Action::CopyAsync(CopyAsync {
        target: statement.address(0)?,
        origin: statement.address(1)?,
        bytes: *bytes as usize,
        read_bytes,
    })])
}

/// Keeps what fits an element of so many bytes.
pub fn element_mask(bytes: usize) -> u64 {
    match bytes {
        1 => 0xff,
        bytes => kept(bytes)([u64::MAX, 0, 0, 0]),
    }
}
