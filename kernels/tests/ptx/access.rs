//! Loads, stores, atomics and asynchronous copies, each checked for bounds, alignment and races.
//!
//! In:  a form of access, the active lanes, their registers.
//! Out: registers or memory changed; counts of passes over the banks and of sectors.

use super::core::Core;
use super::memory_forms::element_mask;
use super::program::{Access, Address, Atomic, CopyAsync, LANES, Lanes, Source, Space};
use super::program::{DYNAMIC_SHARED, GLOBAL, IMAGE, LOCAL, PARAMETERS, STATIC_SHARED};
use super::report::{sectors, wavefronts};
use super::shadow::{Moment, Shadow};
use super::ways::{OpenCopy, lanes_of};

/// One of the memories a lane can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Shared memory: given at launch (0) or of fixed variables (1).
    Shared(usize),
    /// Memory of the device.
    Global,
    /// Constants and variables of the module.
    Image,
    /// Arguments of the kernel.
    Parameters,
    /// A lane's own variables.
    Local,
}

/// Where an access lies.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The memory.
    pub area: Area,
    /// The first byte in it.
    pub place: usize,
}

/// What is done to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// They are read.
    Read,
    /// They are written, and changed or not.
    Write { changes: bool },
    /// Both at once.
    Update,
}

impl Core<'_, '_> {
    /// The addresses of the lanes.
    pub fn addresses(&self, address: Address, active: u32) -> Result<Lanes, String> {
        Ok(self.fetch(address.base, active)?.map(|base| base.wrapping_add_signed(address.offset)))
    }

    /// Where an address lies, if all of the access is in one memory the instruction may touch.
    pub fn locate(&self, space: Space, address: u64, bytes: usize, align: usize) -> Result<Spot, String> {
        if !address.is_multiple_of(align as u64) {
            return Err(format!("is misaligned: {bytes} bytes at {address:#x}, which is no multiple of {align}"));
        }
        let (area, start, length) = match address {
            GLOBAL.. => {
                let place = self.machine.memory.place(address, bytes);
                let outside = || format!("is out of bounds: {bytes} bytes at global address {address:#x}");
                (Area::Global, address - place.ok_or_else(outside)? as u64, usize::MAX)
            }
            IMAGE..GLOBAL => (Area::Image, IMAGE, self.machine.image.len()),
            PARAMETERS..IMAGE => (Area::Parameters, PARAMETERS, self.machine.parameters.len()),
            LOCAL..PARAMETERS => (Area::Local, LOCAL, self.plane.local[0].len()),
            STATIC_SHARED..LOCAL => (Area::Shared(1), STATIC_SHARED, self.cube.shared[1].len()),
            DYNAMIC_SHARED..STATIC_SHARED => (Area::Shared(0), DYNAMIC_SHARED, self.cube.shared[0].len()),
            _ => return Err(format!("is out of bounds: {bytes} bytes at {address:#x}, which is no memory")),
        };
        let place = (address - start) as usize;
        if area != Area::Global && place + bytes > length {
            return Err(format!("is out of bounds: {bytes} bytes at byte {place} of {length} of {area:?}"));
        }
        let fits = match space {
            Space::Generic => true,
            Space::Global => matches!(area, Area::Global | Area::Image),
            Space::Shared => matches!(area, Area::Shared(_)),
            Space::Local => area == Area::Local,
            Space::Param => matches!(area, Area::Parameters | Area::Local),
            Space::Const => area == Area::Image,
        };
        if fits { Ok(Spot { area, place }) } else { Err(format!("says {space:?} but its address is of {area:?}")) }
    }

    /// The bytes of an access.
    pub fn bytes(&mut self, spot: Spot, lane: usize, bytes: usize) -> &mut [u8] {
        let all = match spot.area {
            Area::Shared(which) => &mut self.cube.shared[which],
            Area::Global => self.machine.memory.all(),
            Area::Image => &mut self.machine.image,
            Area::Parameters => &mut self.machine.parameters,
            Area::Local => &mut self.plane.local[lane],
        };
        &mut all[spot.place..spot.place + bytes]
    }

    /// This lane now.
    fn moment(&self, lane: usize, line: u32, is_atomic: bool) -> Moment {
        let lanes_matter = self.machine.checks.lane_races;
        Moment {
            cube: self.cube.number,
            plane: self.plane.number as u8,
            lane: lane as u8,
            line,
            is_atomic,
            time: self.machine.time,
            cube_barrier: self.cube.barrier,
            plane_barrier: if lanes_matter { self.plane.barrier.max(self.cube.barrier) } else { u32::MAX },
        }
    }

