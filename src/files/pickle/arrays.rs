//! NumPy arrays and scalars as pickles describe them: element type, shape, order, bytes.

use super::Problem;
use super::machine::{Id, Object};
use crate::files::npy::{Array, Kind, Values, row_major};

/// A NumPy element type such as `f8` with its byte order; eight letters are enough for all that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    order: char,
    letters: [char; LETTERS],
    is_longer: bool,
}

const LETTERS: usize = 4;

impl ElementType {
    pub fn new(text: &str) -> Self {
        let mut letters = ['\0'; LETTERS];
        letters.iter_mut().zip(text.chars()).for_each(|(letter, found)| *letter = found);
        Self { order: '|', letters, is_longer: text.chars().nth(LETTERS).is_some() }
    }

    /// Takes the byte order out of the state that NumPy gives each type.
    pub fn set_order(&mut self, order: &str) {
        self.order = match order {
            "=" => '<',
            _ => order.chars().next().unwrap_or('|'),
        };
    }

    fn kind(self) -> Result<Kind, Problem> {
        let mut name = String::from(self.order);
        name.extend(self.letters.iter().filter(|&&letter| letter != '\0'));
        let kind = if self.is_longer { None } else { Kind::of(&name) };
        kind.map_or_else(|| Problem::refused(format!("an array of type `{}`", name.escape_debug())), Ok)
    }

    /// The number in the bytes of a scalar.
    pub fn number(self, bytes: &[u8]) -> Result<Object<'static>, Problem> {
        let kind = self.kind()?;
        if bytes.len() != kind.size() {
            return Problem::malformed("a number's bytes do not fit its type");
        }
        let mut values = Values::with_capacity(kind, 1);
        values.extend_from_bytes(bytes);
        Ok(match values {
            Values::F32(values) => Object::Float(f64::from(values[0])),
            Values::F64(values) => Object::Float(values[0]),
            Values::I32(values) => Object::Int(i64::from(values[0])),
            Values::I64(values) => Object::Int(values[0]),
            Values::U8(values) => Object::Int(i64::from(values[0])),
            Values::U16(values) => Object::Int(i64::from(values[0])),
            Values::Bool(values) => Object::Bool(values[0]),
        })
    }
}

/// An array whose numbers are still bytes.
#[derive(Clone, Debug)]
pub(super) struct ArrayParts {
    pub element: ElementType,
    pub shape: Vec<usize>,
    pub fortran_order: bool,
    /// The bytes.
    pub data: Id,
}

impl ArrayParts {
    /// The array of these bytes.
    pub fn array(&self, bytes: &[u8]) -> Result<Array, Problem> {
        let kind = self.element.kind()?;
        let needed = self.shape.iter().fold(kind.size() as u128, |product, &size| product.saturating_mul(size as u128));
        if needed != bytes.len() as u128 {
            return Problem::malformed("an array's bytes do not fit its shape");
        }
        let mut values = Values::with_capacity(kind, bytes.len() / kind.size());
        values.extend_from_bytes(bytes);
        if self.fortran_order {
            values = row_major(&values, &self.shape);
        }
        Ok(Array { shape: self.shape.clone(), values })
    }
}
