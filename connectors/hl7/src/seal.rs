//! A frame to an envelope: what the header says, whether the feed takes it, and whom it is about.
//!
//! The whole message is decoded and indexed once, strictly and by the same codec the mappers use, so that nothing is
//! accepted here that cannot be read there. The bytes go into the envelope as they came.

use std::borrow::Cow;
use std::sync::Arc;

use causeway_core::envelope::{Digest, Envelope, Format, Refusal, TraceId};
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Limits, Message, ParseFault, Segment};
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use jiff::Timestamp;
use tracing::debug;

use crate::ack::{Echo, Mode};
use crate::feed::{Feed, Peeked, Whose, readable, recognise};
use crate::peer::Peer;
use crate::sequence::Number;

mod bytes;
mod document;
mod patient;

pub(crate) use bytes::has_msa;
use bytes::{faceless_reason, segment_at};

/// Whether a kind of message is taken. The mappers know; the binary passes it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is.
    Taken {
        /// It is about a patient: without PID-3 it is refused.
        patient: bool,
    },
    /// No event of this type is.
    TypeUnknown,
    /// Others of this type are.
    EventUnknown,
}

/// Tells whether a kind of message is taken, by MSH-9.1 and MSH-9.2.
pub type Supports = dyn Fn(&str, &str) -> Support + Send + Sync;

/// A frame, with what the frame reader or the door has against it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parcel<'b> {
    pub(crate) payload: &'b [u8],
    pub(crate) flaw: Option<Flaw>,
}

/// What is wrong with a frame before it is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// An end-block byte inside it.
    StrayEnd,
    /// Its end is missing.
    Broken,
    /// It is longer than the door takes; only its beginning is here.
    TooLong,
    /// There is no memory for it; only its beginning is here.
    Busy,
}

/// When and as what it was received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipt {
    pub(crate) trace: TraceId,
    pub(crate) at: Timestamp,
}

/// What became of a frame.
#[derive(Debug)]
pub(crate) enum Sealed {
    /// To the log, refused or not.
    Keep(Box<Kept>),
    /// Refused and not kept.
    Refuse(Box<Refused>),
    /// Of the sequence number protocol, and about nobody.
    Link(Box<Link>),
    /// An acknowledgement: it is never answered.
    Acknowledgement,
    /// A part of a frame that can be neither kept nor answered.
    Nothing,
}

/// A message for the log.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) feed: usize,
    pub(crate) envelope: Envelope,
    pub(crate) echo: Echo,
    pub(crate) mode: Mode,
    /// Its sequence number, when its feed numbers its messages.
    pub(crate) number: Option<u64>,
    /// Its kind is one that is taken, and so fit for a metric label.
    pub(crate) known_kind: bool,
    /// It merges two patients.
    pub(crate) merges: bool,
}

/// A message that asks for a sequence number, or begins them anew.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) feed: usize,
    pub(crate) echo: Echo,
    pub(crate) mode: Mode,
    /// The numbers begin anew.
    pub(crate) begins_anew: bool,
}

/// A message that is answered and forgotten.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) feed: Option<usize>,
    pub(crate) reason: Reason,
    pub(crate) place: String,
    pub(crate) echo: Echo,
    pub(crate) mode: Mode,
}

/// Bounds on what an envelope says about its bytes, in characters.
const CONTROL_ID_MAX: usize = 199; // MSH-10 since v2.7; 20 before.
const SENDER_PART_MAX: usize = 227; // HD.
const KIND_MAX: usize = 40;

/// What sealing needs to know.
pub(crate) struct Sealer<'d> {
    pub(crate) feeds: &'d [Feed],
    pub(crate) supports: &'d Supports,
    pub(crate) is_paused: &'d (dyn Fn(&causeway_core::envelope::FeedName) -> bool + Send + Sync),
    pub(crate) peer: &'d Peer,
}

