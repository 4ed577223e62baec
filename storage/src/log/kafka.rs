//! The log on Apache Kafka: one topic, written by any number of processes.
//!
//! An envelope is one message: the sender's bytes are its value, untouched, and what we know of them its headers.
//! It is acknowledged when `min_isr` copies are written, by an idempotent producer, so that the broker stores each once
//! and in order. Kafka does not know resends: [`Log::tells_resends`] says so, and the router asks the repository.
//! Readers check each message and its place; what is missing or changed is damage, never skipped.
//!
//! The topic must be as [`topic::plan`] says, or the log is not opened.

mod client;
mod fault;
mod message;
mod producing;
mod reader;
mod readers;
mod retention;
mod seen;
pub mod topic;
mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Envelope, Offset, PartitionId, Position};
use causeway_core::metric::Metrics;
use causeway_core::port::{Clock, Completion, Entry, Log, LogError, PartitionState, ReadLimit};
use jiff::Timestamp;

use self::producing::Producing;
use self::reader::{Reader, Use};
use self::readers::Readers;
use self::seen::Seen;

pub use super::embedded::Halt;
use super::kafka_settings as settings;
pub use super::kafka_settings::{KafkaLogSettings, ScramMechanism, Security};

/// The label of this engine in metrics.
const LABEL: &str = "kafka";
/// The longest a reader waits for an entry, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_hours(24);
/// What `verify` reads at once.
const VERIFY_BATCH: ReadLimit = ReadLimit { count_max: 1024, bytes_max: 8 << 20 };
/// One entry.
const ONE: ReadLimit = ReadLimit { count_max: 1, bytes_max: 0 };

/// The log.
pub struct KafkaLog {
    settings: KafkaLogSettings,
    /// Absent when the log was opened for reading only.
    producing: Option<Producing>,
    /// Those of the workers: one a partition, and some beside them.
    followers: Readers,
    /// Those of everybody else.
    visitors: Readers,
    /// Where each partition begins, as far as is known: what was given up may still lie in a reader.
    floors: Vec<AtomicU64>,
    seen: Arc<Seen>,
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaLog")
            .field("bootstrap_servers", &self.settings.bootstrap_servers)
            .field("topic", &self.settings.topic)
            .finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// Opens the log. `halt` is called once, from a thread of the log, when the producer can give no guarantee any
    /// more; the process then ends with exit code 74.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers, and when the settings or the topic are not as they must be; the cause
    /// names what, and the fix.
    pub fn open(
        settings: &KafkaLogSettings,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn Metrics>,
        halt: Halt,
    ) -> Result<Arc<Self>, LogError> {
        let mut log = Self::checked(settings)?;
        let seen = Arc::clone(&log.seen);
        log.producing = Some(Producing::start(settings, clock, metrics, halt, seen)?);
        Ok(Arc::new(log))
    }

    /// Opens the log for reading: for the command line. Appending and pruning are refused.
    ///
    /// # Errors
    /// As [`KafkaLog::open`].
    pub fn open_read_only(settings: &KafkaLogSettings) -> Result<Arc<Self>, LogError> {
        Self::checked(settings).map(Arc::new)
    }

    /// The reading side, over a topic that is as it must be.
    fn checked(settings: &KafkaLogSettings) -> Result<Self, LogError> {
        let differences = topic::plan(settings, &topic::inspect(settings)?);
        if !differences.is_empty() {
            let said: Vec<_> = differences.iter().map(ToString::to_string).collect();
            return Err(fault::unavailable(format!("topic `{}`: {}", settings.topic, said.join("; "))));
        }
        let followers = settings.readers_max.saturating_add(usize::from(settings.partitions));
        Ok(Self {
            settings: settings.clone(),
            producing: None,
            followers: Readers::new(settings, Use::Follow, followers),
            visitors: Readers::new(settings, Use::Visit, settings.readers_max),
            floors: (0..settings.partitions).map(|_| AtomicU64::new(0)).collect(),
            seen: Arc::default(),
        })
    }

    /// Takes no more, waits until what is on its way has landed or failed, and ends. Dropping the log does the same.
    pub fn close(&self) {
        if let Some(producing) = &self.producing {
            producing.close();
        }
    }

    /// The writing side, or the refusal of a log that only reads.
    fn producing(&self) -> Result<&Producing, LogError> {
        self.producing.as_ref().ok_or_else(|| fault::unavailable("the log was opened for reading only"))
    }

    /// Refuses places that are known not to be held.
    fn refuse_outside(&self, at: Position) -> Result<(), LogError> {
        let floor = self.floors.get(usize::from(at.partition.0)).map(|floor| floor.load(Ordering::Acquire));
        match floor {
            Some(floor) if at.offset.0 >= floor => Ok(()),
            Some(_) | None => Err(LogError::OutOfRange { position: at }),
        }
    }

    /// How long the brokers have, from now on.
    fn patience(&self) -> Instant {
        Instant::now() + self.settings.read_timeout
    }

