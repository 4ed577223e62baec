//! The blob folder: a file a blob, durable before anyone hears of it.
//!
//! | path | what |
//! | --- | --- |
//! | `ab/<64 hex digits>` | a blob (`seal`), under the first two digits of its address |
//! | `unfinished/<id>` | a blob on its way in, an empty file kept ready for one, or what a killed process left of either |
//!
//! A blob is written to `unfinished/`. Where its address is free it is renamed to it, and then file and folder are synced, which
//! a file system with a journal does in one go; where it is not, the file is synced before it takes the place of what may be
//! relied on, and then the folder is. A process that dies leaves a whole blob or an unfinished file. A power cut may leave an
//! address with bytes missing that nothing points to: it is told as damage, mended by whoever stores the bytes again, and
//! swept otherwise (`docs/decisions/0011-a-free-address-is-taken-before-the-sync.md`). Several processes may share the folder: whoever renames
//! last replaces the same bytes by the same bytes.
//!
//! All 256 folders are made, and their names synced, when the store is opened: a sync costs about as much as half a megabyte
//! written, and a second level of folders would cost two more for each of the first 65,536 blobs.

mod disk;
mod shards;
mod spare;
mod writer;

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::envelope::Digest;
use causeway_core::port::{Blob, BlobError, BlobRow, BlobStore, BlobWriter};
use jiff::Timestamp;

use self::disk::{create_dir, sync_dir, unavailable};
use self::spare::Spares;
use self::writer::FolderWriter;
use super::folder_settings::FolderBlobSettings;
use super::seal::{Table, damaged, size_of};

/// Where unfinished blobs are. No shard has a name like it.
const UNFINISHED: &str = "unfinished";

/// The store.
#[derive(Debug, Clone)]
pub struct FolderBlobs {
    dir: PathBuf,
    settings: FolderBlobSettings,
    spares: Arc<Spares>,
}

impl FolderBlobs {
    /// Opens the store in `dir`, creating it when there is none.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be made or lies on a network disk, whose syncs prove nothing.
    pub fn open(dir: &Path, settings: FolderBlobSettings) -> Result<Self, BlobError> {
        create_dir(&dir.join(UNFINISHED))?;
        match crate::network::network_file_system(dir) {
            Ok(None) => {}
            Ok(Some(name)) => {
                let cause = format!("{} is on a network file system ({name}); give it a local disk", dir.display());
                return Err(BlobError::Unavailable { cause });
            }
            Err(cause) => return Err(BlobError::Unavailable { cause: cause.to_string() }),
        }
        (0..=u8::MAX).try_for_each(|first| create_dir(&dir.join(shard(first))))?;
        sync_dir(dir)?;
        dir.parent().map_or(Ok(()), sync_dir)?;
        Ok(Self { dir: dir.to_owned(), settings, spares: Arc::default() })
    }

    /// Where a blob is, or would be.
    fn path(&self, digest: &Digest) -> PathBuf {
        let [first, ..] = digest.0;
        self.dir.join(shard(first)).join(digest.to_string())
    }

    /// The file of a blob, and its size as stored.
    fn file(&self, digest: &Digest) -> Result<(File, u64), BlobError> {
        let file = File::open(self.path(digest)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => BlobError::Missing { digest: *digest },
            _ => unavailable("a blob cannot be opened", &error),
        })?;
        let stored = file.metadata().map_err(|error| unavailable("a blob cannot be looked at", &error))?.len();
        Ok((file, stored))
    }
}

impl BlobStore for FolderBlobs {
    fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(FolderWriter::new(self)?))
    }

    fn prepare(&self) {
        self.spares.add(&self.dir.join(UNFINISHED));
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        match self.path(digest).metadata() {
            Ok(about) => match size_of(about.len()) {
                Some(bytes) => Ok(Some(bytes)),
                None => Err(damaged(digest, "its size cannot be that of a blob stored whole")),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable("a blob cannot be looked at", &error)),
        }
    }

    fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError> {
        let (file, stored) = self.file(digest)?;
        let place = Table::place(stored).map_err(|what| damaged(digest, what))?;
        let trailer = read_at(&file, digest, place.start, place.end)?;
        let table = Table::parse(stored, &trailer).map_err(|what| damaged(digest, what))?;
        let Some(span) = table.span(from, bytes_max) else { return table.empty(digest) };
        let read = read_at(&file, digest, span.start, span.end)?;
        table.check(digest, &span, read, from, bytes_max)
    }

    fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        match std::fs::remove_file(&path) {
            Ok(()) => path.parent().map_or(Ok(()), sync_dir).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unavailable("a blob cannot be removed", &error)),
        }
    }

    fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError> {
        // A writer gives the address to a newer file before this looks at it, or after it is gone.
        let _alone = disk::alone(&self.dir.join(UNFINISHED))?;
        match self.path(digest).metadata() {
            Ok(about) if modified(&about).is_some_and(|at| at < before) => self.remove(digest),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unavailable("a blob cannot be looked at", &error)),
        }
    }

    fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
        shards::list(&self.dir, after, count_max)
    }

    fn sweep(&self, before: Timestamp) -> Result<u64, BlobError> {
        let mut swept = 0;
        for entry in disk::entries(&self.dir.join(UNFINISHED))? {
            let path = entry.path();
            // Another process may sweep, or finish, at the same time: what is gone is gone.
            let Ok(about) = path.metadata() else { continue };
            if modified(&about).is_some_and(|at| at < before) && std::fs::remove_file(&path).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }

    fn probe(&self) -> Result<(), BlobError> {
        // A blob that is given up: everything but the rename.
        let mut writer = FolderWriter::new(self)?;
        writer.write(b"probe")?;
        writer.sync()
    }
}

/// The folder of all addresses that begin so.
fn shard(first: u8) -> String {
    format!("{first:02x}")
}

/// What stands between two places of a file.
fn read_at(file: &File, digest: &Digest, from: u64, until: u64) -> Result<Vec<u8>, BlobError> {
    let length = usize::try_from(until.saturating_sub(from));
    let length = length.map_err(|error| BlobError::Unavailable { cause: error.to_string() })?;
    let mut read = vec![0; length];
    match file.read_exact_at(&mut read, from) {
        Ok(()) => Ok(read),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(damaged(digest, "it was cut short")),
        // A sector the disk cannot read.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            Err(damaged(digest, error.to_string()))
        }
        Err(error) => Err(unavailable("a blob cannot be read", &error)),
    }
}

/// When a file was written last.
fn modified(about: &Metadata) -> Option<Timestamp> {
    about.modified().ok().and_then(|at| Timestamp::try_from(at).ok())
}

/// A row of the list.
fn row(digest: Digest, about: &Metadata) -> Option<BlobRow> {
    // A damaged blob is listed with the size it has, so that somebody finds it.
    let bytes = size_of(about.len()).unwrap_or(about.len());
    Some(BlobRow { blob: Blob { digest, bytes }, stored_at: modified(about)? })
}