impl Sealer<'_> {
    /// Looks into a frame.
    pub(crate) fn seal(&self, parcel: Parcel<'_>, receipt: Receipt) -> Sealed {
        if has_msa(parcel.payload) {
            return Sealed::Acknowledgement;
        }
        match self.seal_message(parcel, receipt) {
            // The end of it is missing, so whatever it was, it is not answered.
            Sealed::Refuse(_) if parcel.flaw == Some(Flaw::Broken) => Sealed::Nothing,
            sealed => sealed,
        }
    }

    fn seal_message(&self, parcel: Parcel<'_>, receipt: Receipt) -> Sealed {
        match recognise(self.feeds, self.peer, parcel.payload) {
            Whose::Feed(index, peeked) => self.seal_for(index, &peeked, parcel, receipt),
            Whose::Stranger(header) => refuse_sender(None, Reason::FeedUnknown, &header),
            Whose::Impostor(feed, header) => refuse_sender(Some(feed), Reason::CertificateMismatch, &header),
            Whose::Faceless(_) if matches!(parcel.flaw, Some(Flaw::TooLong | Flaw::Busy)) => Sealed::Nothing,
            Whose::Faceless(feed) => self.seal_faceless(feed, parcel, receipt),
        }
    }

    /// A message of a feed.
    fn seal_for(&self, index: usize, peeked: &Peeked<'_>, parcel: Parcel<'_>, receipt: Receipt) -> Sealed {
        let (Some(feed), Some(header)) = (self.feeds.get(index), readable(peeked)) else {
            return self.seal_faceless(None, parcel, receipt);
        };
        let has_control_id = is_control_id(header);
        let echo = Echo::of(header, has_control_id);
        let (accept, application) = (header.accept_acknowledgement(), header.application_acknowledgement());
        let mode = Mode::of(&accept, &application);
        if Mode::has_unknown(&accept, &application) {
            debug!(feed = feed.name(), "MSH-15 or MSH-16 is not in table 0155 and counts as empty");
        }
        let (code, event) = (header.message_code(), header.trigger_event());
        if code == "ACK" {
            return Sealed::Acknowledgement;
        }
        if let Some(reason) = self.not_now(feed, parcel) {
            return refuse(Some(index), reason, "", echo, mode);
        }
        let number = match numbered(feed, header) {
            Ok(Some(Number::Of(number))) => Some(number),
            Ok(Some(word @ (Number::Start | Number::Resync))) if has_control_id => {
                let begins_anew = word == Number::Resync;
                return Sealed::Link(Box::new(Link { feed: index, echo, mode, begins_anew }));
            }
            Ok(Some(Number::Start | Number::Resync)) => {
                return refuse(Some(index), Reason::BadValue, "MSH-10", echo, mode);
            }
            Ok(None) => None,
            Err(reason) => return refuse(Some(index), reason, "MSH-13", echo, mode),
        };
        let support = (self.supports)(&code, &event);
        let mut patient_key = String::new();
        let examined = examine_header(feed, header, parcel.flaw, peeked, (has_control_id, support))
            .and_then(|()| examine_body(feed, header, support, parcel.payload, &mut patient_key));
        let labels = Labels {
            sender: sender(header),
            control_id: match header.raw(10) {
                _ if has_no_control_id(header) => String::new(),
                id if has_control_id => id.to_owned(),
                id => bounded(id, CONTROL_ID_MAX).into_owned(),
            },
            kind: bounded(header.kind(), KIND_MAX).into_owned(),
            patient_key,
        };
        Sealed::Keep(Box::new(Kept {
            feed: index,
            envelope: envelope(feed, labels, parcel, receipt, examined.err()),
            echo,
            mode,
            number,
            known_kind: matches!(support, Support::Taken { .. }),
            merges: patient::merges(&code, &event),
        }))
    }

    /// A frame without a header: kept when it is clear whose it is.
    fn seal_faceless(&self, feed: Option<usize>, parcel: Parcel<'_>, receipt: Receipt) -> Sealed {
        let reason = faceless_reason(parcel.payload);
        let known = feed.and_then(|index| self.feeds.get(index).map(|feed| (index, feed)));
        let Some((index, feed)) = known.filter(|_| !parcel.payload.is_empty()) else {
            return refuse(feed, reason, "MSH", Echo::unreadable(), Mode::Original);
        };
        if let Some(reason) = self.not_now(feed, parcel) {
            return refuse(Some(index), reason, "", Echo::unreadable(), Mode::Original);
        }
        let refusal = match parcel.flaw {
            Some(Flaw::Broken) => refusal(Reason::BrokenFrame, ""),
            Some(Flaw::StrayEnd | Flaw::TooLong | Flaw::Busy) | None => refusal(reason, "MSH"),
        };
        Sealed::Keep(Box::new(Kept {
            feed: index,
            envelope: envelope(feed, Labels::default(), parcel, receipt, Some(refusal)),
            echo: Echo::unreadable(),
            mode: Mode::Original,
            number: None,
            known_kind: false,
            merges: false,
        }))
    }

    /// Why a frame is not taken at this moment or in this size, whatever it says.
    fn not_now(&self, feed: &Feed, parcel: Parcel<'_>) -> Option<Reason> {
        match parcel.flaw {
            Some(Flaw::TooLong) => Some(Reason::TooLong),
            Some(Flaw::Busy) => Some(Reason::Busy),
            Some(Flaw::StrayEnd | Flaw::Broken) | None if parcel.payload.len() > feed.frame_bytes_max => {
                Some(Reason::TooLong)
            }
            Some(Flaw::StrayEnd | Flaw::Broken) | None => (self.is_paused)(&feed.config.name).then_some(Reason::Paused),
        }
    }
}

