//! Reading: the header first, then all rows or only some.
//!
//! In:  a regular file.
//! Out: [`Array`] in row-major order, whichever order the file has.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::header::{Header, header_from_text};
use super::{Array, Kind, NpyError, Values};
use crate::files::{self, FileError};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read; NumPy itself stops at 10 000 bytes.
const LONGEST_HEADER: u64 = 1 << 16;
/// Bytes turned into numbers at once; a multiple of every element's size.
const BLOCK_BYTES: usize = 1 << 18;

/// An open `.npy` file whose header has been read and found to agree with the file's size.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
    kind: Kind,
    fortran_order: bool,
    shape: Vec<usize>,
    data_start: u64,
}

impl Reader {
    /// Opens a file and checks its header; no data is read.
    pub fn open(path: &Path) -> Result<Self, NpyError> {
        let mut file = files::open(path)?;
        let (header, data_start) = read_header(&mut file, path)?;
        let kind = kind_of(&header, path)?;
        let length = file.metadata().map_err(FileError::system("read", path))?.len();
        check_length(&header.shape, kind, length.saturating_sub(data_start), path)?;
        let Header { fortran_order, shape, .. } = header;
        Ok(Self { file, path: path.into(), kind, fortran_order, shape, data_start })
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Everything.
    pub fn read(mut self) -> Result<Array, NpyError> {
        let count = count_of(&self.shape);
        let values = self.values(0, count)?;
        let values = if self.fortran_order { row_major(&values, &self.shape) } else { values };
        Ok(Array { shape: self.shape, values })
    }

    /// The rows `rows` of the first axis, without reading the others.
    pub fn rows(&mut self, rows: Range<usize>) -> Result<Array, NpyError> {
        let refused = |problem: &str| NpyError::Rows {
            path: self.path.clone(),
            start: rows.start,
            end: rows.end,
            problem: problem.into(),
        };
        let Some((&row_count, inner)) = self.shape.split_first() else {
            return Err(refused("it is a single number"));
        };
        if rows.start > rows.end || rows.end > row_count {
            return Err(refused(&format!("it has {row_count}")));
        }
        let row_size = count_of(inner);
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        if !self.fortran_order {
            let values = self.values(rows.start * row_size, rows.len() * row_size)?;
            return Ok(Array { shape, values });
        }
        let mut values = Values::with_capacity(self.kind, rows.len() * row_size);
        // Beside an axis of 0 the others may be anything: nothing is counted up for them.
        let segment_count = if rows.is_empty() { 0 } else { row_size };
        for column in 0..segment_count {
            self.extend(&mut values, column * row_count + rows.start, rows.len())?;
        }
        Ok(Array { values: row_major(&values, &shape), shape })
    }

    /// `count` values from the `start`-th in the file's order. Both are within the checked size of the file.
    fn values(&mut self, start: usize, count: usize) -> Result<Values, NpyError> {
        let mut values = Values::with_capacity(self.kind, count);
        self.extend(&mut values, start, count)?;
        Ok(values)
    }

    fn extend(&mut self, values: &mut Values, start: usize, count: usize) -> Result<(), NpyError> {
        let offset = self.data_start + (start * self.kind.size()) as u64;
        let filled = self.fill(values, offset, count * self.kind.size());
        Ok(filled.map_err(FileError::system("read", &self.path))?)
    }

    fn fill(&mut self, values: &mut Values, offset: u64, mut byte_count: usize) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut block = vec![0; BLOCK_BYTES.min(byte_count)];
        while byte_count > 0 {
            let part = &mut block[..BLOCK_BYTES.min(byte_count)];
            self.file.read_exact(part)?;
            values.extend_from_bytes(part);
            byte_count -= part.len();
        }
        Ok(())
    }
}

/// The product of the sizes. Beside an axis of 0 the others may be anything, so it must not overflow.
fn count_of(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product: usize, &size| product.saturating_mul(size))
}

