//! The bytes of an acknowledgement: MSH built anew, MSA, and ERR where the version has it (HL7 v2.9.1, §2.13).

use causeway_core::reason::Reason;

use super::echo::{Echo, Marks, Part};
use super::{Code, MessageIds};

/// One acknowledgement to write.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What is answered.
    pub echo: &'a Echo,
    /// MSA-1.
    pub code: Code,
    /// What is wrong, if anything.
    pub complaint: Option<Complaint<'a>>,
    /// MSH-7, with its offset from UTC.
    pub at: &'a str,
    /// MSH-15 of an application acknowledgement in enhanced mode, which is an exchange of its own: whether it wants to
    /// be acknowledged in turn. Its MSH-16 is always NE. `None` in every other answer, where both stay empty (§2.9.3).
    pub own_exchange: Option<&'static str>,
    /// MSA-4, the sequence number that was taken or is expected; `None` when the sender numbers nothing.
    pub expected: Option<i64>,
}

/// Something wrong, for ERR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint<'a> {
    /// What.
    pub reason: Reason,
    /// Where, as `PID-3`, `MSH-9.2` or `OBX[3]-5`; empty for the whole message.
    pub place: &'a str,
    /// How bad.
    pub severity: Severity,
}

/// ERR-4 (table 0516).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// E: not taken.
    Error,
    /// W: taken, but somebody has to look at it.
    Warning,
}

/// Appends the message, without its frame.
///
/// Whatever is taken from the message answered goes back byte for byte, so the answer is in its character set and
/// delimiters; what is added is ASCII, which all character sets taken here have in common. No value but the control id
/// and the header is ever repeated.
pub fn write(out: &mut Vec<u8>, ids: &MessageIds, answer: &Answer<'_>) {
    write_msh(out, ids, answer);
    write_msa(out, answer);
    if let Some(complaint) = &answer.complaint {
        write_err(out, answer.echo, complaint);
    }
}

fn write_msh(out: &mut Vec<u8>, ids: &MessageIds, answer: &Answer<'_>) {
    let echo = answer.echo;
    let marks = echo.marks();
    out.extend_from_slice(b"MSH");
    out.push(marks.field);
    out.extend_from_slice(marks.encoding());
    let swapped =
        [Part::ReceivingApplication, Part::ReceivingFacility, Part::SendingApplication, Part::SendingFacility];
    for part in swapped {
        next_field(out, marks, echo.part(part));
    }
    next_field(out, marks, answer.at.as_bytes());
    next_field(out, marks, b"");
    next_field(out, marks, b"ACK");
    let event = echo.part(Part::Event);
    if echo.has_message_structures() && !event.is_empty() {
        out.push(marks.component);
        out.extend_from_slice(event);
        out.push(marks.component);
        out.extend_from_slice(b"ACK");
    }
    next_field(out, marks, b"");
    ids.write_next(out);
    next_field(out, marks, or(echo.part(Part::ProcessingId), b"P"));
    next_field(out, marks, or(echo.part(Part::Version), b"2.5"));
    write_msh_tail(out, marks, answer);
    out.push(b'\r');
}

/// MSH-13 to MSH-18, as far as they are needed.
fn write_msh_tail(out: &mut Vec<u8>, marks: &Marks, answer: &Answer<'_>) {
    let charset = answer.echo.part(Part::Charset);
    if charset.is_empty() && answer.own_exchange.is_none() {
        return;
    }
    next_field(out, marks, b"");
    next_field(out, marks, b"");
    next_field(out, marks, answer.own_exchange.unwrap_or_default().as_bytes());
    next_field(out, marks, if answer.own_exchange.is_some() { b"NE" } else { b"" });
    if !charset.is_empty() {
        next_field(out, marks, b"");
        next_field(out, marks, charset);
    }
}

fn write_msa(out: &mut Vec<u8>, answer: &Answer<'_>) {
    let marks = answer.echo.marks();
    out.extend_from_slice(b"MSA");
    next_field(out, marks, answer.code.as_str().as_bytes());
    next_field(out, marks, answer.echo.part(Part::ControlId));
    if let Some(complaint) = answer.complaint.filter(|_| answer.echo.has_msa_text()) {
        next_field(out, marks, b"");
        if !complaint.place.is_empty() {
            escape(out, marks, complaint.place);
            escape(out, marks, ": ");
        }
        escape(out, marks, complaint.reason.text());
        escape(out, marks, ". ");
        escape(out, marks, complaint.reason.fix());
    } else if answer.expected.is_some() {
        next_field(out, marks, b"");
    }
    if let Some(expected) = answer.expected {
        next_field(out, marks, expected.to_string().as_bytes());
    }
    out.push(b'\r');
}

