//! Plain data out of Python's pickles, protocols 0 to 5, without executing them.
//!
//! In:  a pickle, which is a program for a small stack machine that may call anything in Python.
//! Out: [`Value`]: numbers, text, bytes, lists, tuples, sets, dicts, NumPy arrays and scalars, and what is known of a
//! scikit-learn `KMeans`. The few names that such data needs are recognised and carried out here; every other name
//! is refused. Memory is at most in proportion to the file, and data nested too deeply or into itself is refused.
//! Source: the instructions as `pickletools` describes them.

mod arrays;
mod input;
mod machine;
mod names;
mod value;

pub use value::Value;

use std::path::{Path, PathBuf};

use super::FileError;

/// What can be wrong with a pickle.
#[derive(Debug, thiserror::Error)]
pub enum PickleError {
    /// The file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// It names or calls something that is not plain data.
    #[error("`{}` asks for {what} at byte {place}, which is not plain data; pickles are never executed", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it asks for.
        what: String,
        /// The byte of the instruction, counted from 0.
        place: usize,
    },
    /// It does not follow the format.
    #[error("`{}` is not a readable pickle: {problem} at byte {place}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What does not follow.
        problem: String,
        /// The byte of the instruction, counted from 0.
        place: usize,
    },
}

/// Reads a pickle that holds plain data.
pub fn read(path: &Path) -> Result<Value, PickleError> {
    let bytes = super::read_bytes(path)?;
    value_from_bytes(&bytes).map_err(|(problem, place)| match problem {
        Problem::Refused(what) => PickleError::Refused { path: path.into(), what, place },
        Problem::Malformed(problem) => PickleError::Malformed { path: path.into(), problem, place },
    })
}

/// What went wrong at some instruction.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Refused(String),
    Malformed(String),
}

impl Problem {
    fn malformed<T>(problem: impl Into<String>) -> Result<T, Self> {
        Err(Self::Malformed(problem.into()))
    }

    fn refused<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Refused(what.into()))
    }
}

