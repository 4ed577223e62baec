//! What can go wrong with a step. What is wrong with a message is no error: it is its outcome.

use causeway_core::disposition::Disposition;
use causeway_core::port::{LogError, RepositoryError};

/// An error of the router.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The repository.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl RouterError {
    /// What the caller does about it. A log that lacks what the repository expects next cannot be repaired by going on:
    /// acknowledged messages would be skipped.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Log(error) => match error.disposition() {
                Disposition::Retry => Disposition::Retry,
                Disposition::Reject | Disposition::Hold | Disposition::Halt => Disposition::Halt,
            },
            Self::Repository(error) => error.disposition(),
        }
    }
}
