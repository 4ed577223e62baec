//! Envelopes too large for a log: their bytes go to a blob store, and the log keeps a claim to them.
//!
//! A claim is a line of text in the place of the bytes: `causeway-claim sha256=<64 hex digits> bytes=<n>`. The envelope keeps
//! the digest of the bytes it had, which no text naming that digest can have itself: so a claim is told from a body
//! that merely looks like one. The bytes are durable before the claim is given to the log; reading checks them against
//! the digest. Bytes that are missing or changed are damage of the log, told and never skipped.
//!
//! The blob store is the claims' own, so that giving up old entries never touches a document.

mod uploads;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Digest, Envelope, Offset, PartitionId, Position};
use causeway_core::phi::Phi;
use causeway_core::port::{Blob, BlobError, Completion, Entry, Log, LogError, PartitionState, ReadLimit, SharedBlobs};
use jiff::Timestamp;

use self::uploads::Uploads;

/// What a claim begins with.
const BEGIN: &str = "causeway-claim sha256=";
/// What stands between digest and size.
const BETWEEN: &str = " bytes=";
/// No claim is longer.
const CLAIM_BYTES_MAX: usize = 128;
/// A claim's bytes are kept for so long after the oldest entry that may name them was received: clocks differ, and the
/// order of receiving is not quite the order of the log.
const SLACK: Duration = Duration::from_hours(24);
/// Blobs listed at once.
const PAGE: usize = 1000;
/// Entries read at once while all are checked.
const VERIFY: ReadLimit = ReadLimit { count_max: 1024, bytes_max: 8 << 20 };
/// Bytes of a blob read at once while it is checked.
const STEP: usize = 1 << 20;

/// What is large, and how much of it may be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimLimits {
    /// Envelopes with more bytes are large.
    pub above: u64,
    /// The most bytes an envelope may have: those the blob store takes.
    pub bytes_max: u64,
    /// Envelopes that wait for the blob store, or for one of their patients that does; with more, `append` answers busy.
    pub queue_max: usize,
    /// The bytes of them; one envelope is always taken.
    pub queue_bytes_max: u64,
}

/// A log whose large envelopes are elsewhere.
pub struct ClaimedLog {
    log: Arc<dyn Log>,
    blobs: SharedBlobs,
    above: usize,
    bytes_max: u64,
    uploads: Uploads,
}

impl fmt::Debug for ClaimedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedLog").field("above", &self.above).finish_non_exhaustive()
    }
}

impl ClaimedLog {
    /// Puts the bytes of large envelopes into `blobs`, which must be nobody else's, on threads of its own.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no thread.
    pub fn new(log: Arc<dyn Log>, blobs: SharedBlobs, limits: ClaimLimits) -> Result<Self, LogError> {
        let above = usize::try_from(limits.above).unwrap_or(usize::MAX).max(CLAIM_BYTES_MAX);
        let uploads = Uploads::start(&log, &blobs, above, &limits)?;
        Ok(Self { log, blobs, above, bytes_max: limits.bytes_max, uploads })
    }

    /// Where the bytes are. What no entry of the log names may be removed from it, and nothing else.
    pub fn blobs(&self) -> SharedBlobs {
        Arc::clone(&self.blobs)
    }

    /// Gives an entry its bytes.
    fn redeem(&self, mut entry: Entry) -> Result<Entry, LogError> {
        if let Some(blob) = claim(&entry.envelope) {
            let bytes = self.blobs.read(&blob.digest, 0, usize::MAX);
            let bytes = bytes.map_err(|error| of_read(entry.position, &error))?;
            entry.envelope.body = Phi::new(Arc::from(bytes));
        }
        Ok(entry)
    }

    /// Removes the bytes no entry can name any more.
    fn prune_blobs(&self, now: Timestamp) -> Result<(), LogError> {
        let mut oldest = now;
        for lane in self.log.state()? {
            if lane.first < lane.end {
                let first = self.log.entry(Position { partition: lane.partition, offset: lane.first })?;
                oldest = oldest.min(first.envelope.received_at);
            }
        }
        let Ok(before) = oldest.checked_sub(SLACK) else { return Ok(()) };
        self.blobs.sweep(before).map_err(|error| of_write(0, &error))?;
        let mut after: Option<Digest> = None;
        loop {
            let rows = self.blobs.list(after.as_ref(), PAGE).map_err(|error| of_write(0, &error))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.blob.digest);
            for row in rows.iter().filter(|row| row.stored_at < before) {
                self.blobs.remove_older(&row.blob.digest, before).map_err(|error| of_write(0, &error))?;
            }
        }
    }

    /// Reads the bytes of every claim of a partition.
    fn verify_lane(&self, state: PartitionState) -> Result<(), LogError> {
        let mut at = state.first;
        while at < state.end {
            let entries = match self.log.read(state.partition, at, VERIFY, Duration::ZERO) {
                Ok(entries) => entries,
                // Given up while it was being read.
                Err(LogError::OutOfRange { .. }) => return Ok(()),
                Err(error) => return Err(error),
            };
            let Some(last) = entries.last() else { return Ok(()) };
            at = last.position.offset.next();
            for entry in &entries {
                if let Some(blob) = claim(&entry.envelope) {
                    self.verify_blob(entry.position, &blob)?;
                }
            }
        }
        Ok(())
    }

    fn verify_blob(&self, position: Position, blob: &Blob) -> Result<(), LogError> {
        let mut from = 0;
        while from < blob.bytes {
            let part = self.blobs.read(&blob.digest, from, STEP).map_err(|error| of_read(position, &error))?;
            if part.is_empty() {
                return Err(damaged(position, "its bytes are fewer than claimed"));
            }
            from = from.saturating_add(part.len() as u64);
        }
        let size = self.blobs.size(&blob.digest).map_err(|error| of_read(position, &error))?;
        if size == Some(blob.bytes) { Ok(()) } else { Err(damaged(position, "its bytes are not as many as claimed")) }
    }
}

