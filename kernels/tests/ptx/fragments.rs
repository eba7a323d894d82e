//! Fragments of matrices: which element of which matrix a lane holds where.
//!
//! In:  shapes, formats and lanes.
//! Out: rows and columns; whole matrices from the registers of all lanes.
//! Source: PTX ISA, "Matrix fragments for mma.m16n8k16" and its neighbours. The fragments of `wmma` are not published;
//! here a lane holds consecutive elements of the matrix in row order.

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
    pub fn per_register(self) -> usize {
        4 / self.bytes()
    }

    pub fn read(self, bits: u64) -> f64 {
        match self {
            Self::F16 => from_f16(bits & 0xffff),
            Self::Bf16 => from_bf16(bits & 0xffff),
            Self::Tf32 => from_tf32(bits),
            Self::F32 => from_f32(bits),
        }
    }

    pub fn write(self, value: f64) -> u64 {
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
    pub fn place(self, element: usize, lane: usize, per_register: usize) -> (usize, usize) {
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
    pub fn per_lane(&self, fragment: Fragment) -> usize {
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
    pub fn place(&self, fragment: Fragment, element: usize, lane: usize, format: Element) -> (usize, usize) {
        if self.is_wide {
            let (_, columns) = fragment.size(self.shape);
            let place = lane * self.per_lane(fragment) + element;
            return (place / columns, place % columns);
        }
        fragment.place(element, lane, format.per_register())
    }

    /// A matrix from the registers of all lanes; B by columns, the others by rows, so that sums run along both.
    pub fn matrix(&self, fragment: Fragment, format: Element, registers: &[Lanes]) -> Vec<f64> {
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
    pub fn per_lane(&self) -> usize {
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
    pub fn offset(&self, lane: usize, element: usize, stride: u64) -> u64 {
        let place = lane * self.per_lane() + element;
        let (row, column) = ((place / self.columns) as u64, (place % self.columns) as u64);
        let steps = if self.is_row_major { row * stride + column } else { column * stride + row };
        steps * self.element.bytes() as u64
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
