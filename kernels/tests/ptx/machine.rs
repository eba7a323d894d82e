//! A launch: cubes one after the other, the planes of a cube in turn until each waits or is done.
//!
//! In:  a module, a kernel's name, the size of the launch, arguments, memory.
//! Out: memory changed, and a [`Report`].

use super::core::Core;
use super::memory::Memory;
use super::program::{Fault, LANES, Module, Slot};
use super::report::{Report, Tally};
use super::shadow::Shadow;
use super::ways::{Plane, State};

/// Size of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cubes (blocks) along each axis.
    pub cubes: [u32; 3],
    /// Units (threads) of a cube along each axis.
    pub units: [u32; 3],
}

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A 64-bit address.
    Pointer(u64),
    /// A value or structure as it lies in memory.
    Bytes(Vec<u8>),
}

/// What is looked for besides wrong accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is looked for or not")]
pub struct Checks {
    /// Planes that touch the same shared bytes without a barrier between.
    pub shared_races: bool,
    /// Lanes of a plane that do so, in shared or global memory.
    pub lane_races: bool,
    /// Units that touch the same global bytes without a barrier between, cubes included.
    pub global_races: bool,
    /// Shared bytes that are read before anybody wrote them; otherwise counted. Found together with races.
    pub unwritten_reads: bool,
    /// Instructions of planes after which a launch counts as endless.
    pub most_instructions: u64,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            shared_races: true,
            lane_races: true,
            global_races: true,
            unwritten_reads: true,
            most_instructions: 4_000_000_000,
        }
    }
}

/// One launch under way.
pub(super) struct Machine<'a> {
    pub module: &'a Module,
    pub memory: &'a mut Memory,
    pub grid: Grid,
    pub checks: Checks,
    pub parameters: Vec<u8>,
    pub image: Vec<u8>,
    pub tallies: Vec<Tally>,
    pub global_shadow: Option<Shadow>,
    pub unwritten_reads: u64,
    pub executed: u64,
    /// Advances with every barrier.
    pub time: u32,
}

/// What the units of a cube share.
pub(super) struct Cube {
    pub position: [u32; 3],
    pub number: u32,
    /// Shared memory given at launch, and that of fixed variables.
    pub shared: [Vec<u8>; 2],
    pub shadows: [Shadow; 2],
    /// Time of the last barrier of all.
    pub barrier: u32,
}

/// Runs a kernel with all checks; an empty name is the only kernel of the module.
pub fn launch(
    module: &Module,
    kernel: &str,
    grid: Grid,
    dynamic_shared_bytes: usize,
    arguments: &[Argument],
    memory: &mut Memory,
) -> Result<Report, Fault> {
    launch_checked(module, kernel, grid, dynamic_shared_bytes, arguments, memory, Checks::default())
}

/// Runs a kernel with some checks.
pub fn launch_checked(
    module: &Module,
    kernel: &str,
    grid: Grid,
    dynamic_shared_bytes: usize,
    arguments: &[Argument],
    memory: &mut Memory,
    checks: Checks,
) -> Result<Report, Fault> {
    let entry = module.entry(kernel)?;
    let routine = &module.routines[entry];
    if routine.required_units.is_some_and(|units| units != grid.units) {
        return Err(Fault::new(0, format!("`{kernel}` needs units {:?}", routine.required_units)));
    }
    let parameters = parameter_bytes(&routine.parameters, arguments).map_err(|message| Fault::new(0, message))?;
    let global_shadow = checks.global_races.then(|| Shadow::new(memory.length(), module.granule));
    let mut machine = Machine {
        module,
        memory,
        grid,
        checks,
        parameters,
        image: module.image.clone(),
        tallies: vec![Tally::default(); module.instruction_count],
        global_shadow,
        unwritten_reads: 0,
        executed: 0,
        time: 1,
    };
    machine.run(entry, dynamic_shared_bytes)?;
    Ok(Report::of(module, &machine.tallies, machine.unwritten_reads))
}

/// The arguments laid out as the kernel declares its parameters.
fn parameter_bytes(slots: &[Slot], arguments: &[Argument]) -> Result<Vec<u8>, String> {
    if slots.len() != arguments.len() {
        return Err(format!("the kernel takes {} arguments, {} are given", slots.len(), arguments.len()));
    }
    let mut bytes = Vec::new();
    for (number, (slot, argument)) in slots.iter().zip(arguments).enumerate() {
        let value = match argument {
            Argument::Pointer(address) => address.to_le_bytes().to_vec(),
            Argument::Bytes(value) => value.clone(),
        };
        if value.len() != slot.bytes as usize {
            return Err(format!("argument {number} has {} bytes, the kernel takes {}", value.len(), slot.bytes));
        }
        bytes.resize(slot.offset as usize, 0);
        bytes.extend(value);
    }
    Ok(bytes)
}

