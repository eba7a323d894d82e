//! Tensor-core instructions: fragments of matrices over the lanes of a plane, and their products.
//!
//! In:  registers of all 32 lanes, or rows in memory.
//! Out: registers of all lanes. Products are exact and summed in `f64`, then rounded once to the result's format.
//! Source: PTX ISA, "Matrix fragments for mma.m16n8k16" and its neighbours, "ldmatrix", "stmatrix". The fragments of
//! `wmma` are not published; here a lane holds consecutive elements of the matrix in row order.

use super::access::{Deed, number};
use super::core::{ALL, Core};
use super::numbers::{Rounding, from_bf16, from_f16, from_f32, from_tf32, to_bf16, to_f16, to_f32};
use super::program::{Address, LANES, Lanes, Source, Space};

/// Rows and columns of a result and the length of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `m`.
    pub rows: usize,
    /// `n`.
    pub columns: usize,
    /// `k`.
    pub depth: usize,
}

/// Format of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Element {
    F16,
    Bf16,
    Tf32,
    F32,
}

impl Element {
    /// Bytes in memory.
    pub fn bytes(self) -> usize {
        if matches!(self, Self::F16 | Self::Bf16) { 2 } else { 4 }
    }

    /// Elements in a register.
    fn per_register(self) -> usize {
        4 / self.bytes()
    }

    fn read(self, bits: u64) -> f64 {
        match self {
            Self::F16 => from_f16(bits & 0xffff),
            Self::Bf16 => from_bf16(bits & 0xffff),
            Self::Tf32 => from_tf32(bits),
            Self::F32 => from_f32(bits),
        }
    }

    fn write(self, value: f64) -> u64 {
        match self {
            Self::F16 => to_f16(value, Rounding::Nearest),
            Self::Bf16 => to_bf16(value, Rounding::Nearest),
            Self::Tf32 | Self::F32 => to_f32(value, Rounding::Nearest),
        }
    }
}

/// Which matrix of a product a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Fragment {
    A,
    B,
    Accumulator,
}

impl Fragment {
    /// Rows and columns.
    pub fn size(self, shape: Shape) -> (usize, usize) {
        match self {
            Self::A => (shape.rows, shape.depth),
            Self::B => (shape.depth, shape.columns),
            Self::Accumulator => (shape.rows, shape.columns),
        }
    }

    /// Row and column of an element of a lane in a fragment of `mma`, by its place among the lane's elements.
    fn place(self, element: usize, lane: usize, per_register: usize) -> (usize, usize) {
        let (group, member) = (lane / 4, lane % 4);
        let (register, part) = (element / per_register, element % per_register);
        match self {
            // Registers go down the rows first, then on by eight halves or four words along the row.
            Self::A => (group + 8 * (register % 2), 4 * per_register * (register / 2) + per_register * member + part),
            Self::B => (4 * per_register * register + per_register * member + part, group),
            Self::Accumulator => (group + 8 * (element / 2), 2 * member + element % 2),
        }
    }
}

/// `ldmatrix` or `stmatrix`: one to four matrices of 8 x 8 halves.
#[derive(Clone, Debug)]
pub struct MatrixCopy {
    /// Each lane's row.
    pub address: Address,
    /// One register per matrix.
    pub registers: Vec<u32>,
    /// Whether columns are handed out instead of rows.
    pub is_transposed: bool,
}

/// `D = A * B + C`.
#[derive(Clone, Debug)]
pub struct MatrixProduct {
    /// Whether fragments are those of `wmma`.
    pub is_wide: bool,
    /// The sizes.
    pub shape: Shape,
    /// Format of A and B.
    pub input: Element,
    /// Format of D.
    pub result: Element,
    /// Format of C.
    pub added: Element,
    /// Registers of D, A and B.
    pub registers: [Vec<u32>; 4],
    /// C.
    pub addends: Vec<Source>,
}

/// A fragment of `wmma` in memory.
#[derive(Clone, Debug)]
pub struct WideFragment {
    /// The memory named.
    pub space: Space,
    /// The first element.
    pub address: Address,
    /// Elements from one row (or column) to the next.
    pub stride: Source,
    /// Rows of the matrix.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// Whether rows lie whole in memory.
    pub is_row_major: bool,
    /// Format of the elements.
    pub element: Element,
    /// The lane's registers.
    pub registers: Vec<u32>,
}

impl MatrixProduct {
    /// Elements a lane holds of a matrix.
    fn per_lane(&self, fragment: Fragment) -> usize {
        let (rows, columns) = fragment.size(self.shape);
        rows * columns / LANES
    }

