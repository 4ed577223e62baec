//! The claim: what stands in the log for an instance whose bytes are in the blob store.
//!
//! It is made of the instance alone, never of the association it came by: the same instance sent again makes the same
//! bytes, so the log knows a resend of an image as it knows one of a message.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::tag::{self, Tag};
use super::uid::Uid;
use crate::envelope::Digest;
use crate::phi::Phi;

/// The version of the format.
const VERSION: u32 = 1;

/// What is claimed of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The version of this format.
    pub v: u32,
    /// The address of the file in the blob store: SHA-256 of preamble, File Meta Information of ours, and the data set as it
    /// came.
    #[serde(with = "hex_digest")]
    pub blob: Digest,
    /// The file's bytes.
    pub bytes: u64,
    /// The bytes before the data set.
    pub data_set_at: u64,
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// Transfer Syntax UID.
    pub transfer_syntax: Uid,
    /// Numbers of the header begin with their high byte.
    #[serde(default, skip_serializing_if = "is_false")]
    pub big_endian: bool,
    /// The values kept of the header, as they came, in hexadecimal.
    pub header: BTreeMap<Tag, Phi<String>>,
    /// Values of the header that were too long to keep.
    #[serde(default, skip_serializing_if = "is_none")]
    pub dropped: u32,
    /// The elements up to the pixels as they came, without long values, in base64 ([`super::element`] reads them). Missing
    /// when they were too long, and in claims written before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extract: Option<Phi<String>>,
    /// Where the pixels stand in the file, if there are any and their place is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<Pixels>,
}

/// Where pixels stand, counted from the first byte of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// All frames, one after the other: place and bytes.
    Native(u64, u64),
    /// The Basic Offset Table and the fragments, each with place and bytes.
    Encapsulated {
        /// Place and bytes of the table.
        table: (u64, u64),
        /// Place and bytes of each fragment; none when there were too many to keep.
        fragments: Vec<(u64, u64)>,
        /// How many fragments there are.
        count: u32,
    },
}

/// A claim that cannot be read. It tells no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the claim cannot be read: {0}")]
pub struct ClaimFault(String);

impl Claim {
    /// The version this code writes.
    pub const VERSION: u32 = VERSION;

    /// As bytes: the same claim gives the same ones.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// They are no claim, or one of a later version.
    pub fn read(bytes: &[u8]) -> Result<Self, ClaimFault> {
        let place = |error: serde_json::Error| ClaimFault(format!("line {}, column {}", error.line(), error.column()));
        let claim: Self = serde_json::from_slice(bytes).map_err(place)?;
        if claim.v > VERSION {
            return Err(ClaimFault(format!("it is of version {}, and this binary knows {VERSION}", claim.v)));
        }
        Ok(claim)
    }

    /// A value of the header, as it came.
    pub fn value(&self, tag: Tag) -> Option<Vec<u8>> {
        self.header.get(&tag).and_then(|value| from_hex(value.expose()))
    }

    /// A value that is plain ASCII by its representation: the first of several, without padding. Empty when it is not there.
    pub fn plain(&self, tag: Tag) -> String {
        let value = self.value(tag).unwrap_or_default();
        let text: String = value.iter().filter(|byte| byte.is_ascii()).map(|byte| char::from(*byte)).collect();
        text.split('\\').next().unwrap_or_default().trim_matches([' ', '\0']).to_owned()
    }

    /// A number of VR US.
    pub fn short(&self, tag: Tag) -> Option<u16> {
        let value = self.value(tag)?;
        let [a, b, ..] = value.as_slice() else { return None };
        let read = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        Some(read([*a, *b]))
    }

    /// The bytes of the extract.
    pub fn extracted(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.extract.as_ref()?.expose()).ok()
    }

    /// Specific Character Set, as it came.
    pub fn character_set(&self) -> Option<Vec<u8>> {
        self.value(tag::SPECIFIC_CHARACTER_SET)
    }
}

/// An extract, as it stands in a claim.
pub fn extract(bytes: &[u8]) -> Phi<String> {
    Phi::new(STANDARD.encode(bytes))
}

/// Bytes in hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            break;
        }
    }
    text
}

/// Bytes of hexadecimal text.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let pairs = digits?;
    if !pairs.len().is_multiple_of(2) {
        return None;
    }
    pairs
        .chunks(2)
        .map(|pair| matches!(pair, [_, _]).then(|| pair.iter().fold(0, |byte, digit| byte << 4 | digit)))
        .collect()
}

pub(super) mod hex_digest {
    //! A digest as text.

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Digest, from_hex};

    pub(in crate::dicom) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(in crate::dicom) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let bytes = from_hex(&String::deserialize(deserializer)?).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Digest).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_none(value: &u32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let uid = |text: &str| Uid::parse(text).expect("a uid");
        Claim {
            v: 1,
            blob: Digest::of(b"x"),
            bytes: 1000,
            data_set_at: 300,
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: uid("1.2.3"),
            study: uid("1.2.4"),
            series: uid("1.2.5"),
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            big_endian: false,
            header: [(tag::PATIENT_NAME, Phi::new(to_hex(b"CHAN^TAI MAN"))), (tag::ROWS, Phi::new("0002".to_owned()))]
                .into(),
            dropped: 0,
            extract: Some(extract(b"\x08\0\x05\0")),
            pixels: Some(Pixels::Native(700, 300)),
        }
    }

    #[test]
    fn a_claim_reads_back_and_shows_nobody() {
        let claim = claim();
        assert_eq!(Claim::read(&claim.to_bytes()), Ok(claim.clone()));
        assert_eq!((claim.plain(tag::PATIENT_NAME).as_str(), claim.short(tag::ROWS)), ("CHAN^TAI MAN", Some(512)));
        assert_eq!(claim.extracted().as_deref(), Some(&b"\x08\0\x05\0"[..]));
        assert!(!format!("{claim:?}").contains("CHAN") && !format!("{claim:?}").contains("4348414e"));
    }

    #[test]
    fn what_is_no_claim_is_refused_by_its_place() {
        assert!(Claim::read(b"{").is_err());
        let later = String::from_utf8(claim().to_bytes()).expect("text").replacen("\"v\":1", "\"v\":2", 1);
        assert!(Claim::read(later.as_bytes()).expect_err("a later one").to_string().contains("version 2"));
        assert_eq!(from_hex("0g"), None);
        assert_eq!(from_hex("012"), None);
    }
}
