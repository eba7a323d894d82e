//! PTX text to a [`Module`].
//!
//! In:  a module as LLVM's NVPTX backend or a person writes it.
//! Out: its kernels and functions with every name resolved, its variables laid out.
//! Source: PTX ISA, "Syntax" and "Directives".

use super::decode;
use super::flow;
use super::lexer::{Token, TokenKind, tokens};
use super::operand::{Operand, Statement};
use super::program::{Action, DYNAMIC_SHARED, Fault, IMAGE, Instruction, Module, Routine, STATIC_SHARED, Slot, Type};
use super::routine::RoutineBuilder;
use std::collections::HashMap;

/// Words before a declaration that say who may see it.
const LINKAGE: [&str; 5] = [".visible", ".extern", ".weak", ".common", ".managed"];

impl Module {
    /// Reads a module.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let tokens = tokens(text)?;
        let mut parser = Parser::new(&tokens);
        while parser.place < tokens.len() {
            parser.declaration()?;
        }
        parser.finish()
    }

    /// The kernel of a name, or the only kernel where the name is empty.
    pub fn entry(&self, name: &str) -> Result<usize, Fault> {
        let mut entries = (0..self.routines.len()).filter(|index| self.routines[*index].is_entry);
        let found = entries.clone().find(|index| self.routines[*index].name == name);
        let only = (name.is_empty() && entries.clone().count() == 1).then(|| entries.next()).flatten();
        found.or(only).ok_or_else(|| Fault::new(0, format!("there is no kernel `{name}`")))
    }
}

/// A declared variable: what it is called, how large and how aligned.
pub(super) struct Declared {
    pub name: String,
    pub kind: Type,
    pub bytes: usize,
    pub align: usize,
    pub is_sized: bool,
}

/// Reads tokens one after the other.
pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token<'a>],
    pub(super) place: usize,
    module: Module,
    /// Addresses of module variables.
    pub(super) addresses: HashMap<String, u64>,
    opcodes: HashMap<&'a str, u32>,
}

