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

#[cfg(test)]
mod tests {
    use causeway_core::contract::log::envelope;
    use causeway_core::envelope::{Envelope, Offset};
    use jiff::Timestamp;

    use super::*;
    use crate::log::embedded::header::{Place, Stub};

    /// A sealed entry: checksum, link, header.
    fn sealed(envelope: &Envelope, position: Position, previous: &Chain) -> (i64, Chain, Vec<u8>) {
        let place = Place { position, appended_at: Timestamp::UNIX_EPOCH, control_id_reused: false };
        let header = Stub::of(envelope).expect("stub").header(&place);
        let chain = previous.next(&header, &envelope.digest);
        (i64::from(checksum(crc32c::crc32c(envelope.body.expose()), &header, &chain)), chain, header)
    }

    fn at(offset: u64) -> Position {
        Position { partition: PartitionId(1), offset: Offset(offset) }
    }

    /// What the check says of the entry, in words.
    fn verdict(stored: &Stored<'_>, position: Position, previous: Option<&Chain>) -> Result<(), String> {
        match stored.check(position, previous) {
            Ok(_) => Ok(()),
            Err(LogError::Damaged { partition, offset, what }) => {
                assert_eq!(Position { partition, offset }, position);
                Err(what)
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn an_entry_is_good_in_its_place_and_after_the_one_before_and_nowhere_else() {
        let envelope = envelope(1, b"one");
        let start = Chain::start(&[7; 16], PartitionId(1));
        let (crc, chain, header) = sealed(&envelope, at(5), &start);
        let stored = Stored { crc, chain: &chain.0, header: &header, body: envelope.body.expose() };
        assert_eq!(verdict(&stored, at(5), Some(&start)), Ok(()));
        assert_eq!(verdict(&stored, at(5), None), Ok(()));
        assert_eq!(verdict(&stored, at(6), None), Err("another entry stands in its place".to_owned()));
        for other in [Chain::start(&[7; 16], PartitionId(2)), Chain::start(&[8; 16], PartitionId(1)), chain] {
            assert_eq!(verdict(&stored, at(5), Some(&other)), Err("the chain does not hold".to_owned()));
        }
    }

    #[test]
    fn every_flipped_bit_of_an_entry_breaks_its_checksum() {
        let envelope = envelope(1, b"a body of some length");
        let (crc, chain, header) = sealed(&envelope, at(0), &Chain([0; 32]));
        let whole = [envelope.body.expose(), header.as_slice(), &chain.0].concat();
        let (body_len, header_end) = (envelope.body.expose().len(), envelope.body.expose().len() + header.len());
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (body, header) = (&flipped[..body_len], &flipped[body_len..header_end]);
            let stored = Stored { crc, chain: &flipped[header_end..], header, body };
            assert_eq!(verdict(&stored, at(0), None), Err("its checksum does not hold".to_owned()), "bit {bit}");
        }
        for bit in 0..64 {
            let stored = Stored { crc: crc ^ 1 << bit, chain: &chain.0, header: &header, body: envelope.body.expose() };
            assert!(verdict(&stored, at(0), None).is_err());
        }
    }

    #[test]
    fn what_was_changed_with_a_new_checksum_still_breaks_the_chain() {
        let (one, other) = (envelope(1, b"one"), envelope(1, b"two"));
        let start = Chain::start(&[7; 16], PartitionId(1));
        let (_, chain, _) = sealed(&one, at(0), &start);
        // Someone puts other bytes and a header to match, keeps the link, and mends the checksum.
        let (_, _, header) = sealed(&other, at(0), &start);
        let crc = i64::from(checksum(crc32c::crc32c(other.body.expose()), &header, &chain));
        let stored = Stored { crc, chain: &chain.0, header: &header, body: other.body.expose() };
        assert_eq!(verdict(&stored, at(0), Some(&start)), Err("the chain does not hold".to_owned()));
    }
}
