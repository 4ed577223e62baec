//! The canonical header of an entry: everything about it but the bytes of its body, in one fixed binary form. It is
//! what is stored, what the checksum covers and what the chain is made of.
//!
//! Version 1, numbers big-endian: version (1) · partition (2) · offset (8) · appended at (8 s + 4 ns) · flags (1) ·
//! trace (16) · received at (8 + 4) · digest (32) · body length (4) · format (1) · then feed, sender, control id,
//! kind, patient key, refusal reason and refusal place, each as length (4) and UTF-8.

use std::sync::Arc;

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, Offset, PartitionId, Position, Refusal, TraceId};
use causeway_core::phi::Phi;
use causeway_core::port::Entry;
use causeway_core::reason::Reason;
use jiff::Timestamp;
use uuid::Uuid;

/// The version of the form above.
const VERSION: u8 = 1;
/// The control id had been used for other bytes.
const REUSED: u8 = 1;
/// The door refused it.
const REFUSED: u8 = 2;
/// Bytes before the part that the envelope alone decides.
const PLACE_BYTES: usize = 24;

/// What the writer adds to an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it stands.
    pub(super) position: Position,
    /// When.
    pub(super) appended_at: Timestamp,
    /// Its control id had been used for other bytes.
    pub(super) control_id_reused: bool,
}

/// The part of the header that the envelope alone decides: made by the appending thread, not by the writer.
#[derive(Debug)]
pub(super) struct Stub {
    /// As in the form above, from the trace on.
    bytes: Vec<u8>,
    /// Whether there is a refusal.
    refused: bool,
}

