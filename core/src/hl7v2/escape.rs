//! Escape sequences, both ways (§2.7 use of escape sequences in text fields).
//!
//! What `\…\` becomes in a value:
//!
//! | sequence | becomes |
//! | --- | --- |
//! | `\F\` `\S\` `\R\` `\E\` `\T\` `\P\` | the delimiter of the message; kept as text when the message does not declare it |
//! | `\Xdd…\` | the bytes, in the character set given; kept as text when they are none in it, or hold a NUL |
//! | `\.br\` `\.ce\` | a line feed |
//! | `\.sp\` `\.spN\` | one or N line feeds, N ≤ 100 |
//! | `\.skN\` | N blanks, N ≤ 100 |
//! | `\.inN\` `\.tiN\` `\.fi\` `\.nf\` | nothing: indentation and filling are for a printer |
//! | `\H\` `\N\` | nothing: highlighting begins and ends; it stays visible in the raw text |
//! | `\Z…\` `\C…\` `\M…\`, any other, a lone `\` | itself |
//!
//! What is decoded lands in a value and is never parsed as structure: `\X0D\` ends no segment.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::charset::Charset;
use super::delimiters::Delimiters;

/// The value a part stands for; `\X…\` is read as UTF-8, which ASCII is a part of.
pub fn unescape<'t>(text: &'t str, delimiters: &Delimiters) -> Cow<'t, str> {
    unescape_in(text, delimiters, Charset::UTF_8)
}

/// The value a part stands for; `\X…\` is bytes in `charset`, the one the message was decoded with.
#[inline]
pub fn unescape_in<'t>(text: &'t str, delimiters: &Delimiters, charset: Charset) -> Cow<'t, str> {
    match delimiters.escape_byte() {
        Some(mark) if text.as_bytes().contains(&mark) => Cow::Owned(decoded(text, mark, delimiters, charset).text),
        Some(_) | None => Cow::Borrowed(text),
    }
}

/// Whether a value holds an escape character that opens no sequence we know: then it stays in the text as it was sent.
pub fn keeps_literal(text: &str, delimiters: &Delimiters, charset: Charset) -> bool {
    let mark = delimiters.escape_byte().filter(|mark| text.as_bytes().contains(mark));
    mark.is_some_and(|mark| decoded(text, mark, delimiters, charset).literal)
}

/// How a value is written. Delimiters become their sequence, control characters `\Xdd\` (a CR would end the segment,
/// and others the frame), and a value that is `""` is written so that it does not read as "delete".
///
/// Without an escape character (MSH-2 of two characters) a delimiter inside a value cannot be written: it becomes a
/// blank. [`try_escape`] says so instead.
pub fn escape<'t>(value: &'t str, delimiters: &Delimiters) -> Cow<'t, str> {
    try_escape(value, delimiters).unwrap_or_else(|| {
        if value == NULL {
            return Cow::Borrowed("\" \"");
        }
        Cow::Owned(value.chars().map(|c| if sequence_of(c, delimiters).is_some() { ' ' } else { c }).collect())
    })
}

/// As [`escape`], but `None` when the value needs an escape and the message declares no escape character.
pub fn try_escape<'t>(value: &'t str, delimiters: &Delimiters) -> Option<Cow<'t, str>> {
    let is_null = value == NULL;
    if !is_null && !value.chars().any(|c| sequence_of(c, delimiters).is_some()) {
        return Some(Cow::Borrowed(value));
    }
    let mark = delimiters.escape()?;
    if is_null {
        return Some(Cow::Owned(format!("{mark}X22{mark}\"")));
    }
    let mut out = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        let Some(sequence) = sequence_of(c, delimiters) else {
            out.push(c);
            continue;
        };
        out.push(mark);
        match sequence {
            Sequence::Letter(letter) => out.push(letter),
            // Writing to a string does not fail.
            Sequence::Hex(byte) => write!(out, "X{byte:02X}").unwrap_or_default(),
        }
        out.push(mark);
    }
    Some(Cow::Owned(out))
}

/// The value that means "delete".
const NULL: &str = "\"\"";

/// How many line feeds or blanks one `\.spN\` or `\.skN\` may give.
const LAYOUT_STEP_MAX: usize = 100;

/// How many of them all sequences of one value may give, so that a few bytes cannot ask for a great text.
const LAYOUT_MAX: usize = 10_000;

/// How one character is escaped.
enum Sequence {
    Letter(char),
    Hex(u8),
}

