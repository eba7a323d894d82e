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

/// Granules whose marks are made together, when the first of them is touched.
const PAGE: usize = 1024;

/// What is remembered of a granule.
#[derive(Clone, Copy, Debug, Default)]
struct Granule {
    writer: Mark,
    reader: Mark,
    /// Asynchronous copies under way.
    pending: u16,
}

/// Marks of a memory.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    granule: usize,
    pages: Vec<Vec<Granule>>,
}

impl Shadow {
    /// For so many bytes, told apart by granules.
    pub fn new(bytes: usize, granule: usize) -> Self {
        Self { granule, pages: vec![Vec::new(); bytes.div_ceil(granule).div_ceil(PAGE)] }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pages.iter_mut().for_each(|page| page.fill(Granule::default()));
    }

    fn granules(&self, place: usize, bytes: usize) -> std::ops::Range<usize> {
        place / self.granule..(place + bytes).div_ceil(self.granule)
    }

    fn at(&mut self, granule: usize) -> &mut Granule {
        let page = &mut self.pages[granule / PAGE];
        if page.is_empty() {
            page.resize(PAGE, Granule::default());
        }
        &mut page[granule % PAGE]
    }

    /// Whether all of these bytes have been written.
    pub fn is_written(&self, place: usize, bytes: usize) -> bool {
        let is_marked = |granule: usize| {
            self.pages[granule / PAGE].get(granule % PAGE).is_some_and(|granule| granule.writer.time > 0)
        };
        self.granules(place, bytes).all(is_marked)
    }

    /// A read.
    pub fn read(&mut self, place: usize, bytes: usize, now: &Moment) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            let marks = self.at(granule);
            if marks.pending > 0 {
                return Err("reads bytes whose asynchronous copy was not waited for".to_owned());
            }
            if marks.writer.collides(now) {
                let who = marks.writer.who();
                return Err(format!("races: reads what {who} wrote, and no barrier lies between"));
            }
            marks.reader.join(now);
        }
        Ok(())
    }

    /// A write; one that changes nothing cannot spoil anything.
    pub fn write(&mut self, place: usize, bytes: usize, now: &Moment, changes: bool) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            let marks = self.at(granule);
            if marks.pending > 0 {
                return Err("writes bytes to which an asynchronous copy is under way".to_owned());
            }
            if changes {
                marks.check_write(now)?;
            }
            marks.writer = Mark::of(now);
        }
        Ok(())
    }

    /// The start of an asynchronous copy.
    pub fn begin_copy(&mut self, place: usize, bytes: usize, now: &Moment) -> Result<(), String> {
        for granule in self.granules(place, bytes) {
            let marks = self.at(granule);
            marks.check_write(now)?;
            marks.pending += 1;
        }
        Ok(())
    }

    /// The end of an asynchronous copy, from when on the unit that waited sees it.
    pub fn end_copy(&mut self, place: usize, bytes: usize, now: &Moment) {
        for granule in self.granules(place, bytes) {
            let marks = self.at(granule);
            marks.pending = marks.pending.saturating_sub(1);
            marks.writer = Mark::of(now);
        }
    }
}

impl Granule {
    fn check_write(&self, now: &Moment) -> Result<(), String> {
        let races = |deed: &str, mark: &Mark| {
            Err(format!("races: overwrites what {} {deed}, and no barrier lies between", mark.who()))
        };
        if self.writer.collides(now) {
            return races("wrote", &self.writer);
        }
        if self.reader.collides(now) { races("read", &self.reader) } else { Ok(()) }
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
