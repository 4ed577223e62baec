//! The store of large things: documents and images, each under the digest of its bytes.
//!
//! An address says what it holds: the same bytes stored twice are one blob, and a blob is never changed. Who may read one
//! is decided by whoever holds the record or the claim that names it; the store itself knows nobody.

use std::sync::Arc;

use jiff::Timestamp;

use crate::disposition::Disposition;
use crate::envelope::Digest;

/// A blob that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blob {
    /// Its address: SHA-256 of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A blob as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRow {
    /// The blob.
    pub blob: Blob,
    /// When it was stored last.
    pub stored_at: Timestamp,
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It cannot be reached now, or refuses work; nothing is known to be stored.
    #[error("the blob store is unavailable: {cause}")]
    Unavailable {
        /// What the engine said.
        cause: String,
    },
    /// There is no room left.
    #[error("the blob store is full: {cause}")]
    Full {
        /// What the engine said.
        cause: String,
    },
    /// More bytes than one blob may have.
    #[error("a blob may have {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// A write or sync failed: what was written last may be lost, and nothing may be acknowledged on it.
    #[error("the blob could not be made durable: {cause}")]
    Sync {
        /// What the engine said.
        cause: String,
    },
    /// No blob has this address.
    #[error("there is no blob {digest}")]
    Missing {
        /// The address.
        digest: Digest,
    },
    /// What is stored is not what its address says.
    #[error("the blob {digest} is damaged: {what}")]
    Damaged {
        /// The address.
        digest: Digest,
        /// What does not hold.
        what: String,
    },
}

impl BlobError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unavailable { .. } | Self::Full { .. } => Disposition::Retry,
            Self::TooLong { .. } => Disposition::Reject,
            Self::Missing { .. } => Disposition::Hold,
            Self::Sync { .. } | Self::Damaged { .. } => Disposition::Halt,
        }
    }
}

/// A blob on its way in. Dropped without [`BlobWriter::finish`], it leaves nothing behind.
pub trait BlobWriter: Send {
    /// Takes the next bytes; memory does not grow with what was written before.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes it durable: when this returns, the blob survives a power cut and can be read under its address.
    fn finish(self: Box<Self>) -> Result<Blob, BlobError>;
}

/// The store. Its contract suite is `core::contract::blob`.
pub trait BlobStore: Send + Sync {
    /// Begins a new blob, of at most so many bytes as the engine's configuration allows.
    fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Makes ready for the next blob whatever can be made ready now, so that [`BlobStore::create`] is quicker: for somebody who
    /// has the time. Engines where nothing can be do nothing.
    fn prepare(&self) {}

    /// Stores bytes that are in memory already; durable when it returns.
    fn put(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        let mut writer = self.create()?;
        writer.write(bytes)?;
        writer.finish()
    }

    /// The size of a blob; `None` when there is none.
    fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError>;

    /// Up to `bytes_max` bytes from `from` on; fewer only at the end, none beyond it. What is given was checked: bytes
    /// that are not those stored are `Damaged`, never served.
    fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError>;

    /// Removes a blob for good. Whether there was one.
    fn remove(&self, digest: &Digest) -> Result<bool, BlobError>;

    /// Removes a blob for good if it was stored last before `before`. Whether it was removed. In a folder a writer that stores
    /// the same bytes at the same time comes before or after it, never in between; on a server that knows no such
    /// condition the time is asked just before.
    fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError>;

    /// Blobs in the order of their addresses, from behind `after` on, at most `count_max`.
    fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError>;

    /// Removes what unfinished writers left behind before `before` (a process killed half way). How many. A writer that
    /// has taken nothing since then and still lives fails at its end.
    fn sweep(&self, before: Timestamp) -> Result<u64, BlobError>;

    /// Whether it can be written to now: for readiness and `check --online`.
    fn probe(&self) -> Result<(), BlobError>;
}

/// A store shared by doors, router and readers.
pub type SharedBlobs = Arc<dyn BlobStore>;
