//! Arrays of numbers in NumPy's `.npy` format, versions 1 to 3.
//!
//! In:  little-endian `f4 f8 i4 i8 u1 u2 b1`, either memory order; pickled objects are refused, never executed.
//! Out: [`Array`], always row-major. Nothing is allocated before the file's real size has confirmed its header.
//! Source: the format's description, `numpy.lib.format`.

mod header;
mod read;
mod write;

pub use read::Reader;
pub use write::{write, write_blocks};

pub(crate) use header::Kind;
pub(crate) use read::row_major;

use std::path::{Path, PathBuf};

use super::FileError;

/// What can be wrong with a `.npy` file.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// The first bytes or the header do not follow the format.
    #[error("`{}` is not a readable .npy file: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What does not follow.
        problem: String,
    },
    /// The elements are Python objects.
    #[error("`{}` holds pickled Python objects, which are never executed; save it as plain numbers", path.display())]
    Objects {
        /// The file.
        path: PathBuf,
    },
    /// The elements are of a type that is not read here.
    #[error("`{}` has elements of type `{found}`, expected one of `<f4 <f8 <i4 <i8 |u1 <u2 |b1`", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The type as NumPy writes it.
        found: String,
    },
    /// The header and the size of the file contradict each other.
    #[error("`{}` says it has shape {shape:?}, which needs {expected} bytes, found {found} bytes", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The shape in the header.
        shape: Vec<usize>,
        /// The bytes which that shape needs.
        expected: u64,
        /// The bytes after the header.
        found: u64,
    },
    /// Integers were asked for, and the file holds something else.
    #[error("`{}` has elements of type `{found}`, expected integers", path.display())]
    NotIntegers {
        /// The file.
        path: PathBuf,
        /// The type as NumPy writes it.
        found: String,
    },
    /// Rows were asked for that the file does not have.
    #[error("`{}` cannot give rows {start} to {end}: {problem}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// The first row asked for.
        start: usize,
        /// The row after the last.
        end: usize,
        /// Why not.
        problem: String,
    },
}

/// Numbers with a shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sizes of the axes; empty for a single number.
    pub shape: Vec<usize>,
    /// As many values as the product of the shape.
    pub values: Values,
}

/// Numbers of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `<f4`
    F32(Vec<f32>),
    /// `<f8`
    F64(Vec<f64>),
    /// `<i4`
    I32(Vec<i32>),
    /// `<i8`
    I64(Vec<i64>),
    /// `|u1`
    U8(Vec<u8>),
    /// `<u2`
    U16(Vec<u16>),
    /// `|b1`
    Bool(Vec<bool>),
}

/// The same expression for the vector of whichever type.
macro_rules! of_any_type {
    ($values:expr, $vector:ident => $result:expr) => {
        match $values {
            Values::F32($vector) => $result,
            Values::F64($vector) => $result,
            Values::I32($vector) => $result,
            Values::I64($vector) => $result,
            Values::U8($vector) => $result,
            Values::U16($vector) => $result,
            Values::Bool($vector) => $result,
        }
    };
}

impl Values {
    /// How many values.
    pub fn len(&self) -> usize {
        of_any_type!(self, vector => vector.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number that changes to `f64` and `f32` by rounding to nearest.
trait Number: Copy {
    fn as_f64(self) -> f64;
    fn as_f32(self) -> f32;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        #[allow(clippy::cast_lossless, reason = "one line for the types that fit and those that are rounded")]
        impl Number for $number {
            fn as_f64(self) -> f64 { self as f64 }
            fn as_f32(self) -> f32 { self as f32 }
        }
    )*};
}
numbers!(f32, f64, i32, i64, u8, u16);

impl Number for bool {
    fn as_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn as_f32(self) -> f32 {
        f32::from(u8::from(self))
    }
}

impl Array {
    /// The values as `f64`; integers beyond 2^53 are rounded, true is 1.
    pub fn to_f64(&self) -> Vec<f64> {
        of_any_type!(&self.values, vector => vector.iter().map(|value| value.as_f64()).collect())
    }

    /// The values as `f64`, without a copy where they are `f64` already.
    pub fn into_f64(self) -> Vec<f64> {
        if let Values::F64(values) = self.values { values } else { self.to_f64() }
    }

    /// The values as `f32`, without a copy where they are `f32` already; wider ones are rounded.
    pub fn into_f32(self) -> Vec<f32> {
        if let Values::F32(values) = self.values {
            return values;
        }
        of_any_type!(self.values, vector => vector.into_iter().map(Number::as_f32).collect())
    }

    /// The values as `i64` if they are integers or truth values, otherwise none.
    pub fn into_i64(self) -> Option<Vec<i64>> {
        match self.values {
            Values::I64(values) => Some(values),
            Values::I32(values) => Some(values.into_iter().map(i64::from).collect()),
            Values::U8(values) => Some(values.into_iter().map(i64::from).collect()),
            Values::U16(values) => Some(values.into_iter().map(i64::from).collect()),
            Values::Bool(values) => Some(values.into_iter().map(i64::from).collect()),
            Values::F32(_) | Values::F64(_) => None,
        }
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Array, NpyError> {
    Reader::open(path)?.read()
}

/// Reads a whole file of any number type as shape and `f64` values.
pub fn read_f64(path: &Path) -> Result<(Vec<usize>, Vec<f64>), NpyError> {
    let array = read(path)?;
    Ok((array.shape.clone(), array.into_f64()))
}

/// Reads a whole file of any number type as shape and `f32` values.
pub fn read_f32(path: &Path) -> Result<(Vec<usize>, Vec<f32>), NpyError> {
    let array = read(path)?;
    Ok((array.shape.clone(), array.into_f32()))
}

/// Reads a whole file of integers as shape and `i64` values; floats are refused.
pub fn read_i64(path: &Path) -> Result<(Vec<usize>, Vec<i64>), NpyError> {
    let reader = Reader::open(path)?;
    let found = reader.kind().name().to_owned();
    let array = reader.read()?;
    let shape = array.shape.clone();
    let values = array.into_i64().ok_or(NpyError::NotIntegers { path: path.into(), found })?;
    Ok((shape, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        let shape = [2, 1, 2];
        macro_rules! round_trip {
            ($case:ident, $values:expr) => {
                write(&path, &shape, &$values).unwrap();
                let found = read(&path).unwrap();
                assert_eq!(found, Array { shape: shape.to_vec(), values: Values::$case($values.to_vec()) });
            };
        }
        round_trip!(F32, [1.5_f32, -0.0, f32::MAX, f32::INFINITY]);
        round_trip!(F64, [1.5_f64, 0.1, f64::MIN_POSITIVE, -7.0]);
        round_trip!(I32, [i32::MIN, -1, 0, i32::MAX]);
        round_trip!(I64, [i64::MIN, -1, 0, i64::MAX]);
        round_trip!(U8, [0_u8, 1, 254, 255]);
        round_trip!(U16, [0_u16, 1, 256, 65535]);
        round_trip!(Bool, [true, false, false, true]);
    }

    #[test]
    fn integers_are_asked_for_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        write(&path, &[2], &[1_u16, 2]).unwrap();
        assert_eq!(read_i64(&path).unwrap(), (vec![2], vec![1, 2]));
        write(&path, &[2], &[1.0_f32, 2.0]).unwrap();
        assert!(read_i64(&path).unwrap_err().to_string().ends_with("elements of type `<f4`, expected integers"));
        assert_eq!(read_f64(&path).unwrap(), (vec![2], vec![1.0, 2.0]));
    }
}
