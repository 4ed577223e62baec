//! The durable, partitioned, ordered log between doors and mappers.

use std::time::Duration;

use jiff::Timestamp;

use crate::disposition::Disposition;
use crate::envelope::{Envelope, Offset, PartitionId, Position};

/// Whether an appended envelope was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// New.
    New,
    /// Feed, sender, control id, digest and refusal are those of an entry already there: nothing was written, and the
    /// position is that entry's.
    Resent,
    /// Feed, sender and control id were used for other bytes: written, and flagged.
    ControlIdReused,
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where it stands.
    pub position: Position,
    /// Whether it was seen before.
    pub freshness: Freshness,
}

/// Called once, from the log's own thread, when the envelope is durable or has failed. Must not block.
pub type Completion = Box<dyn FnOnce(Result<Appended, LogError>) + Send>;

/// One entry as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// When it became durable.
    pub appended_at: Timestamp,
    /// Its control id had been used for other bytes.
    pub control_id_reused: bool,
    /// The envelope.
    pub envelope: Envelope,
}

/// How much to read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// At most so many entries.
    pub count_max: usize,
    /// At most so many bytes of bodies, but always one entry.
    pub bytes_max: usize,
}

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionState {
    /// Which.
    pub partition: PartitionId,
    /// The first offset still held.
    pub first: Offset,
    /// The next offset to be given.
    pub end: Offset,
}

/// What can go wrong with the log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The queue before the log is full.
    #[error("the log's queue is full")]
    Busy,
    /// The log refuses work because it is stopping.
    #[error("the log is closed")]
    Closed,
    /// The envelope is larger than the log takes.
    #[error("the envelope has {bytes} bytes, the log takes {bytes_max}")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A write or sync failed. It is not known whether the entry is there: nothing may be acknowledged any more.
    #[error("the log could not be made durable: {cause}")]
    Sync {
        /// What the engine said.
        cause: String,
    },
    /// The broker or engine cannot be reached now. An embedded log wrote nothing; of a message on its way to a broker nobody
    /// knows: its sender was told no, sends it again, and the repository knows it.
    #[error("the log is unavailable: {cause}")]
    Unavailable {
        /// What the engine said.
        cause: String,
    },
    /// Acknowledged data is missing or changed: a checksum, sequence, chain or high-water mark does not hold.
    #[error("the log is damaged in partition {} at offset {}: {what}", partition.0, offset.0)]
    Damaged {
        /// The partition.
        partition: PartitionId,
        /// The first bad offset.
        offset: Offset,
        /// What does not hold.
        what: String,
    },
    /// The offset is older than what the log still holds, or beyond its end.
    #[error("the log does not hold offset {} of partition {}", position.offset.0, position.partition.0)]
    OutOfRange {
        /// What was asked for.
        position: Position,
    },
}

impl LogError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Busy | Self::Unavailable { .. } | Self::Closed => Disposition::Retry,
            Self::TooLong { .. } => Disposition::Reject,
            Self::OutOfRange { .. } => Disposition::Hold,
            Self::Sync { .. } | Self::Damaged { .. } => Disposition::Halt,
        }
    }
}

/// The log. Its contract suite is `core::contract::log`.
pub trait Log: Send + Sync {
    /// Queues one envelope. `done` is called when it is durable, and only then; if this returns an error, `done` is
    /// dropped uncalled. Envelopes queued one after the other by one thread keep their order within a partition.
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError>;

    /// Whether [`Log::append`] tells a resend from a new message. A log that many processes write cannot: then the router
    /// asks the repository, inside the transaction ([`crate::port::Lookup::message`]).
    fn tells_resends(&self) -> bool {
        true
    }

    /// Reads on from `from`, checking every entry. Waits up to `wait` for the first one.
    fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError>;

    /// Reads one entry.
    fn entry(&self, position: Position) -> Result<Entry, LogError>;

    /// How many partitions there are. Fixed for the life of a log.
    fn partitions(&self) -> u16;

    /// Where each partition begins and ends.
    fn state(&self) -> Result<Vec<PartitionState>, LogError>;

    /// Bytes on disk.
    fn size_bytes(&self) -> Result<u64, LogError>;

    /// Gives up entries older than the engine's retention, but none at or above `processed` of its partition.
    /// Returns how many went.
    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError>;

    /// Checks every entry that is held: checksum, sequence, chain, high-water mark. Returns how many were read.
    fn verify(&self) -> Result<u64, LogError>;
}
