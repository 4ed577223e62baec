//! What every mapper of one message shares: the feed, the clock of the message, the URNs of its provider, and the
//! place where notes and faults are collected.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};

use causeway_core::code_table::Target;
use causeway_core::envelope::Digest;
use causeway_core::feed::FeedSettings;
use causeway_core::feed::dialect::Dialect;
use causeway_core::fetch::{Document, pointer_digest};
use causeway_core::hl7v2::Delimiters;
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::mapped::{Fault, Note, UnmappedCode};
use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey, VersionClock};
use causeway_core::scope::{Domain, Level};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::note::NoteCode;
use super::reader::{Seg, Value};
use super::unmapped::Unmapped;
use crate::fhir::{Json, Object, identifier, logical, urn_part};
use crate::minimum;

/// The most notes, and the most faults, one message can give. What is beyond is counted in a last note.
const REPORTS_MAX: usize = 1000;
/// The longest part of a record key that stands in it as sent, in bytes; a longer one is cut and digested.
const KEY_PART_MAX: usize = 120;

/// Shared by the mappers of one message.
#[derive(Debug)]
pub(crate) struct Context<'m> {
    feed: &'m FeedSettings,
    dialect: &'m Dialect,
    zone: &'m TimeZone,
    delimiters: &'m Delimiters,
    charset: Charset,
    header: Header,
    provider: String,
    meta: Json,
    written_last: RefCell<Option<(Hl7Time, String)>>,
    notes: RefCell<Vec<Note>>,
    faults: RefCell<Vec<Fault>>,
    beyond: Cell<usize>,
    day: OnceCell<civil::Date>,
    unmapped: Unmapped,
    documents: &'m [Document],
    /// Where resources are written before their length is known.
    buffer: RefCell<String>,
}

/// What the header says.
#[derive(Debug)]
pub(crate) struct Header {
    /// MSH-3.
    pub(crate) application: String,
    /// MSH-4.
    pub(crate) facility: String,
    /// MSH-10.
    pub(crate) control_id: String,
    /// EVN-2, or MSH-7, or when the message was received.
    pub(crate) at: Timestamp,
    /// Its place in the log.
    pub(crate) offset: u64,
}

/// What tells one version of a record from another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    /// See [`VersionClock::rank`].
    pub(crate) rank: u8,
    /// When the sender made it.
    pub(crate) at: Timestamp,
    /// When the thing happened.
    pub(crate) date: Option<civil::Date>,
    /// How structured it is.
    pub(crate) level: Level,
    /// Whether the sender takes it back.
    pub(crate) retracted: bool,
}

impl<'m> Context<'m> {
    pub(crate) fn new(
        feed: &'m FeedSettings,
        zone: &'m TimeZone,
        delimiters: &'m Delimiters,
        charset: Charset,
        header: Header,
    ) -> Self {
        let provider = format!("urn:causeway:{}", urn_part(&feed.provider.0));
        let sender = [&header.application, &header.facility].map(|name| urn_part(name));
        let source = format!("{provider}:source:{}", sender.join(":"));
        let meta = Json::shared(Object::sized(1).put("source", source));
        let (notes, faults, beyond) = (RefCell::default(), RefCell::default(), Cell::new(0));
        Self {
            feed,
            dialect: feed.profile.dialect(),
            zone,
            delimiters,
            charset,
            header,
            provider,
            meta,
            written_last: RefCell::default(),
            notes,
            faults,
            beyond,
            day: OnceCell::new(),
            unmapped: Unmapped::default(),
            documents: &[],
            buffer: RefCell::default(),
        }
    }

    /// The same, with what was fetched for the pointers of the message.
    pub(crate) fn with_documents(self, documents: &'m [Document]) -> Self {
        Self { documents, ..self }
    }

