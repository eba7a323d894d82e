//! Operands of a statement, and the questions the families of instructions ask about them.
//!
//! In:  one statement as [`super::parse`] read it: parts of the opcode and operands whose names are resolved.
//! Out: registers, sources and addresses, or a sentence saying what did not fit.

use super::program::{Action, Address, Function, Scalar, Source, Special, Type};

/// A register of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its number.
    pub index: u32,
    /// Bytes it holds; predicates hold one.
    pub bytes: usize,
}

/// One operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// A predicate with `!` before it.
    Negated(Register),
    /// A number.
    Immediate(u64),
    /// A hardware value.
    Special(Special),
    /// The address of a variable of the frame.
    Frame(u32),
    /// A label or function.
    Name(String),
    /// `[base+offset]`.
    Address(Address),
    /// `{a, b}`.
    Vector(Vec<Operand>),
    /// `(a, b)`.
    Group(Vec<Operand>),
    /// `a|b`.
    Pair(Box<Operand>, Box<Operand>),
    /// `_`: not wanted.
    Sink,
}

/// No operand here.
pub const NONE: Source = Source::Immediate(0);

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// The opcode cut at its dots.
    pub parts: Vec<&'a str>,
    /// The operands in order.
    pub operands: Vec<Operand>,
}

impl Statement<'_> {
    /// Whether the opcode has a part of that name.
    pub fn has(&self, part: &str) -> bool {
        self.parts[1..].contains(&part)
    }

    /// The last part that names a type.
    pub fn kind(&self) -> Result<Type, String> {
        self.parts[1..].iter().rev().find_map(|part| Type::named(part)).ok_or_else(|| "names no type".to_owned())
    }

    /// All parts that name a type.
    pub fn kinds(&self) -> Vec<Type> {
        self.parts[1..].iter().filter_map(|part| Type::named(part)).collect()
    }

    /// Refuses parts that are neither a type nor one of these, so that no modifier is passed over.
    pub fn allow(&self, parts: &[&str]) -> Result<(), String> {
        let unknown = |part: &&&str| Type::named(part).is_none() && !parts.contains(*part);
        self.parts[1..].iter().find(unknown).map_or(Ok(()), |part| Err(format!("has the unknown part `.{part}`")))
    }

    /// Refuses another count of operands.
    pub fn count(&self, allowed: std::ops::RangeInclusive<usize>) -> Result<(), String> {
        let found = self.operands.len();
        if allowed.contains(&found) { Ok(()) } else { Err(format!("has {found} operands, expected {allowed:?}")) }
    }

    /// An operand.
    pub fn operand(&self, place: usize) -> Result<&Operand, String> {
        self.operands.get(place).ok_or_else(|| format!("lacks operand {place}"))
    }

    /// An operand that is a register.
    pub fn register(&self, place: usize) -> Result<Register, String> {
        match self.operand(place)? {
            Operand::Register(register) => Ok(*register),
            other => Err(format!("has {other:?} as operand {place}, expected a register")),
        }
    }

    /// An operand that is read.
    pub fn source(&self, place: usize) -> Result<Source, String> {
        source_of(self.operand(place)?)
    }

    /// An operand that is an address.
    pub fn address(&self, place: usize) -> Result<Address, String> {
        match self.operand(place)? {
            Operand::Address(address) => Ok(*address),
            other => Err(format!("has {other:?} as operand {place}, expected an address")),
        }
    }

    /// An operand that is a list of registers or one register.
    pub fn list(&self, place: usize) -> Result<Vec<Option<Source>>, String> {
        let one = |operand: &Operand| match operand {
            Operand::Sink => Ok(None),
            other => source_of(other).map(Some),
        };
        match self.operand(place)? {
            Operand::Vector(operands) => operands.iter().map(one).collect(),
            other => Ok(vec![one(other)?]),
        }
    }

    /// Registers of a list that is written.
    pub fn targets(&self, place: usize) -> Result<Vec<u32>, String> {
        let register = |source| match source {
            Some(Source::Register(register)) => Ok(register),
            other => Err(format!("writes to {other:?}")),
        };
        self.list(place)?.into_iter().map(register).collect()
    }

    /// Sources of a list that is read.
    pub fn sources(&self, place: usize) -> Result<Vec<Source>, String> {
        self.list(place)?.into_iter().map(|source| source.ok_or_else(|| "reads from `_`".to_owned())).collect()
    }

    /// Arithmetic into operand 0 from operands 1, 2 and so on.
    pub fn scalar(&self, function: Function) -> Result<Scalar, String> {
        let mut sources = [NONE; 4];
        self.count(1..=5)?;
        for place in 1..self.operands.len() {
            sources[place - 1] = self.source(place)?;
        }
        Ok(Scalar { function, sources, destination: self.register(0)?.index, before: None, after: None })
    }

    /// The same as the only action.
    pub fn arithmetic(&self, function: Function) -> Result<Vec<Action>, String> {
        Ok(vec![Action::Scalar(self.scalar(function)?)])
    }
}

/// What an operand reads.
pub fn source_of(operand: &Operand) -> Result<Source, String> {
    match operand {
        Operand::Register(register) => Ok(Source::Register(register.index)),
        Operand::Immediate(bits) => Ok(Source::Immediate(*bits)),
        Operand::Special(special) => Ok(Source::Special(*special)),
        Operand::Frame(offset) => Ok(Source::Frame(*offset)),
        other => Err(format!("cannot read {other:?}")),
    }
}