/// The data in a pickle, or the problem and the byte of its instruction.
fn value_from_bytes(bytes: &[u8]) -> Result<Value, (Problem, usize)> {
    let mut machine = machine::Machine::new(bytes);
    let root = machine.run().map_err(|problem| (problem, machine.place()))?;
    value::expand(&machine, root).map_err(|problem| (problem, machine.place()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::npy::{Array, Values};

    macro_rules! fixture {
        ($name:literal) => {
            (include_bytes!(concat!("../../../tests/fixtures/pickle/", $name)).as_slice(), $name)
        };
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn whole(numbers: &[i64]) -> Vec<Value> {
        numbers.iter().map(|&number| Value::Int(number)).collect()
    }

    #[test]
    fn plain_data_is_read_in_every_protocol() {
        for (bytes, name) in [
            fixture!("plain_0.pkl"),
            fixture!("plain_1.pkl"),
            fixture!("plain_2.pkl"),
            fixture!("plain_3.pkl"),
            fixture!("plain_4.pkl"),
            fixture!("plain_5.pkl"),
        ] {
            let found = value_from_bytes(bytes).unwrap();
            let all_bytes: Vec<u8> = (0..=255).collect();
            let expected = [
                ("none", Value::None),
                ("truth", Value::List(vec![Value::Bool(true), Value::Bool(false)])),
                (
                    "whole",
                    Value::List(whole(&[0, -1, 255, 256, 65535, 65536, -(1 << 31), 1 << 40, i64::MIN, i64::MAX])),
                ),
                ("real", Value::List([0.5, -0.1, 1e300, f64::INFINITY].map(Value::Float).to_vec())),
                (
                    "text",
                    Value::List(
                        ["", "plain", "Grüße\n", "\u{1f600}", "back\\slash", &"x".repeat(300)].map(text).to_vec(),
                    ),
                ),
                ("bytes", Value::List([vec![], vec![0, 255, 128], all_bytes].map(Value::Bytes).to_vec())),
                (
                    "tuple",
                    Value::List(
                        [&[][..], &[1], &[1, 2], &[1, 2, 3], &[1, 2, 3, 4]]
                            .map(|numbers| Value::Tuple(whole(numbers)))
                            .to_vec(),
                    ),
                ),
                ("set", Value::List([&[][..], &[7], &[8]].map(|numbers| Value::Set(whole(numbers))).to_vec())),
                ("array of bytes", Value::Bytes(vec![1, 2])),
                ("shared", Value::List(vec![Value::List(vec![text("twice")]), Value::List(vec![text("twice")])])),
            ];
            for (key, value) in expected {
                assert_eq!(found.get(key), Some(&value), "`{key}` of {name}");
            }
            let Value::Dict(entries) = &found else { panic!("{name} is no dict") };
            assert_eq!(entries.last(), Some(&(Value::Int(7), Value::Dict(vec![]))));
        }
    }

    #[test]
    fn arrays_are_read_in_every_protocol() {
        let numpy_1 = replaced(fixture!("arrays_2.pkl").0, b"numpy._core", b"numpy.core");
        for (bytes, name) in [
            fixture!("arrays_0.pkl"),
            fixture!("arrays_1.pkl"),
            fixture!("arrays_2.pkl"),
            fixture!("arrays_3.pkl"),
            fixture!("arrays_4.pkl"),
            fixture!("arrays_5.pkl"),
            (&numpy_1, "NumPy 1"),
        ] {
            let found = value_from_bytes(bytes).unwrap();
            for (key, shape, values) in [
                ("f4", &[1, 3][..], Values::F32(vec![1.5, -2.0, 3.25])),
                ("f8 by columns", &[2, 3], Values::F64(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
                ("i4", &[2], Values::I32(vec![-1, 2])),
                ("i8", &[2, 1], Values::I64(vec![1 << 40, -3])),
                ("u1", &[4], Values::U8(vec![200, 13, 10, 92])),
                ("u2", &[1], Values::U16(vec![60000])),
                ("b1", &[2], Values::Bool(vec![true, false])),
                ("every second", &[3], Values::I32(vec![0, 2, 4])),
                ("single", &[], Values::F64(vec![7.0])),
                ("empty", &[2, 0], Values::F64(vec![])),
            ] {
                let expected = Value::Array(Array { shape: shape.to_vec(), values });
                assert_eq!(found.get(key), Some(&expected), "`{key}` of {name}");
            }
            let scalars = vec![Value::Float(0.1), Value::Float(0.5), Value::Int(-5), Value::Bool(true)];
            assert_eq!(found.get("scalars"), Some(&Value::List(scalars)), "{name}");
        }
    }

    fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut result = Vec::new();
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            if let Some(after) = rest.strip_prefix(from) {
                result.extend_from_slice(to);
                rest = after;
            } else {
                result.push(first);
                rest = after;
            }
        }
        result
    }

    #[test]
    fn the_centres_of_a_k_means_are_read() {
        for (bytes, name) in [fixture!("kmeans_0.pkl"), fixture!("kmeans_2.pkl"), fixture!("kmeans_4.pkl")] {
            let found = value_from_bytes(bytes).unwrap();
            let centres = found.centres().unwrap_or_else(|| panic!("no centres in {name}"));
            assert_eq!(centres.shape, [3, 8]);
            let mut rows: Vec<Vec<i32>> = centres
                .to_f64()
                .chunks(8)
                .map(|centre| centre.iter().map(|value| (value * 1e6).round() as i32).collect())
                .collect();
            rows.sort();
            let unit =
                |place: usize| (0..8).map(|number| if number == place { 800_000 } else { 0 }).collect::<Vec<i32>>();
            assert_eq!(rows, [2, 1, 0].map(unit).to_vec(), "{name}");
        }
    }

    #[test]
    fn callables_are_refused_by_name() {
        for (bytes, name) in
            [fixture!("refused_call_0.pkl"), fixture!("refused_call_2.pkl"), fixture!("refused_call_4.pkl")]
        {
            let (problem, _) = value_from_bytes(bytes).unwrap_err();
            assert_eq!(problem, Problem::Refused("`posix.system`".into()), "{name}");
        }
        let (problem, place) = value_from_bytes(fixture!("refused_class_4.pkl").0).unwrap_err();
        assert_eq!((problem, place), (Problem::Refused("`numpy.random.mtrand.RandomState`".into()), 57));
    }

    #[test]
    fn every_way_to_name_a_callable_is_refused() {
        for (bytes, name) in [
            (&b"cos\nsystem\n(S'true'\ntR."[..], "`os.system`"),
            (b"(S'true'\nios\nsystem\n.", "`os.system`"),
            (b"(cos\nsystem\nS'true'\no.", "`os.system`"),
            (b"\x80\x04\x8c\x02os\x8c\x06system\x93)\x81.", "`os.system`"),
            (b"(cbuiltins\nset\nS'true'\no.", "`builtins.set` called as a class"),
            (b"cnumpy\nndarray\n)R.", "`numpy.ndarray` called with other arguments than NumPy's own"),
            (b"cnumpy\ndtype\n.", "`numpy.dtype` itself"),
            (b"\x82\x01.", "an extension"),
            (b"Pname\n.", "an object outside the pickle"),
            (b"\x97.", "a buffer outside the pickle"),
            (b"]N\x85b.", "a state for something that takes none"),
        ] {
            let (problem, _) = value_from_bytes(bytes).unwrap_err();
            assert_eq!(problem, Problem::Refused(name.into()));
        }
    }

    #[test]
    fn objects_and_circles_are_refused() {
        let (problem, _) = value_from_bytes(fixture!("refused_objects_4.pkl").0).unwrap_err();
        assert_eq!(problem, Problem::Refused("an array of Python objects".into()));
        let (problem, _) = value_from_bytes(fixture!("refused_circle_4.pkl").0).unwrap_err();
        assert_eq!(problem, Problem::Malformed("its data are nested more than 100 deep or in a circle".into()));
    }

    #[test]
    fn shared_data_that_would_grow_without_bound_are_refused() {
        // Each list holds the one before it twice: 2^40 entries once written out.
        let bomb: Vec<u8> = [&b"]q\x00"[..], &b"]q\x01(h\x00h\x00eq\x00".repeat(40), b"."].concat();
        let (problem, _) = value_from_bytes(&bomb).unwrap_err();
        assert_eq!(problem, Problem::Malformed("its data grow to far more than the file".into()));
    }

    #[test]
    fn broken_pickles_are_refused() {
        for (bytes, problem) in [
            (&b""[..], "it ends within an instruction"),
            (b".", "an instruction lacks what it works on"),
            (b"(.", "an instruction lacks what it works on"),
            (b"K", "it ends within an instruction"),
            (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "it ends within an instruction"),
            (b"h\x05.", "nothing is stored under 5"),
            (b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.", "a whole number needs more than 64 bits"),
            // 2^63: the eight low bytes alone would be -2^63.
            (b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.", "a whole number needs more than 64 bits"),
            (b"N(\x85.", "an instruction lacks what it works on"),
            (b"\xff", "the instruction 0xff does not exist"),
            (b"\x80\x06.", "its protocol is 6, expected 0 to 5"),
            (b"N)s.", "an instruction lacks what it works on"),
            (b"}]Nu.", "an instruction lacks what it works on"),
        ] {
            let (found, _) = value_from_bytes(bytes).unwrap_err();
            assert_eq!(found, Problem::Malformed(problem.into()));
        }
    }

    #[test]
    fn errors_name_the_file_and_the_byte() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), fixture!("refused_call_0.pkl").0).unwrap();
        let text = read(file.path()).unwrap_err().to_string().replace(&file.path().display().to_string(), "x.pkl");
        assert_eq!(
            text,
            "`x.pkl` asks for `posix.system` at byte 0, which is not plain data; pickles are never executed"
        );
    }
}
