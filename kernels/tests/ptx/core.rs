//! A plane: its registers, the ways its lanes go, and the loop that executes instructions.
//!
//! In:  a plane that is ready.
//! Out: the plane waiting at a barrier, done, or out of its turn.
//!
//! Lanes on the same way share a program counter. A way ends where it meets the one below it on the stack.

use super::flow::NOWHERE;
use super::machine::{Cube, Machine};
use super::program::{Action, Fault, Instruction, LANES, LOCAL, Lanes, Routine, Scalar, Source, Special};
use super::program::{Module, Slot};
use std::cmp::Ordering;

/// All lanes.
pub const ALL: u32 = u32::MAX;
/// Instructions after which another plane gets its turn, so that one may wait for what another writes.
const TURN: u32 = 1 << 16;
/// What a register holds that the compiler left open: NaN in every float format.
const OPEN: u64 = 0x7fff_7fff_7fff_7fff;

/// Whether a plane can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Ready,
    /// It waits at a barrier: number, units expected where not all, line.
    Waiting(u64, Option<u64>, u32),
    /// All its lanes are done.
    Done,
}

/// Lanes that go the same way.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    place: u32,
    /// Where it meets the way below.
    meeting: u32,
    lanes: u32,
}

/// A routine under way.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub routine: usize,
    /// Its first register among the plane's.
    pub first_register: usize,
    /// Its variables' start in each lane's own memory.
    pub local: usize,
    /// Ways that belong to callers.
    outer_ways: usize,
    lanes: u32,
}

/// An asynchronous copy not waited for.
#[derive(Clone, Debug)]
pub struct OpenCopy {
    pub lane: usize,
    pub area: usize,
    pub place: usize,
    pub bytes: Vec<u8>,
}

/// 32 lanes in lockstep.
pub struct Plane {
    pub number: usize,
    /// Lanes that exist and are not done.
    pub living: u32,
    pub registers: Vec<Lanes>,
    /// Lanes of each register that have been written.
    pub written: Vec<u32>,
    pub frames: Vec<Frame>,
    ways: Vec<Way>,
    pub local: Vec<Vec<u8>>,
    /// Groups of copies, oldest first; the last one is not committed.
    pub copies: Vec<Vec<OpenCopy>>,
    pub state: State,
    /// Time of the last barrier of the plane.
    pub barrier: u32,
}

impl Plane {
    pub fn new(number: usize, lanes: u32, entry: usize, routine: &Routine, time: u32) -> Self {
        let living = if lanes == 32 { ALL } else { (1 << lanes) - 1 };
        let mut plane = Self {
            number,
            living,
            registers: Vec::new(),
            written: Vec::new(),
            frames: Vec::new(),
            ways: Vec::new(),
            local: vec![Vec::new(); LANES],
            copies: vec![Vec::new()],
            state: State::Ready,
            barrier: time,
        };
        plane.enter(entry, routine, living);
        plane
    }

    /// What the plane waits for, if it does.
    pub fn waits(&self) -> Option<(u64, Option<u64>, u32)> {
        match self.state {
            State::Waiting(number, units, line) => Some((number, units, line)),
            _ => None,
        }
    }

    pub fn frame(&self) -> Frame {
        self.frames[self.frames.len() - 1]
    }

    fn enter(&mut self, number: usize, routine: &Routine, lanes: u32) {
        let (first_register, local) = (self.registers.len(), self.local[0].len().next_multiple_of(16));
        self.frames.push(Frame { routine: number, first_register, local, outer_ways: self.ways.len(), lanes });
        self.registers.resize(first_register + routine.register_count as usize, [0; LANES]);
        self.written.resize(self.registers.len(), 0);
        let end = local + routine.frame_bytes as usize;
        self.local.iter_mut().for_each(|bytes| bytes.resize(end, 0xff));
        self.ways.push(Way { place: 0, meeting: NOWHERE, lanes });
    }

    /// Takes lanes off the ways from some depth of the stack on.
    fn remove(&mut self, lanes: u32, from: usize) {
        self.ways[from..].iter_mut().for_each(|way| way.lanes &= !lanes);
    }

    fn step(&mut self) {
        if let Some(way) = self.ways.last_mut() {
            way.place += 1;
        }
    }

    fn goto(&mut self, place: u32) {
        if let Some(way) = self.ways.last_mut() {
            way.place = place;
        }
    }

    /// Parts the lanes of the top way to several places.
    fn part(&mut self, mut places: Vec<(u32, u32)>, meeting: u32) {
        places.retain(|(_, lanes)| *lanes != 0);
        if let [(place, _)] = places[..] {
            return self.goto(place);
        }
        let Some(way) = self.ways.last_mut() else { return };
        if way.meeting == meeting {
            self.ways.pop();
        } else {
            way.place = meeting;
        }
        // The way that comes first in the text goes first.
        places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        let going = places.into_iter().filter(|(place, _)| *place != meeting);
        self.ways.extend(going.map(|(place, lanes)| Way { place, meeting, lanes }));
    }
}

