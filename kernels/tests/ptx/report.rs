//! What a launch did, counted, so that its time on a real device can be worked out by hand.
//!
//! In:  one tally per instruction.
//! Out: tallies per opcode, per line and in all.

use super::program::Module;
use std::collections::BTreeMap;

/// Counts of one instruction or of many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often planes executed it.
    pub executions: u64,
    /// Lanes that took part, summed.
    pub lanes: u64,
    /// Passes over the 32 banks of shared memory it took.
    pub wavefronts: u64,
    /// Passes it would have taken without two lanes wanting different words of a bank.
    pub least_wavefronts: u64,
    /// Sectors of 32 bytes of global memory touched, counted once per execution.
    pub sectors: u64,
    /// Bytes of global memory the lanes asked for.
    pub global_bytes: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.lanes += other.lanes;
        self.wavefronts += other.wavefronts;
        self.least_wavefronts += other.least_wavefronts;
        self.sectors += other.sectors;
        self.global_bytes += other.global_bytes;
    }
}

/// Counts of a launch.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By opcode, all modifiers included.
    pub opcodes: BTreeMap<String, Tally>,
    /// By line of the PTX text.
    pub lines: BTreeMap<usize, Tally>,
    /// Everything.
    pub total: Tally,
    /// Reads of shared memory nobody had written, where such reads are allowed.
    pub unwritten_reads: u64,
}

impl Report {
    /// Sums the tallies of a module's instructions.
    pub(super) fn of(module: &Module, tallies: &[Tally], unwritten_reads: u64) -> Self {
        let mut report = Self { unwritten_reads, ..Self::default() };
        for routine in &module.routines {
            for (place, instruction) in routine.code.iter().enumerate() {
                let tally = &tallies[routine.first + place];
                let Some(opcode) = instruction.opcode.filter(|_| tally.executions > 0) else { continue };
                report.opcodes.entry(module.opcodes[opcode as usize].clone()).or_default().add(tally);
                report.lines.entry(instruction.line as usize).or_default().add(tally);
                report.total.add(tally);
            }
        }
        report
    }

    /// The sum over the opcodes that start with some text, as `mma.sync` or `ld.shared`.
    pub fn starting_with(&self, start: &str) -> Tally {
        let mut sum = Tally::default();
        self.opcodes.iter().filter(|(opcode, _)| opcode.starts_with(start)).for_each(|(_, tally)| sum.add(tally));
        sum
    }

    /// The lines whose accesses to shared memory take the most needless passes, worst first.
    pub fn worst_conflicts(&self, count: usize) -> Vec<(usize, Tally)> {
        let mut lines: Vec<_> = self.lines.iter().map(|(line, tally)| (*line, *tally)).collect();
        lines.retain(|(_, tally)| tally.wavefronts > tally.least_wavefronts);
        lines.sort_by_key(|(line, tally)| (std::cmp::Reverse(tally.wavefronts - tally.least_wavefronts), *line));
        lines.truncate(count);
        lines
    }
}

/// Passes over the banks that words at these addresses take, and the least for so many bytes per lane.
pub(super) fn wavefronts(addresses: &[u64], bytes: usize) -> (u64, u64) {
    let lanes_per_pass = match bytes {
        0..=4 => 32,
        5..=8 => 16,
        _ => 8,
    };
    let (mut passes, mut least) = (0, 0);
    for part in addresses.chunks(lanes_per_pass) {
        let mut words: Vec<u64> =
            part.iter().flat_map(|address| address / 4..=(address + bytes as u64 - 1) / 4).collect();
        words.sort_unstable();
        words.dedup();
        let mut banks = [0_u64; 32];
        for word in words {
            banks[(word % 32) as usize] += 1;
        }
        passes += banks.iter().max().copied().unwrap_or(0);
        least += 1;
    }
    (passes, least)
}

/// Sectors of 32 bytes that accesses of so many bytes touch.
pub(super) fn sectors(addresses: &[u64], bytes: usize) -> u64 {
    let mut sectors: Vec<u64> =
        addresses.iter().flat_map(|address| address / 32..=(address + bytes as u64 - 1) / 32).collect();
    sectors.sort_unstable();
    sectors.dedup();
    sectors.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_a_square_tile_takes_a_pass_per_row() {
        let column: Vec<u64> = (0..32).map(|row| row * 128).collect();
        assert_eq!(wavefronts(&column, 4), (32, 1));
        let padded: Vec<u64> = (0..32).map(|row| row * 132).collect();
        assert_eq!(wavefronts(&padded, 4), (1, 1));
        let wide: Vec<u64> = (0..32).map(|lane| lane * 16).collect();
        assert_eq!(wavefronts(&wide, 16), (4, 4));
        assert_eq!(wavefronts(&[64; 32], 4), (1, 1));
    }

    #[test]
    fn a_row_of_floats_is_four_sectors() {
        let row: Vec<u64> = (0..32).map(|lane| 4096 + lane * 4).collect();
        assert_eq!(sectors(&row, 4), 4);
        let strided: Vec<u64> = (0..32).map(|lane| lane * 64).collect();
        assert_eq!(sectors(&strided, 4), 32);
    }
}
