//! The loop that executes a plane's instructions, and the instructions that change its way.
//!
//! In:  a plane that is ready.
//! Out: the plane waiting at a barrier, done, or out of its turn.

use super::machine::{Cube, Machine};
use super::program::{Action, Fault, Instruction, LANES, Module, Routine, Slot, Source};
use super::report::Tally;
use super::ways::{ALL, Plane, State, lanes_of};

/// Instructions after which another plane gets its turn, so that one may wait for what another writes.
const TURN: u32 = 1 << 16;
/// What a register holds that the compiler left open: NaN in every float format.
const OPEN: u64 = 0x7fff_7fff_7fff_7fff;

/// A plane that executes, with all it can reach.
pub struct Core<'c, 'm> {
    pub machine: &'c mut Machine<'m>,
    pub cube: &'c mut Cube,
    pub plane: &'c mut Plane,
}

impl<'m> Core<'_, 'm> {
    pub fn module(&self) -> &'m Module {
        self.machine.module
    }

    /// Executes until the plane waits, is done or has had its turn.
    pub fn run(&mut self) -> Result<(), Fault> {
        let module = self.module();
        for _ in 0..TURN {
            let Some((instruction, routine, lanes)) = self.next(module) else { return Ok(()) };
            let active = self.guarded(instruction, lanes).map_err(|message| self.fault(instruction, &message))?;
            self.count(instruction, routine, active);
            if active == 0 {
                self.plane.step();
                continue;
            }
            self.execute(instruction, lanes, active).map_err(|message| self.fault(instruction, &message))?;
            if self.plane.state != State::Ready {
                return Ok(());
            }
        }
        self.machine.executed += u64::from(TURN);
        if self.machine.executed > self.machine.checks.most_instructions {
            return Err(Fault::new(0, format!("runs for more than {} instructions", self.machine.executed)));
        }
        Ok(())
    }

    /// The next instruction and the lanes on its way, after ways and routines that are at their end.
    fn next(&mut self, module: &'m Module) -> Option<(&'m Instruction, &'m Routine, u32)> {
        loop {
            let frame = self.plane.frame();
            let routine = &module.routines[frame.routine];
            if self.plane.ways.len() == frame.outer_ways {
                if self.plane.frames.len() == 1 {
                    self.plane.state = State::Done;
                    return None;
                }
                self.leave(module);
                continue;
            }
            let way = self.plane.ways[self.plane.ways.len() - 1];
            if way.lanes == 0 || way.place == way.meeting {
                self.plane.ways.pop();
                continue;
            }
            return Some((&routine.code[way.place as usize], routine, way.lanes));
        }
    }

    fn fault(&self, instruction: &Instruction, message: &str) -> Fault {
        let name = instruction.opcode.map_or("instruction", |opcode| &self.module().opcodes[opcode as usize]);
        let (cube, plane) = (self.cube.position, self.plane.number);
        Fault::new(instruction.line, format!("`{name}` {message} (cube {cube:?}, plane {plane})"))
    }

    fn guarded(&self, instruction: &Instruction, lanes: u32) -> Result<u32, String> {
        let Some((register, is_negated)) = instruction.guard else { return Ok(lanes) };
        self.check_written(register, lanes)?;
        let predicate = self.plane.registers[self.register(register)];
        let holds = (0..LANES).fold(0, |mask, lane| mask | ((predicate[lane] & 1) as u32) << lane);
        Ok(lanes & if is_negated { !holds } else { holds })
    }

    fn count(&mut self, instruction: &Instruction, routine: &Routine, active: u32) {
        if instruction.opcode.is_some() {
            let place = self.plane.ways[self.plane.ways.len() - 1].place as usize;
            let tally = &mut self.machine.tallies[routine.first + place];
            tally.executions += 1;
            tally.lanes += u64::from(active.count_ones());
        }
    }

    /// The tally of the instruction that executes.
    pub fn tally(&mut self) -> &mut Tally {
        let place = self.plane.ways[self.plane.ways.len() - 1].place as usize;
        let first = self.module().routines[self.plane.frame().routine].first;
        &mut self.machine.tallies[first + place]
    }

    fn execute(&mut self, instruction: &'m Instruction, lanes: u32, active: u32) -> Result<(), String> {
        match &instruction.action {
            Action::Branch(target) => {
                let next = self.plane.ways[self.plane.ways.len() - 1].place + 1;
                self.plane.part(vec![(*target, active), (next, lanes & !active)], instruction.meeting);
                return Ok(());
            }
            Action::BranchTable(source, targets) => {
                return self.branch_table(*source, targets, active, lanes, instruction.meeting);
            }
            Action::Call { function, arguments, .. } => {
                self.call(*function, arguments, active);
                return Ok(());
            }
            Action::Return => {
                let outer = self.plane.frame().outer_ways;
                self.plane.remove(active, outer);
                self.plane.living &= if outer == 0 && self.plane.frames.len() == 1 { !active } else { ALL };
            }
            Action::Exit => {
                self.plane.remove(active, 0);
                self.plane.living &= !active;
            }
            Action::Scalar(scalar) => self.scalar(scalar, active)?,
            Action::Open(register) => self.write(*register, &[OPEN; LANES], active),
            Action::Trap => return Err("stops the kernel".to_owned()),
            Action::Nothing => {}
            action => self.execute_shared(action, instruction.line, active)?,
        }
        self.plane.step();
        Ok(())
    }

    fn execute_shared(&mut self, action: &Action, line: u32, active: u32) -> Result<(), String> {
        match action {
            Action::Load(access) => self.load(access, line, active),
            Action::Store(access) => self.store(access, line, active),
            Action::Atomic(atomic) => self.atomic(atomic, line, active),
            Action::CopyAsync(copy) => self.copy_async(copy, line, active),
            Action::CommitCopies => {
                self.plane.copies.push(Vec::new());
                Ok(())
            }
            Action::WaitCopies(open) => {
                self.wait_copies(*open, line);
                Ok(())
            }
            Action::LoadMatrix(copy) => self.load_matrix(copy, line, active),
            Action::StoreMatrix(copy) => self.store_matrix(copy, line, active),
            Action::Product(product) => self.product(product, active),
            Action::LoadFragment(fragment) => self.load_fragment(fragment, line, active),
            Action::StoreFragment(fragment) => self.store_fragment(fragment, line, active),
            action => self.gather_lanes(action, line, active),
        }
    }

    fn branch_table(
        &mut self,
        source: Source,
        targets: &[u32],
        active: u32,
        lanes: u32,
        meeting: u32,
    ) -> Result<(), String> {
        let chosen = self.fetch(source, active)?;
        let next = self.plane.ways[self.plane.ways.len() - 1].place + 1;
        let mut places = vec![(next, lanes & !active)];
        for lane in lanes_of(active) {
            let target = targets.get(chosen[lane] as usize).ok_or_else(|| "has no such target".to_owned())?;
            match places.iter_mut().find(|(place, _)| place == target) {
                Some((_, lanes)) => *lanes |= 1 << lane,
                None => places.push((*target, 1 << lane)),
            }
        }
        self.plane.part(places, meeting);
        Ok(())
    }

    fn call(&mut self, function: usize, arguments: &[u32], active: u32) {
        let routine = &self.module().routines[function];
        let caller = self.plane.frame();
        self.plane.enter(function, routine, active);
        let callee = self.plane.frame();
        for (from, slot) in arguments.iter().zip(&routine.parameters) {
            self.pass(active, caller.local + *from as usize, callee.local, *slot);
        }
    }

    /// Copies an argument between frames.
    fn pass(&mut self, lanes: u32, from: usize, frame: usize, slot: Slot) {
        let to = frame + slot.offset as usize;
        for lane in lanes_of(lanes) {
            self.plane.local[lane].copy_within(from..from + slot.bytes as usize, to);
        }
    }

    /// Goes back to the caller behind its call.
    fn leave(&mut self, module: &'m Module) {
        let Some(callee) = self.plane.frames.pop() else { return };
        let (routine, caller) = (&module.routines[callee.routine], self.plane.frame());
        let place = self.plane.ways[self.plane.ways.len() - 1].place as usize;
        if let Action::Call { results, .. } = &module.routines[caller.routine].code[place].action {
            for (to, slot) in results.iter().zip(&routine.results) {
                let from = callee.local + slot.offset as usize;
                let target = Slot { offset: *to, bytes: slot.bytes };
                self.pass(callee.lanes & self.plane.living, from, caller.local, target);
            }
        }
        self.plane.registers.truncate(callee.first_register);
        self.plane.written.truncate(callee.first_register);
        self.plane.local.iter_mut().for_each(|bytes| bytes.truncate(callee.local));
        self.plane.step();
    }
}
