//! The bytes of a pickle from the first to the last; nothing is read beyond the end.

use std::borrow::Cow;

use super::Problem;

/// What is still to be read.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, place: 0 }
    }

    /// Bytes read so far.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Bytes of the whole pickle.
    pub fn total(&self) -> usize {
        self.bytes.len()
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let Some(taken) = self.bytes[self.place..].get(..count) else {
            return Problem::malformed("it ends within an instruction");
        };
        self.place += count;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many bytes as were asked for"))
    }

    pub fn byte(&mut self) -> Result<u8, Problem> {
        Ok(self.array::<1>()?[0])
    }

    /// A length of `N` bytes, followed by as many bytes.
    pub fn counted<const N: usize>(&mut self) -> Result<&'a [u8], Problem> {
        let mut length = [0; 8];
        length[..N].copy_from_slice(&self.array::<N>()?);
        self.take(usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX))
    }

    /// A length of `N` bytes, followed by text of as many bytes.
    pub fn counted_text<const N: usize>(&mut self) -> Result<&'a str, Problem> {
        text(self.counted::<N>()?)
    }

    /// The bytes up to the end of the line.
    pub fn line(&mut self) -> Result<&'a [u8], Problem> {
        let rest = &self.bytes[self.place..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Problem::malformed("it ends within an instruction");
        };
        self.place += length + 1;
        Ok(&rest[..length])
    }

    /// The text up to the end of the line.
    pub fn text_line(&mut self) -> Result<&'a str, Problem> {
        text(self.line()?)
    }
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::Malformed("its text is not UTF-8".into()))
}

/// The bytes of a quoted string as Python 2 wrote it, `'a\n'`.
pub(super) fn unquoted(line: &[u8]) -> Result<Vec<u8>, Problem> {
    let line = line.trim_ascii();
    let quoted = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => Some(inner),
        _ => None,
    };
    let Some(mut rest) = quoted else { return Problem::malformed("a string lacks its quotes") };
    let mut result = Vec::new();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            result.push(*first);
            continue;
        }
        let (byte, after) = escaped(after)?;
        result.push(byte);
        rest = after;
    }
    Ok(result)
}

/// The byte that an escape stands for, and what follows it.
fn escaped(after_backslash: &[u8]) -> Result<(u8, &[u8]), Problem> {
    let plain = |byte, rest| Ok((byte, rest));
    match after_backslash {
        [sign @ (b'\\' | b'\'' | b'"'), rest @ ..] => plain(*sign, rest),
        [b'n', rest @ ..] => plain(b'\n', rest),
        [b'r', rest @ ..] => plain(b'\r', rest),
        [b't', rest @ ..] => plain(b'\t', rest),
        [b'x', rest @ ..] => match hexadecimal(rest, 2) {
            Some((number, rest)) => plain(number as u8, rest),
            None => Problem::malformed("a string has an unknown escape"),
        },
        _ => Problem::malformed("a string has an unknown escape"),
    }
}

fn hexadecimal(bytes: &[u8], digit_count: usize) -> Option<(u32, &[u8])> {
    let digits = bytes.get(..digit_count).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((number, &bytes[digit_count..]))
}

/// The text of protocol 0: one byte per character up to 255, `\u` and `\U` escapes for the rest.
pub(super) fn raw_unicode(line: &[u8]) -> Result<Cow<'_, str>, Problem> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return Ok(Cow::Borrowed(text(line)?));
    }
    let mut result = String::new();
    let mut rest = line;
    while let [first, after @ ..] = rest {
        let found = match rest {
            [b'\\', b'u', digits @ ..] => hexadecimal(digits, 4),
            [b'\\', b'U', digits @ ..] => hexadecimal(digits, 8),
            _ => Some((u32::from(*first), after)),
        };
        let Some((sign, after)) = found.and_then(|(number, after)| Some((char::from_u32(number)?, after))) else {
            return Problem::malformed("its text has an unknown escape");
        };
        result.push(sign);
        rest = after;
    }
    Ok(Cow::Owned(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_lose_their_escapes() {
        assert_eq!(unquoted(br"'it\'s\x00\xff\\\n'").unwrap(), b"it's\x00\xff\\\n");
        assert_eq!(unquoted(br#""a'b""#).unwrap(), b"a'b");
        for broken in [&b"'"[..], b"abc", br"'\q'", br"'\x1'", b""] {
            assert!(unquoted(broken).is_err());
        }
    }

    #[test]
    fn text_of_protocol_0_has_one_byte_per_character() {
        assert_eq!(raw_unicode(b"a\xfc\\u20ac\\U0001f600\\n").unwrap(), "aü€\u{1f600}\\n");
        assert!(raw_unicode(br"\ud800").is_err());
        assert!(raw_unicode(br"\u12").is_err());
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        assert!(Input::new(b"\xff\xff\xff\xffabc").counted::<4>().is_err());
        assert!(Input::new(b"abc").line().is_err());
        assert_eq!(Input::new(b"\x02abc").counted::<1>().unwrap(), b"ab");
    }
}
