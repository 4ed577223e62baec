//! What can be read of a message before the whole is decoded: MSH, and with it the character set of the rest.
//!
//! MSH-18 names the set in which MSH itself is written, and where MSH-18 stands depends on the set: in Big5 and GB 18030
//! the second byte of a character may be a delimiter (許 is `B3 5C`, 四 `A5 7C`), so a facility with a Chinese name
//! shifts every field behind it when MSH is split as bytes. A set is therefore taken only when MSH, decoded by it, names
//! that very set.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;

use super::charset::{self, Charset, CharsetError, DecodeFault};
use super::delimiters::Delimiters;
use super::fault::ParseFault;
use super::{escape, index};
use crate::disposition::Disposition;
use crate::feed::CharsetRule;
use crate::reason::Reason;

/// The MSH segment of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Header<'b> {
    text: Cow<'b, str>,
    // INVARIANT: those of `text`.
    fields: Fields,
    delimiters: Delimiters,
    charset: Charset,
    byte_order_mark: bool,
}

/// Why no header could be read, or the rest not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} (at byte {offset})")]
pub struct HeaderFault {
    /// The reason code.
    pub reason: Reason,
    /// The place as `MSH-18`; `MSH` when it is the segment.
    pub place: &'static str,
    /// The offset in the bytes as they came.
    pub offset: usize,
    /// What is wrong, without the value.
    pub text: String,
    /// What could be read all the same, to answer the sender: its text is the bytes read as ISO 8859-1, so that the
    /// control id goes back byte for byte when the answer is written in that set. Not fit for anything else.
    pub readable: Option<Box<Header<'static>>>,
}

impl HeaderFault {
    /// Undecodable text waits for a person, the rest is the sender's to correct.
    pub fn disposition(&self) -> Disposition {
        if self.reason == Reason::Undecodable { Disposition::Hold } else { Disposition::Reject }
    }
}

/// How many fields of MSH are kept; v2.9 has 25.
const FIELDS_MAX: usize = 28;

impl<'b> Header<'b> {
    /// Reads MSH from the bytes of a message, without its frame. Bounded by the segment; the rest is not looked at.
    ///
    /// A byte order mark and line ends before MSH are skipped. MSH ends at the first CR or LF.
    pub fn peek(bytes: &'b [u8], rule: &CharsetRule) -> Result<Self, HeaderFault> {
        let content = charset::strip_byte_order_mark(bytes);
        let blank = content.iter().take_while(|b| is_line_end(**b)).count();
        let segment = content.get(blank..).unwrap_or_default();
        let offset = bytes.len() - segment.len();
        let length = memchr2(b'\r', b'\n', segment).unwrap_or(segment.len());
        let segment = segment.get(..length).unwrap_or_default();
        let delimiters = delimiters(segment, offset)?;
        let byte_order_mark = content.len() < bytes.len();
        let header = |text, fields, charset| Header { text, fields, delimiters, charset, byte_order_mark };
        match choose(segment, &delimiters, rule) {
            Ok((charset, text, fields)) => Ok(header(text, fields, charset)),
            Err(fault) => {
                let readable = Charset::LATIN_1.decode_exact(segment).ok().map(|text| {
                    let fields = Fields::of(&text, &delimiters);
                    Box::new(header(text, fields, Charset::LATIN_1).into_owned())
                });
                Err(HeaderFault { offset: offset + fault.offset, readable, ..fault })
            }
        }
    }

