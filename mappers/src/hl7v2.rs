//! HL7 v2: one message to its records.
//!
//! [`triggers`] says what is taken. A later domain adds a file in `trigger/` for its family of events, with a line in
//! `FAMILIES`, and files in `segment/` for its segments (OMP, RDE, RDS with RXO, RXE, RXD; VXU with RXA; SIU with SCH; PPR
//! with PRB; REF with RF1): docs/messages.md and docs/fhir.md follow by themselves.

mod allergy;
mod birth;
pub(crate) mod context;
mod datatype;
pub mod explain;
pub(crate) mod identity;
mod imaging;
mod media;
mod medication;
pub mod note;
mod obstetric;
pub mod profile;
mod reader;
mod segment;
mod trigger;
mod unmapped;
mod unusual;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use causeway_core::feed::FeedSettings;
use causeway_core::feed::dialect::FieldName;
use causeway_core::fetch::Document;
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::{Header, HeaderFault};
use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::hl7v2::{Limits, Message};
use causeway_core::mapped::{Fault, Mapped, Note};
use causeway_core::reason::Reason;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use context::Context;
use note::NoteCode;
use reader::Seg;
use trigger::{
    Output, Segments, adt, link, mdm, merge, moved, oml, orm, oru, oul, pharmacy, ppr, referral, refused, siu, vxu,
};

pub use segment::ALL as SEGMENTS;
pub use trigger::refused::{REFUSED, Refused};

/// Maps the bytes of one message, with the time zone of its feed looked up each time; [`crate::Mappers`] looks it up
/// once. `offset` is the place of the message in the log, `received_at` stands in for a message without a time.
///
/// Never fails and never panics: what keeps the message, or a part of it, from being mapped is in `faults`.
pub fn map(body: &[u8], feed: &FeedSettings, offset: u64, received_at: Timestamp) -> Mapped {
    match zone_of(feed) {
        Ok(zone) => map_in(Sent { body, offset, received_at, documents: &[] }, feed, &zone),
        Err(fault) => Mapped { faults: vec![fault], ..Mapped::default() },
    }
}

/// The time zone of a feed.
pub(crate) fn zone_of(feed: &FeedSettings) -> Result<TimeZone, Fault> {
    TimeZone::get(&feed.time_zone).map_err(|_unknown| {
        let text = "the time zone configured for the feed is not known".to_owned();
        Fault { reason: Reason::Unmappable, place: String::new(), offset: None, text }
    })
}

/// Whether a kind of message is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is.
    Yes,
    /// No message of this type is.
    UnknownType,
    /// Messages of this type are, but not with this event.
    UnknownEvent,
}

/// Whether a kind of message is taken, by MSH-9.1 and MSH-9.2, as `ADT` and `A01`. Without an event, as before v2.3, it is when
/// the event can be read from EVN-1, or is the only one of its type.
pub fn supported(code: &str, event: &str) -> Support {
    if BY_KIND.contains_key(&(code, event)) {
        return Support::Yes;
    }
    let mut of_type = triggers().filter(|trigger| trigger.code == code).peekable();
    if of_type.peek().is_none() {
        return Support::UnknownType;
    }
    if event.is_empty() || of_type.any(|trigger| trigger.event == event) { Support::Yes } else { Support::UnknownEvent }
}

/// A trigger event that is taken.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    /// MSH-9.1, as `ADT`.
    pub code: &'static str,
    /// MSH-9.2, as `A01`.
    pub event: &'static str,
    /// What it says.
    pub title: &'static str,
    /// The message map of the IG; empty when there is none.
    pub ig: &'static str,
    /// The segments without which it is not mapped.
    pub required: &'static [&'static str],
    /// The segments that are mapped when they are there. All others give a note `unused-segment`.
    pub optional: &'static [&'static str],
    map: Map,
}

/// Maps the segments of one message.
type Map = for<'a, 'c, 'm> fn(&'a Context<'m>, &'a Segments<'c, 'm>, &'a mut Output);