impl Stub {
    /// Encodes an envelope. `None` when a length does not fit 32 bits.
    pub(super) fn of(envelope: &Envelope) -> Option<Self> {
        let refusal = envelope.refusal.as_ref();
        let texts = [
            envelope.feed.as_str(),
            &envelope.sender,
            &envelope.control_id,
            &envelope.kind,
            envelope.patient_key.expose(),
            refusal.map_or("", |refusal| refusal.reason.code()),
            refusal.map_or("", |refusal| &refusal.place),
        ];
        let text_bytes = texts.iter().map(|text| text.len() + 4).sum::<usize>();
        let mut bytes = Vec::with_capacity(72 + text_bytes);
        bytes.extend_from_slice(envelope.trace.0.as_bytes());
        put_time(&mut bytes, envelope.received_at);
        bytes.extend_from_slice(&envelope.digest.0);
        bytes.extend_from_slice(&u32::try_from(envelope.body.expose().len()).ok()?.to_be_bytes());
        bytes.push(format_code(envelope.format));
        for text in texts {
            bytes.extend_from_slice(&u32::try_from(text.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Some(Self { bytes, refused: refusal.is_some() })
    }

    /// How long the whole header will be.
    pub(super) const fn header_len(&self) -> usize {
        PLACE_BYTES + self.bytes.len()
    }

    /// The whole header.
    pub(super) fn header(&self, place: &Place) -> Vec<u8> {
        let mut header = Vec::with_capacity(self.header_len());
        header.push(VERSION);
        header.extend_from_slice(&place.position.partition.0.to_be_bytes());
        header.extend_from_slice(&place.position.offset.0.to_be_bytes());
        put_time(&mut header, place.appended_at);
        let reused = if place.control_id_reused { REUSED } else { 0 };
        header.push(reused | if self.refused { REFUSED } else { 0 });
        header.extend_from_slice(&self.bytes);
        header
    }
}

/// Reads a header back. `None` when it is not in the form above, or its body has another length.
pub(super) fn decode(header: &[u8], body: &[u8]) -> Option<Entry> {
    let mut cursor = Cursor(header);
    if cursor.array::<1>()? != [VERSION] {
        return None;
    }
    let partition = PartitionId(u16::from_be_bytes(cursor.array()?));
    let offset = Offset(u64::from_be_bytes(cursor.array()?));
    let appended_at = cursor.time()?;
    let [flags] = cursor.array()?;
    if flags & !(REUSED | REFUSED) != 0 {
        return None;
    }
    let trace = TraceId(Uuid::from_bytes(cursor.array()?));
    let received_at = cursor.time()?;
    let digest = Digest(cursor.array()?);
    let body_len = u32::from_be_bytes(cursor.array()?);
    let [format] = cursor.array()?;
    let format = format_of(format)?;
    let feed = FeedName::parse(cursor.text()?).ok()?;
    let sender = cursor.text()?.to_owned();
    let control_id = cursor.text()?.to_owned();
    let kind = cursor.text()?.to_owned();
    let patient_key = Phi::from(cursor.text()?);
    let (reason, place) = (cursor.text()?, cursor.text()?.to_owned());
    let refusal = if flags & REFUSED == 0 { None } else { Some(Refusal { reason: Reason::parse(reason)?, place }) };
    if !cursor.0.is_empty() || usize::try_from(body_len) != Ok(body.len()) {
        return None;
    }
    Some(Entry {
        position: Position { partition, offset },
        appended_at,
        control_id_reused: flags & REUSED != 0,
        envelope: Envelope {
            trace,
            feed,
            format,
            sender,
            control_id,
            kind,
            patient_key,
            received_at,
            digest,
            refusal,
            body: Phi::new(Arc::from(body)),
        },
    })
}

/// The stable number of a format.
const fn format_code(format: Format) -> u8 {
    match format {
        Format::Hl7v2 => 1,
        Format::Dicom => 2,
        Format::ChineseMedicine => 3,
    }
}

/// The format of a number.
const fn format_of(code: u8) -> Option<Format> {
    match code {
        1 => Some(Format::Hl7v2),
        2 => Some(Format::Dicom),
        3 => Some(Format::ChineseMedicine),
        _ => None,
    }
}

/// Seconds and nanoseconds since 1970.
fn put_time(bytes: &mut Vec<u8>, time: Timestamp) {
    bytes.extend_from_slice(&time.as_second().to_be_bytes());
    bytes.extend_from_slice(&time.subsec_nanosecond().to_be_bytes());
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::from_be_bytes(self.array()?);
        Timestamp::new(seconds, i32::from_be_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        std::str::from_utf8(self.take(len)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        let body: Arc<[u8]> = Arc::from(b"MSH|^~\\&|\x00\xff".as_slice());
        Envelope {
            trace: TraceId(Uuid::from_u128(7)),
            feed: FeedName::parse("lab-1").expect("name"),
            format: Format::ChineseMedicine,
            sender: "陳|QMH".to_owned(),
            control_id: String::new(),
            kind: "ADT^A01".to_owned(),
            patient_key: Phi::from("QMH|H1"),
            received_at: Timestamp::new(-5, -7).expect("time"),
            digest: Digest::of(&body),
            refusal: Some(Refusal { reason: Reason::Undecodable, place: "MSH-18".to_owned() }),
            body: Phi::new(body),
        }
    }

    fn place() -> Place {
        Place {
            position: Position { partition: PartitionId(3), offset: Offset(u64::MAX) },
            appended_at: Timestamp::new(1_800_000_000, 123_456_789).expect("time"),
            control_id_reused: true,
        }
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let (envelope, place) = (envelope(), place());
        let header = Stub::of(&envelope).expect("stub").header(&place);
        let entry = decode(&header, envelope.body.expose()).expect("entry");
        assert_eq!(entry.position, place.position);
        assert_eq!(entry.appended_at, place.appended_at);
        assert!(entry.control_id_reused);
        assert_eq!(entry.envelope, envelope);
    }

    #[test]
    fn a_header_cut_anywhere_or_with_more_behind_is_no_header() {
        let envelope = envelope();
        let mut header = Stub::of(&envelope).expect("stub").header(&place());
        for cut in 0..header.len() {
            assert!(decode(&header[..cut], envelope.body.expose()).is_none(), "cut at {cut}");
        }
        header.push(0);
        assert!(decode(&header, envelope.body.expose()).is_none());
    }

    #[test]
    fn a_body_of_another_length_is_not_this_entry_s() {
        let envelope = envelope();
        let header = Stub::of(&envelope).expect("stub").header(&place());
        assert!(decode(&header, b"MSH").is_none());
    }
}