/// The header and the place where the data begins.
fn read_header(file: &mut File, path: &Path) -> Result<(Header, u64), NpyError> {
    let bad = |problem: String| NpyError::Format { path: path.into(), problem };
    let mut start = Vec::new();
    file.take(LONGEST_HEADER).read_to_end(&mut start).map_err(FileError::system("read", path))?;
    let Some(rest) = start.strip_prefix(MAGIC) else {
        return Err(bad("it does not begin with `\\x93NUMPY`".into()));
    };
    let (header_start, length) = match *rest {
        [1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        [version, _, _, _, ..] => return Err(bad(format!("its version is {version}, expected 1 to 3"))),
        _ => return Err(bad("it ends within its header".into())),
    };
    let text = start.get(header_start..header_start + length).ok_or_else(|| bad("it ends within its header".into()))?;
    let text = std::str::from_utf8(text).map_err(|_| bad("its header is not text".into()))?;
    Ok((header_from_text(text).map_err(bad)?, (header_start + length) as u64))
}

fn kind_of(header: &Header, path: &Path) -> Result<Kind, NpyError> {
    if header.descr.contains('O') {
        return Err(NpyError::Objects { path: path.into() });
    }
    Kind::of(&header.descr).ok_or_else(|| NpyError::Type { path: path.into(), found: header.descr.clone() })
}

fn check_length(shape: &[usize], kind: Kind, found: u64, path: &Path) -> Result<(), NpyError> {
    // In 128 bits, 64 axes could still overflow; what saturates is larger than any file.
    let expected = shape.iter().fold(kind.size() as u128, |product, &size| product.saturating_mul(size as u128));
    if expected == u128::from(found) {
        return Ok(());
    }
    let expected = u64::try_from(expected).unwrap_or(u64::MAX);
    Err(NpyError::Length { path: path.into(), shape: shape.to_vec(), expected, found })
}

impl Values {
    pub(crate) fn with_capacity(kind: Kind, count: usize) -> Self {
        match kind {
            Kind::F32 => Self::F32(Vec::with_capacity(count)),
            Kind::F64 => Self::F64(Vec::with_capacity(count)),
            Kind::I32 => Self::I32(Vec::with_capacity(count)),
            Kind::I64 => Self::I64(Vec::with_capacity(count)),
            Kind::U8 => Self::U8(Vec::with_capacity(count)),
            Kind::U16 => Self::U16(Vec::with_capacity(count)),
            Kind::Bool => Self::Bool(Vec::with_capacity(count)),
        }
    }

    /// Appends whole little-endian elements.
    pub(crate) fn extend_from_bytes(&mut self, bytes: &[u8]) {
        match self {
            Self::F32(values) => values.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Self::F64(values) => values.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b))),
            Self::I32(values) => values.extend(bytes.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b))),
            Self::I64(values) => values.extend(bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b))),
            Self::U8(values) => values.extend_from_slice(bytes),
            Self::U16(values) => values.extend(bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b))),
            Self::Bool(values) => values.extend(bytes.iter().map(|&b| b != 0)),
        }
    }
}

/// The values of an array whose first index moves fastest, in the order where the last one does.
pub(crate) fn row_major(values: &Values, shape: &[usize]) -> Values {
    match values {
        Values::F32(values) => Values::F32(transposed(values, shape)),
        Values::F64(values) => Values::F64(transposed(values, shape)),
        Values::I32(values) => Values::I32(transposed(values, shape)),
        Values::I64(values) => Values::I64(transposed(values, shape)),
        Values::U8(values) => Values::U8(transposed(values, shape)),
        Values::U16(values) => Values::U16(transposed(values, shape)),
        Values::Bool(values) => Values::Bool(transposed(values, shape)),
    }
}