/// Everything that is taken, family by family.
const FAMILIES: &[&[Trigger]] = &[
    adt::TRIGGERS,
    merge::TRIGGERS,
    oru::TRIGGERS,
    oul::TRIGGERS,
    oml::TRIGGERS,
    mdm::TRIGGERS,
    moved::TRIGGERS,
    link::TRIGGERS,
    pharmacy::TRIGGERS,
    orm::TRIGGERS,
    vxu::TRIGGERS,
    ppr::TRIGGERS,
    referral::TRIGGERS,
    siu::TRIGGERS,
];

/// Everything that is taken.
pub fn triggers() -> impl Iterator<Item = &'static Trigger> {
    FAMILIES.iter().copied().flatten()
}

/// By code and event: one is looked up for every message.
static BY_KIND: LazyLock<BTreeMap<(&str, &str), &Trigger>> =
    LazyLock::new(|| triggers().map(|trigger| ((trigger.code, trigger.event), trigger)).collect());

/// A message as it stands in the log, and what was fetched for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'s> {
    /// Its bytes.
    pub(crate) body: &'s [u8],
    /// Its place in the log.
    pub(crate) offset: u64,
    /// When it was received.
    pub(crate) received_at: Timestamp,
    /// The documents its pointers lead to, as far as they came.
    pub(crate) documents: &'s [Document],
}

/// As [`map`], in a time zone and with the documents that were fetched.
pub(crate) fn map_in(sent: Sent<'_>, feed: &FeedSettings, zone: &TimeZone) -> Mapped {
    let body = sent.body;
    let header = match Header::peek(body, &feed.charset) {
        Ok(header) => header,
        Err(fault) => return unreadable(fault),
    };
    let charset = header.charset();
    let text = match charset.decode(body) {
        Ok(text) => text,
        Err(fault) => {
            let (control_id, kind) = (header.control_id().into_owned(), header.kind());
            let stub = Mapped { control_id, kind, ..Mapped::default() };
            let (place, offset) = ("MSH-18".to_owned(), Some(fault.offset));
            let text = "the text is not in the character set it claims".to_owned();
            return with_fault(stub, Fault { reason: fault.reason(), place, offset, text });
        }
    };
    let (text, replaced) = unusual::standardised(text, charset, feed.line_ends);
    let mut mapped = map_text(&header, &text, charset, feed, zone, sent);
    mapped.notes.extend(replaced);
    mapped
}

/// As [`map_in`], of a message that is decoded. `charset` is that of its `\X…\` escapes.
fn map_text(
    header: &Header<'_>,
    text: &str,
    charset: Charset,
    feed: &FeedSettings,
    zone: &TimeZone,
    sent: Sent<'_>,
) -> Mapped {
    let stub = Mapped { control_id: header.control_id().into_owned(), kind: header.kind(), ..Mapped::default() };
    let message = match Message::parse(text, feed.line_ends, &Limits::default()) {
        Ok(message) => message.in_charset(charset),
        Err(fault) => {
            let (place, offset) = (fault.place(), Some(fault.offset));
            return with_fault(stub, Fault { reason: fault.reason, place, offset, text: fault.text });
        }
    };
    let trigger = match find(header, &message) {
        Ok(trigger) => trigger,
        Err(fault) => return with_fault(stub, fault),
    };
    let (at, untimed) = made_at(&message, zone, sent.received_at);
    let facts = context::Header {
        application: header.sending_application().into_owned(),
        facility: header.sending_facility().into_owned(),
        control_id: stub.control_id.clone(),
        at,
        offset: sent.offset,
    };
    let context = Context::new(feed, zone, message.delimiters(), charset, facts).with_documents(sent.documents);
    if untimed {
        let text = "no readable time in EVN-2 or MSH-7: versions are ordered by when the message was received";
        context.note(NoteCode::NoMessageTime, "MSH-7".to_owned(), text);
    }
    let kind = format!("{}^{}", trigger.code, trigger.event);
    let location = location_of(&message, header);
    let mut mapped = run(Mapped { kind, location, ..stub }, trigger, &message, context);
    mapped.notes.extend(unusual::notes(text, &message, charset));
    mapped
}

