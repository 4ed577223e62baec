//! Text of a data set in the character sets of DICOM (PS3.3 section C.12.1.1.2, PS3.5 section 6.1), and in those that
//! devices send without saying so.
//!
//! DICOM has no name for Big5: devices of Hong Kong and Taiwan send it under the label of Latin-1, or under none. A feed's
//! rule says what such text is; see [`Repertoire::new`].

mod set;

use crate::feed::CharsetRule;
use crate::hl7v2::charset::Charset;
use set::{Set, escape};

/// What kind of text a value is: it decides at which characters the character sets begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name of a person (VR PN): parted by `^`, `=` and the backslash.
    PersonName,
    /// Other text that may have several values: parted by the backslash.
    Text,
}

/// Text that is not in the character set it claims. It tells no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not in the character set it claims")]
pub struct TextFault;

/// A person's name (VR PN), decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// Its component groups: `alphabetic=ideographic=phonetic`.
    pub text: String,
    /// A group could not be read and is empty in `text`.
    pub lacks_group: bool,
}

/// A name stays out of logs.
impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Name").field("lacks_group", &self.lacks_group).finish_non_exhaustive()
    }
}

/// The character sets of one data set.
#[derive(Debug, Clone)]
pub struct Repertoire {
    declared: Declared,
    fallback: Option<Charset>,
    force: bool,
}

#[derive(Debug, Clone)]
enum Declared {
    /// Nothing, or ASCII.
    Nothing,
    /// One that holds for the whole value, without escapes.
    Whole(Set),
    /// The first of several: escapes change it.
    Escaped(Set),
    /// Something that is none of DICOM's.
    Unknown,
}

impl Repertoire {
    /// From Specific Character Set (0008,0005) as it came, and the feed's rule:
    ///
    /// - `auto`: what is declared; without a declaration ASCII, or UTF-8 where it is that.
    /// - `default:NAME`: the same, but NAME where nothing is declared, where the text is not in what is declared, and where
    ///   Latin-1 is declared and the text reads as Chinese in NAME, with no Chinese character right beside a Latin letter.
    /// - `force:NAME`: NAME, whatever is declared.
    pub fn new(declared: Option<&[u8]>, rule: &CharsetRule) -> Self {
        let (fallback, force) = match rule {
            CharsetRule::Auto => (None, false),
            CharsetRule::Default(name) => (Charset::named(name), false),
            CharsetRule::Force(name) => (Charset::named(name), true),
        };
        Self { declared: Declared::read(declared.unwrap_or_default()), fallback, force }
    }

    /// Whether Specific Character Set names something that is none of DICOM's.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.declared, Declared::Unknown)
    }

    /// Decodes a value, all of its parts together: they are to be split afterwards, because the second byte of a Chinese
    /// character may look like a backslash.
    ///
    /// # Errors
    /// It is in no character set that is declared or configured.
    pub fn decode(&self, kind: Kind, value: &[u8]) -> Result<String, TextFault> {
        if value.is_ascii() && !value.contains(&ESCAPE) {
            return Ok(value.iter().map(|byte| char::from(*byte)).collect());
        }
        let bare = value.strip_suffix(&[0]).unwrap_or(value);
        let fallback = || self.fallback.and_then(|charset| charset.decode(bare).ok()).map(std::borrow::Cow::into_owned);
        if self.force {
            return fallback().ok_or(TextFault);
        }
        let declared = self.declared.decode(kind, value);
        let may_be_another = matches!(self.declared, Declared::Nothing | Declared::Whole(Set::LATIN_1));
        match (declared, fallback()) {
            (_, Some(other)) if may_be_another && reads_as_chinese(&other) => Ok(other),
            (Some(text), _) => Ok(text),
            (None, other) => other.ok_or(TextFault),
        }
    }

    /// The parts of a value, without the blanks around each.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn values(&self, kind: Kind, value: &[u8]) -> Result<Vec<String>, TextFault> {
        let text = self.decode(kind, value)?;
        Ok(text.split('\\').map(|part| part.trim_matches([' ', '\0']).to_owned()).collect())
    }
}

const ESCAPE: u8 = 0x1B;