    /// The document that a pointer leads to, when it was fetched.
    pub(crate) fn document(&self, pointer: &str) -> Option<&'m Document> {
        if self.documents.is_empty() {
            return None;
        }
        let pointer = pointer_digest(pointer);
        self.documents.iter().find(|document| document.pointer == pointer)
    }

    /// What the tables of the feed say a local code stood for when the message was made.
    pub(crate) fn target(&self, system: &str, code: &str) -> Option<&'m Target> {
        let feed = self.feed;
        if feed.code_tables.is_empty() {
            return None;
        }
        let day = *self.day.get_or_init(|| self.header.at.to_zoned(self.zone.clone()).date());
        feed.code_tables.find(system, code, day)
    }

    /// Counts a local code that no table knows.
    pub(crate) fn unmapped(&self, value: &Value<'_, 'm>, system: &str, code: &str, display: &str) {
        self.unmapped.take(value.field_name(), system, code, display);
    }

    /// The local codes that no table knows.
    pub(crate) fn take_unmapped(&self) -> Vec<UnmappedCode> {
        self.unmapped.all()
    }

    /// The time zone of times without an offset.
    pub(crate) const fn zone(&self) -> &'m TimeZone {
        self.zone
    }

    /// A time as FHIR `dateTime`.
    pub(crate) fn written(&self, time: Hl7Time) -> String {
        // The results of an order were mostly made at one time.
        let mut last = self.written_last.borrow_mut();
        match &*last {
            Some((same, written)) if *same == time => written.clone(),
            Some(_) | None => {
                let written = time.to_fhir_date_time(self.zone);
                *last = Some((time, written.clone()));
                written
            }
        }
    }

    /// The delimiters of the message.
    pub(crate) const fn delimiters(&self) -> &'m Delimiters {
        self.delimiters
    }

    /// The character set of its hexadecimal escapes.
    pub(crate) const fn charset(&self) -> Charset {
        self.charset
    }

    /// What the header says.
    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// The provider whose data it is.
    pub(crate) fn provider_id(&self) -> &'m str {
        &self.feed.provider.0
    }

    /// The dialect the feed speaks.
    pub(crate) const fn dialect(&self) -> &'m Dialect {
        self.dialect
    }

    /// Takes note of something. Never pass a value of a field: notes are shown to operators.
    pub(crate) fn note(&self, code: NoteCode, place: String, text: &str) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < REPORTS_MAX {
            notes.push(Note { code: code.as_str().to_owned(), place, text: text.to_owned() });
        } else {
            self.beyond.set(self.beyond.get().saturating_add(1));
        }
    }

    /// Reports what keeps a part of the message, or all of it, from being mapped.
    pub(crate) fn fault(&self, reason: Reason, place: String, offset: usize, text: &str) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < REPORTS_MAX {
            faults.push(Fault { reason, place, offset: Some(offset), text: text.to_owned() });
        } else {
            self.beyond.set(self.beyond.get().saturating_add(1));
        }
    }

    /// Reports a required field without a value. The rest of the segment is not reported field by field.
    pub(crate) fn missing(&self, segment: &Seg<'_>, field: usize, text: &str) {
        segment.keep();
        self.fault(Reason::MissingField, segment.field_place(field), segment.offset(field), text);
    }

    /// The notes and the faults.
    pub(crate) fn into_reports(self) -> (Vec<Note>, Vec<Fault>) {
        let mut notes = self.notes.into_inner();
        let beyond = self.beyond.get();
        if beyond > 0 {
            let text = format!("{beyond} further notes and faults are not listed");
            notes.push(Note { code: NoteCode::TooManyNotes.as_str().to_owned(), place: String::new(), text });
        }
        (notes, self.faults.into_inner())
    }

    /// A URN of this provider: `urn:causeway:<provider>:<kind>`, with `:<name>` when there is a name.
    pub(crate) fn urn(&self, kind: &str, name: &str) -> String {
        let name = urn_part(name);
        let mut urn = String::with_capacity(self.provider.len() + kind.len() + name.len() + 2);
        urn.push_str(&self.provider);
        urn.push(':');
        urn.push_str(kind);
        if !name.is_empty() {
            urn.push(':');
            urn.push_str(&name);
        }
        urn
    }

    /// A reference to the provider.
    pub(crate) fn provider(&self) -> Object {
        logical("Organization", identifier("urn:causeway:provider", self.provider_id()), "")
    }

    /// The key of a record of this provider.
    pub(crate) fn key(&self, resource_type: &str, parts: &[&str]) -> RecordKey {
        RecordKey::joined(resource_type, self.provider_id(), parts.iter().map(|part| key_part(part)))
    }

    /// A resource with what all of them have: type, id, and the application and facility it comes from. The control
    /// id is left out: a resend under another must not look like a change.
    pub(crate) fn resource(&self, resource_type: &'static str, id: &str) -> Object {
        Object::sized(14).fixed("resourceType", resource_type).text("id", id).put("meta", self.meta.clone())
    }

    /// A record.
    pub(crate) fn record(&self, domain: Domain, key: RecordKey, version: Version, resource: Object) -> Record {
        self.unmapped.belong_to(domain);
        // What is taken back need not be whole.
        let lacks = if version.retracted { None } else { minimum::lack(domain, &resource) };
        Record {
            domain,
            key,
            clock: VersionClock { rank: version.rank, at: version.at, offset: self.header.offset },
            clinical_date: version.date,
            level: if lacks.is_some() { Level::Document } else { version.level },
            lacks,
            retracted: version.retracted,
            resource: resource.written_in(&mut self.buffer.borrow_mut()),
        }
    }
}

/// A part of a key: `|` and `/` are escaped, so that no two lists of parts give one key, and a long one is bounded.
pub(crate) fn key_part(part: &str) -> Cow<'_, str> {
    if part.len() <= KEY_PART_MAX && !part.bytes().any(|byte| matches!(byte, b'|' | b'/' | b'%')) {
        return Cow::Borrowed(part);
    }
    let escaped = part.replace('%', "%25").replace('|', "%7C").replace('/', "%2F");
    if escaped.len() <= KEY_PART_MAX {
        return Cow::Owned(escaped);
    }
    let kept: String = escaped.chars().take(KEY_PART_MAX / 4).collect();
    Cow::Owned(format!("{kept}%{}", Digest::of(part.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lists_of_parts_never_give_one_key() {
        assert_ne!([key_part("a|b"), key_part("c")].join("|"), [key_part("a"), key_part("b|c")].join("|"));
        assert_ne!(key_part("a|b"), key_part("a%7Cb"));
        let (long, longer) = ("x".repeat(500), "x".repeat(501));
        assert_ne!(key_part(&long), key_part(&longer));
        assert!(key_part(&long).len() <= KEY_PART_MAX);
    }
}
