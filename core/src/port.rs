//! The ports: everything the walk asks of the outside world. Synchronous on purpose: `rusqlite` and `postgres` have
//! the same shape, workers are threads, and the web handlers reach them through `spawn_blocking`.

mod blob;
mod commitment;
mod fetch;
mod images;
mod log;
mod pointers;
mod registry;
mod repository;
mod sequence;
mod unmapped;

pub use blob::{Blob, BlobError, BlobRow, BlobStore, BlobWriter, SharedBlobs};
pub use commitment::{Begun, Commitment, CommitmentRow, Commitments};
pub use fetch::{Fetch, FetchError, FetchRow};
pub use images::Images;
pub use log::{Appended, Completion, Entry, Freshness, Log, LogError, PartitionState, ReadLimit};
pub use pointers::{LARGE_MESSAGE_BYTES, Pointers, RemoveBlob};
pub use registry::{Actor, NewEvent, NewPerson, Participant, PersonQuery, Registry, RegistryError};
pub use repository::{
    AccessGrant, AuditEntry, AuditLine, AuditQuery, AuditReport, Candidates, Committed, Decide, Effects, FeedCount,
    Fence, HeldGroup, Lookup, MessageDetail, MessageKey, MessageQuery, MessageRow, RecordQuery, RecordRow, RedoMode,
    Repository, RepositoryError, Resolved, Sameness, TakeUp, Transition,
};
pub use sequence::Sequence;
pub use unmapped::{UNMAPPED_BATCH_MAX, UNMAPPED_FEED_MAX, UnmappedCount};

use crate::envelope::Envelope;
use crate::fetch::Document;
use crate::mapped::Mapped;

/// The time, passed in. Its one implementation that reads the machine's clock lives in `ops`.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> jiff::Timestamp;
}

/// The mappers, as the router sees them. Pure: the same envelope gives the same answer.
pub trait Map: Send + Sync {
    /// Maps one envelope. Never panics; what it cannot use it says.
    fn map(&self, envelope: &Envelope) -> Mapped;

    /// The same, with documents that were fetched for its pointers. A pointer without one is pending as before.
    fn map_with(&self, envelope: &Envelope, documents: &[Document]) -> Mapped;
}