/// Names.
impl Repertoire {
    /// The first name of a value. When it cannot be read as a whole, each of its components is read for itself, as if the
    /// character sets began anew there: devices leave out the escape that should end a component (PS3.5 section 6.1.2.5.3). A
    /// group that cannot be read all the same is left out.
    ///
    /// # Errors
    /// The first group, by which people are told apart, is in no character set that is declared or configured.
    pub fn name(&self, value: &[u8]) -> Result<Name, TextFault> {
        if let Ok(names) = self.values(Kind::PersonName, value) {
            return Ok(Name { text: names.into_iter().next().unwrap_or_default(), lacks_group: false });
        }
        let groups: Vec<_> = value.split(|byte| *byte == b'=').map(|group| self.group(group)).collect();
        if groups.first().is_none_or(Result::is_err) {
            return Err(TextFault);
        }
        let lacks_group = groups.iter().any(Result::is_err);
        let texts: Vec<String> = groups.into_iter().map(Result::unwrap_or_default).collect();
        Ok(Name { text: texts.join("=").trim_matches([' ', '\0']).to_owned(), lacks_group })
    }

    /// A component group, whole or component by component.
    fn group(&self, group: &[u8]) -> Result<String, TextFault> {
        self.decode(Kind::PersonName, group).or_else(|_whole| {
            let components = group.split(|byte| *byte == b'^');
            let texts: Result<Vec<_>, _> = components.map(|part| self.decode(Kind::PersonName, part)).collect();
            Ok(texts?.join("^"))
        })
    }
}

impl Declared {
    fn read(value: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(value) else { return Self::Unknown };
        let terms: Vec<&str> = text.split('\\').map(|term| term.trim_matches([' ', '\0'])).collect();
        let first = terms.first().copied().unwrap_or_default();
        let several = terms.len() > 1 || first.starts_with("ISO 2022");
        match (Set::of_term(first), several) {
            (None, _) => Self::Unknown,
            (Some(set), true) => Self::Escaped(set),
            (Some(Set::Ascii), false) => Self::Nothing,
            (Some(set), false) => Self::Whole(set),
        }
    }

    fn decode(&self, kind: Kind, value: &[u8]) -> Option<String> {
        match self {
            // UTF-8 is told from everything else by its form.
            Self::Nothing | Self::Unknown => std::str::from_utf8(value).ok().map(str::to_owned),
            Self::Whole(set) => {
                let mut text = String::with_capacity(value.len());
                set.decode(value, &mut text).then_some(text)
            }
            Self::Escaped(first) => escaped(*first, kind, value),
        }
    }
}

/// Text with code extensions (PS3.5 section 6.1.2.5).
fn escaped(first: Set, kind: Kind, value: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let (mut low, mut high) = (Set::Ascii, first);
    let mut rest = value;
    while let Some(byte) = rest.first() {
        if *byte == ESCAPE {
            let (set, length) = escape(rest)?;
            if set.is_low() {
                low = set
            } else {
                high = set
            }
            rest = rest.get(length..)?;
            continue;
        }
        let parts = low == Set::Ascii && is_delimiter(kind, *byte);
        let end = if parts { 1 } else { run(rest, low, kind) };
        let piece = rest.get(..end)?;
        let set = if low == Set::Ascii { high } else { low };
        if !set.decode(piece, &mut text) {
            return None;
        }
        if parts {
            (low, high) = (Set::Ascii, first);
        }
        rest = rest.get(end..)?;
    }
    Some(text)
}

/// How many bytes stand before the next escape or delimiter. A second byte of two is no delimiter.
fn run(bytes: &[u8], low: Set, kind: Kind) -> usize {
    let ends = |byte: &u8| *byte == ESCAPE || (low == Set::Ascii && is_delimiter(kind, *byte));
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

const fn is_delimiter(kind: Kind, byte: u8) -> bool {
    match (kind, byte) {
        (_, b'\\' | b'\r' | b'\n' | b'\t' | 0x0C) => true,
        (Kind::PersonName, b'^' | b'=') => true,
        (Kind::PersonName | Kind::Text, _) => false,
    }
}

/// Chinese characters, and none that touches a Latin letter: `Müller` in Latin-1 would be one between letters in Big5.
fn reads_as_chinese(text: &str) -> bool {
    let pairs = text.chars().zip(text.chars().skip(1));
    let touches =
        |(a, b): (char, char)| (is_han(a) && b.is_ascii_alphabetic()) || (a.is_ascii_alphabetic() && is_han(b));
    text.chars().any(is_han) && !pairs.into_iter().any(touches)
}

/// A Chinese character.
const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests;