/// How `c` is escaped, if it must be. A tab is plain text.
fn sequence_of(c: char, delimiters: &Delimiters) -> Option<Sequence> {
    if c.is_ascii_control() && c != '\t' {
        return u8::try_from(c).ok().map(Sequence::Hex);
    }
    if !c.is_ascii_punctuation() {
        return None;
    }
    let is = |delimiter: Option<char>| delimiter == Some(c);
    let letter = if c == delimiters.field() {
        'F'
    } else if c == delimiters.component() {
        'S'
    } else if c == delimiters.repetition() {
        'R'
    } else if is(delimiters.escape()) {
        'E'
    } else if is(delimiters.subcomponent()) {
        'T'
    } else if is(delimiters.truncation()) {
        'P'
    } else {
        return None;
    };
    Some(Sequence::Letter(letter))
}

/// `text` with its sequences decoded; `mark` opens and closes them.
fn decoded(text: &str, mark: u8, delimiters: &Delimiters, charset: Charset) -> Output {
    let mark = char::from(mark);
    let mut out = Output { text: String::with_capacity(text.len()), layout_left: LAYOUT_MAX, literal: false };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        out.text.push_str(before);
        rest = after;
        match after.split_once(mark) {
            Some((body, tail)) if out.decode(body, delimiters, charset) => rest = tail,
            Some((body, tail)) if has_the_form_of_a_sequence(body) => {
                out.literal = true;
                out.text.push(mark);
                out.text.push_str(body);
                out.text.push(mark);
                rest = tail;
            }
            // Not a sequence: the mark is text, and the next mark may still open one.
            Some(_) | None => {
                out.literal = true;
                out.text.push(mark);
            }
        }
    }
    out.text.push_str(rest);
    out
}

/// The value so far.
struct Output {
    text: String,
    layout_left: usize,
    /// Whether an escape character stands for itself.
    literal: bool,
}

impl Output {
    /// Appends what the sequence `body` stands for; false when it stands for itself.
    fn decode(&mut self, body: &str, delimiters: &Delimiters, charset: Charset) -> bool {
        let delimiter = match body {
            "F" => Some(delimiters.field()),
            "S" => Some(delimiters.component()),
            "R" => Some(delimiters.repetition()),
            "E" => delimiters.escape(),
            "T" => delimiters.subcomponent(),
            "P" => delimiters.truncation(),
            "H" | "N" => return true,
            _ => return self.decode_longer(body, charset),
        };
        self.text.extend(delimiter);
        delimiter.is_some()
    }

    fn decode_longer(&mut self, body: &str, charset: Charset) -> bool {
        if let Some(digits) = body.strip_prefix('X') {
            let Some(bytes) = hex(digits) else { return false };
            let Ok(text) = charset.decode_exact(&bytes) else { return false };
            self.text.push_str(&text);
            return true;
        }
        body.strip_prefix('.').is_some_and(|command| self.lay_out(command))
    }

    /// Formatted text (§2.7.6).
    fn lay_out(&mut self, command: &str) -> bool {
        let (Some(name), Some(count)) = (command.get(..2), command.get(2..)) else { return false };
        match (name.to_ascii_lowercase().as_str(), count) {
            ("br" | "ce", "") => self.repeat('\n', Some(1)),
            ("sp", "") => self.repeat('\n', Some(1)),
            ("sp", count) => self.repeat('\n', steps(count)),
            ("sk", count) => self.repeat(' ', steps(count)),
            ("fi" | "nf", "") => true,
            ("in" | "ti", count) => steps(count.strip_prefix('-').unwrap_or(count)).is_some(),
            _ => false,
        }
    }

    fn repeat(&mut self, c: char, count: Option<usize>) -> bool {
        let Some(count) = count.filter(|count| *count <= self.layout_left) else { return false };
        self.layout_left -= count;
        self.text.extend(std::iter::repeat_n(c, count));
        true
    }
}

/// A positive count, with or without a plus sign, within bounds.
fn steps(text: &str) -> Option<usize> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let count: usize = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    (1..=LAYOUT_STEP_MAX).contains(&count).then_some(count)
}

/// Pairs of hexadecimal digits, at least one.
fn hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Whether `body` is an escape we do not decode, rather than text between two stray marks: its closing mark must not
/// be taken for the opening one of the next.
fn has_the_form_of_a_sequence(body: &str) -> bool {
    const BODY_MAX: usize = 64;
    let mut bytes = body.bytes();
    match bytes.next() {
        Some(b'F' | b'S' | b'R' | b'E' | b'T' | b'P') => body.len() == 1,
        Some(b'X') => bytes.all(|b| b.is_ascii_hexdigit()),
        Some(b'C' | b'M') => body.len() <= BODY_MAX && bytes.all(|b| b.is_ascii_hexdigit()),
        Some(b'Z') => body.len() <= BODY_MAX && bytes.all(|b| b.is_ascii_alphanumeric()),
        Some(b'.') => body.len() <= BODY_MAX && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-')),
        Some(_) | None => false,
    }
}
