//! A blob on its way into the folder.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use causeway_core::port::{Blob, BlobError, BlobWriter};
use uuid::Uuid;

use super::disk::{check_room, create_dir, of_sync, of_write, sync_dir, together, unavailable};
use super::{FolderBlobs, UNFINISHED};
use crate::blob::seal::Sealing;

/// After so many bytes it is looked again whether there is room.
const LOOK_EVERY: u64 = 16 << 20;

/// The writer. Its file goes with it, unless it was finished.
#[derive(Debug)]
pub(super) struct FolderWriter {
    store: FolderBlobs,
    file: File,
    path: PathBuf,
    sealing: Sealing,
    /// Where the next bytes go.
    at: u64,
    since_look: u64,
    published: bool,
}

impl FolderWriter {
    /// Begins a file.
    pub(super) fn new(store: &FolderBlobs) -> Result<Self, BlobError> {
        let unfinished = store.dir.join(UNFINISHED);
        check_room(&unfinished, store.settings.free_bytes_min)?;
        let path = unfinished.join(Uuid::new_v4().to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| of_write("a blob cannot be begun", &error))?;
        let sealing = Sealing::new(store.settings.blob_bytes_max);
        Ok(Self { store: store.clone(), file, path, sealing, at: 0, since_look: 0, published: false })
    }

    /// Makes the bytes so far durable, under no address yet.
    pub(super) fn sync(&self) -> Result<(), BlobError> {
        // After a crash the time of the last write may be that of the first: sweeping counts days.
        self.file.sync_data().map_err(|error| of_sync("a blob", &error))
    }

    /// Gives the file its address, and makes that durable, too.
    fn publish(&mut self, blob: &Blob) -> Result<(), BlobError> {
        let target = self.store.path(&blob.digest);
        let shard = target.parent().unwrap_or(&self.store.dir);
        if !shard.is_dir() {
            // Somebody tidied up.
            create_dir(shard)?;
            sync_dir(&self.store.dir)?;
        }
        let renamed = {
            // Whoever removes what is old looks at the file and removes it as one.
            let _together = together(&self.store.dir.join(UNFINISHED))?;
            std::fs::rename(&self.path, &target)
        };
        renamed.map_err(|error| unavailable("a blob cannot be given its address", &error))?;
        self.published = true;
        sync_dir(shard)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        if let Err(error) = self.file.write_all_at(bytes, self.at) {
            self.sealing.spoil();
            return Err(of_write("a blob cannot be written", &error));
        }
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

impl BlobWriter for FolderWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.since_look = self.since_look.saturating_add(bytes.len() as u64);
        if self.since_look >= LOOK_EVERY {
            self.since_look = 0;
            check_room(&self.store.dir, self.store.settings.free_bytes_min)?;
        }
        self.sealing.update(bytes)?;
        self.add(bytes)
    }

    fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        let sealing = std::mem::replace(&mut self.sealing, Sealing::new(0));
        let (blob, trailer) = sealing.finish()?;
        self.add(&trailer)?;
        self.sync()?;
        self.publish(&blob)?;
        Ok(blob)
    }
}

impl Drop for FolderWriter {
    fn drop(&mut self) {
        if !self.published {
            remove(&self.path);
        }
    }
}

/// What cannot be removed is swept later.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::trace!(%error, "an unfinished blob could not be removed");
    }
}