    /// Reads with one reader from `at` on. What is held is waited for as long as the brokers may take to answer; what
    /// is not there yet until `deadline`.
    fn read_with(
        &self,
        reader: &mut Reader,
        at: Position,
        limit: ReadLimit,
        deadline: Instant,
    ) -> Result<Vec<Entry>, LogError> {
        if reader.at() == Some(at) {
            let entries = reader.read(limit, deadline)?;
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        let state = reader.bounds(at.partition)?;
        if at.offset < state.first || at.offset > state.end {
            return Err(LogError::OutOfRange { position: at });
        }
        reader.go_to(at)?;
        let is_held = at.offset < state.end;
        let entries = reader.read(limit, if is_held { deadline.max(self.patience()) } else { deadline })?;
        if is_held && entries.is_empty() {
            return Err(fault::unavailable("the brokers do not give what they hold"));
        }
        Ok(entries)
    }

    /// Notes what was read.
    fn note(&self, entries: &[Entry]) {
        for entry in entries {
            self.seen.note(u64::try_from(entry.envelope.body.expose().len()).unwrap_or(u64::MAX).saturating_add(512));
        }
    }

    /// Checks one partition from its first entry to where it ends now.
    fn verify_lane(&self, reader: &mut Reader, state: PartitionState) -> Result<u64, LogError> {
        let (mut count, mut at) = (0_u64, state.first);
        while at < state.end {
            let position = Position { partition: state.partition, offset: at };
            match self.read_with(reader, position, VERIFY_BATCH, Instant::now()) {
                Ok(batch) => {
                    batch.iter().try_for_each(verify_digest)?;
                    let read = u64::try_from(batch.len()).unwrap_or(u64::MAX);
                    count = count.saturating_add(read);
                    at = Offset(at.0.saturating_add(read));
                }
                // Pruned while it was being read: go on where the partition begins now.
                Err(LogError::OutOfRange { .. }) => at = reader.bounds(state.partition)?.first.max(at.next()),
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}

impl Log for KafkaLog {
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        self.producing()?.append(&envelope, done)
    }

    /// It does not: any number of processes write it.
    fn tells_resends(&self) -> bool {
        false
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let at = Position { partition, offset: from };
        self.refuse_outside(at)?;
        if limit.count_max == 0 {
            return Ok(Vec::new());
        }
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        let entries = self
            .followers
            .with(Some(at), deadline.max(self.patience()), |reader| self.read_with(reader, at, limit, deadline))?;
        self.note(&entries);
        Ok(entries)
    }

    fn entry(&self, position: Position) -> Result<Entry, LogError> {
        self.refuse_outside(position)?;
        let entries = self.visitors.with(None, self.patience(), |reader| {
            let entries = self.read_with(reader, position, ONE, Instant::now())?;
            reader.rest()?;
            Ok(entries)
        })?;
        self.note(&entries);
        entries.into_iter().next().ok_or(LogError::OutOfRange { position })
    }

    fn partitions(&self) -> u16 {
        self.settings.partitions
    }

    fn state(&self) -> Result<Vec<PartitionState>, LogError> {
        self.visitors.with(None, self.patience(), |reader| {
            (0..self.settings.partitions).map(|lane| reader.bounds(PartitionId(lane))).collect()
        })
    }

    /// An estimate: Kafka does not tell clients what a topic takes on disk. It is what the messages that this process
    /// wrote or read had on the average, for one copy and before compression, times the messages held.
    fn size_bytes(&self) -> Result<u64, LogError> {
        let states = self.state()?;
        let held = states.iter().map(|lane| lane.end.0.saturating_sub(lane.first.0)).fold(0, u64::saturating_add);
        let sample = states.iter().find(|lane| lane.first < lane.end);
        if let (None, Some(lane)) = (self.seen.estimate(held), sample) {
            // One message is a poor sample, but better than none; `entry` notes it.
            self.entry(Position { partition: lane.partition, offset: lane.first })?;
        }
        Ok(self.seen.estimate(held).unwrap_or(0))
    }

    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError> {
        self.producing()?;
        let lanes = processed.iter().filter(|at| at.partition.0 < self.settings.partitions);
        let cuts = self.visitors.with(None, self.patience(), |reader| {
            let cuts = lanes.map(|at| retention::cut(reader, &self.settings, now, *at));
            cuts.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
        })?;
        let gone = retention::delete(&self.settings, &cuts)?;
        for cut in cuts {
            if let Some(floor) = self.floors.get(usize::from(cut.to.partition.0)) {
                floor.fetch_max(cut.to.offset.0, Ordering::AcqRel);
            }
        }
        Ok(gone)
    }

    fn verify(&self) -> Result<u64, LogError> {
        // A reader of its own: it takes long, and nobody else should wait for it.
        let mut reader = Reader::new(&self.settings, Use::Follow)?;
        let mut count = 0_u64;
        for state in self.state()? {
            count = count.saturating_add(self.verify_lane(&mut reader, state)?);
        }
        Ok(count)
    }
}

/// The digest an entry carries must be that of its bytes.
fn verify_digest(entry: &Entry) -> Result<(), LogError> {
    // A claim's bytes are elsewhere; whoever holds them checks them.
    let claimed = super::claims::claim(&entry.envelope).is_some();
    if claimed || Digest::of(entry.envelope.body.expose()) == entry.envelope.digest {
        return Ok(());
    }
    Err(fault::damaged(entry.position, "its digest is not that of its bytes"))
}
