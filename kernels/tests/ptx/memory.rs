//! Global memory: what a host would have on a device.
//!
//! In:  allocations and bytes.
//! Out: addresses that kernels take, and the bytes back. Gaps between allocations belong to nobody, so an overrun is
//! seen; fresh memory is filled with ones, which is NaN in every float format.

use super::numbers::{Rounding, from_bf16, from_f16, to_bf16, to_f16};
use super::program::GLOBAL;

/// Every allocation starts at a multiple of this, as the driver's do.
const ALIGNMENT: usize = 256;

/// Memory of a device.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    bytes: Vec<u8>,
    /// Start in `bytes` and length of each allocation, in order.
    regions: Vec<(usize, usize)>,
}

impl Memory {
    /// No memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory of some bytes, not cleared; its address.
    pub fn alloc(&mut self, bytes: usize) -> u64 {
        // At least one aligned gap, so that no two allocations touch.
        let start = (self.bytes.len() + ALIGNMENT).next_multiple_of(ALIGNMENT);
        self.bytes.resize(start + bytes, 0xff);
        self.regions.push((start, bytes));
        GLOBAL + start as u64
    }

    /// Memory that holds some bytes.
    pub fn upload(&mut self, values: &[u8]) -> u64 {
        let address = self.alloc(values.len());
        self.write(address, values);
        address
    }

    /// Memory that holds `f32`.
    pub fn upload_f32(&mut self, values: &[f32]) -> u64 {
        self.upload(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    /// Memory that holds `u32`.
    pub fn upload_u32(&mut self, values: &[u32]) -> u64 {
        self.upload(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    /// Memory that holds `f16`, rounded to nearest.
    pub fn upload_f16(&mut self, values: &[f32]) -> u64 {
        let bytes = |value: &f32| (to_f16(f64::from(*value), Rounding::Nearest) as u16).to_le_bytes();
        self.upload(&values.iter().flat_map(bytes).collect::<Vec<_>>())
    }

    /// Memory that holds `bf16`, rounded to nearest.
    pub fn upload_bf16(&mut self, values: &[f32]) -> u64 {
        let bytes = |value: &f32| (to_bf16(f64::from(*value), Rounding::Nearest) as u16).to_le_bytes();
        self.upload(&values.iter().flat_map(bytes).collect::<Vec<_>>())
    }

    /// Bytes from an address on; an address outside is a mistake of the test.
    pub fn read(&self, address: u64, bytes: usize) -> &[u8] {
        let place = self.place(address, bytes).expect("a test reads what it allocated");
        &self.bytes[place..place + bytes]
    }

    /// Changes bytes from an address on.
    pub fn write(&mut self, address: u64, values: &[u8]) {
        let place = self.place(address, values.len()).expect("a test writes to what it allocated");
        self.bytes[place..place + values.len()].copy_from_slice(values);
    }

    /// `f32` from an address on.
    pub fn read_f32(&self, address: u64, count: usize) -> Vec<f32> {
        self.read_u32(address, count).into_iter().map(f32::from_bits).collect()
    }

    /// `u32` from an address on.
    pub fn read_u32(&self, address: u64, count: usize) -> Vec<u32> {
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        self.read(address, 4 * count).chunks(4).map(word).collect()
    }

    /// `f16` from an address on.
    pub fn read_f16(&self, address: u64, count: usize) -> Vec<f32> {
        self.halves(address, count).map(|bits| from_f16(bits) as f32).collect()
    }

    /// `bf16` from an address on.
    pub fn read_bf16(&self, address: u64, count: usize) -> Vec<f32> {
        self.halves(address, count).map(|bits| from_bf16(bits) as f32).collect()
    }

    fn halves(&self, address: u64, count: usize) -> impl Iterator<Item = u64> {
        self.read(address, 2 * count).chunks(2).map(|bytes| u64::from(bytes[0]) | u64::from(bytes[1]) << 8)
    }

    /// Where an access lies among all bytes, if one allocation holds it whole.
    pub(super) fn place(&self, address: u64, bytes: usize) -> Option<usize> {
        let start = usize::try_from(address.checked_sub(GLOBAL)?).ok()?;
        let after = self.regions.partition_point(|(region, _)| *region <= start);
        let (region, length) = *self.regions.get(after.checked_sub(1)?)?;
        (start + bytes <= region + length).then_some(start)
    }

    /// All bytes, gaps included.
    pub(super) fn all(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// How many bytes there are, gaps included.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_ends_where_it_ends() {
        let mut memory = Memory::new();
        let (first, second) = (memory.alloc(8), memory.upload_f32(&[1.0, 2.0]));
        assert!(memory.place(first + 4, 4).is_some());
        assert!(memory.place(first + 5, 4).is_none());
        assert!(memory.place(first - 1, 1).is_none());
        assert_eq!(memory.read_f32(second, 2), [1.0, 2.0]);
        assert!(memory.read_f32(first, 2)[0].is_nan());
    }
}
