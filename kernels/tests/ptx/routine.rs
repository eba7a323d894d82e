//! One kernel or function while it is read: its names, registers, variables and labels.
//!
//! In:  declarations and operands as the parser meets them.
//! Out: a [`Routine`] whose branches know their targets and where their lanes meet again.

use super::cursor::number;
use super::flow;
use super::operand::{Operand, Register, source_of};
use super::parse::{Declared, Parser};
use super::program::{Action, Address, Fault, Instruction, PARAMETERS, Routine, Slot, Special};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A kernel or function under construction.
pub(super) struct RoutineBuilder {
    pub routine: Routine,
    pub tables: HashMap<String, Vec<String>>,
    scopes: Vec<HashMap<String, Operand>>,
    labels: HashMap<String, u32>,
    parameter_bytes: u32,
}

impl RoutineBuilder {
    pub fn new(is_entry: bool) -> Self {
        let routine = Routine { is_entry, ..Routine::default() };
        let mut builder = Self {
            routine,
            tables: HashMap::new(),
            scopes: vec![HashMap::new()],
            labels: HashMap::new(),
            parameter_bytes: 0,
        };
        // In the order of `CARRY` and `NEXT_CARRY`.
        for name in ["%carry", "%next_carry"] {
            builder.register(name.to_owned(), 4);
        }
        builder
    }

    pub fn open_scope(&mut self) {
        self.scopes.push(HashMap::new());
    }

    pub fn close_scope(&mut self) {
        self.scopes.pop();
    }

    /// The innermost meaning of a name.
    pub fn find(&self, name: &str) -> Option<&Operand> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn name(&mut self, name: String, operand: Operand) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, operand);
        }
    }

    /// Marks the next instruction with a label.
    pub fn label(&mut self, label: &str) {
        self.labels.insert(label.to_owned(), self.routine.code.len() as u32);
    }

    /// A parameter: of a kernel it lies in memory all units share, of a function in its frame.
    pub fn parameter(&mut self, variable: &Declared) -> Slot {
        if !self.routine.is_entry {
            return self.frame_variable(variable);
        }
        let offset = self.parameter_bytes.next_multiple_of(variable.align as u32);
        self.parameter_bytes = offset + variable.bytes as u32;
        self.name(variable.name.clone(), Operand::Immediate(PARAMETERS + u64::from(offset)));
        Slot { offset, bytes: variable.bytes as u32 }
    }

    /// A variable every lane has for itself.
    pub fn frame_variable(&mut self, variable: &Declared) -> Slot {
        let offset = self.routine.frame_bytes.next_multiple_of(variable.align as u32);
        self.routine.frame_bytes = offset + variable.bytes as u32;
        self.name(variable.name.clone(), Operand::Frame(offset));
        Slot { offset, bytes: variable.bytes as u32 }
    }

    /// `.reg .b32 %r<5>;` or `.reg .b32 a, b;`, from the word `.reg` on.
    pub fn registers(&mut self, parser: &mut Parser) -> Result<(), Fault> {
        parser.word()?;
        let kind = parser.word()?;
        let bytes = match kind {
            ".pred" => 1,
            ".b8" | ".u8" | ".s8" | ".b16" | ".u16" | ".s16" | ".f16" | ".bf16" => 2,
            ".b32" | ".u32" | ".s32" | ".f32" | ".f16x2" | ".bf16x2" => 4,
            ".b64" | ".u64" | ".s64" | ".f64" => 8,
            _ => return parser.fault(format!("registers of type `{kind}` are not known")),
        };
        while !parser.take_mark(';') {
            let name = parser.word()?;
            if parser.take_mark('<') {
                let count = parser.number()?;
                parser.expect_mark('>')?;
                (0..count).for_each(|number| self.register(format!("{name}{number}"), bytes));
            } else {
                self.register(name.to_owned(), bytes);
            }
            parser.take_mark(',');
        }
        Ok(())
    }

    fn register(&mut self, name: String, bytes: usize) {
        let index = self.routine.register_count;
        self.routine.register_count += 1;
        self.routine.register_names.push(name.clone());
        self.name(name, Operand::Register(Register { index, bytes }));
    }

    /// Reads one operand.
    pub fn operand(&self, parser: &mut Parser) -> Result<Operand, Fault> {
        let first = self.operand_part(parser)?;
        if !parser.take_mark('|') {
            return Ok(first);
        }
        let second = self.operand_part(parser)?;
        Ok(Operand::Pair(Box::new(first), Box::new(second)))
    }

    fn operand_part(&self, parser: &mut Parser) -> Result<Operand, Fault> {
        if parser.take_mark('{') {
            return Ok(Operand::Vector(self.operands(parser, '}')?));
        }
        if parser.take_mark('(') {
            return Ok(Operand::Group(self.operands(parser, ')')?));
        }
        if parser.take_mark('[') {
            return self.address(parser);
        }
        if parser.take_mark('!') {
            return match self.operand_part(parser)? {
                Operand::Register(register) => Ok(Operand::Negated(register)),
                other => parser.fault(format!("`!` before {other:?}")),
            };
        }
        if parser.is_mark('-') {
            return parser.number().map(Operand::Immediate);
        }
        let word = parser.word()?;
        let operand = self.meaning(word, parser)?;
        let Operand::Immediate(start) = operand else { return Ok(operand) };
        // A variable with an offset, as in `mov.b64 %rd1, table+16`.
        Ok(Operand::Immediate(if parser.take_mark('+') { start.wrapping_add(parser.number()?) } else { start }))
    }

    fn operands(&self, parser: &mut Parser, end: char) -> Result<Vec<Operand>, Fault> {
        let mut operands = Vec::new();
        while !parser.take_mark(end) {
            operands.push(self.operand(parser)?);
            parser.take_mark(',');
        }
        Ok(operands)
    }

    fn address(&self, parser: &mut Parser) -> Result<Operand, Fault> {
        let base = self.operand_part(parser)?;
        let Ok(base) = source_of(&base) else { return parser.fault(format!("{base:?} as an address")) };
        let mut offset = 0_i64;
        if parser.take_mark('+') || parser.is_mark('-') {
            offset = parser.number()? as i64;
        }
        parser.expect_mark(']')?;
        Ok(Operand::Address(Address { base, offset }))
    }

    fn meaning(&self, word: &str, parser: &Parser) -> Result<Operand, Fault> {
        if word == "_" {
            return Ok(Operand::Sink);
        }
        if let Some(operand) = self.find(word) {
            return Ok(operand.clone());
        }
        if let Some(address) = parser.addresses.get(word) {
            return Ok(Operand::Immediate(*address));
        }
        if word.starts_with('%') {
            let unknown = || Fault::new(parser.line(), format!("`{word}` is not declared"));
            return special(word).map(Operand::Special).ok_or_else(unknown);
        }
        match number(word) {
            Some(value) => Ok(Operand::Immediate(value)),
            None if word.starts_with(|first: char| first.is_ascii_digit()) => {
                parser.fault(format!("`{word}` is no number"))
            }
            None => Ok(Operand::Name(word.to_owned())),
        }
    }

    /// Resolves labels and finds where parted lanes meet.
    pub fn finish(mut self) -> Result<Routine, Fault> {
        let line = self.routine.code.last().map_or(0, |instruction| instruction.line);
        let end = Instruction { guard: None, action: Action::Return, line, opcode: None, meeting: flow::NOWHERE };
        self.routine.code.push(end);
        let labels = &self.labels;
        let find = |label: &str, line| {
            labels.get(label).copied().ok_or_else(|| Fault::new(line, format!("there is no label `{label}`")))
        };
        for instruction in &mut self.routine.code {
            let line = instruction.line;
            let target = match &instruction.action {
                Action::BranchTo(label) => Action::Branch(find(label, line)?),
                Action::BranchInto(source, table) => {
                    let unknown = || Fault::new(line, format!("there is no table `{table}`"));
                    let labels = self.tables.get(table).ok_or_else(unknown)?;
                    let targets = labels.iter().map(|label| find(label, line)).collect::<Result<_, _>>()?;
                    Action::BranchTable(*source, targets)
                }
                _ => continue,
            };
            instruction.action = target;
        }
        flow::meet(&mut self.routine.code);
        Ok(self.routine)
    }
}

