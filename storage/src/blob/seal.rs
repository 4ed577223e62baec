//! How a blob is stored, on every engine: its bytes as they came, and behind them a table of checksums.
//!
//! The address of a blob can only be checked by reading all of it. So that a part of a large image can be served without
//! that, and still never with a wrong bit, each chunk has a checksum of its own:
//!
//! | bytes | what |
//! | --- | --- |
//! | *n* | the blob |
//! | 4 for each chunk of 64 KiB, the last one shorter | CRC-32C of the chunk, little endian |
//! | 8 | *n*, little endian |
//! | 4 | CRC-32C of the table and of *n*, little endian |
//! | 8 | `CWBLOB1` and a line feed |
//!
//! *n* follows from the size of the whole, so a listing needs no look inside; `head -c n` gives the blob back.

use std::ops::Range;

use causeway_core::envelope::Digest;
use causeway_core::port::{Blob, BlobError};
use sha2::{Digest as _, Sha256};

/// Bytes under one checksum.
const CHUNK: u64 = 64 << 10;
/// Bytes of one checksum.
const SUM: u64 = 4;
/// Bytes behind the table.
const FOOTER: u64 = 8 + 4 + 8;
/// What the last bytes are.
const MAGIC: &[u8; 8] = b"CWBLOB1\n";

/// A blob on its way in: its digest and its table so far. The table takes 64 bytes of memory for each MiB.
#[derive(Debug)]
pub(in crate::blob) struct Sealing {
    digest: Sha256,
    table: Vec<u8>,
    bytes: u64,
    /// Checksum of the chunk that is not full yet.
    sum: u32,
    bytes_max: u64,
    /// A write failed: what was taken is not all that was given.
    spoilt: bool,
}

impl Sealing {
    /// Nothing yet; at most so many bytes.
    pub(in crate::blob) fn new(bytes_max: u64) -> Self {
        Self { digest: Sha256::new(), table: Vec::new(), bytes: 0, sum: 0, bytes_max, spoilt: false }
    }

    /// Whether so many more bytes may come.
    ///
    /// # Errors
    /// `TooLong`, and there will be no end.
    pub(in crate::blob) fn admit(&mut self, bytes: usize) -> Result<(), BlobError> {
        if self.bytes.saturating_add(bytes as u64) <= self.bytes_max {
            return Ok(());
        }
        self.spoilt = true;
        Err(BlobError::TooLong { bytes_max: self.bytes_max })
    }

    /// Takes the next bytes, which were admitted.
    pub(in crate::blob) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = usize::try_from(CHUNK - self.bytes % CHUNK).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.sum = crc32c::crc32c_append(self.sum, now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(CHUNK) {
                self.close_chunk();
            }
            rest = later;
        }
    }

    /// Some of what was taken could not be stored: there will be no end.
    pub(in crate::blob) const fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// The blob, and what is to be stored behind its bytes.
    ///
    /// # Errors
    /// `Unavailable` when an earlier write had failed.
    pub(in crate::blob) fn finish(mut self) -> Result<(Blob, Vec<u8>), BlobError> {
        if self.spoilt {
            return Err(BlobError::Unavailable { cause: "an earlier write of this blob had failed".to_owned() });
        }
        if !self.bytes.is_multiple_of(CHUNK) {
            self.close_chunk();
        }
        let blob = Blob { digest: Digest(self.digest.finalize().into()), bytes: self.bytes };
        let mut trailer = self.table;
        trailer.extend(self.bytes.to_le_bytes());
        trailer.extend(crc32c::crc32c(&trailer).to_le_bytes());
        trailer.extend(MAGIC);
        Ok((blob, trailer))
    }

    fn close_chunk(&mut self) {
        self.table.extend(self.sum.to_le_bytes());
        self.sum = 0;
    }
}

/// The size of the blob whose stored form has this size; `None` when no blob has.
pub(in crate::blob) fn size_of(stored: u64) -> Option<u64> {
    let both = stored.checked_sub(FOOTER)?;
    let chunks = both.div_ceil(CHUNK + SUM);
    let bytes = both.checked_sub(chunks * SUM)?;
    (bytes.div_ceil(CHUNK) == chunks).then_some(bytes)
}

/// The checksums of one stored blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::blob) struct Table {
    bytes: u64,
    sums: Vec<u32>,
}

impl Table {
    /// Where the table stands in a stored form of this size.
    ///
    /// # Errors
    /// What does not hold.
    pub(in crate::blob) fn place(stored: u64) -> Result<Range<u64>, String> {
        let bytes = size_of(stored).ok_or_else(|| format!("nothing that was stored whole has {stored} bytes"))?;
        Ok(bytes..stored)
    }

    /// Reads what stands there.
    ///
    /// # Errors
    /// What does not hold.
    pub(in crate::blob) fn parse(stored: u64, trailer: &[u8]) -> Result<Self, String> {
        let place = Self::place(stored)?;
        let bad = || "its table of checksums does not hold".to_owned();
        let rest = trailer.strip_suffix(MAGIC).ok_or_else(bad)?;
        let (covered, sum) = rest.split_last_chunk::<4>().ok_or_else(bad)?;
        let (table, bytes) = covered.split_last_chunk::<8>().ok_or_else(bad)?;
        let sums: Vec<u32> = table.as_chunks::<4>().0.iter().map(|sum| u32::from_le_bytes(*sum)).collect();
        let whole = crc32c::crc32c(covered) == u32::from_le_bytes(*sum)
            && u64::from_le_bytes(*bytes) == place.start
            && trailer.len() as u64 == place.end - place.start;
        if whole { Ok(Self { bytes: place.start, sums }) } else { Err(bad()) }
    }