fn write_err(out: &mut Vec<u8>, echo: &Echo, complaint: &Complaint<'_>) {
    let marks = echo.marks();
    let code = complaint.reason.hl7_error();
    if echo.has_err_location() {
        out.extend_from_slice(b"ERR");
        next_field(out, marks, b"");
        next_field(out, marks, b"");
        write_place(out, marks, complaint.place);
        next_field(out, marks, code.to_string().as_bytes());
        out.push(marks.component);
        out.extend_from_slice(condition(code).as_bytes());
        out.push(marks.component);
        out.extend_from_slice(b"HL70357");
        next_field(out, marks, complaint.severity.as_str().as_bytes());
        next_field(out, marks, complaint.reason.code().as_bytes());
        out.push(marks.component);
        out.push(marks.component);
        out.push(b'L');
        next_field(out, marks, b"");
        next_field(out, marks, b"");
        escape(out, marks, complaint.reason.fix());
        next_field(out, marks, b"");
        escape(out, marks, complaint.reason.text());
        out.push(b'\r');
    } else if echo.has_err_code_and_location() {
        out.extend_from_slice(b"ERR");
        next_field(out, marks, b"");
        write_eld(out, marks, complaint.place, code);
        out.push(b'\r');
    }
}

impl Severity {
    /// As it is written.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "E",
            Self::Warning => "W",
        }
    }
}

/// ERR-2 (data type ERL): segment, its sequence, field, field repetition, component.
fn write_place(out: &mut Vec<u8>, marks: &Marks, place: &str) {
    let Some(Place { segment, sequence, field, component }) = Place::of(place) else { return };
    out.extend_from_slice(segment.as_bytes());
    out.push(marks.component);
    out.extend_from_slice(sequence.as_bytes());
    let Some(field) = field else { return };
    out.push(marks.component);
    out.extend_from_slice(field.as_bytes());
    let Some(component) = component else { return };
    out.push(marks.component);
    out.push(b'1');
    out.push(marks.component);
    out.extend_from_slice(component.as_bytes());
}

/// ERR-1 (data type ELD, versions 2.2 to 2.4): segment, sequence, field, code identifying the error.
fn write_eld(out: &mut Vec<u8>, marks: &Marks, place: &str, code: u16) {
    let place = Place::of(place).unwrap_or(Place { segment: "MSH", sequence: "1", field: None, component: None });
    out.extend_from_slice(place.segment.as_bytes());
    out.push(marks.component);
    out.extend_from_slice(place.sequence.as_bytes());
    out.push(marks.component);
    out.extend_from_slice(place.field.unwrap_or_default().as_bytes());
    out.push(marks.component);
    out.extend_from_slice(code.to_string().as_bytes());
    if let Some(subcomponent) = marks.subcomponent {
        out.push(subcomponent);
        out.extend_from_slice(condition(code).as_bytes());
        out.push(subcomponent);
        out.extend_from_slice(b"HL70357");
    }
}

/// `OBX[3]-9.2` in its parts.
struct Place<'p> {
    segment: &'p str,
    /// The how-manieth of its name.
    sequence: &'p str,
    field: Option<&'p str>,
    component: Option<&'p str>,
}

impl<'p> Place<'p> {
    /// `None` for the whole message.
    fn of(place: &'p str) -> Option<Self> {
        if place.is_empty() {
            return None;
        }
        let (segment, rest) = place.split_once('-').map_or((place, None), |(segment, rest)| (segment, Some(rest)));
        let (segment, sequence) = segment.split_once('[').unwrap_or((segment, "1"));
        let (field, component) = match rest.and_then(|rest| rest.split_once('.')) {
            Some((field, component)) => (Some(field), Some(component)),
            None => (rest, None),
        };
        Some(Self { segment, sequence: sequence.trim_end_matches(']'), field, component })
    }
}

/// The text of a code of table 0357.
const fn condition(code: u16) -> &'static str {
    match code {
        0 => "Message accepted",
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        103 => "Table value not found",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        202 => "Unsupported processing id",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        205 => "Duplicate key identifier",
        206 => "Application record locked",
        _ => "Application internal error",
    }
}

fn next_field(out: &mut Vec<u8>, marks: &Marks, value: &[u8]) {
    out.push(marks.field);
    out.extend_from_slice(value);
}

const fn or<'v>(value: &'v [u8], fallback: &'v [u8]) -> &'v [u8] {
    if value.is_empty() { fallback } else { value }
}

/// Appends ASCII text of ours; a delimiter in it becomes an escape sequence, or a blank where there is no escape.
fn escape(out: &mut Vec<u8>, marks: &Marks, text: &str) {
    for byte in text.bytes() {
        match (marks.letter(byte), marks.escape) {
            (None, _) => out.push(byte),
            (Some(letter), Some(escape)) => out.extend_from_slice(&[escape, letter, escape]),
            (Some(_), None) => out.push(b' '),
        }
    }
}