/// The service location: PV1-3.4 of the first visit, or MSH-4, each without its universal id.
fn location_of(message: &Message<'_>, header: &Header<'_>) -> String {
    let visit = message.segment("PV1").map(|pv1| pv1.field(3).rep(1).component(4).sub(1).text());
    let facility = visit.map(|facility| facility.trim().to_owned()).filter(|facility| !facility.is_empty());
    facility.unwrap_or_else(|| header.sending_facility().trim().to_owned())
}

/// Maps the segments and collects what was not used.
fn run(stub: Mapped, trigger: &Trigger, message: &Message<'_>, context: Context<'_>) -> Mapped {
    let segments = wrap(message);
    let uses = uses(trigger, &context, &segments);
    let used = segments.iter().zip(&uses).filter(|(_, used)| **used == Use::Taken).map(|(segment, _)| segment);
    let taken = Segments::new(used.collect());
    note_times(&context, &taken);
    let mut output = Output::default();
    if is_complete(&context, trigger, &taken) && (link::is_of_two(trigger) || is_about_one_patient(&context, &taken)) {
        (trigger.map)(&context, &taken, &mut output);
        for (segment, used) in segments.iter().zip(uses) {
            match used {
                Use::Taken => segment.report(&context),
                Use::Ignored => {}
                Use::None => {
                    context.note(NoteCode::UnusedSegment, segment.place(), "this event does not use the segment");
                }
            }
        }
    }
    note_broken_promises(&context, &segments);
    let unmapped = context.take_unmapped();
    let (mut notes, faults) = context.into_reports();
    for warning in message.warnings() {
        let text = format!("at byte {} of the decoded text", warning.offset);
        notes.push(Note { code: warning.kind.code().to_owned(), place: String::new(), text });
    }
    let Output { identity, records, pending, attachments } = output;
    Mapped { identity, records, notes, faults, pending, attachments, unmapped, ..stub }
}

/// What becomes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The event takes it.
    Taken,
    /// The dialect says that there is nothing in it.
    Ignored,
    /// There is no place for it.
    None,
}

/// What becomes of each segment. Segments of one name stand together mostly, so that each name is looked up once.
fn uses(trigger: &Trigger, context: &Context<'_>, segments: &[Seg<'_>]) -> Vec<Use> {
    let ignored = &context.dialect().ignore.segments;
    let of = |name: &str| {
        if ignored.iter().any(|ignored| ignored.as_str() == name) {
            Use::Ignored
        } else if name == "MSH" || trigger.required.contains(&name) || trigger.optional.contains(&name) {
            Use::Taken
        } else {
            Use::None
        }
    };
    let mut last = ("", Use::None);
    let each = segments.iter().map(|segment| {
        if last.0 != segment.name() {
            last = (segment.name(), of(segment.name()));
        }
        last.1
    });
    each.collect()
}

/// The trigger event. Before v2.3 MSH-9 may name the type alone: then EVN-1 has the event, and ORU has only one.
fn find(header: &Header<'_>, message: &Message<'_>) -> Result<&'static Trigger, Fault> {
    let (code, event) = (header.message_code(), header.trigger_event());
    let from_evn = message.segment("EVN").map(|evn| evn.field(1).text()).unwrap_or_default();
    let event = match (&*code, &*event) {
        ("ORU", "") => "R01",
        (_, "") => &*from_evn,
        (_, event) => event,
    };
    let advice = refused::find(&code, event).map(|refused| refused.advice);
    let fault = |reason: Reason| Fault {
        reason,
        place: "MSH-9".to_owned(),
        offset: Some(message.msh().field(9).offset().unwrap_or(0)),
        text: advice.unwrap_or(reason.text()).to_owned(),
    };
    if let Some(trigger) = BY_KIND.get(&(&*code, event)) {
        return Ok(trigger);
    }
    let known_type = triggers().any(|trigger| trigger.code == code);
    Err(fault(if known_type { Reason::UnsupportedEvent } else { Reason::UnsupportedType }))
}

