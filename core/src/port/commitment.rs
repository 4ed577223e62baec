//! Requests to commit to the safekeeping of instances (DICOM PS3.4 annex J), from when they are taken until what is reported
//! of them has been delivered. They are no message: nothing of them is in the log, and a rebuild keeps them.

use jiff::Timestamp;
use uuid::Uuid;

use super::repository::RepositoryError;
use crate::dicom::uid::Uid;
use crate::envelope::FeedName;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Its number here: chosen by the door.
    pub id: Uuid,
    /// The feed it came by.
    pub feed: FeedName,
    /// The AE title of who asked.
    pub caller: String,
    /// Transaction UID.
    pub transaction: Uid,
    /// When it came.
    pub requested_at: Timestamp,
    /// What is to be kept: SOP class and instance, in the order of the request.
    pub instances: Vec<(Uid, Uid)>,
    /// The caller used the Transaction UID for other instances, so nothing is committed to.
    pub uid_in_use: bool,
}

/// A request as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentRow {
    /// The request.
    pub commitment: Commitment,
    /// How often it was tried, which is what a lease is taken on.
    pub tries: u32,
}

/// What became of a request that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is remembered.
    New,
    /// It is the one remembered under this number, asked for again; what was reported is reported once more.
    Again(Uuid),
    /// It is remembered, and its Transaction UID is that of another request of the same caller.
    InUse,
}

/// The requests. The contract suite is part of `core::contract::repository`.
pub trait Commitments: Send + Sync {
    /// Remembers a request, durably, to be looked at by others from `next_at` on. Its `uid_in_use` is found here.
    ///
    /// # Errors
    /// The engine's.
    fn begin_commitment(&self, commitment: &Commitment, next_at: Timestamp) -> Result<Begun, RepositoryError>;

    /// Requests without a delivered report that nobody has leased and whose pause is over, those that wait longest first.
    ///
    /// # Errors
    /// The engine's.
    fn commitments_due(&self, now: Timestamp, limit: u32) -> Result<Vec<CommitmentRow>, RepositoryError>;

    /// Leases a request until `next_at`, prolongs a lease, or lets it pause: only if it stands at `expect` tries and is not
    /// settled. It stands at `tries` then. Whether it was so: of several who try it is so for one.
    ///
    /// # Errors
    /// The engine's.
    fn lease_commitment(&self, id: Uuid, expect: u32, tries: u32, next_at: Timestamp) -> Result<bool, RepositoryError>;

    /// Nothing more is to be done about a request: its report was delivered, or given up.
    ///
    /// # Errors
    /// The engine's.
    fn settle_commitment(&self, id: Uuid, now: Timestamp) -> Result<(), RepositoryError>;

    /// How many requests of a feed are not settled.
    ///
    /// # Errors
    /// The engine's.
    fn commitments_pending(&self, feed: &FeedName) -> Result<u64, RepositoryError>;

    /// Forgets requests that were settled before `before`. How many.
    ///
    /// # Errors
    /// The engine's.
    fn forget_commitments(&self, before: Timestamp) -> Result<u64, RepositoryError>;
}
