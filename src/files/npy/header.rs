//! The header of a `.npy` file: a Python dictionary in text, read without Python.
//!
//! In:  `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
//! Out: the type, the order and the shape, or a sentence saying what does not fit.

/// The types that are read, under the names NumPy gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F64,
    I32,
    I64,
    U8,
    U16,
    Bool,
}

impl Kind {
    /// The type of a name such as `<f4`; none for the rest.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "<f4" => Self::F32,
            "<f8" => Self::F64,
            "<i4" => Self::I32,
            "<i8" => Self::I64,
            "|u1" | "<u1" => Self::U8,
            "<u2" => Self::U16,
            "|b1" | "<b1" => Self::Bool,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "<f4",
            Self::F64 => "<f8",
            Self::I32 => "<i4",
            Self::I64 => "<i8",
            Self::U8 => "|u1",
            Self::U16 => "<u2",
            Self::Bool => "|b1",
        }
    }

    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::U16 => 2,
            Self::U8 | Self::Bool => 1,
        }
    }
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The type as written.
    pub descr: String,
    /// Whether the first index moves fastest.
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

/// Axes that NumPy itself allows at most.
const MOST_AXES: usize = 64;

/// Reads the dictionary.
pub(super) fn header_from_text(text: &str) -> Result<Header, String> {
    let mut rest = Scanner { rest: text };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    rest.expect('{')?;
    while !rest.found('}') {
        let key = rest.quoted()?;
        rest.expect(':')?;
        match key {
            "descr" => descr = Some(rest.element_type()?),
            "fortran_order" => fortran_order = Some(rest.truth()?),
            "shape" => shape = Some(rest.shape()?),
            other => return Err(format!("its header has the unknown key `{other}`")),
        }
        if !rest.found(',') {
            rest.expect('}')?;
            break;
        }
    }
    let missing = |key| format!("its header lacks the key `{key}`");
    Ok(Header {
        descr: descr.ok_or_else(|| missing("descr"))?,
        fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

/// The text that is still to be read.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn found(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest;
        true
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.found(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, expected: &str) -> String {
        let found: String = self.rest.chars().take(12).collect();
        format!("its header has `{}` where {expected} was expected", found.escape_default())
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|sign| matches!(sign, '\'' | '"'));
        let Some((text, rest)) = quote.and_then(|sign| self.rest[1..].split_once(sign)) else {
            return Err(self.unexpected("a quoted word"));
        };
        self.rest = rest;
        Ok(text)
    }

    fn element_type(&mut self) -> Result<String, String> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('[') {
            return Err("its elements are records of several fields".into());
        }
        Ok(self.quoted()?.to_owned())
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, truth) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(truth);
            }
        }
        Err(self.unexpected("`True` or `False`"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.found(')') {
            if shape.len() == MOST_AXES {
                return Err(format!("it has more than {MOST_AXES} axes"));
            }
            shape.push(self.size()?);
            if !self.found(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn size(&mut self) -> Result<usize, String> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let size = digits.parse().map_err(|_| self.unexpected("the size of an axis"))?;
        // Python 2 marked long integers with an L.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_read() {
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n";
        let expected = Header { descr: "<f8".into(), fortran_order: false, shape: vec![3, 4] };
        assert_eq!(header_from_text(text).unwrap(), expected);
        let python_2 = "{\"shape\": (3L,), 'fortran_order': True, 'descr': '|u1'}";
        let expected = Header { descr: "|u1".into(), fortran_order: true, shape: vec![3] };
        assert_eq!(header_from_text(python_2).unwrap(), expected);
        let number = "{'descr': '<i8', 'fortran_order': False, 'shape': (), }";
        assert_eq!(header_from_text(number).unwrap().shape, Vec::<usize>::new());
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (text, problem) in [
            ("", "its header has `` where `{` was expected"),
            ("{'descr': '<f8'}", "its header lacks the key `fortran_order`"),
            ("{'color': 1}", "its header has the unknown key `color`"),
            ("{'shape': (3, -4)}", "its header has `-4)}` where the size of an axis was expected"),
            (
                "{'shape': (99999999999999999999,)}",
                "its header has `999999999999` where the size of an axis was expected",
            ),
            ("{'descr': [('a', '<f8')]}", "its elements are records of several fields"),
            ("{'fortran_order': 1}", "its header has `1}` where `True` or `False` was expected"),
            ("{'descr", "its header has `\\'descr` where a quoted word was expected"),
        ] {
            assert_eq!(header_from_text(text).unwrap_err(), problem);
        }
    }
}
