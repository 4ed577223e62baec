//! Characters that are stored, and of which somebody should know: escapes that mean nothing, marks that nobody sees, and
//! characters of the private use area.

use std::borrow::Cow;

use causeway_core::feed::LineEnds;
use causeway_core::hl7v2::charset::{Charset, private_use};
use causeway_core::hl7v2::{Limits, Message, escape};
use causeway_core::mapped::Note;
use causeway_core::marks;

use super::note::NoteCode;
use super::reader::Seg;

/// Fields noted of one sort; a message that is full of them need not be told of each.
const PLACES_MAX: usize = 16;

/// The text of a message with the characters of HKSCS at their standard code points, and the notes of the fields that had
/// others. What came is in the log as it came.
pub(super) fn standardised(text: Cow<'_, str>, charset: Charset, line_ends: LineEnds) -> (Cow<'_, str>, Vec<Note>) {
    if !charset.may_be_private() {
        return (text, Vec::new());
    }
    let Cow::Owned(replaced) = private_use::standardised(&text) else { return (text, Vec::new()) };
    let notes = Message::parse(&text, line_ends, &Limits::default()).map(|message| {
        let segments = super::wrap(&message);
        fields(&segments, NoteCode::PrivateUse, |field| private_use::standard(field).is_some())
    });
    (Cow::Owned(replaced), notes.unwrap_or_default())
}

/// Notes of the fields whose escapes mean nothing, of those with marks nobody sees, or with private characters that nobody knows.
pub(super) fn notes(text: &str, message: &Message<'_>, charset: Charset) -> Vec<Note> {
    [escapes(text, message, charset), characters(text, message)].concat()
}

/// The first bytes of a message: MSH with its delimiters, of which the escape character is one.
const DELIMITERS: usize = 9;

fn escapes(text: &str, message: &Message<'_>, charset: Charset) -> Vec<Note> {
    let delimiters = message.delimiters();
    let Some(mark) = delimiters.escape() else { return Vec::new() };
    if !text.get(DELIMITERS..).is_some_and(|rest| rest.contains(mark)) {
        return Vec::new();
    }
    let segments = super::wrap(message);
    let values = segments.iter().filter(|segment| segment.name() != "MSH");
    of_fields(values, NoteCode::UnknownEscape, |raw| escape::keeps_literal(raw, delimiters, charset))
}

fn characters(text: &str, message: &Message<'_>) -> Vec<Note> {
    if text.is_ascii() || !text.contains(|c| marks::turns_or_hides(c) || private_use::is_private(c)) {
        return Vec::new();
    }
    let segments = super::wrap(message);
    let hidden = fields(&segments, NoteCode::HiddenMark, marks::turns_or_hides);
    let unknown = fields(&segments, NoteCode::PrivateUseUnknown, private_use::is_private);
    [hidden, unknown].concat()
}

fn fields(segments: &[Seg<'_>], code: NoteCode, has: impl Fn(char) -> bool) -> Vec<Note> {
    of_fields(segments.iter(), code, |raw| !raw.is_ascii() && raw.contains(&has))
}

fn of_fields<'s, 'm: 's>(
    segments: impl Iterator<Item = &'s Seg<'m>>,
    code: NoteCode,
    has: impl Fn(&str) -> bool,
) -> Vec<Note> {
    let all = segments.flat_map(|segment| segment.raw_fields().map(move |(number, raw)| (segment, number, raw)));
    let found = all.filter(|(_, _, raw)| has(raw));
    let note = |(segment, number, _): (&Seg<'_>, usize, &str)| Note {
        code: code.as_str().to_owned(),
        place: segment.field_place(number),
        text: code.text().to_owned(),
    };
    found.take(PLACES_MAX).map(note).collect()
}
