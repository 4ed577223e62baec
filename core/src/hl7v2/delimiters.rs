//! The delimiters a message declares in MSH-1 and MSH-2 (§2.5.4 message delimiters).

use std::fmt;

/// The characters that separate the parts of one message. Any of the last three may be undeclared: MSH-2 has two to
/// five characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Delimiters {
    // INVARIANT: ASCII punctuation other than the double quote, no two alike; only `from_bytes` builds others.
    field: u8,
    component: u8,
    repetition: u8,
    escape: Option<u8>,
    subcomponent: Option<u8>,
    truncation: Option<u8>,
}

/// Why characters cannot be the delimiters of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DelimiterFault {
    /// MSH-1 is missing or no punctuation mark.
    #[error("the field separator is not an ASCII punctuation mark")]
    FieldSeparator,
    /// MSH-2 has not two to five characters.
    #[error("the encoding characters are not two to five characters")]
    Count,
    /// MSH-2 holds a letter, a digit, a blank, a quote, a control character or one outside ASCII.
    #[error("an encoding character is not an ASCII punctuation mark")]
    Forbidden,
    /// Two of them are alike.
    #[error("two delimiters are the same character")]
    Duplicate,
}

impl Default for Delimiters {
    /// The recommended ones: `|^~\&`.
    fn default() -> Self {
        Self {
            field: b'|',
            component: b'^',
            repetition: b'~',
            escape: Some(b'\\'),
            subcomponent: Some(b'&'),
            truncation: None,
        }
    }
}

impl Delimiters {
    /// Checks MSH-1 (`field`) and MSH-2 (`encoding`): component, repetition, then optionally escape, sub-component and
    /// the truncation character of v2.7.
    pub fn new(field: char, encoding: &str) -> Result<Self, DelimiterFault> {
        let field = u8::try_from(field).unwrap_or(0);
        Self::from_bytes(field, encoding.as_bytes())
    }

    /// As [`Delimiters::new`], on bytes: delimiters are ASCII in every character set taken.
    pub(super) fn from_bytes(field: u8, encoding: &[u8]) -> Result<Self, DelimiterFault> {
        if !may_delimit(field) {
            return Err(DelimiterFault::FieldSeparator);
        }
        let (component, repetition, rest) = match encoding {
            [component, repetition, rest @ ..] if rest.len() <= 3 => (*component, *repetition, rest),
            _ => return Err(DelimiterFault::Count),
        };
        if !encoding.iter().copied().all(may_delimit) {
            return Err(DelimiterFault::Forbidden);
        }
        let alike = |(at, byte): (usize, &u8)| *byte == field || encoding.iter().skip(at + 1).any(|b| b == byte);
        if encoding.iter().enumerate().any(alike) {
            return Err(DelimiterFault::Duplicate);
        }
        let optional = |at: usize| rest.get(at).copied();
        Ok(Self {
            field,
            component,
            repetition,
            escape: optional(0),
            subcomponent: optional(1),
            truncation: optional(2),
        })
    }

    /// MSH-1.
    pub const fn field(&self) -> char {
        self.field as char
    }

    /// The first character of MSH-2.
    pub const fn component(&self) -> char {
        self.component as char
    }

    /// The second character of MSH-2.
    pub const fn repetition(&self) -> char {
        self.repetition as char
    }

    /// The third character of MSH-2; without it nothing in the message is escaped.
    pub fn escape(&self) -> Option<char> {
        self.escape.map(char::from)
    }

    /// The fourth character of MSH-2.
    pub fn subcomponent(&self) -> Option<char> {
        self.subcomponent.map(char::from)
    }

    /// The fifth character of MSH-2, since v2.7 (§2.5.5.2 truncation pattern).
    pub fn truncation(&self) -> Option<char> {
        self.truncation.map(char::from)
    }

    /// MSH-2 as it is written.
    pub fn encoding_characters(&self) -> String {
        let optional = [self.escape, self.subcomponent, self.truncation];
        [self.component, self.repetition].into_iter().chain(optional.into_iter().flatten()).map(char::from).collect()
    }

    /// MSH-1 as a byte.
    pub const fn field_byte(&self) -> u8 {
        self.field
    }

    /// The third character of MSH-2 as a byte.
    pub(super) const fn escape_byte(&self) -> Option<u8> {
        self.escape
    }

    /// How many bytes MSH-2 has.
    pub(super) fn encoding_length(&self) -> usize {
        2 + [self.escape, self.subcomponent, self.truncation].iter().flatten().count()
    }

    /// The bytes of the levels, from repetition down to sub-component.
    #[inline]
    pub(super) const fn levels(&self) -> (u8, u8, Option<u8>) {
        (self.repetition, self.component, self.subcomponent)
    }
}

impl fmt::Display for Delimiters {
    /// MSH-1 and MSH-2, as they follow the letters MSH.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field(), self.encoding_characters())
    }
}

/// A double quote would turn every `""` (delete what you have) into two delimiters.
const fn may_delimit(byte: u8) -> bool {
    byte.is_ascii_punctuation() && byte != b'"'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msh_2_of_two_to_five_characters_is_taken_and_written_again() {
        for encoding in ["^~", "^~\\", "^~\\&", "^~\\&#"] {
            let delimiters = Delimiters::new('|', encoding).expect("delimiters");
            assert_eq!(delimiters.encoding_characters(), encoding);
            assert_eq!(delimiters.to_string(), format!("|{encoding}"));
            assert_eq!(delimiters.escape().is_some(), encoding.len() > 2);
            assert_eq!(delimiters.subcomponent().is_some(), encoding.len() > 3);
            assert_eq!(delimiters.truncation().is_some(), encoding.len() > 4);
        }
        assert_eq!(Delimiters::new('|', "^~\\&"), Ok(Delimiters::default()));
    }

    #[test]
    fn delimiters_that_cannot_be_told_apart_from_text_or_each_other_are_refused() {
        use DelimiterFault::{Count, Duplicate, FieldSeparator, Forbidden};
        let cases = [
            ('|', "", Count),
            ('|', "^", Count),
            ('|', "^~\\&#!", Count),
            ('|', "^^^^", Duplicate),
            ('|', "^~\\|", Duplicate),
            ('|', "^~~", Duplicate),
            ('|', "^~\\A", Forbidden),
            ('|', "^~\\ ", Forbidden),
            ('|', "^~\\\"", Forbidden),
            ('|', "^~\u{e9}", Forbidden),
            ('H', "^~\\&", FieldSeparator),
            ('0', "^~\\&", FieldSeparator),
            ('\r', "^~\\&", FieldSeparator),
            ('\u{17c}', "^~\\&", FieldSeparator),
        ];
        for (field, encoding, fault) in cases {
            assert_eq!(Delimiters::new(field, encoding), Err(fault), "{field:?} {encoding:?}");
        }
    }
}
