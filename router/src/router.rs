//! The walk of a batch: read, map, look up, decide inside the transaction, commit, tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_core::ack::Settlement;
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{FeedName, Format, Offset, PartitionId};
use causeway_core::feed::FeedSettings;
use causeway_core::metric::{self, Metrics};
use causeway_core::outcome::Outcome;
use causeway_core::port::{
    BlobError, Candidates, Clock, Entry, Fence, Log, LogError, Lookup, Map, RedoMode, Repository, Resolved, SharedBlobs,
};

use crate::error::RouterError;
use crate::fetch::Came;
use crate::keep::keep;
use crate::message::{Content, Door, Message};
use crate::plan::{Known, plan};
use crate::report::seconds;
use crate::resent::Sorted;
use crate::settings::Settings;

/// Waits, and returns early when the process is to stop.
pub type Pause = dyn Fn(Duration) + Send + Sync;

/// The router. One for all partitions; each partition has a thread of its own that calls [`Router::run`].
pub struct Router {
    /// Where messages are read.
    pub log: Arc<dyn Log>,
    /// What makes records of them.
    pub map: Arc<dyn Map>,
    /// Where records, decisions and offsets are kept.
    pub repository: Arc<dyn Repository>,
    /// Where documents are kept.
    pub blobs: SharedBlobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where numbers go.
    pub metrics: Arc<dyn Metrics>,
    /// Who waits to hear what became of a message.
    pub settlement: Arc<dyn Settlement>,
    /// Every configured feed.
    pub feeds: Arc<BTreeMap<FeedName, FeedSettings>>,
    /// How to wait between tries, and for more images.
    pub pause: Arc<Pause>,
    /// The bounds.
    pub settings: Settings,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing came while it waited.
    Idle,
    /// So many messages have their outcome.
    Committed(usize),
}

impl Router {
    /// Takes the next batch of a partition from the log to the repository. Nothing is done twice: the offset moves in the
    /// transaction that stores the outcomes.
    ///
    /// # Errors
    /// Those of the log and the repository; then nothing was committed, and the next step begins with the same batch.
    pub fn step(&self, partition: PartitionId) -> Result<Step, RouterError> {
        let expect = self.repository.next_offset(partition)?;
        let entries = self.gather(partition, expect)?;
        let Some(last) = entries.last() else { return Ok(Step::Idle) };
        let fence = Fence { partition, expect, next: last.position.offset.next() };

        let messages = self.prepare(&entries, Door::Respected)?;
        let ask = if self.log.tells_resends() { Message::lookup } else { Message::lookup_as_new };
        let lookups: Vec<Lookup<'_>> = messages.iter().map(ask).collect();
        let begun = self.clock.now();
        let mut sorted = Sorted::default();
        let committed = self.repository.commit(fence, &lookups, begun, &mut |resolved| {
            sorted = Sorted::of(&lookups, resolved);
            self.decide(&messages, resolved, &sorted, RedoMode::Commit)
        })?;

        let done = self.clock.now();
        if sorted.copies().next().is_some() {
            self.metrics.add(
                &metric::STAGE_MESSAGES,
                &["route", "resent"],
                u64::try_from(sorted.copies().count()).unwrap_or(0),
            );
            for copy in sorted.copies().filter_map(|place| messages.get(place)) {
                self.metrics.add(&metric::MESSAGES_DUPLICATE, &[copy.facts.feed.as_str()], 1);
            }
            self.settlement.settled(&sorted.settled(&messages, &committed, done));
        }
        self.metrics.observe(&metric::DB_TRANSACTION_SECONDS, &["commit"], seconds(begun, done));
        self.metrics.set(&metric::DB_BATCH_SIZE, &[], f64::from(u32::try_from(messages.len()).unwrap_or(u32::MAX)));
        self.tell(&committed, done);
        Ok(Step::Committed(messages.len()))
    }

    /// Reads the next batch. Images that have just come are seldom alone: they are given a moment to be more.
    fn gather(&self, partition: PartitionId, expect: Offset) -> Result<Vec<Entry>, LogError> {
        let Settings { batch, read_wait, images_gather, .. } = self.settings;
        let entries = self.log.read(partition, expect, batch, read_wait)?;
        let Some(last) = entries.last() else { return Ok(entries) };
        let is_old = self.clock.now().duration_since(last.appended_at).unsigned_abs() >= images_gather;
        let all_images = entries.iter().all(|entry| entry.envelope.format == Format::Dicom);
        if is_old || !all_images || entries.len() >= batch.count_max {
            return Ok(entries);
        }
        (self.pause)(images_gather);
        self.log.read(partition, expect, batch, Duration::ZERO)
    }

    /// Steps until `stop` is set. Errors that may pass are tried again, each time after a longer pause.
    ///
    /// # Errors
    /// Any other error: the process has to stop and recover from disk.
    pub fn run(&self, partition: PartitionId, stop: &AtomicBool) -> Result<(), RouterError> {
        let mut pause = self.settings.retry_first;
        while !stop.load(Ordering::Acquire) {
            match self.step(partition) {
                Ok(Step::Idle | Step::Committed(_)) => pause = self.settings.retry_first,
                Err(error) if error.disposition() == Disposition::Retry => {
                    tracing::warn!(partition = partition.0, %error, ?pause, "the step is tried again");
                    self.metrics.add(&metric::STAGE_MESSAGES, &["store", "retried"], 1);
                    (self.pause)(pause);
                    pause = pause.saturating_mul(2).min(self.settings.retry_max);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Maps a batch.
    fn prepare(&self, entries: &[Entry], door: Door) -> Result<Vec<Message>, RouterError> {
        let mut from = self.clock.now();
        let mut messages = Vec::with_capacity(entries.len());
        for entry in entries {
            let message = self.prepared(entry, door, &Came::default())?;
            let to = self.clock.now();
            if matches!(message.content, Content::Mapped(_)) {
                self.metrics.observe(&metric::STAGE_DURATION_SECONDS, &["map"], seconds(from, to));
            }
            messages.push(message);
            from = to;
        }
        Ok(messages)
    }

    /// Plans a batch on what was resolved for it. The time of the decisions is that of the transaction: whoever joined
    /// before it began has joined, whoever revoked has revoked.
    /// Documents of permitted messages are durable when it returns; a preview stores none.
    pub(crate) fn decide(
        &self,
        messages: &[Message],
        resolved: &Resolved,
        sorted: &Sorted,
        mode: RedoMode,
    ) -> Result<Vec<Outcome>, BlobError> {
        let at = self.clock.now();
        // Every message gets an outcome, whatever the engine answers; nobody known is the answer that permits nothing.
        let nobody = Candidates::default();
        let planned = sorted.first.iter().filter_map(|place| messages.get(*place).map(|message| (place, message)));
        let planned = planned.map(|(place, message)| {
            let candidates = resolved.candidates.get(*place).unwrap_or(&nobody);
            let provider = resolved.providers.get(&message.facts.provider);
            let mut outcome = plan(message, Known { provider, candidates }, at, self.settings.rules);
            outcome.facts.control_id_reused |= sorted.reused.contains(place);
            match mode {
                RedoMode::Commit => keep(self.blobs.as_ref(), message, outcome),
                RedoMode::Preview => Ok(outcome),
            }
        });
        let outcomes = planned.collect();
        self.metrics.observe(&metric::STAGE_DURATION_SECONDS, &["route"], seconds(at, self.clock.now()));
        outcomes
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("settings", &self.settings).finish_non_exhaustive()
    }
}
