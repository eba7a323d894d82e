//! Registers and operands of a plane, arithmetic on them, and the values the hardware hands each unit.
//!
//! In:  sources of operands and the lanes that take part.
//! Out: values, or a refusal where a lane reads what it has not written.

use super::core::Core;
use super::program::{LANES, LOCAL, Lanes, Scalar, Source, Special};
use super::ways::{ALL, lanes_of};
use std::cmp::Ordering;

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

impl Core<'_, '_> {
    /// A register of the routine among all of the plane.
    pub fn register(&self, register: u32) -> usize {
        self.plane.frame().first_register + register as usize
    }

    pub fn check_written(&self, register: u32, lanes: u32) -> Result<(), String> {
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

    pub fn scalar(&mut self, scalar: &Scalar, active: u32) -> Result<(), String> {
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
