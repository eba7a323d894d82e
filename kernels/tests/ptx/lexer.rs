//! PTX text cut into words and marks.
//!
//! In:  the text of a module.
//! Out: tokens with their lines; comments are gone, except that LLVM's `// implicit-def: %r1` becomes a statement
//! `implicit_def %r1;`, because it says which registers are left open on purpose.

use super::program::Fault;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind<'a> {
    /// A name, number, directive or opcode, dots included.
    Word(&'a str),
    /// A string without its quotes.
    Text(&'a str),
    /// Anything else, one character.
    Mark(char),
}

/// One token and its line.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// The token.
    pub kind: TokenKind<'a>,
    /// Its line, counted from one.
    pub line: u32,
}

/// Directives that end with their line and say nothing about the computation.
const LINE_DIRECTIVES: [&str; 5] = [".version", ".target", ".address_size", ".file", ".loc"];
const OPEN: &str = "implicit-def:";

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%' | b'.')
}

/// All tokens of a text.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut cut = Cut { text, place: 0, line: 1, tokens: Vec::new() };
    while cut.place < text.len() {
        cut.next()?;
    }
    Ok(cut.tokens)
}

struct Cut<'a> {
    text: &'a str,
    place: usize,
    line: u32,
    tokens: Vec<Token<'a>>,
}

impl<'a> Cut<'a> {
    fn push(&mut self, kind: TokenKind<'a>) {
        self.tokens.push(Token { kind, line: self.line });
    }

    fn rest(&self) -> &'a str {
        &self.text[self.place..]
    }

    fn next(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let first = rest.as_bytes()[0];
        match first {
            b'\n' => {
                self.line += 1;
                self.place += 1;
            }
            b' ' | b'\t' | b'\r' | 0 => self.place += 1,
            b'"' => self.string()?,
            _ if rest.starts_with("//") => self.comment(),
            _ if rest.starts_with("/*") => {
                let length = rest.find("*/").ok_or_else(|| Fault::new(self.line, "a comment does not end"))? + 2;
                self.line += rest[..length].matches('\n').count() as u32;
                self.place += length;
            }
            _ if is_word(first) => self.word(),
            _ if first.is_ascii() => {
                self.push(TokenKind::Mark(first as char));
                self.place += 1;
            }
            _ => return Err(Fault::new(self.line, "a character outside ASCII")),
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        let inner = &self.rest()[1..];
        let length = inner.find('"').ok_or_else(|| Fault::new(self.line, "a string does not end"))?;
        self.push(TokenKind::Text(&inner[..length]));
        self.place += length + 2;
        Ok(())
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let comment = &rest[..rest.find('\n').unwrap_or(rest.len())];
        self.place += comment.len();
        let Some(name) = comment.trim_start_matches('/').trim().strip_prefix(OPEN) else { return };
        for kind in [TokenKind::Word("implicit_def"), TokenKind::Word(name.trim()), TokenKind::Mark(';')] {
            self.push(kind);
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut length = 0;
        loop {
            // `.shared::cta` is one word, `label:` is not.
            if bytes.get(length).is_some_and(|byte| is_word(*byte)) {
                length += 1;
            } else if bytes[length..].starts_with(b"::") {
                length += 2;
            } else {
                break;
            }
        }
        let word = &rest[..length];
        if LINE_DIRECTIVES.contains(&word) {
            self.place += rest.find('\n').unwrap_or(rest.len());
            return;
        }
        self.push(TokenKind::Word(word));
        self.place += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_vanish_and_open_registers_stay() {
        let found: Vec<_> = tokens("mov.b32 %r1, -1; // note\n// implicit-def: %r2\n/* a\n b */ ret;")
            .expect("the text is sound")
            .iter()
            .map(|token| (token.kind, token.line))
            .collect();
        let word = TokenKind::Word;
        assert_eq!(found[3..5], [(TokenKind::Mark('-'), 1), (word("1"), 1)]);
        assert_eq!(found[6..9], [(word("implicit_def"), 2), (word("%r2"), 2), (TokenKind::Mark(';'), 2)]);
        assert_eq!(found[9], (word("ret"), 4));
    }
}
