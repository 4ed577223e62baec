//! A blob on its way into the folder.

use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use causeway_core::port::{Blob, BlobError, BlobWriter};
use rustix::fs::{Advice, CWD, RenameFlags, fadvise, renameat_with};

use super::disk::{alone, check_room, create_dir, of_sync, of_write, sync_dir, together, unavailable};
use super::spare::{Unwritten, remove};
use super::{FolderBlobs, UNFINISHED};
use crate::blob::seal::Sealing;

/// After so many bytes it is looked again whether there is room.
const LOOK_EVERY: u64 = 16 << 20;
/// The disk is given so many bytes at once while more of them come, so that the sync at the end finds little left to write.
const WRITE_BACK: u64 = 256 << 10;

/// The writer. Its file goes with it, unless it was finished.
#[derive(Debug)]
pub(super) struct FolderWriter {
    store: FolderBlobs,
    to: Unwritten,
    sealing: Sealing,
    /// Where the next bytes go.
    at: u64,
    /// Up to here the disk was asked to write.
    begun: u64,
    since_look: u64,
}

impl FolderWriter {
    /// Begins a file.
    pub(super) fn new(store: &FolderBlobs) -> Result<Self, BlobError> {
        let unfinished = store.dir.join(UNFINISHED);
        check_room(&unfinished, store.settings.free_bytes_min)?;
        let to = store.spares.take(&unfinished).map_err(|error| of_write("a blob cannot be begun", &error))?;
        let sealing = Sealing::new(store.settings.blob_bytes_max);
        Ok(Self { store: store.clone(), to, sealing, at: 0, begun: 0, since_look: 0 })
    }

    /// Makes the bytes so far durable, under no address yet.
    pub(super) fn sync(&self) -> Result<(), BlobError> {
        // After a crash the time of the last write may be that of the first: sweeping counts days.
        self.to.file.sync_data().map_err(|error| of_sync("a blob", &error))
    }

    /// Gives the file its address, and makes both durable. An address that is free is taken first, so that file systems with a
    /// journal write bytes and name in one go; one that is not free may stand for bytes somebody relies on, and is given to
    /// nothing that is not durable.
    fn publish(&mut self, blob: &Blob) -> Result<(), BlobError> {
        let target = self.store.path(&blob.digest);
        let shard = target.parent().unwrap_or(&self.store.dir);
        if !shard.is_dir() {
            // Somebody tidied up.
            create_dir(shard)?;
            sync_dir(&self.store.dir)?;
        }
        self.to.published = self.take_free(&target)?;
        if self.to.published {
            let durable = self.sync().and_then(|()| sync_dir(shard));
            return durable.inspect_err(|_| self.withdraw(&target));
        }
        self.sync()?;
        let renamed = {
            // Whoever removes what is old looks at the file and removes it as one.
            let _together = together(&self.unfinished())?;
            std::fs::rename(&self.to.path, &target)
        };
        renamed.map_err(|error| unavailable("a blob cannot be given its address", &error))?;
        self.to.published = true;
        sync_dir(shard)
    }

    /// Takes the address if nothing has it. Not every file system can do that in one step; then it is not taken.
    fn take_free(&self, target: &Path) -> Result<bool, BlobError> {
        let _together = together(&self.unfinished())?;
        Ok(renameat_with(CWD, &self.to.path, CWD, target, RenameFlags::NOREPLACE).is_ok())
    }

    /// Gives the address up, unless somebody who stored the same bytes has it by now.
    fn withdraw(&self, target: &Path) {
        let Ok(_alone) = alone(&self.unfinished()) else { return };
        let number = |about: std::fs::Metadata| (about.dev(), about.ino());
        let own = self.to.file.metadata().map(number).ok();
        if own.is_some() && target.metadata().map(number).ok() == own {
            remove(target);
        }
    }

    fn unfinished(&self) -> PathBuf {
        self.store.dir.join(UNFINISHED)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        if let Err(error) = self.to.file.write_all_at(bytes, self.at) {
            self.sealing.spoil();
            return Err(of_write("a blob cannot be written", &error));
        }
        self.at = self.at.saturating_add(bytes.len() as u64);
        self.write_back();
        Ok(())
    }

    /// Has the disk begin with what was written since it began last. Linux takes the advice that these bytes are not read soon
    /// for that, and keeps what is not written yet; anywhere else nothing is lost by it.
    fn write_back(&mut self) {
        let Some(length) = NonZeroU64::new(self.at.saturating_sub(self.begun)).filter(|new| new.get() >= WRITE_BACK)
        else {
            return;
        };
        if let Err(error) = fadvise(&self.to.file, self.begun, Some(length), Advice::DontNeed) {
            tracing::trace!(%error, "a blob cannot be written early");
        }
        self.begun = self.at;
    }
}

impl BlobWriter for FolderWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.since_look = self.since_look.saturating_add(bytes.len() as u64);
        if self.since_look >= LOOK_EVERY {
            self.since_look = 0;
            check_room(&self.store.dir, self.store.settings.free_bytes_min)?;
        }
        self.sealing.admit(bytes.len())?;
        // The disk works on them while they are digested.
        self.add(bytes)?;
        self.sealing.update(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        let sealing = std::mem::replace(&mut self.sealing, Sealing::new(0));
        let (blob, trailer) = sealing.finish()?;
        self.add(&trailer)?;
        self.publish(&blob)?;
        Ok(blob)
    }
}