fn transposed<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut place = vec![0; shape.len()];
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &size| {
            let own: usize = *stride;
            *stride = own.saturating_mul(size);
            Some(own)
        })
        .collect();
    let mut from = 0;
    let mut result = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        result.push(values[from]);
        // Counts up like an odometer whose last wheel turns fastest.
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            from += strides[axis];
            if place[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            place[axis] = 0;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn with_header(version: u8, header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let length = header.len() as u32;
        let mut bytes = [MAGIC.as_slice(), &[version, 0]].concat();
        bytes.extend_from_slice(&length.to_le_bytes()[..if version == 1 { 2 } else { 4 }]);
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        file_with(&bytes)
    }

    fn problem_of(file: &tempfile::NamedTempFile) -> String {
        let text = super::super::read(file.path()).unwrap_err().to_string();
        text.replace(&file.path().display().to_string(), "x.npy")
    }

    #[test]
    fn fortran_order_is_turned_round() {
        // numpy.save of numpy.asfortranarray([[1, 2, 3], [4, 5, 6]], dtype='u1'): columns one after the other.
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        for version in [1, 2, 3] {
            let file = with_header(version, header, &[1, 4, 2, 5, 3, 6]);
            let found = super::super::read(file.path()).unwrap();
            assert_eq!(found, Array { shape: vec![2, 3], values: Values::U8(vec![1, 2, 3, 4, 5, 6]) });
        }
        let cube = transposed(&[0, 4, 2, 6, 1, 5, 3, 7], &[2, 2, 2]);
        assert_eq!(cube, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn some_rows_are_read_without_the_others() {
        let header = "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 2), }";
        let file = with_header(1, header, &[0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        let mut reader = Reader::open(file.path()).unwrap();
        let expected = Array { shape: vec![2, 2], values: Values::U16(vec![2, 3, 4, 5]) };
        assert_eq!(reader.rows(1..3).unwrap(), expected);
        assert!(reader.rows(2..4).unwrap_err().to_string().ends_with("cannot give rows 2 to 4: it has 3"));
    }

    #[test]
    fn some_rows_of_a_transposed_array_are_read_too() {
        // Indexing columns, `matrix[:, order]`, makes NumPy save in Fortran order: [[0, 1], [2, 3], [4, 5]] by columns.
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }";
        let mut reader = Reader::open(with_header(1, header, &[0, 2, 4, 1, 3, 5]).path()).unwrap();
        let expected = Array { shape: vec![2, 2], values: Values::U8(vec![2, 3, 4, 5]) };
        assert_eq!(reader.rows(1..3).unwrap(), expected);
    }

    #[test]
    fn a_header_that_claims_more_than_the_file_holds_is_refused_before_allocation() {
        // A petabyte, and a product beyond 64 bits: allocating either would end the program.
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 125000000), }";
        assert_eq!(
            problem_of(&with_header(1, header, &[0; 16])),
            "`x.npy` says it has shape [1000000, 125000000], which needs 1000000000000000 bytes, found 16 bytes"
        );
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807), }";
        assert!(problem_of(&with_header(1, header, &[0; 16])).ends_with("found 16 bytes"));
    }

    #[test]
    fn objects_are_refused_and_never_executed() {
        let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(
            problem_of(&with_header(1, header, b"cos\nsystem\n(S'true'\ntR.")),
            "`x.npy` holds pickled Python objects, which are never executed; save it as plain numbers"
        );
    }

    #[test]
    fn other_files_and_types_are_refused_with_what_was_found() {
        assert_eq!(
            problem_of(&file_with(b"PK")),
            "`x.npy` is not a readable .npy file: it does not begin with `\\x93NUMPY`"
        );
        assert_eq!(
            problem_of(&file_with(b"\x93NUMPY\x01\x00\xff")),
            "`x.npy` is not a readable .npy file: it ends within its header"
        );
        assert_eq!(
            problem_of(&file_with(b"\x93NUMPY\x07\x00\x00\x00\x00\x00")),
            "`x.npy` is not a readable .npy file: its version is 7, expected 1 to 3"
        );
        let header = "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(
            problem_of(&with_header(1, header, &[0; 8])),
            "`x.npy` has elements of type `>f8`, expected one of `<f4 <f8 <i4 <i8 |u1 <u2 |b1`"
        );
    }

    #[test]
    fn an_array_without_elements_has_its_shape() {
        // The sizes beside the 0 may be anything; their product alone would not fit.
        let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (9223372036854775807, 3, 0), }";
        let file = with_header(1, header, &[]);
        let found = super::super::read(file.path()).unwrap();
        assert_eq!(found, Array { shape: vec![usize::MAX / 2, 3, 0], values: Values::F64(Vec::new()) });
        let row = Reader::open(file.path()).unwrap().rows(5..6).unwrap();
        assert_eq!(row, Array { shape: vec![1, 3, 0], values: Values::F64(Vec::new()) });
    }
}