    /// Refuses shapes, formats and numbers of registers that are not known.
    pub fn check(&self, is_row_by_column: bool) -> Result<(), String> {
        let Shape { rows, columns, depth } = self.shape;
        let depths: &[usize] = if self.input == Element::Tf32 { &[4, 8] } else { &[8, 16] };
        let is_known = if self.is_wide {
            rows * columns == 256 && depth == if self.input == Element::Tf32 { 8 } else { 16 }
        } else {
            (rows, columns) == (16, 8) && depths.contains(&depth) && is_row_by_column
        };
        let formats = [self.result, self.added];
        let holds = formats
            .iter()
            .all(|format| *format == Element::F32 || (*format == Element::F16 && self.input == Element::F16));
        if !is_known || !holds || self.input == Element::F32 {
            return Err("has a shape or formats that are not known".to_owned());
        }
        if self.is_wide {
            return Ok(());
        }
        let counts = [
            (self.registers[0].len(), self.per_lane(Fragment::Accumulator) / self.result.per_register()),
            (self.registers[1].len(), self.per_lane(Fragment::A) / self.input.per_register()),
            (self.registers[2].len(), self.per_lane(Fragment::B) / self.input.per_register()),
            (self.addends.len(), self.per_lane(Fragment::Accumulator) / self.added.per_register()),
        ];
        match counts.iter().find(|(found, expected)| found != expected) {
            Some((found, expected)) => Err(format!("has a fragment of {found} registers, expected {expected}")),
            None => Ok(()),
        }
    }

    /// Row and column of a lane's element.
    fn place(&self, fragment: Fragment, element: usize, lane: usize, format: Element) -> (usize, usize) {
        if self.is_wide {
            let (_, columns) = fragment.size(self.shape);
            let place = lane * self.per_lane(fragment) + element;
            return (place / columns, place % columns);
        }
        fragment.place(element, lane, format.per_register())
    }

    /// A matrix from the registers of all lanes; B by columns, the others by rows, so that sums run along both.
    fn matrix(&self, fragment: Fragment, format: Element, registers: &[Lanes]) -> Vec<f64> {
        let (rows, columns) = fragment.size(self.shape);
        let mut matrix = vec![0.0; rows * columns];
        let per = format.per_register();
        for element in 0..self.per_lane(fragment) {
            let shift = 16 * (element % per);
            for (lane, bits) in registers[element / per].iter().enumerate() {
                let (row, column) = self.place(fragment, element, lane, format);
                let place = if fragment == Fragment::B { column * rows + row } else { row * columns + column };
                matrix[place] = format.read(bits >> shift);
            }
        }
        matrix
    }
}

impl WideFragment {
    fn per_lane(&self) -> usize {
        self.rows * self.columns / LANES
    }

    /// Refuses a number of registers that cannot hold the lane's elements.
    pub fn check(&self) -> Result<(), String> {
        let least = self.per_lane() / self.element.per_register();
        let found = self.registers.len();
        // Fragments of `f16` hold some elements twice.
        if found >= least && found.is_multiple_of(least.max(1)) {
            return Ok(());
        }
        Err(format!("has {found} registers, expected {least}"))
    }

    /// Bytes from the first element to an element of a lane.
    fn offset(&self, lane: usize, element: usize, stride: u64) -> u64 {
        let place = lane * self.per_lane() + element;
        let (row, column) = ((place / self.columns) as u64, (place % self.columns) as u64);
        let steps = if self.is_row_major { row * stride + column } else { column * stride + row };
        steps * self.element.bytes() as u64
    }
}

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

    fn note_row(&mut self, spot: super::access::Spot, deed: Deed, lane: usize, line: u32) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_of_mma_lie_as_published() {
        // Lane 5 is member 1 of group 1. A of halves: a0 a1 at row 1, a2 a3 at row 9, a4 a5 eight columns further.
        let place = |fragment: Fragment, element| fragment.place(element, 5, 2);
        let a: Vec<_> = (0..8).map(|element| place(Fragment::A, element)).collect();
        assert_eq!(a, [(1, 2), (1, 3), (9, 2), (9, 3), (1, 10), (1, 11), (9, 10), (9, 11)]);
        let b: Vec<_> = (0..4).map(|element| place(Fragment::B, element)).collect();
        assert_eq!(b, [(2, 1), (3, 1), (10, 1), (11, 1)]);
        let c: Vec<_> = (0..4).map(|element| place(Fragment::Accumulator, element)).collect();
        assert_eq!(c, [(1, 2), (1, 3), (9, 2), (9, 3)]);
    }

    #[test]
    fn fragments_of_tf32_lie_as_published() {
        // Lane 6 is member 2 of group 1.
        let a: Vec<_> = (0..4).map(|element| Fragment::A.place(element, 6, 1)).collect();
        assert_eq!(a, [(1, 2), (9, 2), (1, 6), (9, 6)]);
        let b: Vec<_> = (0..2).map(|element| Fragment::B.place(element, 6, 1)).collect();
        assert_eq!(b, [(2, 1), (6, 1)]);
    }
}
