//! Who touched which bytes since the last barrier: finds races, copies not waited for and bytes never written.
//!
//! In:  every access with the unit that makes it and the time of the last barriers it passed.
//! Out: nothing, or a sentence saying which earlier access it collides with.
//!
//! Time is a counter that every barrier advances. Two accesses by different planes are in order if a barrier of the
//! cube lies between them, two by different lanes of a plane also if a barrier of the plane does. A barrier for a part
//! of the cube counts as one of all, so a race behind it can be missed, but none is made up.

/// A unit at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Number of the cube.
    pub cube: u32,
    /// Number of the plane in the cube.
    pub plane: u8,
    /// Lane in the plane.
    pub lane: u8,
    /// Line of the instruction.
    pub line: u32,
    /// Whether the access is atomic; atomic accesses do not collide with each other.
    pub is_atomic: bool,
    /// Time now.
    pub time: u32,
    /// Time of the last barrier of the cube.
    pub cube_barrier: u32,
    /// Time of the last barrier of the plane; the largest time where lanes are not told apart.
    pub plane_barrier: u32,
}

/// An access that is remembered; time 0 is none.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    time: u32,
    cube: u32,
    line: u32,
    plane: u8,
    lane: u8,
    is_atomic: bool,
}

/// Stands for several planes, lanes or cubes.
const SEVERAL: u8 = u8::MAX;
const SEVERAL_CUBES: u32 = u32::MAX;

impl Mark {
    fn of(moment: &Moment) -> Self {
        let Moment { cube, plane, lane, line, is_atomic, time, .. } = *moment;
        Self { time, cube, line, plane, lane, is_atomic }
    }

    /// Whether nothing orders this access before one at a later moment.
    fn collides(&self, now: &Moment) -> bool {
        if self.time == 0 || (self.is_atomic && now.is_atomic) {
            return false;
        }
        if self.cube != now.cube {
            return true;
        }
        if self.plane != now.plane {
            return self.time >= now.cube_barrier;
        }
        self.lane != now.lane && self.time >= now.plane_barrier
    }

    /// Adds a reader to the readers this mark stands for.
    fn join(&mut self, now: &Moment) {
        if self.time == 0 || (self.cube == now.cube && self.time < now.cube_barrier) {
            *self = Self::of(now);
            return;
        }
        if self.cube != now.cube {
            self.cube = SEVERAL_CUBES;
        } else if self.plane != now.plane {
            (self.plane, self.lane) = (SEVERAL, SEVERAL);
        } else if self.lane != now.lane {
            if self.time < now.plane_barrier {
                *self = Self::of(now);
                return;
            }
            self.lane = SEVERAL;
        }
        (self.time, self.line) = (now.time, now.line);
        self.is_atomic &= now.is_atomic;
    }

    fn who(&self) -> String {
        let of = |number: u8, what: &str| match number {
            SEVERAL => String::new(),
            number => format!(" {what} {number}"),
        };
        let cube = if self.cube == SEVERAL_CUBES { "other cubes".to_owned() } else { format!("cube {}", self.cube) };
        format!("{cube}{}{} at line {}", of(self.plane, "plane"), of(self.lane, "lane"), self.line)
    }
}

/// Marks of a memory.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    granule: usize,
    writers: Vec<Mark>,
    readers: Vec<Mark>,
    /// Asynchronous copies under way.
    pending: Vec<u16>,
}

impl Shadow {
    /// For so many bytes, told apart by granules.
    pub fn new(bytes: usize, granule: usize) -> Self {
        let count = bytes.div_ceil(granule);
        Self {
            granule,
            writers: vec![Mark::default(); count],
            readers: vec![Mark::default(); count],
            pending: vec![0; count],
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.writers.fill(Mark::default());
        self.readers.fill(Mark::default());
        self.pending.fill(0);
    }

    fn granules(&self, place: usize, bytes: usize) -> std::ops::Range<usize> {
        place / self.granule..(place + bytes).div_ceil(self.granule)
    }

    /// Whether all of these bytes have been written.
    pub fn is_written(&self, place: usize, bytes: usize) -> bool {
        self.writers[self.granules(place, bytes)].iter().all(|mark| mark.time > 0)
    }

    /// A read.
    pub fn read(&mut self, place: usize, bytes: usize, now: &Moment) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            if self.pending[granule] > 0 {
                return Err("reads bytes whose asynchronous copy was not waited for".to_owned());
            }
            if self.writers[granule].collides(now) {
                let who = self.writers[granule].who();
                return Err(format!("races: reads what {who} wrote, and no barrier lies between"));
            }
            self.readers[granule].join(now);
        }
        Ok(())
    }

    /// A write; one that changes nothing cannot spoil anything.
    pub fn write(&mut self, place: usize, bytes: usize, now: &Moment, changes: bool) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            if self.pending[granule] > 0 {
                return Err("writes bytes to which an asynchronous copy is under way".to_owned());
            }
            self.check_write(granule, now, changes)?;
            self.writers[granule] = Mark::of(now);
        }
        Ok(())
    }

    fn check_write(&self, granule: usize, now: &Moment, changes: bool) -> Result<(), String> {
        let (writer, reader) = (&self.writers[granule], &self.readers[granule]);
        if changes && writer.collides(now) {
            return Err(format!("races: overwrites what {} wrote, and no barrier lies between", writer.who()));
        }
        if changes && reader.collides(now) {
            return Err(format!("races: overwrites what {} read, and no barrier lies between", reader.who()));
        }
        Ok(())
    }

    /// The start of an asynchronous copy.
    pub fn begin_copy(&mut self, place: usize, bytes: usize, now: &Moment) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            self.check_write(granule, now, true)?;
            self.pending[granule] += 1;
        }
        Ok(())
    }

    /// The end of an asynchronous copy, from when on the unit that waited sees it.
    pub fn end_copy(&mut self, place: usize, bytes: usize, now: &Moment) {
        for granule in self.granules(place, bytes) {
            self.pending[granule] = self.pending[granule].saturating_sub(1);
            self.writers[granule] = Mark::of(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(plane: u8, lane: u8, time: u32, cube_barrier: u32) -> Moment {
        Moment { cube: 0, plane, lane, line: 1, is_atomic: false, time, cube_barrier, plane_barrier: cube_barrier }
    }

    #[test]
    fn a_barrier_puts_accesses_in_order() {
        let mut shadow = Shadow::new(8, 4);
        assert!(shadow.write(0, 4, &at(0, 0, 1, 1), true).is_ok());
        assert!(shadow.read(0, 4, &at(1, 0, 1, 1)).is_err());
        assert!(shadow.read(4, 4, &at(1, 0, 1, 1)).is_ok());
        assert!(shadow.read(0, 4, &at(1, 0, 2, 2)).is_ok());
    }

    #[test]
    fn overwriting_what_another_plane_still_reads_is_a_race() {
        let mut shadow = Shadow::new(4, 4);
        for plane in [0, 1] {
            assert!(shadow.read(0, 4, &at(plane, 0, 1, 1)).is_ok());
        }
        assert!(shadow.write(0, 4, &at(1, 0, 1, 1), true).is_err());
        assert!(shadow.write(0, 4, &at(1, 0, 2, 2), true).is_ok());
    }

    #[test]
    fn lanes_of_a_plane_are_told_apart() {
        let mut shadow = Shadow::new(4, 4);
        assert!(shadow.write(0, 4, &at(0, 0, 1, 1), true).is_ok());
        assert!(shadow.read(0, 4, &at(0, 0, 1, 1)).is_ok());
        assert!(shadow.read(0, 4, &at(0, 1, 1, 1)).is_err());
    }
}
