//! An envelope as a Kafka message, and back.
//!
//! The value is the sender's bytes, untouched; of large ones, a claim to them. The key is feed, NUL, patient key: what chooses the partition. The
//! headers are those of CloudEvents and ours, all of them text, so that any Kafka tool can read the topic:
//!
//! | header | what |
//! | --- | --- |
//! | `ce_specversion` | `1.0` |
//! | `ce_id` | the trace id |
//! | `ce_source` | `/causeway/feed/` and the feed |
//! | `ce_type` | `causeway.`, the format, `.` and the kind of message, as `causeway.hl7v2.ORU^R01` |
//! | `ce_time` | when the last byte was received |
//! | `ce_subject` | the control id, where there is one; never a patient |
//! | `causeway_feed`, `causeway_format`, `causeway_sender`, `causeway_control_id` | as in the envelope |
//! | `causeway_digest` | SHA-256 of the sender's bytes |
//! | `causeway_claim` | their number, where the value is a claim to them (`claims`) and they are in the blob store |
//! | `causeway_refusal`, `causeway_refusal_place` | why the door refused what it kept; absent when it did not |
//! | `causeway_crc` | CRC32C over partition, time, key, the other headers and value |
//!
//! The checksum is made where the envelope enters and checked at every read, so that a bit flipped anywhere between,
//! a message moved to another partition or a header taken away is told, never skipped.

use std::str::FromStr as _;
use std::sync::Arc;

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, PartitionId, Refusal, TraceId};
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use jiff::Timestamp;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use uuid::Uuid;

use crate::log::claims::claim;

/// The header that holds the checksum.
const CRC: &str = "causeway_crc";
/// The most headers a message of ours has.
const HEADERS_MAX: usize = 15;

/// A message before it is sent.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Feed, NUL, patient key.
    pub(super) key: Phi<Vec<u8>>,
    /// The headers, the checksum last.
    pub(super) headers: OwnedHeaders,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// Bytes of key, headers and value.
    pub(super) bytes: usize,
}

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// It has no checksum of ours.
    #[error("it has no checksum: another program wrote it")]
    NoChecksum,
    /// The checksum does not hold.
    #[error("its checksum does not hold")]
    Checksum,
    /// The checksum holds, but a header is not in the form above: a newer version wrote it.
    #[error("its headers cannot be read: a newer version may have written it")]
    Headers,
}

/// Encodes an envelope for its partition.
pub(super) fn encode(envelope: &Envelope, partition: PartitionId, now: Timestamp) -> Encoded {
    // librdkafka takes 0 as "now", which the checksum would not cover.
    let time = now.as_millisecond().max(1);
    let key = [envelope.feed.as_str().as_bytes(), &[0], envelope.patient_key.expose().as_bytes()].concat();
    let body: &[u8] = envelope.body.expose();
    let format = envelope.format.as_str();
    let mut parts = Parts {
        headers: OwnedHeaders::new_with_capacity(HEADERS_MAX),
        crc: begin(partition, time, &key),
        bytes: key.len().saturating_add(body.len()),
    };
    parts = parts
        .put("ce_specversion", "1.0")
        .put("ce_id", &envelope.trace.to_string())
        .put("ce_source", &format!("/causeway/feed/{}", envelope.feed))
        .put("ce_type", &format!("causeway.{format}.{}", envelope.kind))
        .put("ce_time", &envelope.received_at.to_string());
    if !envelope.control_id.is_empty() {
        parts = parts.put("ce_subject", &envelope.control_id);
    }
    parts = parts
        .put("causeway_feed", envelope.feed.as_str())
        .put("causeway_format", format)
        .put("causeway_sender", &envelope.sender)
        .put("causeway_control_id", &envelope.control_id)
        .put("causeway_digest", &hexadecimal(&envelope.digest));
    if let Some(refusal) = &envelope.refusal {
        parts = parts.put("causeway_refusal", refusal.reason.code()).put("causeway_refusal_place", &refusal.place);
    }
    if let Some(blob) = claim(envelope) {
        parts = parts.put("causeway_claim", &blob.bytes.to_string());
    }
    let crc = checksum(parts.crc, body);
    let Parts { headers, bytes, .. } = parts.put(CRC, &crc);
    Encoded { key: Phi::new(key), headers, time, bytes }
}

/// Headers on their way.
struct Parts {
    headers: OwnedHeaders,
    crc: u32,
    bytes: usize,
}

impl Parts {
    /// Adds a header.
    fn put(self, name: &str, value: &str) -> Self {
        Self {
            headers: self.headers.insert(Header { key: name, value: Some(value) }),
            crc: add(add(self.crc, name.as_bytes()), value.as_bytes()),
            bytes: self.bytes.saturating_add(name.len()).saturating_add(value.len()),
        }
    }
}

