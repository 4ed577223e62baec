//! What makes an entry tell of its own damage: a checksum over all of it, and a chain through the entries of a lane.
//!
//! The chain is h(n) = SHA-256(h(n-1) ‖ canonical header ‖ digest of the body), and begins with SHA-256(log id ‖
//! partition), so that neither a lane nor a log can be put in the place of another. The checksum is CRC32C over
//! body ‖ canonical header ‖ h(n): cheap enough for every read, and it finds each flip of up to 32 bits in a row.

use causeway_core::envelope::{Digest, PartitionId, Position};
use causeway_core::port::{Entry, LogError};
use sha2::{Digest as _, Sha256};

use super::{fault, header};

/// The random name of a log, given when it is created.
pub(super) type LogId = [u8; 16];

/// A link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain(pub(super) [u8; 32]);

impl Chain {
    /// What stands before the first entry of a lane.
    pub(super) fn start(log: &LogId, partition: PartitionId) -> Self {
        let hash = Sha256::new().chain_update(log).chain_update(partition.0.to_be_bytes());
        Self(hash.finalize().into())
    }

    /// The link of the next entry.
    pub(super) fn next(&self, header: &[u8], digest: &Digest) -> Self {
        let hash = Sha256::new().chain_update(self.0).chain_update(header).chain_update(digest.0);
        Self(hash.finalize().into())
    }

    /// A link as stored.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The checksum of an entry whose body has the checksum `body`.
pub(super) fn checksum(body: u32, header: &[u8], chain: &Chain) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(body, header), &chain.0)
}

/// An entry as stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    /// Its checksum.
    pub(super) crc: i64,
    /// Its link.
    pub(super) chain: &'a [u8],
    /// Its canonical header.
    pub(super) header: &'a [u8],
    /// Its body.
    pub(super) body: &'a [u8],
}

impl Stored<'_> {
    /// Checks the entry that should stand at `position`, and that it follows `previous` where that is known.
    pub(super) fn check(&self, position: Position, previous: Option<&Chain>) -> Result<(Entry, Chain), LogError> {
        let damaged = |what: &str| fault::damaged(position.partition, position.offset, what);
        let chain = Chain::read(self.chain).ok_or_else(|| damaged("its chain is cut"))?;
        if self.crc != i64::from(checksum(crc32c::crc32c(self.body), self.header, &chain)) {
            return Err(damaged("its checksum does not hold"));
        }
        let entry = header::decode(self.header, self.body).ok_or_else(|| damaged("its header cannot be read"))?;
        if entry.position != position {
            return Err(damaged("another entry stands in its place"));
        }
        if previous.is_some_and(|previous| previous.next(self.header, &entry.envelope.digest) != chain) {
            return Err(damaged("the chain does not hold"));
        }
        Ok((entry, chain))
    }
}