/// The arguments of a kernel that CubeCL lowered.
///
/// `buffers` are in the order of their bindings. `info` is the host's block of words of 64 bits: scalars by type, each
/// type filled up to a whole word; then the length of every buffer, offsets of shapes and offsets of strides, filled
/// up; then all shapes and all strides. Where the compiler passes no parameters by value, the whole block is one more
/// buffer at the end. Where it does, the first `words_by_value` (up to the shapes) are the last parameter, and the rest,
/// if there is any, is a buffer before it.
pub fn cubecl_arguments(
    buffers: &[u64],
    info: &[u64],
    words_by_value: Option<usize>,
    memory: &mut Memory,
) -> Vec<Argument> {
    let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut arguments: Vec<Argument> = buffers.iter().copied().map(Argument::Pointer).collect();
    let (by_value, in_memory) = info.split_at(words_by_value.unwrap_or(0));
    if words_by_value.is_none() || !in_memory.is_empty() {
        arguments.push(Argument::Pointer(memory.upload(&bytes(in_memory))));
    }
    if !by_value.is_empty() {
        arguments.push(Argument::Bytes(bytes(by_value)));
    }
    arguments
}

impl Machine<'_> {
    fn run(&mut self, entry: usize, dynamic_shared_bytes: usize) -> Result<(), Fault> {
        let sizes = [dynamic_shared_bytes, self.module.static_shared_bytes];
        let mut cube = Cube {
            position: [0; 3],
            number: 0,
            shared: sizes.map(|bytes| vec![0xff; bytes]),
            shadows: sizes.map(|bytes| Shadow::new(bytes, self.module.granule)),
            barrier: 1,
        };
        let [x, y, z] = self.grid.cubes;
        for number in 0..x * y * z {
            cube.position = [number % x, number / x % y, number / (x * y)];
            cube.number = number;
            cube.shared.iter_mut().for_each(|bytes| bytes.fill(0xff));
            cube.shadows.iter_mut().for_each(Shadow::clear);
            self.time += 1;
            cube.barrier = self.time;
            self.run_cube(entry, &mut cube)?;
        }
        Ok(())
    }

    fn run_cube(&mut self, entry: usize, cube: &mut Cube) -> Result<(), Fault> {
        let units: u32 = self.grid.units.iter().product();
        let plane = |number: u32| {
            let lanes = (units - number * LANES as u32).min(LANES as u32);
            Plane::new(number as usize, lanes, entry, &self.module.routines[entry], self.time)
        };
        let mut planes: Vec<Plane> = (0..units.div_ceil(LANES as u32)).map(plane).collect();
        loop {
            for plane in planes.iter_mut().filter(|plane| plane.state == State::Ready) {
                Core { machine: &mut *self, cube: &mut *cube, plane }.run()?;
            }
            if planes.iter().all(|plane| plane.state == State::Done) {
                return Ok(());
            }
            if planes.iter().all(|plane| plane.state != State::Ready) {
                self.open_barrier(&mut planes, cube)?;
            }
        }
    }

    /// Lets the planes go on that wait at a complete barrier.
    fn open_barrier(&mut self, planes: &mut [Plane], cube: &mut Cube) -> Result<(), Fault> {
        let living = planes.iter().filter(|plane| plane.state != State::Done).count();
        let waits: Vec<(u64, Option<u64>, u32)> = planes.iter().filter_map(Plane::waits).collect();
        let complete = waits.iter().find(|(number, units, _)| {
            let here = waits.iter().filter(|(other, ..)| other == number).count();
            here >= units.map_or(living, |units| (units as usize).div_ceil(LANES))
        });
        let Some(&(number, ..)) = complete else {
            let (_, _, line) = waits[0];
            let lines: Vec<_> = waits.iter().map(|(number, _, line)| format!("{number} at line {line}")).collect();
            return Err(Fault::new(line, format!("all planes wait, at barriers {}", lines.join(", "))));
        };
        self.time += 1;
        cube.barrier = self.time;
        for plane in planes.iter_mut().filter(|plane| plane.waits().is_some_and(|(waited, ..)| waited == number)) {
            plane.state = State::Ready;
            plane.barrier = self.time;
        }
        Ok(())
    }
}
