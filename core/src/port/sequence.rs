//! What is remembered of a feed that numbers its messages.

use crate::envelope::Digest;

/// The sequence number last taken from a feed (MSH-13; HL7 v2.9.1, §2.10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The number.
    pub number: u64,
    /// What came under it; `None` when that was refused, so that something else may come under the same number.
    pub digest: Option<Digest>,
}
