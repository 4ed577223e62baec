//! What the blob folder asks of its file system.

use std::fs::{DirBuilder, DirEntry, File};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use causeway_core::port::BlobError;

/// The files of a folder; none when there is no such folder.
pub(super) fn entries(dir: &Path) -> Result<Vec<DirEntry>, BlobError> {
    let read = match std::fs::read_dir(dir) {
        Ok(read) => read.collect::<Result<Vec<_>, _>>(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    read.map_err(|error| unavailable("a folder cannot be listed", &error))
}

/// Makes a folder, and those above it.
pub(super) fn create_dir(dir: &Path) -> Result<(), BlobError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| of_write(&format!("{} cannot be made", dir.display()), &error))
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), BlobError> {
    // "" is the parent of a relative path of one part.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let opened = File::open(dir).map_err(|error| unavailable("a folder cannot be opened", &error))?;
    opened.sync_all().map_err(|error| of_sync("a folder", &error))
}

/// Holds a folder alone as long as the file is open: waits for those who hold it together, in this process or another.
pub(super) fn alone(dir: &Path) -> Result<File, BlobError> {
    held(dir, File::lock)
}

/// Holds a folder together with others.
pub(super) fn together(dir: &Path) -> Result<File, BlobError> {
    held(dir, File::lock_shared)
}

fn held(dir: &Path, lock: impl FnOnce(&File) -> std::io::Result<()>) -> Result<File, BlobError> {
    let opened = File::open(dir).and_then(|file| lock(&file).map(|()| file));
    opened.map_err(|error| unavailable("a folder cannot be held", &error))
}

/// Refuses to begin below the reserve.
pub(super) fn check_room(dir: &Path, free_bytes_min: u64) -> Result<(), BlobError> {
    let about = rustix::fs::statvfs(dir);
    let about = about.map_err(|error| BlobError::Unavailable { cause: format!("{}: {error}", dir.display()) })?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    if free > free_bytes_min {
        return Ok(());
    }
    Err(BlobError::Full { cause: format!("{} MiB are free, {} MiB are kept free", free >> 20, free_bytes_min >> 20) })
}

/// A failure before which nothing was lost.
pub(super) fn unavailable(what: &str, error: &Error) -> BlobError {
    BlobError::Unavailable { cause: format!("{what}: {error}") }
}

/// A failed write of a file nobody relies on yet.
pub(super) fn of_write(what: &str, error: &Error) -> BlobError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            BlobError::Full { cause: error.to_string() }
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            BlobError::Sync { cause: format!("{what}: {error}") }
        }
        _ => unavailable(what, error),
    }
}

/// A failed sync. Out of space is told as such: the file is given up whole and nothing was promised of it.
pub(super) fn of_sync(what: &str, error: &Error) -> BlobError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobError::Full { cause: error.to_string() },
        _ => BlobError::Sync { cause: format!("{what} could not be synced: {error}") },
    }
}