    /// A range of nothing: the digest of no bytes is checked as any other.
    ///
    /// # Errors
    /// `Damaged`.
    pub(in crate::blob) fn empty(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let wrong = self.bytes == 0 && *digest != Digest::of(b"");
        if wrong { Err(damaged(digest, "it is empty")) } else { Ok(Vec::new()) }
    }

    /// The part that must be read, to check and give `bytes_max` bytes from `from` on; `None` when there are none.
    pub(in crate::blob) fn span(&self, from: u64, bytes_max: usize) -> Option<Range<u64>> {
        let until = from.saturating_add(u64::try_from(bytes_max).unwrap_or(u64::MAX)).min(self.bytes);
        let aligned = until.div_ceil(CHUNK).saturating_mul(CHUNK).min(self.bytes);
        (from < until).then(|| from - from % CHUNK..aligned)
    }

    /// Checks what was read of `span` and leaves just what was asked for.
    ///
    /// # Errors
    /// `Damaged`, with the place.
    pub(in crate::blob) fn check(
        &self,
        digest: &Digest,
        span: &Range<u64>,
        mut read: Vec<u8>,
        from: u64,
        bytes_max: usize,
    ) -> Result<Vec<u8>, BlobError> {
        if read.len() as u64 != span.end - span.start {
            return Err(damaged(digest, "it is shorter than it was"));
        }
        let first = usize::try_from(span.start / CHUNK).unwrap_or(usize::MAX);
        let sums = self.sums.iter().skip(first);
        for (at, (chunk, sum)) in (span.start..).step_by(1 << 16).zip(read.chunks(1 << 16).zip(sums)) {
            if crc32c::crc32c(chunk) != *sum {
                return Err(damaged(digest, format!("the bytes from {at} on are not those stored")));
            }
        }
        let whole = *span == (0..self.bytes);
        if whole && Digest::of(&read) != *digest {
            return Err(damaged(digest, "its bytes have another digest"));
        }
        let before = usize::try_from(from - span.start).unwrap_or(usize::MAX);
        read.drain(..before.min(read.len()));
        read.truncate(bytes_max);
        Ok(read)
    }
}

/// What is stored is not what its address says.
pub(in crate::blob) fn damaged(digest: &Digest, what: impl Into<String>) -> BlobError {
    BlobError::Damaged { digest: *digest, what: what.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(bytes: &[u8], piece: usize) -> (Blob, Vec<u8>) {
        let mut sealing = Sealing::new(u64::MAX);
        for piece in bytes.chunks(piece.max(1)) {
            sealing.admit(piece.len()).expect("room");
            sealing.update(piece);
        }
        let (blob, trailer) = sealing.finish().expect("whole");
        (blob, [bytes, &trailer].concat())
    }

    fn open(stored: &[u8]) -> Result<Table, String> {
        let place = Table::place(stored.len() as u64)?;
        let trailer = usize::try_from(place.start).map_err(|error| error.to_string())?;
        Table::parse(stored.len() as u64, &stored[trailer..])
    }

    #[test]
    fn the_size_follows_from_the_stored_size_and_from_no_other() {
        for bytes in (0..400_000_u64).step_by(997).chain([CHUNK - 1, CHUNK, CHUNK + 1, 1 << 40, (1 << 40) + 1]) {
            let stored = bytes + bytes.div_ceil(CHUNK) * SUM + FOOTER;
            assert_eq!(size_of(stored), Some(bytes));
        }
        for stored in [0, 1, FOOTER - 1, FOOTER + 1, FOOTER + SUM, FOOTER + CHUNK + SUM + 1] {
            assert_eq!(size_of(stored), None, "{stored}");
        }
    }

    #[test]
    fn a_blob_sealed_in_whatever_pieces_has_one_stored_form() {
        let bytes: Vec<u8> = (0..200_001_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let whole = stored(&bytes, bytes.len());
        assert_eq!(whole.0, Blob { digest: Digest::of(&bytes), bytes: 200_001 });
        for piece in [1, 1000, 65_536, 65_537] {
            assert!(stored(&bytes, piece) == whole, "pieces of {piece}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn no_flipped_bit_gets_through(seed in any::<u8>(), length in 1_usize..150_000, place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let bytes = vec![seed; length];
            let (blob, mut stored) = stored(&bytes, 4096);
            let place = place.index(stored.len());
            stored[place] ^= 1 << bit;
            let checked = open(&stored).map_err(|what| damaged(&blob.digest, what)).and_then(|table| {
                let span = table.span(0, usize::MAX).expect("not empty");
                let end = usize::try_from(span.end).expect("small");
                table.check(&blob.digest, &span, stored[..end].to_vec(), 0, usize::MAX)
            });
            let told = matches!(checked, Err(BlobError::Damaged { .. }));
            prop_assert!(told);
        }
    }
}
