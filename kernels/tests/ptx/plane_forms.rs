//! The forms of the opcodes that look at other lanes of a plane, and of barriers.
//!
//! In:  statements.
//! Out: what [`super::plane`] executes.
//! Source: PTX ISA, "Parallel synchronization and communication instructions" and "shfl.sync".

use super::arithmetic::two_integers;
use super::operand::{Operand, Statement};
use super::program::{Action, Function, Gathering, ShuffleMode, Source, Type};

pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    match statement.parts[0] {
        "shfl" => shuffle(statement),
        "vote" => vote(statement),
        "match" => same_values(statement),
        "redux" => reduction(statement),
        "activemask" => Ok(vec![Action::ActiveMask(statement.register(0)?.index)]),
        "elect" => elect(statement),
        _ => barrier(statement),
    }
}

/// A register, or a register and a predicate after `|`.
fn one_or_two(statement: &Statement) -> Result<(u32, Option<u32>), String> {
    match statement.operand(0)? {
        Operand::Register(register) => Ok((register.index, None)),
        Operand::Pair(first, second) => match (&**first, &**second) {
            (Operand::Register(first), Operand::Register(second)) => Ok((first.index, Some(second.index))),
            (Operand::Register(first), Operand::Sink) => Ok((first.index, None)),
            other => Err(format!("writes to {other:?}")),
        },
        other => Err(format!("writes to {other:?}")),
    }
}

fn shuffle(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["sync", "up", "down", "bfly", "idx"])?;
    statement.count(5..=5)?;
    let mode = match statement.parts.get(2).copied() {
        Some("up") => ShuffleMode::Up,
        Some("down") => ShuffleMode::Down,
        Some("bfly") => ShuffleMode::Bfly,
        Some("idx") => ShuffleMode::Idx,
        _ => return Err("names no way to shuffle".to_owned()),
    };
    let (destination, in_range) = one_or_two(statement)?;
    let sources = [statement.source(1)?, statement.source(2)?, statement.source(3)?, statement.source(4)?];
    Ok(vec![Action::Shuffle { mode, destination, in_range, sources }])
}

/// A vote; `!p` is not written by LLVM and not known here.
fn vote(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["sync", "all", "any", "uni", "ballot"])?;
    let gathering = match statement.parts.get(2).copied() {
        Some("all") => Gathering::All,
        Some("any") => Gathering::Any,
        Some("uni") => Gathering::Uniform,
        Some("ballot") => Gathering::Ballot,
        _ => return Err("names no vote".to_owned()),
    };
    gather(statement, gathering)
}

fn gather(statement: &Statement, gathering: Gathering) -> Result<Vec<Action>, String> {
    statement.count(3..=3)?;
    let (destination, _) = one_or_two(statement)?;
    let (source, members) = (statement.source(1)?, statement.source(2)?);
    Ok(vec![Action::Gather { gathering, destination, source, members }])
}

fn same_values(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["sync", "any", "all"])?;
    let bits = 8 * statement.kind()?.bytes() as u32;
    let (_, agrees) = one_or_two(statement)?;
    gather(statement, if statement.has("all") { Gathering::MatchAll(bits, agrees) } else { Gathering::MatchAny(bits) })
}

fn reduction(statement: &Statement) -> Result<Vec<Action>, String> {
    let names = ["add", "min", "max", "and", "or", "xor"];
    statement.allow(&[&["sync"], &names[..]].concat())?;
    let name = names.iter().find(|name| statement.has(name)).ok_or_else(|| "names no operation".to_owned())?;
    let function: Option<Function> = match (*name, statement.kind()?) {
        ("and", _) => Some(|[a, b, ..]| a & b),
        ("or", _) => Some(|[a, b, ..]| a | b),
        ("xor", _) => Some(|[a, b, ..]| a ^ b),
        (name, kind @ (Type::U32 | Type::S32)) => two_integers(name, kind),
        _ => None,
    };
    gather(statement, Gathering::Reduce(function.ok_or_else(|| "has no such form".to_owned())?))
}

fn elect(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["sync"])?;
    let Operand::Pair(lane, chosen) = statement.operand(0)? else { return Err("writes no pair".to_owned()) };
    let Operand::Register(chosen) = **chosen else { return Err("writes no predicate".to_owned()) };
    let lane = match **lane {
        Operand::Register(register) => Some(register.index),
        _ => None,
    };
    Ok(vec![Action::Elect { lane, is_chosen: chosen.index, members: statement.source(1)? }])
}

fn barrier(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["sync", "warp", "aligned", "cta", "cluster", "arrive", "wait"])?;
    if statement.has("warp") {
        return Ok(vec![Action::PlaneBarrier(statement.source(0)?)]);
    }
    if !statement.has("sync") || statement.has("cluster") {
        return Err("is not known".to_owned());
    }
    statement.count(1..=2)?;
    let units: Option<Source> = if statement.operands.len() == 2 { Some(statement.source(1)?) } else { None };
    Ok(vec![Action::Barrier { number: statement.source(0)?, units }])
}
