//! One thing received: its bytes untouched, with what the walk needs to know about it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::phi::Phi;
use crate::reason::Reason;

/// The name of a configured feed: 1 to 40 of `a-z 0-9 -`, starting with a letter. Safe as a metric label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FeedName(Arc<str>); // INVARIANT: matches the grammar above; only `parse` builds it.

/// A feed name outside its grammar.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no feed name: 1 to 40 of a-z, 0-9 and -, starting with a letter")]
pub struct FeedNameError(pub String);

impl FeedName {
    /// Checks the grammar.
    pub fn parse(name: &str) -> Result<Self, FeedNameError> {
        let good = (1..=40).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good { Ok(Self(name.into())) } else { Err(FeedNameError(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FeedName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What the bytes of an envelope are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// HL7 v2 in its pipe encoding.
    Hl7v2,
    /// A claim to DICOM objects in the blob store.
    Dicom,
    /// A Chinese-medicine record.
    ChineseMedicine,
}

impl Format {
    /// The stable word used in topics, labels and storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hl7v2 => "hl7v2",
            Self::Dicom => "dicom",
            Self::ChineseMedicine => "chinese-medicine",
        }
    }
}

/// SHA-256 of the bytes as they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digests `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads what [`fmt::Display`] writes: 64 lower-case hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        Some(Self(bytes))
    }
}

/// The value of a lower-case hexadecimal digit.
const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Follows one envelope from the first byte to the record: a UUID version 7, shown in every trace, log line and header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceId(pub Uuid);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lane of the log. Order is kept inside a partition and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u16);

/// A place in a partition: 0 for its first entry, gap-free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where an entry stands in the log. Written `partition:offset` by the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The lane.
    pub partition: PartitionId,
    /// The place in it.
    pub offset: Offset,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition.0, self.offset.0)
    }
}

/// Why the door answered no, for an envelope that is kept all the same so that an operator can see and repair it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason given to the sender.
    pub reason: Reason,
    /// The place in the message, as `PID-3` or `MSH-18`; empty when it is the whole message. Never a value.
    pub place: String,
}

/// One thing received. The bytes are never altered between the wire and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Follows it everywhere.
    pub trace: TraceId,
    /// The feed it came by.
    pub feed: FeedName,
    /// What the bytes are.
    pub format: Format,
    /// Who says it sent it: MSH-3 and MSH-4 as `application|facility`, or the calling AE title. Bounded by the door.
    pub sender: String,
    /// MSH-10, decoded and otherwise verbatim. Identifies a resend together with feed, sender and digest.
    pub control_id: String,
    /// The kind of message, as `ADT^A01`.
    pub kind: String,
    /// Whom it is about, as far as the door can tell, e.g. `QMH|H2001`: chooses the partition, so that one
    /// patient's messages of one feed stay in order. Empty when no patient could be read.
    pub patient_key: Phi<String>,
    /// When the last byte was read, UTC.
    pub received_at: Timestamp,
    /// Of `body`.
    pub digest: Digest,
    /// Set when the door refused it but kept it.
    pub refusal: Option<Refusal>,
    /// The bytes as they came, without transport framing.
    pub body: Phi<Arc<[u8]>>,
}

impl Envelope {
    /// The partition of this envelope among `partitions`: the same for all messages of one feed and patient.
    pub fn partition(&self, partitions: u16) -> PartitionId {
        partition_of(&self.feed, self.patient_key.expose(), partitions)
    }
}

/// FNV-1a over feed and patient, so that the choice is stable across processes, versions and machines.
pub fn partition_of(feed: &FeedName, patient_key: &str, partitions: u16) -> PartitionId {
    let bytes = feed.as_str().bytes().chain(std::iter::once(0)).chain(patient_key.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let lane = (hash ^ (hash >> 32)) % u64::from(partitions.max(1));
    PartitionId(u16::try_from(lane).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feed_names_are_safe_as_labels() {
        assert_eq!(FeedName::parse("hospital-a").map(|n| n.to_string()), Ok("hospital-a".to_owned()));
        for bad in ["", "A", "1a", "a b", "a\"", "é", &"a".repeat(41)] {
            assert!(FeedName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_written_and_in_no_other_way() {
        let digest = Digest::of(b"anything");
        let hex = digest.to_string();
        assert_eq!(Digest::parse(&hex), Some(digest));
        for bad in [
            &hex.to_uppercase(),
            &hex.replacen(char::is_alphanumeric, "", 2),
            &format!("{hex}0"),
            &format!("{hex}00"),
            "",
            &"g".repeat(64),
        ] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn partitions_are_stable_and_spread() {
        let feed = FeedName::parse("lab").expect("name");
        let first: Vec<_> = (0..1000).map(|i| partition_of(&feed, &format!("Q{i}"), 4).0).collect();
        // Pinned: a change here would move patients between lanes on upgrade.
        assert_eq!(partition_of(&feed, "Q1", 4), partition_of(&feed, "Q1", 4));
        for lane in 0..4 {
            let share = first.iter().filter(|l| **l == lane).count();
            assert!((150..350).contains(&share), "lane {lane} got {share} of 1000");
        }
    }
}