    /// The same, with its own text.
    pub fn into_owned(self) -> Header<'static> {
        Header {
            text: Cow::Owned(self.text.into_owned()),
            fields: self.fields,
            delimiters: self.delimiters,
            charset: self.charset,
            byte_order_mark: self.byte_order_mark,
        }
    }

    /// The delimiters of the message.
    pub const fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    /// The character set of the message, by the feed's rule and MSH-18.
    pub const fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether the message began with a UTF-8 byte order mark.
    pub const fn has_byte_order_mark(&self) -> bool {
        self.byte_order_mark
    }

    /// A field as sent, with separators and escapes; empty past the last one.
    pub fn raw(&self, number: usize) -> &str {
        self.fields.of_text(&self.text, number)
    }

    /// A component of the first repetition of a field as sent, counted from 1.
    pub fn raw_component(&self, number: usize, component: usize) -> &str {
        // MSH-1 and MSH-2 hold delimiters that separate nothing.
        if number <= 2 {
            return if component == 1 { self.raw(number) } else { "" };
        }
        let (repetition, separator, _) = self.delimiters.levels();
        let raw = self.raw(number);
        let Some(before) = component.checked_sub(1) else { return "" };
        if before == 0 {
            return up_to(raw, |byte| byte == repetition || byte == separator);
        }
        let mut rest = Some(up_to(raw, |byte| byte == repetition));
        for _ in 0..before {
            rest = rest.and_then(|rest| cut(rest, separator).1);
        }
        rest.map_or("", |rest| cut(rest, separator).0)
    }

    /// The first sub-component of a component, unescaped; empty when absent or `""`.
    pub fn component(&self, number: usize, component: usize) -> Cow<'_, str> {
        let raw = self.raw_component(number, component);
        let first = match self.delimiters.levels() {
            (_, _, Some(separator)) if number > 2 => up_to(raw, |byte| byte == separator),
            (_, _, Some(_) | None) => raw,
        };
        match first {
            "\"\"" => Cow::Borrowed(""),
            first => escape::unescape_in(first, &self.delimiters, self.charset),
        }
    }

    /// The first component of a field, unescaped; empty when absent or `""`.
    pub fn text(&self, number: usize) -> Cow<'_, str> {
        self.component(number, 1)
    }

    /// MSH-3.1.
    pub fn sending_application(&self) -> Cow<'_, str> {
        self.text(3)
    }

    /// MSH-4.1.
    pub fn sending_facility(&self) -> Cow<'_, str> {
        self.text(4)
    }

    /// MSH-5.1.
    pub fn receiving_application(&self) -> Cow<'_, str> {
        self.text(5)
    }

    /// MSH-6.1.
    pub fn receiving_facility(&self) -> Cow<'_, str> {
        self.text(6)
    }

    /// MSH-9.1, as `ADT`.
    pub fn message_code(&self) -> Cow<'_, str> {
        self.component(9, 1)
    }

    /// MSH-9.2, as `A01`.
    pub fn trigger_event(&self) -> Cow<'_, str> {
        self.component(9, 2)
    }

    /// MSH-9.3, as `ADT_A01`.
    pub fn message_structure(&self) -> Cow<'_, str> {
        self.component(9, 3)
    }

    /// The kind of message, as `ADT^A01`; `ACK` when there is no event.
    pub fn kind(&self) -> String {
        let (code, event) = (self.message_code(), self.trigger_event());
        if event.is_empty() { code.into_owned() } else { [&*code, "^", &*event].concat() }
    }

    /// MSH-10, the control id.
    pub fn control_id(&self) -> Cow<'_, str> {
        self.text(10)
    }

    /// MSH-11.1, the processing id.
    pub fn processing_id(&self) -> Cow<'_, str> {
        self.text(11)
    }

    /// MSH-12.1, the version.
    pub fn version(&self) -> Cow<'_, str> {
        self.text(12)
    }

    /// MSH-13, the sequence number.
    pub fn sequence_number(&self) -> Cow<'_, str> {
        self.text(13)
    }

    /// MSH-15, when to send an accept acknowledgement (table 0155).
    pub fn accept_acknowledgement(&self) -> Cow<'_, str> {
        self.text(15)
    }

    /// MSH-16, when to send an application acknowledgement (table 0155).
    pub fn application_acknowledgement(&self) -> Cow<'_, str> {
        self.text(16)
    }
}

/// Where the fields of a header segment stand, from MSH-1, which is the separator itself.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fields {
    // INVARIANT: ranges within the text they were looked for in, on character boundaries; field 1 stands at 0.
    ranges: [(u32, u32); FIELDS_MAX],
    count: usize,
}

impl Fields {
    fn of(text: &str, delimiters: &Delimiters) -> Self {
        let separator = delimiters.field_byte();
        let mut fields = Self { ranges: [(0, 0); FIELDS_MAX], count: 0 };
        let mut start = 4;
        fields.push((3, start));
        for (at, _) in text.bytes().enumerate().filter(|(_, byte)| *byte == separator).skip(1) {
            fields.push((start, narrow(at)));
            start = narrow(at).saturating_add(1);
        }
        fields.push((start, narrow(text.len())));
        fields
    }

    fn push(&mut self, range: (u32, u32)) {
        if let Some(slot) = self.ranges.get_mut(self.count) {
            *slot = range;
            self.count += 1;
        }
    }