impl<'a> Parser<'a> {
    fn new(tokens: &'a [Token<'a>]) -> Self {
        let module = Module { granule: 8, ..Module::default() };
        Self { tokens, place: 0, module, addresses: HashMap::new(), opcodes: HashMap::new() }
    }

    fn declaration(&mut self) -> Result<(), Fault> {
        while LINKAGE.iter().any(|word| self.take_word(word)) {}
        match self.word()? {
            ".entry" => self.routine(true),
            ".func" => self.routine(false),
            ".section" => {
                self.skip_to('}');
                Ok(())
            }
            ".pragma" | ".alias" => {
                self.skip_to(';');
                Ok(())
            }
            ".shared" => self.shared_variable(),
            ".global" | ".const" => self.image_variable(),
            other => self.fault(format!("unknown declaration `{other}`")),
        }
    }

    /// `.align 4 .b8 name[16]`, after the word that names the space.
    pub(super) fn declared(&mut self) -> Result<Declared, Fault> {
        let (mut align, mut kind, mut per_element) = (0, None, 1);
        let name = loop {
            let word = self.word()?;
            match word {
                ".align" => align = self.number()? as usize,
                ".ptr" | ".global" | ".shared" | ".const" | ".local" | ".param" => {}
                ".v2" => per_element = 2,
                ".v4" => per_element = 4,
                ".b128" => (kind, per_element) = (Some(Type::B64), 2),
                _ => match word.strip_prefix('.') {
                    Some(part) => kind = Some(self.type_named(part)?),
                    None => break word.to_owned(),
                },
            }
        };
        let Some(kind) = kind else { return self.fault(format!("`{name}` has no type")) };
        let (mut count, mut is_sized) = (per_element, true);
        while self.take_mark('[') {
            if self.is_mark(']') {
                is_sized = false;
            } else {
                count *= self.number()? as usize;
            }
            self.expect_mark(']')?;
        }
        let align = align.max(kind.bytes());
        Ok(Declared { name, kind, bytes: count * kind.bytes(), align, is_sized })
    }

    fn type_named(&self, part: &str) -> Result<Type, Fault> {
        Type::named(part).ok_or_else(|| Fault::new(self.line(), format!("unknown type `.{part}`")))
    }

    /// A shared variable: with a size it lies among the fixed ones, without at the start of those given at launch.
    pub(super) fn shared_variable(&mut self) -> Result<(), Fault> {
        let variable = self.declared()?;
        self.expect_mark(';')?;
        let address = if variable.is_sized {
            let start = self.module.static_shared_bytes.next_multiple_of(variable.align);
            self.module.static_shared_bytes = start + variable.bytes;
            STATIC_SHARED + start as u64
        } else {
            DYNAMIC_SHARED
        };
        self.addresses.insert(variable.name, address);
        Ok(())
    }

    fn image_variable(&mut self) -> Result<(), Fault> {
        let variable = self.declared()?;
        let mut bytes = Vec::new();
        if self.take_mark('=') {
            self.initial_values(variable.kind, &mut bytes)?;
        }
        self.expect_mark(';')?;
        let length = if variable.is_sized { variable.bytes } else { bytes.len() };
        bytes.resize(length, 0);
        let start = self.module.image.len().next_multiple_of(variable.align);
        self.module.image.resize(start, 0);
        self.module.image.extend(bytes);
        self.addresses.insert(variable.name, IMAGE + start as u64);
        Ok(())
    }

    fn initial_values(&mut self, kind: Type, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        if let Some(TokenKind::Text(text)) = self.peek() {
            self.place += 1;
            bytes.extend(text.bytes().chain([0]));
            return Ok(());
        }
        if !self.take_mark('{') {
            let value = self.number()?;
            bytes.extend(&value.to_le_bytes()[..kind.bytes()]);
            return Ok(());
        }
        while !self.take_mark('}') {
            self.initial_values(kind, bytes)?;
            self.take_mark(',');
        }
        Ok(())
    }

    fn parameters(&mut self, builder: &mut RoutineBuilder) -> Result<Vec<Slot>, Fault> {
        let mut slots = Vec::new();
        self.expect_mark('(')?;
        while !self.take_mark(')') {
            let variable = self.declared()?;
            slots.push(builder.parameter(&variable));
            self.take_mark(',');
        }
        Ok(slots)
    }

    fn routine(&mut self, is_entry: bool) -> Result<(), Fault> {
        let mut builder = RoutineBuilder::new(is_entry);
        if self.is_mark('(') {
            builder.routine.results = self.parameters(&mut builder)?;
        }
        self.word()?.clone_into(&mut builder.routine.name);
        if self.is_mark('(') {
            builder.routine.parameters = self.parameters(&mut builder)?;
        }
        while !self.is_mark('{') && !self.is_mark(';') {
            self.performance_directive(&mut builder.routine)?;
        }
        if self.take_mark(';') {
            return Ok(()); // a declaration only
        }
        self.expect_mark('{')?;
        self.body(&mut builder)?;
        let routine = builder.finish()?;
        self.module.names.insert(routine.name.clone(), self.module.routines.len());
        self.module.routines.push(routine);
        Ok(())
    }

    fn performance_directive(&mut self, routine: &mut Routine) -> Result<(), Fault> {
        let word = self.word()?;
        let mut numbers = Vec::new();
        while !matches!(self.peek(), Some(TokenKind::Word(next)) if next.starts_with('.'))
            && !self.is_mark('{')
            && !self.is_mark(';')
        {
            numbers.push(self.number()? as u32);
            self.take_mark(',');
        }
        match word {
            ".reqntid" => {
                numbers.resize(3, 1);
                routine.required_units = Some([numbers[0], numbers[1], numbers[2]]);
            }
            ".maxntid" | ".maxnreg" | ".minnctapersm" | ".noreturn" | ".maxclusterrank" => {}
            other => return self.fault(format!("unknown directive `{other}`")),
        }
        Ok(())
    }

    /// Statements up to the brace that closes the body.
    fn body(&mut self, builder: &mut RoutineBuilder) -> Result<(), Fault> {
        let mut depth = 1;
        while depth > 0 {
            if self.take_mark('{') {
                depth += 1;
                builder.open_scope();
            } else if self.take_mark('}') {
                depth -= 1;
                builder.close_scope();
            } else {
                self.statement(builder)?;
            }
        }
        Ok(())
    }

    fn statement(&mut self, builder: &mut RoutineBuilder) -> Result<(), Fault> {
        if let (Some(TokenKind::Word(label)), Some(TokenKind::Mark(':'))) = (self.peek(), self.peek_after()) {
            self.place += 2;
            return self.labelled(label, builder);
        }
        match self.peek() {
            Some(TokenKind::Word(".reg")) => builder.registers(self),
            Some(TokenKind::Word(".local" | ".param")) => {
                self.place += 1;
                let variable = self.declared()?;
                builder.frame_variable(&variable);
                self.expect_mark(';')
            }
            Some(TokenKind::Word(".shared")) => {
                self.place += 1;
                self.shared_variable()
            }
            Some(TokenKind::Word(".pragma")) => {
                self.skip_to(';');
                Ok(())
            }
            _ => self.instruction(builder),
        }
    }

    /// What follows a label: a table of branch targets, a prototype, or just the next statement.
    fn labelled(&mut self, label: &str, builder: &mut RoutineBuilder) -> Result<(), Fault> {
        if self.take_word(".branchtargets") {
            let mut targets = Vec::new();
            while !self.take_mark(';') {
                targets.push(self.word()?.to_owned());
                self.take_mark(',');
            }
            builder.tables.insert(label.to_owned(), targets);
        } else if self.take_word(".callprototype") {
            self.skip_to(';');
        } else {
            builder.label(label);
        }
        Ok(())
    }

    fn instruction(&mut self, builder: &mut RoutineBuilder) -> Result<(), Fault> {
        let line = self.line();
        let guard = if self.take_mark('@') { Some(self.guard(builder)?) } else { None };
        let opcode = self.word()?;
        let mut operands = Vec::new();
        while !self.take_mark(';') {
            operands.push(builder.operand(self)?);
            if !self.take_mark(',') && !self.is_mark(';') {
                return self.fault(format!("expected `,` or `;` after an operand of `{opcode}`"));
            }
        }
        let statement = Statement { parts: opcode.split('.').collect(), operands };
        let explain = |message| Fault::new(line, format!("`{opcode}` {message}"));
        let actions = decode::actions(&statement).map_err(explain)?;
        let count = self.opcodes.len() as u32;
        let name = *self.opcodes.entry(opcode).or_insert(count);
        for (part, action) in actions.into_iter().enumerate() {
            self.note_granule(&action);
            let opcode = (part == 0).then_some(name);
            builder.routine.code.push(Instruction { guard, action, line, opcode, meeting: flow::NOWHERE });
        }
        Ok(())
    }

    fn guard(&mut self, builder: &RoutineBuilder) -> Result<(u32, bool), Fault> {
        let is_negated = self.take_mark('!');
        let name = self.word()?;
        match builder.find(name) {
            Some(Operand::Register(register)) => Ok((register.index, is_negated)),
            _ => self.fault(format!("`{name}` is no predicate")),
        }
    }

    fn note_granule(&mut self, action: &Action) {
        let bytes = match action {
            Action::Load(access) | Action::Store(access) => access.kind.bytes(),
            Action::Atomic(atomic) => atomic.bytes,
            Action::LoadFragment(fragment) | Action::StoreFragment(fragment) => fragment.element.bytes(),
            Action::CopyAsync(_) => 4,
            _ => return,
        };
        self.module.granule = self.module.granule.min(bytes);
    }

    /// Numbers the opcodes and instructions and finds the functions that are called.
    fn finish(mut self) -> Result<Module, Fault> {
        let mut opcodes: Vec<(&str, u32)> = self.opcodes.into_iter().collect();
        opcodes.sort_by_key(|(_, index)| *index);
        self.module.opcodes = opcodes.into_iter().map(|(name, _)| name.to_owned()).collect();
        let names = self.module.names.clone();
        for routine in &mut self.module.routines {
            routine.first = self.module.instruction_count;
            self.module.instruction_count += routine.code.len();
            for instruction in &mut routine.code {
                let Action::Call { name, function, .. } = &mut instruction.action else { continue };
                let unknown = || Fault::new(instruction.line, format!("calls `{name}`, which has no body here"));
                *function = *names.get(name).ok_or_else(unknown)?;
            }
        }
        Ok(self.module)
    }
}
