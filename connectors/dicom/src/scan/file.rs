//! How a file begins: preamble, prefix and File Meta Information (DICOM PS3.10 section 7.1), or nothing of these.

use causeway_core::dicom::tag::Tag;
use causeway_core::dicom::uid::Uid;

use super::walk::{Walk, Walked};
use super::{ScanFault, ScanLimits};
use crate::syntax::{Coding, Syntax};

/// Bytes before the prefix.
const PREAMBLE: usize = 128;
/// Stands behind the preamble.
const PREFIX: &[u8] = b"DICM";
/// File Meta Information longer than this is none.
const META_BYTES_MAX: u64 = 64 << 10;
/// Preamble and prefix.
const START: usize = PREAMBLE + PREFIX.len();

/// What the File Meta Information says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Media Storage SOP Class UID.
    pub sop_class: Option<Uid>,
    /// Media Storage SOP Instance UID.
    pub sop_instance: Option<Uid>,
    /// Transfer Syntax UID.
    pub transfer_syntax: Uid,
    /// Bytes before the data set, preamble and prefix included.
    pub bytes: u64,
}

/// A file whose data set has not begun.
#[derive(Debug)]
pub(super) struct Opening {
    start: Vec<u8>,
    meta: Option<Walk>,
    limits: ScanLimits,
}

/// A file whose data set begins.
pub(super) struct Opened {
    pub(super) meta: Option<Meta>,
    pub(super) syntax: Syntax,
    /// Bytes of the data set read already, before those not used.
    pub(super) rest: Vec<u8>,
    /// How many of the last bytes fed were used.
    pub(super) used: usize,
}

impl Opening {
    pub(super) fn new(limits: ScanLimits) -> Self {
        Self { start: Vec::with_capacity(START), meta: None, limits }
    }

    /// Takes the next bytes, until the data set begins.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Opened>, ScanFault> {
        let mut used = 0;
        if self.meta.is_none() {
            used = bytes.len().min(START.saturating_sub(self.start.len()));
            self.start.extend_from_slice(bytes.get(..used).unwrap_or_default());
            if self.start.len() < START {
                return Ok(None);
            }
            if self.start.get(PREAMBLE..) != Some(PREFIX) {
                return self.bare(used).map(Some);
            }
        }
        let walk = self.meta.get_or_insert_with(|| Walk::new(Coding::EXPLICIT, self.limits, true));
        used += walk.take(bytes.get(used..).unwrap_or_default())?;
        if walk.at() > META_BYTES_MAX {
            return Err(ScanFault::BadMeta { what: "it does not end" });
        }
        let at = walk.at();
        let Some((walked, head)) = walk.over() else { return Ok(None) };
        let before = at.saturating_sub(u64::try_from(head.len()).unwrap_or(0));
        let meta = meta(&walked, before)?;
        Ok(Some(Opened { syntax: Syntax::of(&meta.transfer_syntax), meta: Some(meta), rest: head, used }))
    }

    /// The file has ended already: a bare data set shorter than a preamble.
    pub(super) fn finish(self) -> Result<Opened, ScanFault> {
        if self.meta.is_some() {
            return Err(ScanFault::BadMeta { what: "the file ends before its data set" });
        }
        self.bare(0)
    }

    /// A data set without anything before it.
    fn bare(&self, used: usize) -> Result<Opened, ScanFault> {
        let rest = self.start.clone();
        let coding = guess(&rest).ok_or(ScanFault::BadMeta { what: "neither a file nor a data set" })?;
        Ok(Opened { meta: None, syntax: Syntax { coding, deflated: false }, rest, used })
    }
}

/// Tells the syntax of a bare data set from its first element, which is of group 0008 in most and of a low one in all.
fn guess(bytes: &[u8]) -> Option<Coding> {
    let [a, b, _, _, e, f, ..] = bytes else { return None };
    let explicit = e.is_ascii_uppercase() && f.is_ascii_uppercase();
    match (u16::from_le_bytes([*a, *b]), explicit) {
        (0x0001..=0x00FF, true) => Some(Coding::EXPLICIT),
        (0x0001..=0x00FF, false) => Some(Coding::IMPLICIT),
        _ if explicit && *a == 0 => Some(Coding::BIG),
        _ => None,
    }
}

fn meta(walked: &Walked, bytes: u64) -> Result<Meta, ScanFault> {
    let uid = |element: u16| {
        let value = walked.kept.iter().find(|(tag, _)| *tag == Tag(0x0002, element));
        value.and_then(|(_, value)| Uid::of_value(value).ok())
    };
    let transfer_syntax = uid(0x0010).ok_or(ScanFault::BadMeta { what: "it names no transfer syntax" })?;
    let start = u64::try_from(START).unwrap_or(0);
    Ok(Meta { sop_class: uid(0x0002), sop_instance: uid(0x0003), transfer_syntax, bytes: bytes.saturating_add(start) })
}
