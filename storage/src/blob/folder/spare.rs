//! Files that no blob was written to yet. To make one costs a file system more than to write to it, and it can be done while
//! nobody waits for it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// Files kept ready: about as many as associations that send at the same time.
const SPARES_MAX: usize = 4;

/// The files kept ready.
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<Vec<Unwritten>>);

/// An empty file without an address. It goes when it is dropped, unless it was given one.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// It has an address.
    pub(super) published: bool,
}

impl Spares {
    /// Makes one more, if there are not enough. What fails here is told when a file is needed.
    pub(super) fn add(&self, dir: &Path) {
        if self.with(|spares| spares.len() < SPARES_MAX)
            && let Ok(made) = Unwritten::make(dir)
        {
            self.with(|spares| spares.push(made));
        }
    }

    /// One that is ready, or a new one.
    pub(super) fn take(&self, dir: &Path) -> io::Result<Unwritten> {
        while let Some(spare) = self.with(Vec::pop) {
            if spare.is_there() {
                return Ok(spare);
            }
        }
        Unwritten::make(dir)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Unwritten>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Unwritten {
    fn make(dir: &Path) -> io::Result<Self> {
        let path = dir.join(Uuid::new_v4().to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, path, published: false })
    }

    /// A sweep takes what was not written for long.
    fn is_there(&self) -> bool {
        self.file.metadata().is_ok_and(|about| about.nlink() > 0)
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        if !self.published {
            remove(&self.path);
        }
    }
}

/// What cannot be removed is swept later.
pub(super) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::trace!(%error, "an unfinished blob could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::port::BlobStore;
    use jiff::Timestamp;

    use super::super::{FolderBlobs, UNFINISHED};
    use super::*;
    use crate::blob::folder_settings::FolderBlobSettings;

    fn files(dir: &Path) -> usize {
        std::fs::read_dir(dir.join(UNFINISHED)).expect("a folder").count()
    }

    #[test]
    fn files_are_made_ready_up_to_a_bound_and_go_with_the_store() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = FolderBlobs::open(dir.path(), FolderBlobSettings::default()).expect("opens");
        (0..10).for_each(|_| store.prepare());
        assert_eq!(files(dir.path()), SPARES_MAX);
        let stored = store.put(b"one").expect("stored");
        assert_eq!(files(dir.path()), SPARES_MAX - 1, "one was used");
        assert_eq!(store.read(&stored.digest, 0, 9).expect("read"), b"one");
        drop(store);
        assert_eq!(files(dir.path()), 0);
    }

    #[test]
    fn a_file_that_was_swept_meanwhile_is_not_used() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = FolderBlobs::open(dir.path(), FolderBlobSettings::default()).expect("opens");
        (0..3).for_each(|_| store.prepare());
        assert_eq!(store.sweep(Timestamp::MAX).expect("swept"), 3);
        let stored = store.put(b"one").expect("stored");
        assert_eq!(store.size(&stored.digest).expect("there"), Some(3));
    }
}