    fn shadow(&mut self, area: Area) -> Option<&mut Shadow> {
        match area {
            Area::Shared(which) if self.machine.checks.shared_races => Some(&mut self.cube.shadows[which]),
            Area::Global => self.machine.global_shadow.as_mut(),
            _ => None,
        }
    }

    /// Checks an access for races and remembers it.
    pub fn note(
        &mut self,
        spot: Spot,
        bytes: usize,
        deed: Deed,
        lane: usize,
        line: u32,
        is_ordered: bool,
    ) -> Result<(), String> {
        let now = self.moment(lane, line, is_ordered || deed == Deed::Update);
        let refuses_unwritten = self.machine.checks.unwritten_reads;
        let Some(shadow) = self.shadow(spot.area) else { return Ok(()) };
        let is_unwritten = deed != (Deed::Write { changes: true })
            && deed != (Deed::Write { changes: false })
            && matches!(spot.area, Area::Shared(_))
            && !shadow.is_written(spot.place, bytes);
        match deed {
            Deed::Read => shadow.read(spot.place, bytes, &now)?,
            Deed::Write { changes } => shadow.write(spot.place, bytes, &now, changes)?,
            Deed::Update => shadow.write(spot.place, bytes, &now, true)?,
        }
        if is_unwritten {
            if refuses_unwritten {
                return Err(format!("reads shared byte {} which nobody has written (lane {lane})", spot.place));
            }
            self.machine.unwritten_reads += 1;
        }
        Ok(())
    }

    /// Counts what an access costs.
    pub fn tally_access(&mut self, area: Area, addresses: &[u64], bytes: usize) {
        match area {
            Area::Shared(_) => {
                let (passes, least) = wavefronts(addresses, bytes);
                let tally = self.tally();
                tally.wavefronts += passes;
                tally.least_wavefronts += least;
            }
            Area::Global => {
                let touched = sectors(addresses, bytes);
                let tally = self.tally();
                tally.sectors += touched;
                tally.global_bytes += (addresses.len() * bytes) as u64;
            }
            _ => {}
        }
    }

    /// Where the lanes' accesses lie; all of them are counted.
    fn spots(&mut self, space: Space, address: Address, bytes: usize, active: u32) -> Result<[Spot; LANES], String> {
        let addresses = self.addresses(address, active)?;
        let mut spots = [Spot { area: Area::Local, place: 0 }; LANES];
        let (mut reached, mut count) = ([0; LANES], 0);
        for lane in lanes_of(active) {
            let explain = |message| format!("{message} (lane {lane})");
            spots[lane] = self.locate(space, addresses[lane], bytes, bytes).map_err(explain)?;
            reached[count] = addresses[lane];
            count += 1;
        }
        let first = spots[active.trailing_zeros() as usize];
        self.tally_access(first.area, &reached[..count], bytes);
        Ok(spots)
    }

    pub fn load(&mut self, access: &Access, line: u32, active: u32) -> Result<(), String> {
        let (width, whole) = (access.kind.bytes(), access.kind.bytes() * access.values.len());
        let spots = self.spots(access.space, access.address, whole, active)?;
        let mut values = [[0; LANES]; 8];
        for lane in lanes_of(active) {
            self.note(spots[lane], whole, Deed::Read, lane, line, access.is_ordered)?;
            let bytes = self.bytes(spots[lane], lane, whole);
            for (element, part) in bytes.chunks(width).enumerate() {
                let value = number(part);
                let value = if access.kind.is_signed() { extended(value, width) } else { value };
                values[element][lane] = value & element_mask(access.register_bytes);
            }
        }
        for (value, values) in access.values.iter().zip(&values) {
            if let Some(Source::Register(register)) = value {
                self.write(*register, values, active);
            }
        }
        Ok(())
    }

    pub fn store(&mut self, access: &Access, line: u32, active: u32) -> Result<(), String> {
        let (width, whole) = (access.kind.bytes(), access.kind.bytes() * access.values.len());
        let spots = self.spots(access.space, access.address, whole, active)?;
        let mut values = [[0; LANES]; 8];
        for (values, source) in values.iter_mut().zip(access.values.iter().flatten()) {
            *values = self.fetch(*source, active)?;
        }
        for lane in lanes_of(active) {
            let mut bytes = [0_u8; 64];
            for element in 0..access.values.len() {
                bytes[element * width..][..width].copy_from_slice(&values[element][lane].to_le_bytes()[..width]);
            }
            self.put(spots[lane], &bytes[..whole], lane, line, access.is_ordered)?;
        }
        Ok(())
    }

