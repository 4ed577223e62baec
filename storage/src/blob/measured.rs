//! A blob store whose calls are counted, whatever engine it is.

use std::sync::Arc;
use std::time::Instant;

use causeway_core::envelope::Digest;
use causeway_core::metric::{self, Metrics};
use causeway_core::port::{Blob, BlobError, BlobRow, BlobStore, BlobWriter, SharedBlobs};
use jiff::Timestamp;

/// Counts what goes in and out of a store, and what fails.
pub struct MeasuredBlobs {
    store: SharedBlobs,
    metrics: Arc<dyn Metrics>,
}

impl std::fmt::Debug for MeasuredBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeasuredBlobs").finish_non_exhaustive()
    }
}

impl MeasuredBlobs {
    /// Counts the calls of `store`.
    pub fn new(store: SharedBlobs, metrics: Arc<dyn Metrics>) -> Self {
        Self { store, metrics }
    }

    fn told<T>(&self, operation: &'static str, result: Result<T, BlobError>) -> Result<T, BlobError> {
        told(self.metrics.as_ref(), operation, result)
    }
}

impl BlobStore for MeasuredBlobs {
    fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        let begun = Instant::now();
        let writer = self.store.create();
        let writer = writer.inspect_err(|error| count(self.metrics.as_ref(), "write", error));
        Ok(Box::new(MeasuredWriter { writer: writer?, metrics: Arc::clone(&self.metrics), begun }))
    }

    fn prepare(&self) {
        self.store.prepare();
    }

    fn put(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        let begun = Instant::now();
        let stored = self.store.put(bytes);
        written(self.metrics.as_ref(), begun, stored)
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        self.told("size", self.store.size(digest))
    }

    fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError> {
        let begun = Instant::now();
        let read = self.told("read", self.store.read(digest, from, bytes_max))?;
        self.metrics.add(&metric::BLOB_BYTES, &["read"], read.len() as u64);
        self.metrics.observe(&metric::BLOB_DURATION_SECONDS, &["read"], begun.elapsed().as_secs_f64());
        Ok(read)
    }

    fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        self.told("remove", self.store.remove(digest))
    }

    fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError> {
        self.told("remove", self.store.remove_older(digest, before))
    }

    fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
        self.told("list", self.store.list(after, count_max))
    }

    fn sweep(&self, before: Timestamp) -> Result<u64, BlobError> {
        self.told("sweep", self.store.sweep(before))
    }

    fn probe(&self) -> Result<(), BlobError> {
        self.told("probe", self.store.probe())
    }
}

/// A blob on its way in, of which the end counts.
struct MeasuredWriter {
    writer: Box<dyn BlobWriter>,
    metrics: Arc<dyn Metrics>,
    begun: Instant,
}

impl BlobWriter for MeasuredWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.writer.write(bytes).inspect_err(|error| count(self.metrics.as_ref(), "write", error))
    }

    fn finish(self: Box<Self>) -> Result<Blob, BlobError> {
        let Self { writer, metrics, begun } = *self;
        written(metrics.as_ref(), begun, writer.finish())
    }
}

fn written(metrics: &dyn Metrics, begun: Instant, result: Result<Blob, BlobError>) -> Result<Blob, BlobError> {
    let blob = told(metrics, "write", result)?;
    metrics.add(&metric::BLOB_BYTES, &["write"], blob.bytes);
    metrics.observe(&metric::BLOB_DURATION_SECONDS, &["write"], begun.elapsed().as_secs_f64());
    Ok(blob)
}

fn told<T>(metrics: &dyn Metrics, operation: &'static str, result: Result<T, BlobError>) -> Result<T, BlobError> {
    match &result {
        Ok(_) => metrics.add(&metric::BLOB_OPERATIONS, &[operation, "ok"], 1),
        Err(error) => count(metrics, operation, error),
    }
    result
}

fn count(metrics: &dyn Metrics, operation: &'static str, error: &BlobError) {
    let outcome = match error {
        BlobError::Unavailable { .. } => "unavailable",
        BlobError::Full { .. } => "full",
        BlobError::TooLong { .. } => "too-long",
        BlobError::Sync { .. } => "sync",
        BlobError::Missing { .. } => "missing",
        BlobError::Damaged { .. } => "damaged",
    };
    metrics.add(&metric::BLOB_OPERATIONS, &[operation, outcome], 1);
}