/// When the sender made the message: EVN-2, or MSH-7; and whether neither says it.
fn made_at(message: &Message<'_>, zone: &TimeZone, received_at: Timestamp) -> (Timestamp, bool) {
    let read = |text: &str| Hl7Time::parse(text).ok().and_then(|time| time.start(zone));
    let recorded = message.segment("EVN").and_then(|evn| read(&evn.field(2).text()));
    match recorded.or_else(|| read(&message.msh().field(7).text())) {
        Some(at) => (at, false),
        None => (received_at, true),
    }
}

/// Asks for the fields of MSH and EVN that were read before there was a context, and notes times that are none.
fn note_times<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>) {
    for (name, time) in [("MSH", 7), ("EVN", 2)] {
        let Some(segment) = segments.first(name) else { continue };
        [3, 4, 9].into_iter().filter(|_| name == "MSH").for_each(|field| segment.ask(field));
        datatype::ts::field(segment, context, time);
    }
}

/// Notes each field the dialect promises that has no value in a segment that is there.
fn note_broken_promises<'m>(context: &Context<'m>, segments: &[Seg<'m>]) {
    for (name, field) in context.dialect().promise.fields.iter().map(FieldName::parts) {
        for segment in segments.iter().filter(|segment| segment.name() == name && !segment.has(field)) {
            let text = "the feed's profile promises a value here";
            context.note(NoteCode::BrokenPromise, segment.field_place(field), text);
        }
    }
}

/// Every segment, with what is kept of it counted as used.
fn wrap<'m>(message: &'m Message<'m>) -> Vec<Seg<'m>> {
    let segments: Vec<_> = message.segments().collect();
    let mut repeated: Vec<&str> = segments.iter().filter(|s| s.occurrence() == 2).map(|s| s.name()).collect();
    repeated.sort_unstable();
    // Segments of one name stand together mostly.
    let mut last = ("", 0);
    let wrapped = segments.into_iter().map(|segment| {
        let name = segment.name();
        if last.0 != name {
            last = (name, segment::find(name).map_or(0, profile::SegmentUse::kept));
        }
        let (_, kept) = last;
        Seg::new(segment, repeated.binary_search(&name).is_err(), kept)
    });
    wrapped.collect()
}

/// Whether all required segments are there; a fault for each that is not.
fn is_complete(context: &Context<'_>, trigger: &Trigger, segments: &Segments<'_, '_>) -> bool {
    let mut complete = true;
    for name in trigger.required {
        if segments.first(name).is_none() {
            complete = false;
            context.fault(
                Reason::MissingSegment,
                (*name).to_owned(),
                0,
                "this event is not mapped without the segment",
            );
        }
    }
    complete
}

/// One message speaks of one patient. What is said of several cannot be decided for each, so nothing is mapped.
fn is_about_one_patient(context: &Context<'_>, segments: &Segments<'_, '_>) -> bool {
    let mut patients = segments.named("PID");
    let Some(first) = patients.next() else { return true };
    let is_other =
        |pid: &&Seg<'_>| [2, 3, 4].into_iter().any(|field| pid.field(field).raw() != first.field(field).raw());
    let other = patients.find(is_other);
    let Some(other) = other else { return true };
    let text = "a second patient in one message: send one message for each";
    context.fault(Reason::Unmappable, other.place(), other.offset(1), text);
    false
}

/// A message whose header cannot be read.
fn unreadable(fault: HeaderFault) -> Mapped {
    let readable = fault.readable.as_deref();
    let stub = Mapped {
        control_id: readable.map(|header| header.control_id().into_owned()).unwrap_or_default(),
        kind: readable.map(Header::kind).unwrap_or_default(),
        ..Mapped::default()
    };
    let (place, offset) = (fault.place.to_owned(), Some(fault.offset));
    with_fault(stub, Fault { reason: fault.reason, place, offset, text: fault.text })
}

fn with_fault(stub: Mapped, fault: Fault) -> Mapped {
    Mapped { faults: vec![fault], ..stub }
}