/// A message as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a, H> {
    /// The partition it stands in.
    pub(super) partition: PartitionId,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// Its key.
    pub(super) key: &'a [u8],
    /// Its headers.
    pub(super) headers: &'a H,
    /// Its value.
    pub(super) body: &'a [u8],
}

/// Checks a message and gives the envelope back.
pub(super) fn decode<H: Headers>(stored: &Stored<'_, H>) -> Result<Envelope, Unreadable> {
    check(stored)?;
    fields(stored).ok_or(Unreadable::Headers)
}

/// Checks the checksum.
fn check<H: Headers>(stored: &Stored<'_, H>) -> Result<(), Unreadable> {
    let mut crc = begin(stored.partition, stored.time, stored.key);
    let mut said = None;
    for header in stored.headers.iter() {
        let value = header.value.unwrap_or_default();
        if header.key == CRC {
            said = Some(value);
        } else {
            crc = add(add(crc, header.key.as_bytes()), value);
        }
    }
    let said = said.ok_or(Unreadable::NoChecksum)?;
    if checksum(crc, stored.body).as_bytes() == said { Ok(()) } else { Err(Unreadable::Checksum) }
}

/// Takes the headers apart.
fn fields<H: Headers>(stored: &Stored<'_, H>) -> Option<Envelope> {
    let text = |name| {
        let header = stored.headers.iter().find(|header| header.key == name)?;
        std::str::from_utf8(header.value.unwrap_or_default()).ok()
    };
    let feed = FeedName::parse(text("causeway_feed")?).ok()?;
    let format = format_of(text("causeway_format")?)?;
    let kind = text("ce_type")?.strip_prefix("causeway.")?.strip_prefix(format.as_str())?.strip_prefix('.')?;
    let patient = stored.key.strip_prefix(feed.as_str().as_bytes())?.strip_prefix(&[0])?;
    let refusal = match text("causeway_refusal") {
        None => None,
        Some(code) => {
            let place = text("causeway_refusal_place")?.to_owned();
            Some(Refusal { reason: Reason::parse(code)?, place })
        }
    };
    Some(Envelope {
        trace: TraceId(Uuid::parse_str(text("ce_id")?).ok()?),
        feed,
        format,
        sender: text("causeway_sender")?.to_owned(),
        control_id: text("causeway_control_id")?.to_owned(),
        kind: kind.to_owned(),
        patient_key: Phi::from(std::str::from_utf8(patient).ok()?),
        received_at: Timestamp::from_str(text("ce_time")?).ok()?,
        digest: digest_of(text("causeway_digest")?)?,
        refusal,
        body: Phi::new(Arc::from(stored.body)),
    })
}

/// The checksum of what stands before the headers.
fn begin(partition: PartitionId, time: i64, key: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&partition.0.to_be_bytes());
    add(crc32c::crc32c_append(crc, &time.to_be_bytes()), key)
}

/// The checksum as it is written, with the value as its last part.
fn checksum(crc: u32, body: &[u8]) -> String {
    format!("{:08x}", add(crc, body))
}

/// Adds a part and its length, so that moving bytes from one part to the next changes the checksum.
fn add(crc: u32, part: &[u8]) -> u32 {
    let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &len.to_be_bytes()), part)
}

/// The format of a word.
fn format_of(word: &str) -> Option<Format> {
    [Format::Hl7v2, Format::Dicom, Format::ChineseMedicine].into_iter().find(|format| format.as_str() == word)
}

/// The digits of a digest: as its `Display`, in a fraction of the time.
fn hexadecimal(digest: &Digest) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    digest.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A digest of its hexadecimal digits.
fn digest_of(text: &str) -> Option<Digest> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Digest(bytes))
}

#[cfg(test)]
mod tests {
    use causeway_core::contract::log::envelope;

    use super::*;

    const LANE: PartitionId = PartitionId(3);

    fn encoded(envelope: &Envelope) -> Encoded {
        encode(envelope, LANE, Timestamp::from_second(1_000_000).expect("time"))
    }

    fn read(encoded: &Encoded, body: &[u8]) -> Result<Envelope, Unreadable> {
        let Encoded { key, headers, time, .. } = encoded;
        decode(&Stored { partition: LANE, time: *time, key: key.expose(), headers, body })
    }

