//! From a statement to what the machine does: which family an opcode belongs to.
//!
//! In:  a [`Statement`].
//! Out: its actions, or what about it is not known; nothing is passed over in silence.

use super::operand::{Operand, Statement};
use super::program::{Action, Source};
use super::{arithmetic, bits, carries, compare, convert, matrix_forms, memory_forms, moves, plane_forms};

/// The actions of one statement.
pub fn actions(statement: &Statement) -> Result<Vec<Action>, String> {
    match statement.parts[0] {
        "mov" => moves::mov(statement),
        "cvta" => moves::cvta(statement),
        "implicit_def" => Ok(vec![Action::Open(statement.register(0)?.index)]),
        _ if carries::concerns(statement) => carries::actions(statement),
        "add" | "sub" | "mul" | "mad" | "fma" | "div" | "rem" | "min" | "max" | "neg" | "abs" | "rcp" | "sqrt"
        | "rsqrt" | "sad" | "ex2" | "lg2" | "sin" | "cos" | "tanh" | "copysign" => arithmetic::actions(statement),
        "and" | "or" | "xor" | "not" | "cnot" | "shl" | "shr" | "bfe" | "bfi" | "bfind" | "popc" | "clz" | "brev"
        | "prmt" | "shf" | "lop3" => bits::actions(statement),
        "setp" | "set" | "selp" | "slct" | "testp" => compare::actions(statement),
        "cvt" => convert::actions(statement),
        "ld" | "ldu" | "st" | "atom" | "red" | "cp" | "isspacep" => memory_forms::actions(statement),
        "prefetch" | "prefetchu" | "membar" | "fence" | "applypriority" | "discard" => Ok(vec![Action::Nothing]),
        "shfl" | "vote" | "match" | "redux" | "activemask" | "elect" | "bar" | "barrier" => {
            plane_forms::actions(statement)
        }
        "ldmatrix" | "stmatrix" | "mma" | "wmma" => matrix_forms::actions(statement),
        "bra" | "brx" | "call" | "ret" | "exit" | "trap" | "brkpt" | "nanosleep" => flow(statement),
        _ => Err("is not known".to_owned()),
    }
}

fn flow(statement: &Statement) -> Result<Vec<Action>, String> {
    statement.allow(&["uni", "idx", "u32"])?;
    let name = |place| match statement.operand(place)? {
        Operand::Name(name) => Ok(name.clone()),
        other => Err(format!("goes to {other:?}")),
    };
    Ok(vec![match statement.parts[0] {
        "bra" => Action::BranchTo(name(0)?),
        "brx" => Action::BranchInto(statement.source(0)?, name(1)?),
        "call" => return call(statement),
        "ret" => Action::Return,
        "exit" => Action::Exit,
        "nanosleep" => Action::Nothing,
        _ => Action::Trap,
    }])
}

/// `call (result), function, (arguments);` where results and arguments are variables of the frame.
fn call(statement: &Statement) -> Result<Vec<Action>, String> {
    let offsets = |operand: &Operand| match operand {
        Operand::Group(operands) => operands.iter().map(offset).collect::<Result<Vec<u32>, String>>(),
        other => Err(format!("has {other:?} where a list of variables was expected")),
    };
    let mut operands = statement.operands.iter().peekable();
    let results = match operands.next_if(|operand| matches!(operand, Operand::Group(_))) {
        Some(group) => offsets(group)?,
        None => Vec::new(),
    };
    let Some(Operand::Name(name)) = operands.next() else {
        return Err("calls through a register, which is not known".to_owned());
    };
    let arguments = operands.next().map_or(Ok(Vec::new()), offsets)?;
    Ok(vec![Action::Call { name: name.clone(), function: 0, arguments, results }])
}

fn offset(operand: &Operand) -> Result<u32, String> {
    match operand {
        Operand::Frame(offset) => Ok(*offset),
        Operand::Address(address) => match address.base {
            Source::Frame(offset) => Ok(offset),
            _ => Err("passes something other than a variable".to_owned()),
        },
        other => Err(format!("passes {other:?}, expected a `.param` variable")),
    }
}