    /// Writes some bytes after checking them.
    pub fn put(&mut self, spot: Spot, bytes: &[u8], lane: usize, line: u32, is_ordered: bool) -> Result<(), String> {
        if spot.area == Area::Parameters {
            return Err("writes to the arguments of the kernel".to_owned());
        }
        let changes = self.bytes(spot, lane, bytes.len()) != bytes;
        self.note(spot, bytes.len(), Deed::Write { changes }, lane, line, is_ordered)?;
        self.bytes(spot, lane, bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Lane after lane, as the hardware may order them.
    pub fn atomic(&mut self, atomic: &Atomic, line: u32, active: u32) -> Result<(), String> {
        let spots = self.spots(atomic.space, atomic.address, atomic.bytes, active)?;
        let [first, second] = atomic.operands;
        let (first, second) = (self.fetch(first, active)?, self.fetch(second, active)?);
        let mut old_values = [0; LANES];
        for lane in lanes_of(active) {
            self.note(spots[lane], atomic.bytes, Deed::Update, lane, line, true)?;
            let bytes = self.bytes(spots[lane], lane, atomic.bytes);
            let old = number(bytes);
            let new = (atomic.function)([old, first[lane], second[lane], 0]);
            bytes.copy_from_slice(&new.to_le_bytes()[..atomic.bytes]);
            old_values[lane] = old;
        }
        if let Some(register) = atomic.destination {
            self.write(register, &old_values, active);
        }
        Ok(())
    }

    /// Reads now; what was read arrives when it is waited for.
    pub fn copy_async(&mut self, copy: &CopyAsync, line: u32, active: u32) -> Result<(), String> {
        let targets = self.spots(Space::Shared, copy.target, copy.bytes, active)?;
        let read_bytes = self.fetch(copy.read_bytes, active)?;
        let origins = self.addresses(copy.origin, active)?;
        let mut reached = Vec::new();
        for lane in lanes_of(active) {
            let Area::Shared(area) = targets[lane].area else { continue };
            let mut bytes = vec![0; copy.bytes];
            let read = read_bytes[lane] as usize;
            if read > copy.bytes {
                return Err(format!("reads {read} bytes to write {}", copy.bytes));
            }
            if read > 0 {
                let origin = self.locate(Space::Global, origins[lane], read, copy.bytes)?;
                self.note(origin, read, Deed::Read, lane, line, false)?;
                bytes[..read].copy_from_slice(self.bytes(origin, lane, read));
                reached.push(origins[lane]);
            }
            let now = self.moment(lane, line, false);
            if let Some(shadow) = self.shadow(targets[lane].area) {
                shadow.begin_copy(targets[lane].place, copy.bytes, &now)?;
            }
            let open = OpenCopy { lane, area, place: targets[lane].place, bytes };
            self.plane.copies.last_mut().ok_or_else(|| "has no group".to_owned())?.push(open);
        }
        self.tally_access(Area::Global, &reached, copy.bytes);
        Ok(())
    }

    /// Lets all copies arrive but those of the newest groups.
    pub fn wait_copies(&mut self, open: Option<u64>, line: u32) {
        let groups = self.plane.copies.len();
        let arriving = match open {
            None => groups,
            Some(open) => (groups - 1).saturating_sub(open as usize),
        };
        let arrived: Vec<OpenCopy> = self.plane.copies.drain(..arriving).flatten().collect();
        if self.plane.copies.is_empty() {
            self.plane.copies.push(Vec::new());
        }
        for copy in arrived {
            let now = self.moment(copy.lane, line, false);
            let spot = Spot { area: Area::Shared(copy.area), place: copy.place };
            self.bytes(spot, copy.lane, copy.bytes.len()).copy_from_slice(&copy.bytes);
            if let Some(shadow) = self.shadow(spot.area) {
                shadow.end_copy(copy.place, copy.bytes.len(), &now);
            }
        }
    }
}

/// A little-endian number.
pub fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A number of so many bytes with its sign in all higher bits.
fn extended(value: u64, bytes: usize) -> u64 {
    let unused = 64 - 8 * bytes as u32;
    ((value << unused) as i64 >> unused) as u64
}
