//! The blob store on an S3-compatible server.
//!
//! | key, below the prefix | what |
//! | --- | --- |
//! | `ab/cd/<64 hex digits>` | a blob (`seal`), under the first four digits of its address |
//! | `unfinished/<id>` | a note that a blob is on its way in parts; it holds the number of the upload |
//! | `unfinished/<id>.parts` | its bytes, once all parts are there |
//!
//! A small blob is one request: an object is there whole or not at all. A larger one is sent in parts under a temporary
//! key, since its address is known at its end only, and then copied by the server. Servers do not list uploads that
//! were never completed together with their objects, so each is noted before it begins; a sweep reads the notes.

mod client;
mod tables;
mod writer;

use std::sync::Arc;

use causeway_core::envelope::Digest;
use causeway_core::port::{Blob, BlobError, BlobRow, BlobStore, BlobWriter};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use object_store::multipart::MultipartStore as _;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, path::Path};
use uuid::Uuid;

use self::client::Client;
use self::tables::Tables;
use self::writer::S3Writer;
use super::s3_settings::S3BlobSettings;
use super::seal::{Sealing, Table, damaged, size_of};

/// Where notes and temporary objects are. No shard has a name like it.
const UNFINISHED: &str = "unfinished";
/// What a temporary object is called.
const PARTS: &str = ".parts";

/// The store.
#[derive(Clone)]
pub struct S3Blobs {
    client: Arc<Client>,
    settings: S3BlobSettings,
    tables: Arc<Tables>,
}

impl std::fmt::Debug for S3Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Blobs").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl S3Blobs {
    /// The store in a bucket. Nothing is asked of the server yet: [`BlobStore::probe`] does.
    ///
    /// # Errors
    /// `Unavailable` when a setting cannot work or a file it names cannot be read.
    pub fn open(settings: S3BlobSettings) -> Result<Self, BlobError> {
        settings.check().map_err(|cause| BlobError::Unavailable { cause })?;
        let client = Arc::new(Client::new(&settings)?);
        Ok(Self { client, settings, tables: Arc::default() })
    }

    fn path(&self, digest: &Digest) -> Path {
        let [first, second, ..] = digest.0;
        self.below(&format!("{first:02x}/{second:02x}/{digest}"))
    }

    fn below(&self, rest: &str) -> Path {
        Path::from(format!("{}/{rest}", self.settings.prefix))
    }

    /// The checksums of a blob. They follow from its address, so they are read once as long as they are in use.
    fn table(&self, digest: &Digest) -> Result<Arc<Table>, BlobError> {
        if let Some(table) = self.tables.get(digest) {
            return Ok(table);
        }
        let path = self.path(digest);
        let found = self.client.wait(async |store| {
            let stored = store.head(&path).await?.size;
            let Ok(place) = Table::place(stored) else { return Ok((stored, None)) };
            Ok((stored, Some(store.get_range(&path, place).await?)))
        });
        let (stored, trailer) = found.map_err(|error| told(digest, &error))?;
        let table = Table::parse(stored, &trailer.unwrap_or_default()).map_err(|what| damaged(digest, what))?;
        Ok(self.tables.put(*digest, table))
    }
}

