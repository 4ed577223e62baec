//! Images nobody has a right to keep: those that were withheld, once the log gives their claims up, and those that never got
//! a claim because the process died between the store and the log.
//!
//! Until then they stay, so that they can be taken up when their person joins. The walk goes over the addresses of the
//! store; only blobs of a certain age are looked into, and each is judged by the messages with its SOP Instance UID.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use causeway_core::dicom::claim::Claim;
use causeway_core::envelope::{Digest, Format, PartitionId, Position};
use causeway_core::outcome::State;
use causeway_core::port::{BlobRow, Clock as _, Log, LogError, ReadLimit, Repository, SharedBlobs};
use causeway_dicom::scan::{ScanLimits, Scanner};
use jiff::Timestamp;

use super::clockwork::thread;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::stop::Stop;

/// How often the whole store is walked, unless the log keeps its entries for less.
const WALK_EVERY: Duration = Duration::from_hours(24);
/// So many walks in a row look into a blob that has come of age: one may be missed, not all.
const WALKS: u32 = 7;
/// Without a claim after this long, none will come.
const ORPHAN_AGE: Duration = Duration::from_hours(24);
/// Addresses listed at once.
const PAGE: usize = 500;
/// Of a file, its File Meta Information stands within so many bytes.
const HEAD: usize = 1024;

/// What a walk needs.
pub(super) struct Pixels {
    pub(super) blobs: SharedBlobs,
    pub(super) log: std::sync::Arc<dyn Log>,
    pub(super) repository: std::sync::Arc<dyn Repository>,
    /// How long the log keeps its entries.
    pub(super) retention: Duration,
}

/// Walks now and then.
pub(super) fn watch(pixels: Pixels, stop: &Stop) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    let every = WALK_EVERY.min(pixels.retention);
    thread("causeway-pixels", move || {
        // The first walk looks into everything that is old enough: nobody knows how long the process was away.
        let mut since = Duration::MAX;
        while !stop.wait(every) {
            let began = Instant::now();
            match pixels.walk(SystemClock.now(), since, &stop) {
                Ok(0) => since = every.saturating_mul(WALKS),
                Ok(count) => {
                    since = every.saturating_mul(WALKS);
                    let seconds = began.elapsed().as_secs();
                    tracing::info!(count, seconds, "images without a right to be kept were removed");
                }
                Err(error) => tracing::warn!(%error, "images without a right to be kept could not all be removed"),
            }
        }
    })
}

impl Pixels {
    /// Walks the store once. How many were removed.
    fn walk(&self, now: Timestamp, since: Duration, stop: &Stop) -> Result<u64, String> {
        let before = |age: Duration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let (retention, orphan) = (before(self.retention), before(ORPHAN_AGE.min(self.retention)));
        let known = self.known_until()?;
        let (mut after, mut removed) = (None::<Digest>, 0);
        loop {
            let page = self.blobs.list(after.as_ref(), PAGE).map_err(|error| error.to_string())?;
            let Some(last) = page.last() else { return Ok(removed) };
            after = Some(last.blob.digest);
            for row in page {
                if stop.is_said() {
                    return Ok(removed);
                }
                let came_of_age = |age: Timestamp| {
                    row.stored_at < age && row.stored_at >= age.checked_sub(since).unwrap_or(Timestamp::MIN)
                };
                if (came_of_age(retention) || came_of_age(orphan))
                    && row.stored_at < known
                    && !self.has_a_right(&row, retention)?
                {
                    removed += u64::from(self.blobs.remove(&row.blob.digest).map_err(|error| error.to_string())?);
                }
            }
        }
    }

    /// What was logged before this is known to the repository.
    fn known_until(&self) -> Result<Timestamp, String> {
        let mut known = Timestamp::MAX;
        for state in self.log.state().map_err(|error| error.to_string())? {
            let next = self.repository.next_offset(state.partition).map_err(|error| error.to_string())?;
            if next < state.end {
                known = known.min(self.appended_at(state.partition, next)?);
            }
        }
        Ok(known)
    }

    fn appended_at(
        &self,
        partition: PartitionId,
        offset: causeway_core::envelope::Offset,
    ) -> Result<Timestamp, String> {
        let limit = ReadLimit { count_max: 1, bytes_max: 1 };
        let read = self.log.read(partition, offset, limit, Duration::ZERO).map_err(|error| error.to_string())?;
        Ok(read.first().map_or(Timestamp::MIN, |entry| entry.envelope.received_at))
    }

    /// Whether a blob may stay: it is no image, or a message that claims it is accepted or may become so.
    fn has_a_right(&self, row: &BlobRow, retention: Timestamp) -> Result<bool, String> {
        let head = self.blobs.read(&row.blob.digest, 0, HEAD).map_err(|error| error.to_string())?;
        let mut scanner = Scanner::file(ScanLimits::default());
        let is_image = head.get(128..132) == Some(b"DICM") && scanner.feed(&head).is_ok();
        let instance = scanner.meta().and_then(|meta| meta.sop_instance.clone()).filter(|_| is_image);
        let Some(instance) = instance else { return Ok(true) };
        let messages = self.repository.trace(instance.as_str()).map_err(|error| error.to_string())?;
        for message in messages.iter().map(|detail| &detail.row).filter(|row| row.facts.format == Format::Dicom) {
            let may = match message.state {
                State::Accepted | State::Held => true,
                State::Withheld | State::Rejected | State::Discarded => message.facts.received_at >= retention,
            };
            if may && self.claims(message.facts.position, &row.blob.digest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the message at a place claims this blob. One that the log gave up is believed to.
    fn claims(&self, position: Position, blob: &Digest) -> Result<bool, String> {
        match self.log.entry(position) {
            Ok(entry) => Ok(Claim::read(entry.envelope.body.expose()).is_ok_and(|claim| claim.blob == *blob)),
            Err(LogError::OutOfRange { .. }) => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }
}