impl Log for ClaimedLog {
    /// As the log's, and as quick: a large envelope is stored and logged on another thread, and so is what follows it in its
    /// partition until then.
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        let bytes = envelope.body.expose().len();
        if u64::try_from(bytes).unwrap_or(u64::MAX) > self.bytes_max {
            let bytes_max = usize::try_from(self.bytes_max).unwrap_or(usize::MAX);
            return Err(LogError::TooLong { bytes, bytes_max });
        }
        let partition = envelope.partition(self.log.partitions());
        if bytes <= self.above && !self.uploads.concern(partition) {
            return self.log.append(envelope, done);
        }
        self.uploads.take(partition, envelope, done)
    }

    fn tells_resends(&self) -> bool {
        self.log.tells_resends()
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let (mut entries, mut sum) = (Vec::new(), 0_usize);
        for entry in self.log.read(partition, from, limit, wait)? {
            // The log counted the claims; what they stand for counts here. The rest is read again by the next call.
            let bytes = claim(&entry.envelope)
                .map_or(entry.envelope.body.expose().len(), |blob| usize::try_from(blob.bytes).unwrap_or(usize::MAX));
            sum = sum.saturating_add(bytes);
            if sum > limit.bytes_max && !entries.is_empty() {
                break;
            }
            match self.redeem(entry) {
                Ok(entry) => entries.push(entry),
                Err(error) if entries.is_empty() => return Err(error),
                // What was read before the fault is good; the fault is told at the next call.
                Err(_) => break,
            }
        }
        Ok(entries)
    }

    fn entry(&self, position: Position) -> Result<Entry, LogError> {
        self.redeem(self.log.entry(position)?)
    }

    fn partitions(&self) -> u16 {
        self.log.partitions()
    }

    fn state(&self) -> Result<Vec<PartitionState>, LogError> {
        self.log.state()
    }

    fn size_bytes(&self) -> Result<u64, LogError> {
        self.log.size_bytes()
    }

    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError> {
        let gone = self.log.prune(now, processed)?;
        if gone > 0 {
            self.prune_blobs(now)?;
        }
        Ok(gone)
    }

    fn verify(&self) -> Result<u64, LogError> {
        let count = self.log.verify()?;
        self.log.state()?.into_iter().try_for_each(|lane| self.verify_lane(lane))?;
        Ok(count)
    }
}

/// An envelope with a claim in the place of its bytes, which are durable by then.
fn deposited(blobs: &SharedBlobs, envelope: Envelope) -> Result<Envelope, LogError> {
    let bytes = envelope.body.expose();
    let blob = blobs.put(bytes).map_err(|error| of_write(bytes.len(), &error))?;
    if blob.digest != envelope.digest {
        return Err(LogError::Unavailable { cause: "the envelope's digest is not that of its bytes".to_owned() });
    }
    Ok(Envelope { body: Phi::new(Arc::from(text(&blob).into_bytes())), ..envelope })
}

/// A claim, written.
fn text(blob: &Blob) -> String {
    format!("{BEGIN}{}{BETWEEN}{}\n", blob.digest, blob.bytes)
}

/// What an envelope claims, if it is a claim.
pub(in crate::log) fn claim(envelope: &Envelope) -> Option<Blob> {
    let body: &[u8] = envelope.body.expose();
    if body.len() > CLAIM_BYTES_MAX {
        return None;
    }
    let rest = std::str::from_utf8(body).ok()?.strip_prefix(BEGIN)?.strip_suffix('\n')?;
    let (digest, bytes) = rest.split_once(BETWEEN)?;
    let blob = Blob { digest: Digest::parse(digest)?, bytes: bytes.parse().ok()? };
    (blob.digest == envelope.digest).then_some(blob)
}

fn damaged(position: Position, what: &str) -> LogError {
    LogError::Damaged { partition: position.partition, offset: position.offset, what: what.to_owned() }
}

/// Why an entry's bytes cannot be given.
fn of_read(position: Position, error: &BlobError) -> LogError {
    match error.disposition() {
        Disposition::Retry => LogError::Unavailable { cause: error.to_string() },
        Disposition::Reject | Disposition::Hold | Disposition::Halt => damaged(position, &error.to_string()),
    }
}

/// Why an envelope's bytes cannot be stored. A sync of the blob store that failed promised nothing to anybody yet.
fn of_write(bytes: usize, error: &BlobError) -> LogError {
    match error {
        BlobError::TooLong { bytes_max } => {
            LogError::TooLong { bytes, bytes_max: usize::try_from(*bytes_max).unwrap_or(usize::MAX) }
        }
        BlobError::Unavailable { .. }
        | BlobError::Full { .. }
        | BlobError::Sync { .. }
        | BlobError::Missing { .. }
        | BlobError::Damaged { .. } => LogError::Unavailable { cause: error.to_string() },
    }
}
