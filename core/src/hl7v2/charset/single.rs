//! The two sets of one byte a character that `encoding_rs` replaces by windows sets: ISO 8859-1 and ISO 8859-9.

use super::EncodeFault;

/// Every byte is the character of its number, C1 controls included.
pub(super) fn decode_latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// The byte of a character, if it has one.
pub(super) fn byte_of_latin_1(c: char) -> Option<u8> {
    u8::try_from(c).ok()
}

/// Latin-1 with six letters exchanged.
pub(super) fn decode_latin_5(bytes: &[u8]) -> String {
    let turkish = |byte: u8| TURKISH.iter().find(|(b, _)| *b == byte).map(|(_, c)| *c);
    bytes.iter().map(|b| turkish(*b).unwrap_or(char::from(*b))).collect()
}

/// The byte of a character, if it has one.
pub(super) fn byte_of_latin_5(c: char) -> Option<u8> {
    let turkish = TURKISH.iter().find(|(_, letter)| *letter == c).map(|(b, _)| *b);
    turkish.or_else(|| byte_of_latin_1(c).filter(|byte| !TURKISH.iter().any(|(b, _)| b == byte)))
}

/// Where ISO 8859-9 differs from ISO 8859-1.
const TURKISH: [(u8, char); 6] =
    [(0xD0, '\u{11E}'), (0xDD, '\u{130}'), (0xDE, '\u{15E}'), (0xF0, '\u{11F}'), (0xFD, '\u{131}'), (0xFE, '\u{15F}')];

/// Encodes by a table of one byte a character.
pub(super) fn encode(text: &str, byte_of: fn(char) -> Option<u8>) -> Result<Vec<u8>, EncodeFault> {
    text.char_indices().map(|(offset, c)| byte_of(c).ok_or(EncodeFault { offset })).collect()
}