impl BlobStore for S3Blobs {
    fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(S3Writer::new(self.clone())))
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let path = self.path(digest);
        match self.client.wait(async |store| store.head(&path).await) {
            Ok(about) => match size_of(about.size) {
                Some(bytes) => Ok(Some(bytes)),
                None => Err(damaged(digest, "its size cannot be that of a blob stored whole")),
            },
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError> {
        let table = self.table(digest)?;
        let Some(span) = table.span(from, bytes_max) else { return table.empty(digest) };
        let (path, range) = (self.path(digest), span.clone());
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let read = self.client.wait(async |store| store.get_opts(&path, options).await?.bytes().await);
        let read = read.map_err(|error| {
            self.tables.forget(digest);
            told(digest, &error)
        })?;
        let checked = table.check(digest, &span, read.into(), from, bytes_max);
        checked.inspect_err(|_| self.tables.forget(digest))
    }

    fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        self.tables.forget(digest);
        let removed = self.client.wait(async |store| {
            // A server says nothing of whether there was one to delete.
            store.head(&path).await?;
            store.delete(&path).await
        });
        match removed {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError> {
        let path = self.path(digest);
        match self.client.wait(async |store| store.head(&path).await) {
            Ok(about) if time(&about).is_some_and(|at| at < before) => self.remove(digest),
            Ok(_) | Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
        let prefix = Path::from(self.settings.prefix.as_str());
        let rows = self.client.wait(async |store| {
            let found = match after {
                Some(after) => store.list_with_offset(Some(&prefix), &self.path(after)),
                None => store.list(Some(&prefix)),
            };
            // Another store may live below the prefix: what is not where this one keeps it is not its own.
            let own =
                async |about: ObjectMeta| Ok(row(&about).filter(|row| self.path(&row.blob.digest) == about.location));
            let rows = found.try_filter_map(own);
            rows.take(count_max).try_collect::<Vec<_>>().await
        });
        rows.map_err(|error| unavailable(&error))
    }

    fn sweep(&self, before: Timestamp) -> Result<u64, BlobError> {
        let swept = self.client.wait(async |store| {
            let left: Vec<ObjectMeta> = store.list(Some(&self.below(UNFINISHED))).try_collect().await?;
            let old = |about: &&ObjectMeta| time(about).is_some_and(|at| at < before);
            let mut swept = 0;
            for note in left.iter().filter(old).filter(|about| !about.location.as_ref().ends_with(PARTS)) {
                let number = store.get(&note.location).await?.bytes().await?;
                let parts = Path::from(format!("{}{PARTS}", note.location));
                let number = String::from_utf8_lossy(&number).into_owned();
                if !number.is_empty() {
                    missing_is_fine(store.abort_multipart(&parts, &number).await)?;
                }
                missing_is_fine(store.delete(&parts).await)?;
                missing_is_fine(store.delete(&note.location).await)?;
                swept += 1;
            }
            Ok(swept)
        });
        swept.map_err(|error| unavailable(&error))
    }

    fn put(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        if bytes.len() as u64 > self.settings.part_bytes {
            let mut writer = self.create()?;
            writer.write(bytes)?;
            return writer.finish();
        }
        let mut sealing = Sealing::new(self.settings.blob_bytes_max);
        sealing.admit(bytes.len())?;
        sealing.update(bytes);
        let (blob, trailer) = sealing.finish()?;
        self.put_whole(&blob, [bytes, &trailer].concat())
    }

    fn probe(&self) -> Result<(), BlobError> {
        let path = self.below(&format!("{UNFINISHED}/{}", Uuid::new_v4()));
        let probed = self.client.wait(async |store| {
            store.put(&path, Vec::new().into()).await?;
            store.delete(&path).await
        });
        probed.map_err(|error| unavailable(&error))
    }
}

impl S3Blobs {
    /// Stores a blob in one request.
    fn put_whole(&self, blob: &Blob, stored: Vec<u8>) -> Result<Blob, BlobError> {
        let path = self.path(&blob.digest);
        let put = self.client.wait(async |store| store.put(&path, stored.into()).await);
        put.map(|_| *blob).map_err(|error| unavailable(&error))
    }
}

fn row(about: &ObjectMeta) -> Option<BlobRow> {
    let digest = about.location.filename().and_then(Digest::parse)?;
    // A damaged blob is listed with the size it has, so that somebody finds it.
    let bytes = size_of(about.size).unwrap_or(about.size);
    Some(BlobRow { blob: Blob { digest, bytes }, stored_at: time(about)? })
}

fn time(about: &ObjectMeta) -> Option<Timestamp> {
    Timestamp::from_second(about.last_modified.timestamp()).ok()
}

fn missing_is_fine(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

fn told(digest: &Digest, error: &Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::Missing { digest: *digest },
        other => unavailable(other),
    }
}

fn unavailable(error: &Error) -> BlobError {
    BlobError::Unavailable { cause: error.to_string() }
}