    /// The headers with one changed: the name to change and its new value, `None` to leave it out.
    fn changed(headers: &OwnedHeaders, name: &str, value: Option<&[u8]>) -> OwnedHeaders {
        headers.iter().fold(OwnedHeaders::new(), |headers, header| match (header.key == name, value) {
            (true, None) => headers,
            (true, Some(value)) => headers.insert(Header { key: name, value: Some(value) }),
            (false, _) => headers.insert(Header { key: header.key, value: header.value }),
        })
    }

    #[test]
    fn any_tool_can_read_the_headers_and_none_of_them_names_the_patient() {
        let envelope = envelope(7, b"body");
        let encoded = encoded(&envelope);
        let headers: Vec<_> = encoded
            .headers
            .iter()
            .map(|header| (header.key.to_owned(), String::from_utf8_lossy(header.value.expect("value")).into_owned()))
            .collect();
        let text = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(text("ce_specversion"), Some("1.0"));
        assert_eq!(text("ce_id"), Some(envelope.trace.to_string().as_str()));
        assert_eq!(text("ce_source"), Some("/causeway/feed/lab"));
        assert_eq!(text("ce_type"), Some("causeway.hl7v2.ORU^R01"));
        assert_eq!(text("ce_time"), Some("1970-01-01T00:00:07Z"));
        assert_eq!(text("ce_subject"), Some("M7"));
        assert_eq!(text("causeway_digest"), Some(envelope.digest.to_string().as_str()));
        assert!(headers.iter().all(|(_, value)| !value.contains("H7")), "{headers:?}");
        assert_eq!(encoded.key.expose(), b"lab\0QMH|H7");
        let parts: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert_eq!(encoded.bytes, parts + encoded.key.expose().len() + 4);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_told() {
        let encoded = encoded(&envelope(1, b"a body"));
        assert_eq!(read(&encoded, b"a body"), Ok(envelope(1, b"a body")));
        let flip = |bytes: &[u8], bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        for bit in 0..6 * 8 {
            assert_eq!(read(&encoded, &flip(b"a body", bit)), Err(Unreadable::Checksum));
        }
        for header in encoded.headers.iter() {
            let value = header.value.expect("value");
            for bit in 0..value.len() * 8 {
                let headers = changed(&encoded.headers, header.key, Some(&flip(value, bit)));
                let stored = Stored {
                    partition: LANE,
                    time: encoded.time,
                    key: encoded.key.expose(),
                    headers: &headers,
                    body: b"a body",
                };
                assert_eq!(decode(&stored), Err(Unreadable::Checksum), "{} bit {bit}", header.key);
            }
        }
        for bit in 0..encoded.key.expose().len() * 8 {
            let key = flip(encoded.key.expose(), bit);
            let stored =
                Stored { partition: LANE, time: encoded.time, key: &key, headers: &encoded.headers, body: b"a body" };
            assert_eq!(decode(&stored), Err(Unreadable::Checksum), "key bit {bit}");
        }
    }

    #[test]
    fn another_partition_another_time_and_a_missing_header_are_told() {
        let encoded = encoded(&envelope(1, b"one"));
        let whole = Stored {
            partition: LANE,
            time: encoded.time,
            key: encoded.key.expose(),
            headers: &encoded.headers,
            body: b"one",
        };
        assert!(decode(&whole).is_ok());
        assert_eq!(decode(&Stored { partition: PartitionId(4), ..whole }), Err(Unreadable::Checksum));
        assert_eq!(decode(&Stored { time: encoded.time + 1, ..whole }), Err(Unreadable::Checksum));
        for name in ["ce_id", "causeway_sender", "ce_subject"] {
            let headers = changed(&encoded.headers, name, None);
            assert_eq!(decode(&Stored { headers: &headers, ..whole }), Err(Unreadable::Checksum), "{name}");
        }
        let headers = changed(&encoded.headers, CRC, None);
        assert_eq!(decode(&Stored { headers: &headers, ..whole }), Err(Unreadable::NoChecksum));
    }

    #[test]
    fn headers_of_a_newer_version_are_told_apart_from_damage() {
        let envelope = envelope(1, b"one");
        let known = encoded(&envelope);
        // A format this version does not know, with a checksum that holds.
        let bare = changed(&known.headers, CRC, None);
        let headers = changed(&bare, "causeway_format", Some(b"fax"));
        let crc = headers.iter().fold(begin(LANE, known.time, known.key.expose()), |crc, header| {
            add(add(crc, header.key.as_bytes()), header.value.expect("value"))
        });
        let crc = checksum(crc, b"one");
        let headers = headers.insert(Header { key: CRC, value: Some(&crc) });
        let stored =
            Stored { partition: LANE, time: known.time, key: known.key.expose(), headers: &headers, body: b"one" };
        assert_eq!(decode(&stored), Err(Unreadable::Headers));
    }
}
