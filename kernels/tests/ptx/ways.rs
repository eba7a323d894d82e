//! A plane's own state: its registers, the routines under way, and the ways its lanes go.
//!
//! In:  a kernel and the number of lanes.
//! Out: a plane that [`super::core`] moves on.
//!
//! Lanes on the same way share a program counter. A way ends where it meets the one below it on the stack.

use super::flow::NOWHERE;
use super::program::{LANES, Lanes, Routine};

/// All lanes.
pub const ALL: u32 = u32::MAX;
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
    pub place: u32,
    /// Where it meets the way below.
    pub meeting: u32,
    pub lanes: u32,
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
    pub outer_ways: usize,
    pub lanes: u32,
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
    pub ways: Vec<Way>,
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

    pub fn enter(&mut self, number: usize, routine: &Routine, lanes: u32) {
        let (first_register, local) = (self.registers.len(), self.local[0].len().next_multiple_of(16));
        self.frames.push(Frame { routine: number, first_register, local, outer_ways: self.ways.len(), lanes });
        self.registers.resize(first_register + routine.register_count as usize, [0; LANES]);
        self.written.resize(self.registers.len(), 0);
        let end = local + routine.frame_bytes as usize;
        self.local.iter_mut().for_each(|bytes| bytes.resize(end, 0xff));
        self.ways.push(Way { place: 0, meeting: NOWHERE, lanes });
    }

    /// Takes lanes off the ways from some depth of the stack on.
    pub fn remove(&mut self, lanes: u32, from: usize) {
        self.ways[from..].iter_mut().for_each(|way| way.lanes &= !lanes);
    }

    pub fn step(&mut self) {
        if let Some(way) = self.ways.last_mut() {
            way.place += 1;
        }
    }

    pub fn goto(&mut self, place: u32) {
        if let Some(way) = self.ways.last_mut() {
            way.place = place;
        }
    }

    /// Parts the lanes of the top way to several places.
    pub fn part(&mut self, mut places: Vec<(u32, u32)>, meeting: u32) {
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

/// The lanes of a mask.
pub fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    (0..LANES).filter(move |lane| mask >> lane & 1 == 1)
}
