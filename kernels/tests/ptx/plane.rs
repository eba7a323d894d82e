//! Instructions in which lanes of a plane meet: shuffles, votes, reductions, barriers.
//!
//! In:  the value of every lane and the lanes that take part.
//! Out: values of other lanes, results over lanes; a barrier stops the plane.
//!
//! All lanes that take part must execute the instruction together, but those that are done.

use super::core::Core;
use super::program::{Action, Gathering, LANES, Lanes, ShuffleMode, Source};
use super::ways::{State, lanes_of};

impl Core<'_, '_> {
    /// Executes one of these instructions.
    pub fn gather_lanes(&mut self, action: &Action, line: u32, active: u32) -> Result<(), String> {
        match *action {
            Action::Barrier { number, units } => self.barrier(number, units, line, active),
            Action::PlaneBarrier(members) => {
                self.together(members, active)?;
                self.machine.time += 1;
                self.plane.barrier = self.machine.time;
                Ok(())
            }
            Action::ActiveMask(register) => {
                self.write(register, &[u64::from(active); LANES], active);
                Ok(())
            }
            Action::Shuffle { mode, destination, in_range, sources } => {
                self.shuffle(mode, destination, in_range, sources, active)
            }
            Action::Gather { gathering, destination, source, members } => {
                self.together(members, active)?;
                let values = self.fetch(source, active)?;
                self.gather(gathering, destination, &values, active);
                Ok(())
            }
            Action::Elect { lane, is_chosen, members } => {
                self.together(members, active)?;
                let chosen = active.trailing_zeros() as usize;
                let flags = std::array::from_fn(|lane| u64::from(lane == chosen));
                self.write(is_chosen, &flags, active);
                if let Some(register) = lane {
                    self.write(register, &[chosen as u64; LANES], active);
                }
                Ok(())
            }
            ref other => Err(format!("is not executed: {other:?}")),
        }
    }

    /// Refuses unless exactly the living members execute this; each lane must name the same members.
    pub fn together(&self, members: Source, active: u32) -> Result<u32, String> {
        let masks = self.fetch(members, active)?;
        let mask = masks[active.trailing_zeros() as usize] as u32;
        if lanes_of(active).any(|lane| masks[lane] as u32 != mask) {
            return Err("is executed by lanes that name different members".to_owned());
        }
        if active & !mask != 0 {
            return Err(format!("is executed by lanes {active:#x}, of which some are not among its members {mask:#x}"));
        }
        if mask & self.plane.living & !active != 0 {
            return Err(format!("is executed by lanes {active:#x} alone, but its members are {mask:#x}"));
        }
        Ok(mask)
    }

    fn barrier(&mut self, number: Source, units: Option<Source>, line: u32, active: u32) -> Result<(), String> {
        if active != self.plane.living {
            let living = self.plane.living;
            return Err(format!("is reached by lanes {active:#x} alone of {living:#x}"));
        }
        let lane = active.trailing_zeros() as usize;
        let number = self.fetch(number, active)?[lane];
        let units = units.map(|units| Ok::<u64, String>(self.fetch(units, active)?[lane])).transpose()?;
        self.plane.state = State::Waiting(number, units, line);
        Ok(())
    }

    /// The partner of a lane and whether it is in range.
    /// Source: PTX ISA, the pseudocode of `shfl.sync`.
    fn shuffle(
        &mut self,
        mode: ShuffleMode,
        destination: u32,
        in_range: Option<u32>,
        [value, operand, clamp, members]: [Source; 4],
        active: u32,
    ) -> Result<(), String> {
        self.together(members, active)?;
        let values = self.fetch(value, active)?;
        let (operands, clamps) = (self.fetch(operand, active)?, self.fetch(clamp, active)?);
        let (mut results, mut flags) = ([0; LANES], [0; LANES]);
        for lane in lanes_of(active) {
            let (by, bound) = ((operands[lane] & 31) as i64, (clamps[lane] & 31) as i64);
            let segment = (clamps[lane] >> 8 & 31) as i64;
            let (own, least) = (lane as i64, lane as i64 & segment);
            let most = least | (bound & !segment);
            let (partner, is_in) = match mode {
                ShuffleMode::Up => (own - by, own - by >= most),
                ShuffleMode::Down => (own + by, own + by <= most),
                ShuffleMode::Bfly => (own ^ by, (own ^ by) <= most),
                ShuffleMode::Idx => (least | (by & !segment), (least | (by & !segment)) <= most),
            };
            let partner = if is_in { partner as usize } else { lane };
            if active >> partner & 1 == 0 {
                return Err(format!("reads from lane {partner}, which does not take part (lane {lane})"));
            }
            (results[lane], flags[lane]) = (values[partner], u64::from(is_in));
        }
        self.write(destination, &results, active);
        if let Some(register) = in_range {
            self.write(register, &flags, active);
        }
        Ok(())
    }

    fn gather(&mut self, gathering: Gathering, destination: u32, values: &Lanes, active: u32) {
        let holds = |lane: usize| values[lane] & 1 == 1;
        let ballot = lanes_of(active).filter(|lane| holds(*lane)).fold(0_u32, |mask, lane| mask | 1 << lane);
        let same = |value: u64, bits: u32| {
            let keep = u64::MAX >> (64 - bits);
            let alike = lanes_of(active).filter(|lane| (values[*lane] ^ value) & keep == 0);
            alike.fold(0_u32, |mask, lane| mask | 1 << lane)
        };
        let first = values[active.trailing_zeros() as usize];
        let everywhere = |value: u64| [value; LANES];
        let results = match gathering {
            Gathering::All => everywhere(u64::from(ballot == active)),
            Gathering::Any => everywhere(u64::from(ballot != 0)),
            Gathering::Uniform => everywhere(u64::from(ballot == 0 || ballot == active)),
            Gathering::Ballot => everywhere(u64::from(ballot)),
            Gathering::MatchAny(bits) => std::array::from_fn(|lane| u64::from(same(values[lane], bits))),
            Gathering::MatchAll(bits, agrees) => {
                let all_agree = same(first, bits) == active;
                if let Some(register) = agrees {
                    self.write(register, &everywhere(u64::from(all_agree)), active);
                }
                everywhere(if all_agree { u64::from(active) } else { 0 })
            }
            Gathering::Reduce(function) => {
                let sum = lanes_of(active).skip(1).fold(first, |sum, lane| function([sum, values[lane], 0, 0]));
                everywhere(sum)
            }
        };
        self.write(destination, &results, active);
    }
}
