//! A blob on its way to the server: in memory as long as it is small, in parts from then on.

use std::mem;

use causeway_core::port::{Blob, BlobError, BlobWriter};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt as _};
use uuid::Uuid;

use super::{PARTS, S3Blobs, UNFINISHED, unavailable};
use crate::blob::seal::Sealing;

/// The writer. What it sent goes with it, unless it was finished.
pub(super) struct S3Writer {
    blobs: S3Blobs,
    sealing: Sealing,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

/// An upload in parts.
#[derive(Debug, Clone)]
struct Upload {
    note: Path,
    path: Path,
    number: MultipartId,
    parts: Vec<PartId>,
}

impl S3Writer {
    pub(super) fn new(blobs: S3Blobs) -> Self {
        let sealing = Sealing::new(blobs.settings.blob_bytes_max);
        Self { blobs, sealing, buffer: Vec::new(), upload: None }
    }

    fn part_bytes(&self) -> usize {
        usize::try_from(self.blobs.settings.part_bytes).unwrap_or(usize::MAX)
    }

    /// Sends what is in the buffer as the next part.
    fn send(&mut self) -> Result<(), BlobError> {
        let bytes = mem::take(&mut self.buffer);
        let sent = self.begun().and_then(|(blobs, upload)| {
            let (path, number, place) = (&upload.path, &upload.number, upload.parts.len());
            let sent = blobs.client.wait(async |store| store.put_part(path, number, place, bytes.into()).await);
            upload.parts.push(sent.map_err(|error| unavailable(&error))?);
            Ok(())
        });
        if sent.is_err() {
            self.sealing.spoil();
        }
        sent
    }

    /// The upload, noted and begun at the first call. Twice noted, since its number is known only when it is begun: a
    /// process that ends in between leaves an upload without parts, which costs nothing and which the server drops.
    fn begun(&mut self) -> Result<(&S3Blobs, &mut Upload), BlobError> {
        if self.upload.is_none() {
            let id = Uuid::new_v4();
            let note = self.blobs.below(&format!("{UNFINISHED}/{id}"));
            let path = self.blobs.below(&format!("{UNFINISHED}/{id}{PARTS}"));
            let begun = self.blobs.client.wait(async |store| {
                let number = store.create_multipart(&path).await?;
                store.put(&note, number.clone().into()).await?;
                Ok(number)
            });
            let number = begun.map_err(|error| unavailable(&error))?;
            self.upload = Some(Upload { note, path, number, parts: Vec::new() });
        }
        match &mut self.upload {
            Some(upload) => Ok((&self.blobs, upload)),
            None => Err(BlobError::Unavailable { cause: "the upload could not be begun".to_owned() }),
        }
    }

    /// Makes one object of the parts, under the address.
    fn complete(&mut self, blob: &Blob) -> Result<(), BlobError> {
        let Some(Upload { note, path, number, parts }) = self.upload.clone() else { return Ok(()) };
        let address = self.blobs.path(&blob.digest);
        let completed = self.blobs.client.wait(async |store| {
            store.complete_multipart(&path, &number, parts).await?;
            store.copy(&path, &address).await?;
            store.delete(&path).await?;
            store.delete(&note).await
        });
        completed.map_err(|error| unavailable(&error))?;
        self.upload = None;
        Ok(())
    }
}

impl BlobWriter for S3Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.sealing.admit(bytes.len())?;
        self.sealing.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            // All parts but the last are of one size, which some servers ask for.
            let room = self.part_bytes().saturating_sub(self.buffer.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() >= self.part_bytes() {
                self.send()?;
            }
            rest = later;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        let (blob, trailer) = mem::replace(&mut self.sealing, Sealing::new(0)).finish()?;
        self.buffer.extend(trailer);
        if self.upload.is_none() {
            let stored = mem::take(&mut self.buffer);
            return self.blobs.put_whole(&blob, stored);
        }
        self.send()?;
        self.complete(&blob)?;
        Ok(blob)
    }
}

impl Drop for S3Writer {
    fn drop(&mut self) {
        let Some(Upload { note, path, number, .. }) = self.upload.take() else { return };
        self.blobs.client.wait_or_begin(|store| async move {
            // What cannot be taken back now is swept later.
            let aborted = store.abort_multipart(&path, &number).await;
            let removed = store.delete(&path).await;
            if aborted.is_ok() || removed.is_ok() {
                drop(store.delete(&note).await);
            }
        });
    }
}
