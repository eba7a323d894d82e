//! Tensor-core instructions: matrices between registers and memory, and their products.
//!
//! In:  registers of all 32 lanes, or rows in memory.
//! Out: registers of all lanes. Products are exact and summed in `f64`, then rounded once to the result's format.
//! Source: PTX ISA, "ldmatrix", "stmatrix", "mma", "wmma".

use super::access::{Deed, Spot, number};
use super::core::Core;
use super::fragments::{Fragment, MatrixCopy, MatrixProduct, Shape, WideFragment};
use super::program::{LANES, Lanes, Source, Space};
use super::ways::ALL;

/// Refuses unless all lanes are here.
fn whole(active: u32) -> Result<(), String> {
    if active == ALL { Ok(()) } else { Err(format!("is executed by lanes {active:#x} alone")) }
}

impl Core<'_, '_> {
    fn registers(&self, registers: &[u32]) -> Result<Vec<Lanes>, String> {
        registers.iter().map(|register| self.fetch(Source::Register(*register), ALL)).collect()
    }

    /// Bytes of the rows that lanes point at: lane `8 * m + r` at row `r` of matrix `m`.
    pub fn load_matrix(&mut self, copy: &MatrixCopy, line: u32, active: u32) -> Result<(), String> {
        whole(active)?;
        let addresses = self.addresses(copy.address, active)?;
        for (matrix, register) in copy.registers.iter().enumerate() {
            let mut halves = [[0_u64; 8]; 8];
            for (row, halves) in halves.iter_mut().enumerate() {
                let lane = 8 * matrix + row;
                let spot = self.locate(Space::Shared, addresses[lane], 16, 16)?;
                // Any lane may get a part of the row, so a plane's own lanes are not told apart: lane 0 stands for all.
                self.note_row(spot, Deed::Read, lane, line)?;
                let bytes = self.bytes(spot, lane, 16);
                bytes.chunks(2).zip(halves.iter_mut()).for_each(|(bytes, half)| *half = number(bytes));
                if row == 7 {
                    self.tally_access(spot.area, &addresses[8 * matrix..8 * matrix + 8], 16);
                }
            }
            let values = std::array::from_fn(|lane| {
                let (outer, inner) = (lane / 4, 2 * (lane % 4));
                let half = |part: usize| {
                    if copy.is_transposed { halves[inner + part][outer] } else { halves[outer][inner + part] }
                };
                half(0) | half(1) << 16
            });
            self.write(*register, &values, ALL);
        }
        Ok(())
    }

    fn note_row(&mut self, spot: Spot, deed: Deed, lane: usize, line: u32) -> Result<(), String> {
        self.note(spot, 16, deed, lane, line, false).map_err(|message| format!("{message} (row of lane {lane})"))
    }

    pub fn store_matrix(&mut self, copy: &MatrixCopy, line: u32, active: u32) -> Result<(), String> {
        whole(active)?;
        let addresses = self.addresses(copy.address, active)?;
        for (matrix, values) in self.registers(&copy.registers)?.iter().enumerate() {
            for row in 0..8 {
                let lane = 8 * matrix + row;
                let spot = self.locate(Space::Shared, addresses[lane], 16, 16)?;
                let mut bytes = [0; 16];
                for column in 0..8 {
                    let (outer, inner) = if copy.is_transposed { (column, row) } else { (row, column) };
                    let half = (values[4 * outer + inner / 2] >> (16 * (inner % 2))) as u16;
                    bytes[2 * column..2 * column + 2].copy_from_slice(&half.to_le_bytes());
                }
                self.put(spot, &bytes, lane, line, false)?;
                if row == 7 {
                    self.tally_access(spot.area, &addresses[8 * matrix..8 * matrix + 8], 16);
                }
            }
        }
        Ok(())
    }

    pub fn product(&mut self, product: &MatrixProduct, active: u32) -> Result<(), String> {
        whole(active)?;
        let Shape { columns, depth, .. } = product.shape;
        let addends: Vec<Lanes> =
            product.addends.iter().map(|source| self.fetch(*source, ALL)).collect::<Result<_, _>>()?;
        let a = product.matrix(Fragment::A, product.input, &self.registers(&product.registers[1])?);
        let b = product.matrix(Fragment::B, product.input, &self.registers(&product.registers[2])?);
        let mut sums = product.matrix(Fragment::Accumulator, product.added, &addends);
        for (place, sum) in sums.iter_mut().enumerate() {
            let [row, column] = [&a[place / columns * depth..][..depth], &b[place % columns * depth..][..depth]];
            *sum += row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>();
        }
        let per = product.result.per_register();
        for (number, register) in product.registers[0].iter().enumerate() {
            let values = std::array::from_fn(|lane| {
                (0..per).fold(0, |bits, part| {
                    let place = product.place(Fragment::Accumulator, number * per + part, lane, product.result);
                    bits | product.result.write(sums[place.0 * columns + place.1]) << (16 * part)
                })
            });
            self.write(*register, &values, ALL);
        }
        Ok(())
    }

    fn wide_places(&mut self, fragment: &WideFragment, active: u32) -> Result<(Lanes, u64), String> {
        whole(active)?;
        let addresses = self.addresses(fragment.address, active)?;
        let strides = self.fetch(fragment.stride, active)?;
        if addresses.iter().any(|address| *address != addresses[0]) || strides.iter().any(|other| *other != strides[0])
        {
            return Err("has lanes with different addresses or strides".to_owned());
        }
        Ok((addresses, strides[0] & 0xffff_ffff))
    }

    pub fn load_fragment(&mut self, fragment: &WideFragment, line: u32, active: u32) -> Result<(), String> {
        let (addresses, stride) = self.wide_places(fragment, active)?;
        let (bytes, per) = (fragment.element.bytes(), fragment.element.per_register());
        let mut values = vec![[0; LANES]; fragment.registers.len()];
        for element in 0..fragment.registers.len() * per {
            let held = element % fragment.per_lane();
            let mut reached = [0; LANES];
            for lane in 0..LANES {
                reached[lane] = addresses[lane] + fragment.offset(lane, held, stride);
                let spot = self.locate(fragment.space, reached[lane], bytes, bytes)?;
                self.note(spot, bytes, Deed::Read, lane, line, false)?;
                values[element / per][lane] |= number(self.bytes(spot, lane, bytes)) << (16 * (element % per));
            }
        }
        for (register, values) in fragment.registers.iter().zip(&values) {
            self.write(*register, values, ALL);
        }
        Ok(())
    }

    pub fn store_fragment(&mut self, fragment: &WideFragment, line: u32, active: u32) -> Result<(), String> {
        let (addresses, stride) = self.wide_places(fragment, active)?;
        let (bytes, per) = (fragment.element.bytes(), fragment.element.per_register());
        let values = self.registers(&fragment.registers)?;
        for element in 0..fragment.per_lane() {
            for lane in 0..LANES {
                let address = addresses[lane] + fragment.offset(lane, element, stride);
                let spot = self.locate(fragment.space, address, bytes, bytes)?;
                let bits = values[element / per][lane] >> (16 * (element % per));
                self.put(spot, &bits.to_le_bytes()[..bytes], lane, line, false)?;
            }
        }
        Ok(())
    }
}
