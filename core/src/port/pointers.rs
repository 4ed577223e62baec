//! What points to the large things of a blob store, so that those nothing points to can be removed.
//!
//! A blob is stored before what points to it: a process that dies in between leaves an orphan. Deciding that a blob is one,
//! and removing it, must not meet a commit that just begins to point to it.

use std::collections::BTreeSet;

use super::blob::BlobError;
use super::repository::RepositoryError;
use crate::envelope::Digest;

/// Of messages with more bytes the repository can tell by their digest whether it knows them: the bytes of some of these
/// are kept outside the log.
pub const LARGE_MESSAGE_BYTES: u64 = 256 << 10;

/// Removes a blob, unless something speaks against it that the repository cannot know. Whether it did.
pub type RemoveBlob<'a> = dyn FnMut(&Digest) -> Result<bool, BlobError> + 'a;

/// What points to blobs. Its contract suite is part of `core::contract::repository`.
pub trait Pointers: Send + Sync {
    /// Those of some blobs that a version of a record points to, current or not, that are an instance of the index, hidden or
    /// not, that were fetched for a message, or that are the bytes of a message with more than [`LARGE_MESSAGE_BYTES`] of them.
    ///
    /// # Errors
    /// The engine's.
    fn pointed_to(&self, blobs: &[Digest]) -> Result<BTreeSet<Digest>, RepositoryError>;

    /// Calls `remove` for those of some blobs that nothing points to. Until it is done no commit of any process begins, and
    /// none is under way: what stores a blob inside a commit never meets it. Keep `blobs` few. Gives those that were removed.
    ///
    /// # Errors
    /// The engine's, `Unavailable` also when commits are under way for too long; that of `remove`. What was removed before
    /// is gone.
    fn remove_unless_pointed_to(
        &self,
        blobs: &[Digest],
        remove: &mut RemoveBlob<'_>,
    ) -> Result<Vec<Digest>, RepositoryError>;
}