/// A value the hardware hands out, by its name.
fn special(word: &str) -> Option<Special> {
    if let Some((name, axis)) = word.rsplit_once('.') {
        let axis = ["x", "y", "z"].iter().position(|known| *known == axis)?;
        return Some(match name {
            "%tid" => Special::Tid(axis),
            "%ntid" => Special::Ntid(axis),
            "%ctaid" => Special::Ctaid(axis),
            "%nctaid" => Special::Nctaid(axis),
            _ => return None,
        });
    }
    Some(match word {
        "%laneid" => Special::LaneId,
        "%warpid" => Special::WarpId,
        "%nwarpid" => Special::WarpCount,
        "WARP_SZ" => Special::WarpSize,
        "%gridid" => Special::GridId,
        "%lanemask_eq" => Special::LaneMask(Ordering::Equal, false),
        "%lanemask_lt" => Special::LaneMask(Ordering::Less, false),
        "%lanemask_le" => Special::LaneMask(Ordering::Less, true),
        "%lanemask_gt" => Special::LaneMask(Ordering::Greater, false),
        "%lanemask_ge" => Special::LaneMask(Ordering::Greater, true),
        "%total_smem_size" => Special::SharedBytes { dynamic_only: false },
        "%dynamic_smem_size" => Special::SharedBytes { dynamic_only: true },
        "%clock" | "%clock64" | "%globaltimer" => Special::Clock,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_values_are_known_by_name() {
        assert_eq!(special("%tid.y"), Some(Special::Tid(1)));
        assert_eq!(special("%laneid"), Some(Special::LaneId));
        assert_eq!(special("%nonsense.x"), None);
    }
}