    /// A field of the text they were looked for in; empty past the last one.
    fn of_text<'t>(&self, text: &'t str, number: usize) -> &'t str {
        let Some(at) = number.checked_sub(1).filter(|at| *at < self.count) else { return "" };
        let Some((start, end)) = self.ranges.get(at) else { return "" };
        text.get(*start as usize..*end as usize).unwrap_or_default()
    }

    /// The first repetition of MSH-18.
    fn charset_name<'t>(&self, text: &'t str, delimiters: &Delimiters) -> &'t str {
        let (repetition, separator, _) = delimiters.levels();
        up_to(self.of_text(text, 18), |byte| byte == repetition || byte == separator)
    }
}

/// The kind of message and its set; the rest may name persons.
impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("charset", &self.charset.name()).finish_non_exhaustive()
    }
}

/// The set of a header, its text in it, and where the fields of that stand.
fn choose<'b>(
    segment: &'b [u8],
    delimiters: &Delimiters,
    rule: &CharsetRule,
) -> Result<(Charset, Cow<'b, str>, Fields), HeaderFault> {
    let undecoded = Charset::LATIN_1.decode_exact(segment).map_err(|fault| undecodable(fault, "any set"))?;
    let fields = Fields::of(&undecoded, delimiters);
    let guess = Charset::resolve(rule, fields.charset_name(&undecoded, delimiters));
    // ASCII reads the same in every set.
    if segment.is_ascii() {
        return guess.map(|charset| (charset, undecoded, fields)).map_err(unknown);
    }
    let others = [Charset::BIG5, Charset::GB_18030, Charset::GBK, Charset::UTF_8];
    for charset in guess.iter().copied().chain(others) {
        let Ok(text) = charset.decode_exact(segment) else { continue };
        let fields = Fields::of(&text, delimiters);
        if Charset::resolve(rule, fields.charset_name(&text, delimiters)).as_ref() == Ok(&charset) {
            return Ok((charset, text, fields));
        }
    }
    let charset = guess.map_err(unknown)?;
    match charset.decode_exact(segment) {
        Err(fault) => Err(undecodable(fault, charset.name())),
        Ok(_) => {
            let text = "MSH-18 names another set when MSH is read in the set it names".to_owned();
            Err(HeaderFault { reason: Reason::Undecodable, place: "MSH-18", offset: 0, text, readable: None })
        }
    }
}

fn undecodable(fault: DecodeFault, charset: &str) -> HeaderFault {
    let text = format!("MSH is no text in {charset}");
    HeaderFault { reason: Reason::Undecodable, place: "MSH", offset: fault.offset, text, readable: None }
}

fn unknown(error: CharsetError) -> HeaderFault {
    let place = match error {
        CharsetError::Unknown(_) | CharsetError::Unsafe(_) => "MSH-18",
        CharsetError::Configured(_) => "MSH",
    };
    HeaderFault { reason: error.reason(), place, offset: 0, text: error.to_string(), readable: None }
}

/// What stands before the first separator, and what after it.
fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    let before = up_to(text, |byte| byte == separator);
    (before, text.get(before.len() + 1..))
}

/// What stands before the first separator. Separators are ASCII, and an ASCII byte is no part of another character of the text;
/// fields of MSH are so short that looking at each byte is the fastest way.
fn up_to(text: &str, is_separator: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(is_separator).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The delimiters of the MSH segment; offsets count from `offset`.
fn delimiters(segment: &[u8], offset: usize) -> Result<Delimiters, HeaderFault> {
    let unreadable = |place: &'static str, offset: usize, text: String| HeaderFault {
        reason: Reason::Unreadable,
        place,
        offset,
        text,
        readable: None,
    };
    index::read_delimiters(segment, offset)
        .and_then(|delimiters| if segment.starts_with(b"MSH") { Ok(delimiters) } else { Err(batch(offset)) })
        .map_err(|fault| {
            let place = match fault.field {
                Some(1) => "MSH-1",
                Some(_) => "MSH-2",
                None => "MSH",
            };
            unreadable(place, fault.offset, fault.text)
        })
}

/// FHS or BHS begins a batch; its messages have headers of their own.
fn batch(offset: usize) -> ParseFault {
    let text = "a batch header, not a message: split the batch first".to_owned();
    ParseFault { reason: Reason::Unreadable, segment: String::new(), field: None, offset, text }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// A header of 4 GiB keeps its first fields: later offsets end at the text's end.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
