//! Numbers as they were written, and sizes that may be left to the data.
//!
//! File names carry numbers in the form Python gives them: `1` stays `1`, `1.0` stays `1.0`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::keys::Value;

/// A number that remembers whether it was written whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// Written without point and exponent.
    Whole(i64),
    /// Written with point or exponent.
    Real(f64),
}

impl Number {
    /// The value.
    pub fn value(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    /// The number as Python's `str` writes it.
    pub fn python_text(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => python_text(number),
        }
    }

    /// The number with its sign, or nothing if it is zero: how a change per reaction stands in a file name.
    pub fn signed_text(self) -> String {
        if self.value() == 0.0 {
            return String::new();
        }
        let text = self.python_text();
        if text.starts_with('-') { text } else { format!("+{text}") }
    }
}

impl Value for Number {
    const EXPECTED: &'static str = "a number";
}

/// The shortest decimal text that reads back as `number`, laid out as Python's `repr` does.
///
/// Exponents below -4 and from 16 on are written as such, with at least two digits.
pub fn python_text(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() { "nan".into() } else { format!("{number}") };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("`{:e}` always writes an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent of `{:e}` is a whole number");
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A size of the model: a number, or `auto` for what the data file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Taken from the data: features from the file, vocabularies from the codebooks.
    Auto,
    /// Fixed; data of another size is refused.
    Count(usize),
}

impl Size {
    /// The size to use for data of size `found`; an error says which size was fixed.
    pub fn for_data(self, found: usize) -> Result<usize, usize> {
        match self {
            Self::Count(fixed) if fixed != found => Err(fixed),
            _ => Ok(found),
        }
    }
}

impl Value for Size {
    const EXPECTED: &'static str = "a whole number or `auto`";
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Count(count) => serializer.serialize_u64(*count as u64),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Count(usize),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Count(count) => Ok(Self::Count(count)),
            Written::Word(word) if word == "auto" => Ok(Self::Auto),
            Written::Word(word) => Err(serde::de::Error::custom(format!("`{word}` is not a size"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_python_writes_them() {
        // Each pair was checked with `repr` of Python 3.
        for (number, text) in [
            (0.912, "0.912"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.08, "-0.08"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (2.5e-6, "2.5e-06"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(python_text(number), text);
        }
    }

    #[test]
    fn a_change_per_reaction_has_a_sign_or_is_left_out() {
        assert_eq!(Number::Real(0.1).signed_text(), "+0.1");
        assert_eq!(Number::Real(-0.08).signed_text(), "-0.08");
        assert_eq!(Number::Whole(2).signed_text(), "+2");
        assert_eq!(Number::Whole(0).signed_text(), "");
        assert_eq!(Number::Real(-0.0).signed_text(), "");
    }

    #[test]
    fn whole_numbers_stay_whole_through_a_file() {
        let read: Vec<Number> = serde_yaml_ng::from_str("[1, 1.0, -3, 0.33]").unwrap();
        assert_eq!(read, [Number::Whole(1), Number::Real(1.0), Number::Whole(-3), Number::Real(0.33)]);
        assert_eq!(serde_yaml_ng::to_string(&read).unwrap(), "- 1\n- 1.0\n- -3\n- 0.33\n");
    }

    #[test]
    fn a_fixed_size_refuses_other_data_and_auto_takes_any() {
        assert_eq!(Size::Auto.for_data(7), Ok(7));
        assert_eq!(Size::Count(7).for_data(7), Ok(7));
        assert_eq!(Size::Count(512).for_data(7), Err(512));
    }
}
