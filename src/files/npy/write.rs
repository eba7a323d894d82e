//! Writing: the whole array at once, or block by block for arrays larger than memory.
//!
//! In:  numbers in row-major order.
//! Out: a `.npy` file of version 1.0, there whole or not at all. Header: `ndarray-npy`.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use ndarray::IxDyn;
use ndarray_npy::{WritableElement, write_zeroed_npy};

use super::NpyError;
use crate::files::{FileError, replace_atomically};

/// A number that can be written.
pub trait Element: WritableElement + Copy {
    /// Appends the little-endian bytes of `values`.
    fn extend_bytes(values: &[Self], bytes: &mut Vec<u8>);
}

macro_rules! elements {
    ($($number:ty),*) => {$(
        impl Element for $number {
            fn extend_bytes(values: &[Self], bytes: &mut Vec<u8>) {
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    )*};
}
elements!(f32, f64, i32, i64, u8, u16);

impl Element for bool {
    fn extend_bytes(values: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend(values.iter().map(|&value| u8::from(value)));
    }
}

/// Values turned into bytes at once.
const BLOCK_VALUES: usize = 1 << 15;

/// Writes `values`, as many as `shape` says, to `path`.
pub fn write<T: Element>(path: &Path, shape: &[usize], values: &[T]) -> Result<(), NpyError> {
    write_blocks(path, shape, std::iter::once(Ok::<_, NpyError>(values)))
}

/// Writes an array that arrives in blocks of any size, together as many values as `shape` says.
///
/// An error in a block ends the work and leaves what `path` held before.
pub fn write_blocks<T: Element, B: AsRef<[T]>, E: From<NpyError>>(
    path: &Path,
    shape: &[usize],
    blocks: impl IntoIterator<Item = Result<B, E>>,
) -> Result<(), E> {
    let unwritten = |source| NpyError::File(FileError::System { deed: "write", path: path.into(), source });
    let mut count: usize = shape.iter().product();
    replace_atomically(path, |file| {
        let mut out = BufWriter::new(room_for::<T>(file, shape, count).map_err(unwritten).map_err(Through)?);
        let mut bytes = Vec::new();
        for block in blocks {
            let block = block.map_err(Own)?;
            count = count.checked_sub(block.as_ref().len()).expect("as many values as the shape says");
            for part in block.as_ref().chunks(BLOCK_VALUES) {
                bytes.clear();
                T::extend_bytes(part, &mut bytes);
                out.write_all(&bytes).map_err(unwritten).map_err(Through)?;
            }
        }
        assert_eq!(count, 0, "as many values as the shape says");
        out.flush().map_err(unwritten).map_err(Through)
    })
    .map_err(|error| match error {
        Through(error) => error.into(),
        Own(error) => error,
    })
}

/// The errors of writing and those of the blocks' maker, apart until the end.
enum BlockError<E> {
    Through(NpyError),
    Own(E),
}
use BlockError::{Own, Through};

impl<E> From<FileError> for BlockError<E> {
    fn from(error: FileError) -> Self {
        Through(error.into())
    }
}

/// Writes the header and moves to the first value.
fn room_for<'a, T: Element>(mut file: &'a File, shape: &[usize], count: usize) -> io::Result<&'a File> {
    write_zeroed_npy::<T, _>(file, IxDyn(shape)).map_err(io::Error::other)?;
    file.seek(SeekFrom::End(-((count * size_of::<T>()) as i64)))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::npy::{Array, Values, read};

    #[test]
    fn blocks_of_any_size_make_one_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/array.npy");
        let blocks = [vec![1_i64], vec![], vec![2, 3, 4, 5, 6]].map(Ok::<_, NpyError>);
        write_blocks(&path, &[2, 3], blocks).unwrap();
        let expected = Array { shape: vec![2, 3], values: Values::I64(vec![1, 2, 3, 4, 5, 6]) };
        assert_eq!(read(&path).unwrap(), expected);
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        // numpy.save writes the same but for `, }` at the end of the dictionary.
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}";
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        expected.extend_from_slice(format!("{header:<117}\n").as_bytes());
        expected.extend_from_slice(b"\x00\x00\x80\x3f\x00\x00\x00\xc0");
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), &[1, 2], &[1.0_f32, -2.0]).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), expected);
    }

    #[test]
    fn a_failing_block_leaves_the_old_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), &[1], &[7_u8]).unwrap();
        let objects = || NpyError::Objects { path: "other.npy".into() };
        let failed = write_blocks(file.path(), &[2], [Ok([1_u8]), Err(objects())]);
        assert!(failed.is_err());
        assert_eq!(read(file.path()).unwrap().values, Values::U8(vec![7]));
    }
}