/// MSH-13, of a feed that numbers its messages. What is broken or not whole has none that could be trusted.
fn numbered(feed: &Feed, header: &Header<'_>) -> Result<Option<Number>, Reason> {
    if feed.config.sequence_numbers { Number::read(header.raw(13)).map(Some) } else { Ok(None) }
}

/// What the header and the frame alone say against a message.
fn examine_header(
    feed: &Feed,
    header: &Header<'_>,
    flaw: Option<Flaw>,
    peeked: &Peeked<'_>,
    (has_control_id, support): (bool, Support),
) -> Result<(), Refusal> {
    match flaw {
        Some(Flaw::Broken) => return Err(refusal(Reason::BrokenFrame, "")),
        Some(Flaw::StrayEnd) => return Err(refusal(Reason::StrayEndBlock, "")),
        Some(Flaw::TooLong | Flaw::Busy) | None => {}
    }
    let has_none = has_no_control_id(header);
    if has_none && !feed.config.accept_empty_control_id {
        return Err(refusal(Reason::MissingField, "MSH-10"));
    }
    if !has_none && !has_control_id {
        return Err(refusal(Reason::BadValue, "MSH-10"));
    }
    if let Err(fault) = peeked {
        return Err(refusal(fault.reason, fault.place));
    }
    if !feed.has_receiver(header) {
        return Err(refusal(Reason::NotForUs, "MSH-5"));
    }
    let version = header.version();
    if !feed.config.versions.iter().any(|pattern| pattern.fits_version(&version)) {
        return Err(refusal(Reason::VersionUnknown, "MSH-12"));
    }
    let processing_id = header.processing_id();
    if !feed.config.processing_ids.iter().any(|pattern| pattern.fits(&processing_id)) {
        return Err(refusal(Reason::ProcessingId, "MSH-11"));
    }
    if header.message_code().is_empty() {
        return Err(refusal(Reason::MissingField, "MSH-9"));
    }
    if !header.raw(14).is_empty() {
        return Err(refusal(Reason::NotOneMessage, "MSH-14"));
    }
    match support {
        Support::Taken { .. } => Ok(()),
        Support::TypeUnknown => Err(refusal(Reason::UnsupportedType, "MSH-9.1")),
        Support::EventUnknown => Err(refusal(Reason::UnsupportedEvent, "MSH-9.2")),
    }
}

/// What the rest of the message says against it; fills in whom it is about.
fn examine_body(
    feed: &Feed,
    header: &Header<'_>,
    support: Support,
    payload: &[u8],
    patient_key: &mut String,
) -> Result<(), Refusal> {
    let text = header.charset().decode(payload).map_err(|fault| {
        *patient_key = patient::as_far_as_read(payload, feed.config.line_ends);
        refusal(Reason::Undecodable, segment_at(payload, fault.offset))
    })?;
    // The whole is checked, but only what is looked at below is taken apart: the mappers do that.
    let separator = header.delimiters().field_byte();
    let fields_of: &[&str] =
        if document::may_be_in(&text, separator) { &["PID", "MRG", "OBX"] } else { &["PID", "MRG"] };
    let message = Message::outline(&text, feed.config.line_ends, &Limits::default(), fields_of)
        .map_err(|fault| parse_refusal(&text, &fault))?;
    if let Some(part) = message.segments().find(|segment| PARTS_OF_MORE.contains(&segment.name())) {
        return Err(refusal(Reason::NotOneMessage, part.name()));
    }
    *patient_key = patient::patient(&message);
    match support {
        Support::Taken { patient: true } if message.segment("PID").is_none() => {
            return Err(refusal(Reason::MissingSegment, "PID"));
        }
        Support::Taken { patient: true } if patient_key.is_empty() => {
            return Err(refusal(Reason::MissingField, "PID-3"));
        }
        Support::Taken { .. } | Support::TypeUnknown | Support::EventUnknown => {}
    }
    if let Some(mrg) = patient::merged_with_itself(&header.message_code(), &header.trigger_event(), &message) {
        return Err(refusal(Reason::MergeLoop, &place(&message, mrg, "1")));
    }
    match document::broken_base64(&message) {
        Some(obx) => Err(refusal(Reason::DocumentBroken, &place(&message, obx, "5.5"))),
        None => Ok(()),
    }
}

