//! What goes wrong inside an engine, in the words of the ports.

use causeway_core::envelope::Offset;
use causeway_core::person::PersonId;
use causeway_core::port::{BlobError, Fence, RegistryError, RepositoryError};
use rusqlite::ffi::{self, ErrorCode};

/// Any failure inside the engine.
#[derive(Debug, thiserror::Error)]
pub(in crate::repository) enum StoreError {
    /// SQLite's.
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
    /// PostgreSQL's.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Server(#[from] super::postgres::failure::ServerError),
    /// A write could not be made durable, now or earlier in this process.
    #[error("{0}")]
    Sync(String),
    /// Nothing was written and it may work later.
    #[error("{0}")]
    Unavailable(String),
    /// Stored data does not hold.
    #[error("{0}")]
    Damaged(String),
    /// The plan could not be made.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The request is not possible.
    #[error("{0}")]
    Refused(String),
    /// The partition stands elsewhere.
    #[error("fenced")]
    Fenced {
        /// What was asked.
        fence: Fence,
        /// Where it stands.
        found: Offset,
    },
    /// No such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// A number that belongs to someone else.
    #[error("taken")]
    Taken {
        /// What sort of number.
        what: &'static str,
        /// Whose it is.
        owner: PersonId,
    },
    /// Input that is not well formed.
    #[error("{0}")]
    Invalid(String),
}

/// The engine's result.
pub(in crate::repository) type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Whether the disk failed, or what it gave back is wrong; not whether it is only full or busy.
    pub(in crate::repository) fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::Engine(error) if kind(error) != Kind::Later)
    }

    /// The same, knowing that a transaction was being written: an input or output error then leaves open what is on disk.
    pub(in crate::repository) fn while_writing(self) -> Self {
        match self {
            Self::Engine(error) if kind(&error) == Kind::Io => Self::Sync(cause(&error)),
            other => other,
        }
    }
}

/// A stored value that cannot be read.
pub(in crate::repository) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing was done; later it may work.
    Later,
    /// The disk failed.
    Io,
    /// What was read is not what was written, or the code and the schema do not agree.
    Wrong,
}

fn kind(error: &rusqlite::Error) -> Kind {
    // An extended code of its own, but nothing to do with the disk.
    if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_NOMEM) {
        return Kind::Later;
    }
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged,
        ) => Kind::Later,
        Some(ErrorCode::SystemIoFailure) => Kind::Io,
        _ => Kind::Wrong,
    }
}

/// What went wrong, by SQLite's own text for the code. Its longer message may quote values and is left out, except of a
/// statement that does not fit the schema: that one quotes our own words only.
fn cause(error: &rusqlite::Error) -> String {
    match (error, error.sqlite_error()) {
        (rusqlite::Error::SqlInputError { msg, .. }, _) => format!("a statement does not fit the schema: {msg}"),
        (_, Some(error)) => format!("{} (SQLite {})", ffi::code_to_str(error.extended_code), error.extended_code),
        (rusqlite::Error::QueryReturnedNoRows, None) => "a row that must be there is missing".to_owned(),
        (rusqlite::Error::InvalidColumnType(_, column, _), None) => {
            format!("column {column} has a value of another type")
        }
        (_, None) => "a stored value cannot be read".to_owned(),
    }
}

impl From<StoreError> for RepositoryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Engine(error) => match kind(&error) {
                Kind::Later => Self::Unavailable { cause: cause(&error) },
                Kind::Io | Kind::Wrong => Self::Damaged { what: cause(&error) },
            },
            #[cfg(feature = "postgres")]
            StoreError::Server(error) if error.is_damage() => Self::Damaged { what: error.to_string() },
            #[cfg(feature = "postgres")]
            StoreError::Server(error) => Self::Unavailable { cause: error.to_string() },
            StoreError::Sync(cause) => Self::Sync { cause },
            StoreError::Unavailable(cause) => Self::Unavailable { cause },
            StoreError::Damaged(what) => Self::Damaged { what },
            StoreError::Blobs(error) => Self::Blobs(error),
            StoreError::Fenced { fence, found } => Self::Fenced { fence, found },
            other @ (StoreError::Refused(_)
            | StoreError::NotFound(_)
            | StoreError::Taken { .. }
            | StoreError::Invalid(_)) => Self::Refused(other.to_string()),
        }
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound { what },
            StoreError::Taken { what, owner } => Self::Taken { what, owner },
            StoreError::Invalid(why) => Self::Invalid(why),
            StoreError::Refused(why) => Self::NotAllowed(why),
            StoreError::Engine(error) => Self::Unavailable { cause: cause(&error) },
            #[cfg(feature = "postgres")]
            StoreError::Server(error) => Self::Unavailable { cause: error.to_string() },
            other @ (StoreError::Sync(_)
            | StoreError::Unavailable(_)
            | StoreError::Damaged(_)
            | StoreError::Blobs(_)
            | StoreError::Fenced { .. }) => Self::Unavailable { cause: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::disposition::Disposition;

    use super::*;

    fn engine(code: i32) -> StoreError {
        StoreError::Engine(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("a value".to_owned())))
    }

    #[test]
    fn a_busy_or_full_disk_is_tried_again_and_a_failed_sync_halts() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_BUSY_SNAPSHOT, ffi::SQLITE_FULL, ffi::SQLITE_IOERR_NOMEM] {
            let error = RepositoryError::from(engine(code).while_writing());
            assert_eq!(error.disposition(), Disposition::Retry, "{error}");
        }
        let sync = RepositoryError::from(engine(ffi::SQLITE_IOERR_FSYNC).while_writing());
        assert!(matches!(sync, RepositoryError::Sync { .. }), "{sync}");
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_IOERR_SHORT_READ] {
            let error = RepositoryError::from(engine(code));
            assert!(matches!(error, RepositoryError::Damaged { .. }), "{error}");
        }
    }

    #[test]
    fn an_error_never_repeats_what_sqlite_quotes() {
        assert!(!RepositoryError::from(engine(ffi::SQLITE_CONSTRAINT)).to_string().contains("a value"));
    }
}