/// A plane that executes, with all it can reach.
pub struct Core<'c, 'm> {
    pub machine: &'c mut Machine<'m>,
    pub cube: &'c mut Cube,
    pub plane: &'c mut Plane,
}

/// Where the lanes of an operand come from.
enum View<'a> {
    Lanes(&'a Lanes),
    Same(u64),
}

impl View<'_> {
    fn at(&self, lane: usize) -> u64 {
        match self {
            View::Lanes(lanes) => lanes[lane],
            View::Same(value) => *value,
        }
    }
}

/// The lanes of a mask.
pub fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    (0..LANES).filter(move |lane| mask >> lane & 1 == 1)
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
    pub fn tally(&mut self) -> &mut super::report::Tally {
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

    /// A register of the routine among all of the plane.
    pub fn register(&self, register: u32) -> usize {
        self.plane.frame().first_register + register as usize
    }

    fn check_written(&self, register: u32, lanes: u32) -> Result<(), String> {
        if self.plane.written[self.register(register)] & lanes == lanes {
            return Ok(());
        }
        let routine = &self.module().routines[self.plane.frame().routine];
        Err(format!("reads `{}` before it is written", routine.register_names[register as usize]))
    }

    /// The values of an operand.
    pub fn fetch(&self, source: Source, lanes: u32) -> Result<Lanes, String> {
        Ok(match source {
            Source::Register(register) => {
                self.check_written(register, lanes)?;
                self.plane.registers[self.register(register)]
            }
            Source::Immediate(value) => [value; LANES],
            Source::Frame(offset) => [LOCAL + (self.plane.frame().local + offset as usize) as u64; LANES],
            Source::Special(special) => std::array::from_fn(|lane| self.special(special, lane)),
        })
    }

    /// Writes some lanes of a register.
    pub fn write(&mut self, register: u32, values: &Lanes, lanes: u32) {
        let register = self.register(register);
        self.plane.written[register] |= lanes;
        let target = &mut self.plane.registers[register];
        if lanes == ALL {
            *target = *values;
        } else {
            lanes_of(lanes).for_each(|lane| target[lane] = values[lane]);
        }
    }

    fn scalar(&mut self, scalar: &Scalar, active: u32) -> Result<(), String> {
        let mut special = [[0; LANES]; 4];
        for (values, source) in special.iter_mut().zip(scalar.sources) {
            match source {
                Source::Special(_) | Source::Frame(_) => *values = self.fetch(source, active)?,
                Source::Register(register) => self.check_written(register, active)?,
                Source::Immediate(_) => {}
            }
        }
        let first = self.plane.frame().first_register;
        let views: [View; 4] = std::array::from_fn(|place| match scalar.sources[place] {
            Source::Register(register) => View::Lanes(&self.plane.registers[first + register as usize]),
            Source::Immediate(value) => View::Same(value),
            _ => View::Lanes(&special[place]),
        });
        let mut result = [0; LANES];
        for lane in lanes_of(active) {
            let mut operands = [views[0].at(lane), views[1].at(lane), views[2].at(lane), views[3].at(lane)];
            if let Some(before) = scalar.before {
                operands[..3].iter_mut().for_each(|bits| *bits = before(*bits));
            }
            let value = (scalar.function)(operands);
            result[lane] = scalar.after.map_or(value, |after| after(value));
        }
        self.write(scalar.destination, &result, active);
        Ok(())
    }

    fn special(&self, special: Special, lane: usize) -> u64 {
        let [x, y, _] = self.machine.grid.units;
        let unit = (self.plane.number * LANES + lane) as u32;
        let mask = |order: Ordering, or_equal: bool| {
            let is_in = |other: usize| other.cmp(&lane) == order || (or_equal && other == lane);
            (0..LANES).fold(0_u64, |mask, other| mask | u64::from(is_in(other)) << other)
        };
        match special {
            Special::Tid(0) => u64::from(unit % x),
            Special::Tid(1) => u64::from(unit / x % y),
            Special::Tid(_) => u64::from(unit / (x * y)),
            Special::Ntid(axis) => u64::from(self.machine.grid.units[axis]),
            Special::Ctaid(axis) => u64::from(self.cube.position[axis]),
            Special::Nctaid(axis) => u64::from(self.machine.grid.cubes[axis]),
            Special::LaneId => lane as u64,
            Special::WarpId => self.plane.number as u64,
            Special::WarpCount => u64::from(self.machine.grid.units.iter().product::<u32>().div_ceil(LANES as u32)),
            Special::WarpSize => LANES as u64,
            Special::GridId => 1,
            Special::LaneMask(order, or_equal) => mask(order, or_equal),
            Special::SharedBytes { dynamic_only: true } => self.cube.shared[0].len() as u64,
            Special::SharedBytes { dynamic_only: false } => self.cube.shared.iter().map(Vec::len).sum::<usize>() as u64,
            Special::Clock => self.machine.executed,
        }
    }
}