/// `PID-3`, or `OBX[3]-5.5` where there are several of the segment.
fn place(message: &Message<'_>, segment: Segment<'_>, field: &str) -> String {
    let name = segment.name();
    match message.named(name).nth(1) {
        None => format!("{name}-{field}"),
        Some(_) => format!("{name}[{}]-{field}", segment.occurrence()),
    }
}

/// Segments of batches (§2.10.3) and of messages sent in parts (§2.10.2). To take one without the others would be to
/// accept a part as the whole.
const PARTS_OF_MORE: [&str; 6] = ["FHS", "BHS", "BTS", "FTS", "DSC", "ADD"];

/// A second MSH is not a bad segment but a second message.
fn parse_refusal(text: &str, fault: &ParseFault) -> Refusal {
    let second = !fault.segment.is_empty() && text.get(fault.offset..).is_some_and(|rest| rest.starts_with("MSH"));
    if fault.reason == Reason::BadSegment && second {
        refusal(Reason::NotOneMessage, "MSH")
    } else {
        refusal(fault.reason, &fault.place())
    }
}

/// What an envelope says about its bytes.
#[derive(Default)]
struct Labels {
    sender: String,
    control_id: String,
    kind: String,
    patient_key: String,
}

fn envelope(feed: &Feed, labels: Labels, parcel: Parcel<'_>, receipt: Receipt, refusal: Option<Refusal>) -> Envelope {
    Envelope {
        trace: receipt.trace,
        feed: feed.config.name.clone(),
        format: Format::Hl7v2,
        sender: labels.sender,
        control_id: labels.control_id,
        kind: labels.kind,
        patient_key: Phi::new(labels.patient_key),
        received_at: receipt.at,
        digest: Digest::of(parcel.payload),
        refusal,
        body: Phi::new(Arc::from(parcel.payload)),
    }
}

fn refusal(reason: Reason, place: &str) -> Refusal {
    Refusal { reason, place: place.to_owned() }
}

fn refuse(feed: Option<usize>, reason: Reason, place: &str, echo: Echo, mode: Mode) -> Sealed {
    Sealed::Refuse(Box::new(Refused { feed, reason, place: place.to_owned(), echo, mode }))
}

fn refuse_sender(feed: Option<usize>, reason: Reason, header: &Header<'_>) -> Sealed {
    refuse(feed, reason, "MSH-3", Echo::of(header, is_control_id(header)), mode(header))
}

fn mode(header: &Header<'_>) -> Mode {
    Mode::of(&header.accept_acknowledgement(), &header.application_acknowledgement())
}

fn sender(header: &Header<'_>) -> String {
    let part = |number: usize| bounded(header.raw(number), SENDER_PART_MAX);
    [&*part(3), "|", &*part(4)].concat()
}

/// MSH-10 is empty, or `""`, which says that there is nothing.
fn has_no_control_id(header: &Header<'_>) -> bool {
    matches!(header.raw(10).trim(), "" | "\"\"")
}

/// MSH-10 may be repeated: not empty, not too long, no control characters.
fn is_control_id(header: &Header<'_>) -> bool {
    let id = header.raw(10);
    !id.is_empty() && (id.len() <= CONTROL_ID_MAX || id.chars().count() <= CONTROL_ID_MAX) && !has_controls(id)
}

/// Nearly every number and name here is printable ASCII, which is told by looking at many bytes at once.
fn has_controls(text: &str) -> bool {
    let is_plain = text.bytes().fold(true, |so_far, byte| so_far & matches!(byte, b' '..=b'~'));
    !is_plain && text.chars().any(char::is_control)
}

/// The first `max` characters, without control characters.
fn bounded<'t>(text: impl Into<Cow<'t, str>>, max: usize) -> Cow<'t, str> {
    let text = text.into();
    if text.len() <= max && !has_controls(&text) {
        return text;
    }
    text.chars().filter(|c| !c.is_control()).take(max).collect::<String>().into()
}
