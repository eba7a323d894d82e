//! The names a pickle of plain data needs, and what their calls stand for. No other name exists here.

use std::borrow::Cow;

use super::Problem;
use super::arrays::{ArrayParts, ElementType};
use super::machine::{Id, Machine, Object};

/// A known name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    NdArray,
    DType,
    /// An array that gets its content afterwards.
    Reconstruct,
    Scalar,
    /// An array around bytes (protocol 5).
    FromBuffer,
    /// Bytes out of text, one byte per character (protocols 0 to 2).
    Encode,
    Bytes,
    ByteArray,
    Set,
    FrozenSet,
    Object,
    /// An object without content, of a class (protocols 0 and 1).
    Reconstructor,
    KMeans,
}

impl Name {
    /// Finds a name, or refuses it.
    pub fn of(module: &str, name: &str) -> Result<Self, Problem> {
        Ok(match (module, name) {
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::DType,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Self::FromBuffer,
            ("_codecs", "encode") => Self::Encode,
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("builtins" | "__builtin__", "set") => Self::Set,
            ("builtins" | "__builtin__", "frozenset") => Self::FrozenSet,
            ("builtins" | "__builtin__", "object") => Self::Object,
            ("copyreg" | "copy_reg", "_reconstructor") => Self::Reconstructor,
            ("sklearn.cluster._kmeans" | "sklearn.cluster.k_means_", "KMeans") => Self::KMeans,
            _ => return Problem::refused(format!("`{}.{}`", module.escape_debug(), name.escape_debug())),
        })
    }

    /// The name as NumPy 2 and Python 3 have it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NdArray => "numpy.ndarray",
            Self::DType => "numpy.dtype",
            Self::Reconstruct => "numpy._core.multiarray._reconstruct",
            Self::Scalar => "numpy._core.multiarray.scalar",
            Self::FromBuffer => "numpy._core.numeric._frombuffer",
            Self::Encode => "_codecs.encode",
            Self::Bytes => "builtins.bytes",
            Self::ByteArray => "builtins.bytearray",
            Self::Set => "builtins.set",
            Self::FrozenSet => "builtins.frozenset",
            Self::Object => "builtins.object",
            Self::Reconstructor => "copyreg._reconstructor",
            Self::KMeans => "sklearn.cluster.KMeans",
        }
    }
}

impl<'a> Machine<'a> {
    /// What a call of `name` stands for.
    pub(super) fn call(&self, name: Name, arguments: &[Id]) -> Result<Object<'a>, Problem> {
        let other_arguments =
            || Problem::refused(format!("`{}` called with other arguments than NumPy's own", name.text()));
        let objects: Vec<&Object> = arguments.iter().take(8).map(|&id| self.object(id)).collect();
        Ok(match (name, objects.as_slice()) {
            (Name::Reconstruct, [Object::Name(Name::NdArray), _, _]) => Object::Array(None),
            (Name::DType, [Object::Text(text), ..]) => Object::ElementType(ElementType::new(text)),
            (Name::Scalar, [Object::ElementType(element), Object::Bytes(bytes)]) => element.number(bytes)?,
            (Name::FromBuffer, [Object::Bytes(_), Object::ElementType(element), Object::Tuple(shape), order]) => {
                let shape = self.sizes(shape)?;
                let fortran_order = matches!(order, Object::Text(order) if order == "F");
                Object::Array(Some(Box::new(ArrayParts {
                    element: *element,
                    shape,
                    fortran_order,
                    data: arguments[0],
                })))
            }
            (Name::Encode | Name::ByteArray, [Object::Text(text), Object::Text(code)])
                if matches!(&**code, "latin1" | "latin-1") =>
            {
                Object::Bytes(latin_1(text)?)
            }
            (Name::Bytes | Name::ByteArray, []) => Object::Bytes(Cow::Borrowed(b"")),
            (Name::Bytes | Name::ByteArray, [Object::Bytes(bytes)]) => Object::Bytes(bytes.clone()),
            (Name::Set | Name::FrozenSet, []) => Object::Set(Vec::new()),
            (Name::Set | Name::FrozenSet, [Object::List(items)]) => Object::Set(items.clone()),
            (Name::Reconstructor, [Object::Name(Name::KMeans), Object::Name(Name::Object), Object::None]) => {
                Object::KMeans(None)
            }
            _ => return other_arguments(),
        })
    }

    /// The sizes of an array's axes.
    pub(super) fn sizes(&self, items: &[Id]) -> Result<Vec<usize>, Problem> {
        let size = |&item| match self.object(item) {
            Object::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let sizes: Option<Vec<usize>> = items.iter().map(size).collect();
        sizes.map_or_else(|| Problem::malformed("an array's shape is not made of sizes"), Ok)
    }
}

fn latin_1(text: &str) -> Result<Cow<'static, [u8]>, Problem> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.map_or_else(|_| Problem::malformed("text for bytes has characters beyond 255"), |bytes| Ok(Cow::Owned(bytes)))
}
