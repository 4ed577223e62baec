//! What an engine's error means: nothing written, nobody knows, or damaged.

use std::fmt::Display;
use std::io;

use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::port::LogError;
use rusqlite::{ErrorCode, ffi};

/// Nothing was written.
pub(super) fn unavailable(cause: impl Display) -> LogError {
    LogError::Unavailable { cause: cause.to_string() }
}

/// Nobody knows what was written.
pub(super) fn sync(cause: impl Display) -> LogError {
    LogError::Sync { cause: cause.to_string() }
}

/// Something that was there is missing or changed.
pub(super) fn damaged(partition: PartitionId, offset: Offset, what: impl Into<String>) -> LogError {
    LogError::Damaged { partition, offset, what: what.into() }
}

/// Damage outside any one entry: told as the start of the first lane.
pub(super) fn damaged_file(what: impl Into<String>) -> LogError {
    damaged(PartitionId(0), Offset(0), what)
}

/// The disk is full, or another program holds the file: of a transaction that ends so, nothing was written.
pub(super) fn is_shortage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy))
}

/// What an error while a new log is made means: nothing is in it that could be lost, and a disk that fails is told as one.
pub(super) fn making(error: &rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => sync(error),
        Some(_) | None => unavailable(error),
    }
}

/// The same for a file that SQLite does not write.
pub(super) fn making_file(error: &io::Error) -> LogError {
    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) { sync(error) } else { unavailable(error) }
}

/// SQLite was told that a sync failed.
fn is_sync(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&code))
}

/// What an error while reading at this place means. Whatever is not plainly a shortage means that data which should
/// be there cannot be read, and that is damage.
pub(super) fn reading(partition: PartitionId, offset: Offset, error: &rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        _ if is_sync(error) => sync(error),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::OperationInterrupted,
        ) => unavailable(error),
        Some(_) | None => damaged(partition, offset, format!("it cannot be read: {error}")),
    }
}
