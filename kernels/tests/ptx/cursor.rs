//! The parser's place among the tokens: looking at the next ones and stepping over them.
//!
//! In:  tokens.
//! Out: words, marks and numbers, or a fault that names the line.

use super::lexer::TokenKind;
use super::parse::Parser;
use super::program::Fault;

impl<'a> Parser<'a> {
    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.place).or(self.tokens.last()).map_or(0, |token| token.line)
    }

    pub(super) fn fault<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(self.line(), message))
    }

    pub(super) fn peek(&self) -> Option<TokenKind<'a>> {
        self.tokens.get(self.place).map(|token| token.kind)
    }

    pub(super) fn peek_after(&self) -> Option<TokenKind<'a>> {
        self.tokens.get(self.place + 1).map(|token| token.kind)
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.peek() == Some(TokenKind::Mark(mark))
    }

    /// Steps over a mark if it is next.
    pub(super) fn take_mark(&mut self, mark: char) -> bool {
        let is_next = self.is_mark(mark);
        self.place += usize::from(is_next);
        is_next
    }

    pub(super) fn expect_mark(&mut self, mark: char) -> Result<(), Fault> {
        if self.take_mark(mark) { Ok(()) } else { self.fault(format!("expected `{mark}`, found {:?}", self.peek())) }
    }

    pub(super) fn word(&mut self) -> Result<&'a str, Fault> {
        match self.peek() {
            Some(TokenKind::Word(word)) => {
                self.place += 1;
                Ok(word)
            }
            other => self.fault(format!("expected a word, found {other:?}")),
        }
    }

    /// Steps over a word if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(TokenKind::Word(word));
        self.place += usize::from(is_next);
        is_next
    }

    /// A whole number, with a sign if need be.
    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        let is_negative = self.take_mark('-');
        let word = self.word()?;
        let Some(value) = number(word) else { return self.fault(format!("`{word}` is no number")) };
        Ok(if is_negative { value.wrapping_neg() } else { value })
    }

    pub(super) fn skip_to(&mut self, mark: char) {
        while self.place < self.tokens.len() && !self.take_mark(mark) {
            self.place += 1;
        }
    }
}

/// A number as PTX writes it: decimal, hexadecimal, octal, binary, or the bits of a float.
pub(super) fn number(word: &str) -> Option<u64> {
    if let Some(digits) = word.strip_prefix("0f").or(word.strip_prefix("0F")).filter(|digits| digits.len() == 8) {
        return u64::from_str_radix(digits, 16).ok();
    }
    if let Some(digits) = word.strip_prefix("0d").or(word.strip_prefix("0D")).filter(|digits| digits.len() == 16) {
        return u64::from_str_radix(digits, 16).ok();
    }
    let word = word.trim_end_matches('U');
    if let Some(digits) = word.strip_prefix("0x").or(word.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    if let Some(digits) = word.strip_prefix("0b").or(word.strip_prefix("0B")) {
        return u64::from_str_radix(digits, 2).ok();
    }
    if word.len() > 1 && word.starts_with('0') {
        return u64::from_str_radix(word, 8).ok();
    }
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_notation() {
        let found = ["16", "0x10", "020", "0b10000", "16U", "0f41800000", "0d4030000000000000"].map(number);
        assert_eq!(found[..5], [Some(16); 5]);
        assert_eq!(found[5..], [Some(0x4180_0000), Some(0x4030_0000_0000_0000)]);
        assert_eq!(number("sixteen"), None);
    }
}
