//! The writer: the one thread that writes. It takes what is queued, makes it durable in one transaction, marks how far
//! the log goes, and only then answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use causeway_core::envelope::{Envelope, Offset, Position};
use causeway_core::metric::{self, Metrics};
use causeway_core::port::{Appended, Clock, Freshness, LogError};
use jiff::Timestamp;
use rusqlite::Connection;

use super::ahead::Ahead;
use super::board::Board;
use super::checkpointer::Checkpointer;
use super::failure::Failure;
use super::header::Place;
use super::identity::{Index, Key, Likeness, Seen};
use super::lane::Lane;
use super::mark::Tip;
use super::marker::Marker;
use super::queue::{Queue, Queued, Work};
use super::readers::Readers;
use super::seal::{Stored, checksum};
use super::{EmbeddedLogSettings, LABEL, disk, entries, fault, files_bytes, schema};

/// What the log's content is called in metrics, on every engine.
const TOPIC: &str = "envelopes";

/// The writer, with all that is its own.
pub(super) struct Writer {
    pub(super) dir: PathBuf,
    pub(super) settings: EmbeddedLogSettings,
    pub(super) store: Connection,
    pub(super) index: Index,
    pub(super) lanes: Vec<Lane>,
    /// About what SQLite's write-ahead log holds since the last checkpoint.
    pub(super) wal_bytes: u64,
    pub(super) ahead: Ahead,
    pub(super) queue: Arc<Queue>,
    pub(super) board: Arc<Board>,
    pub(super) readers: Arc<Readers>,
    pub(super) marker: Arc<Marker>,
    pub(super) checkpointer: Arc<Checkpointer>,
    pub(super) failure: Arc<Failure>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<dyn Metrics>,
}

/// What one envelope of a group gets.
enum Answer {
    /// This, whatever becomes of the group.
    Now(Result<Appended, LogError>),
    /// This, once the group is durable.
    Durable(Appended),
}

/// A group on its way.
struct Batch {
    now: Timestamp,
    tips: Vec<Tip>,
    /// Why nothing new can be written, if so.
    refused: Option<String>,
    begun: bool,
    /// What was written: to be taken out of the index if it does not become durable.
    written: Vec<(Key, Position, u64)>,
}

impl Writer {
    /// Works until the queue is closed or something fails.
    pub(super) fn run(mut self) {
        self.show();
        let mut prune_first = false;
        loop {
            let done = match self.queue.next(prune_first) {
                Work::Group(group) => self.group(group),
                Work::Prune(prune) => self.prune(&prune),
                Work::End => break,
            };
            if let Err(error) = done.and_then(|()| self.tidy()) {
                return self.failure.tell(&error, std::iter::empty());
            }
            prune_first = !prune_first;
        }
        if let Err(error) = self.checkpoint() {
            self.failure.tell(&error, std::iter::empty());
        }
    }

    /// Makes a group durable and answers it.
    fn group(&mut self, group: Vec<Queued>) -> Result<(), LogError> {
        let started = Instant::now();
        match self.write(&group) {
            Ok(answers) => {
                self.metrics.observe(&metric::LOG_APPEND_DURATION_SECONDS, &[LABEL], started.elapsed().as_secs_f64());
                self.failure.answer(group.into_iter().map(|queued| queued.done).zip(answers));
                Ok(())
            }
            Err(error) => {
                self.failure.tell(&error, group.into_iter().map(|queued| queued.done));
                Err(error)
            }
        }
    }

    /// Writes a group. An error means that nobody knows what was written.
    fn write(&mut self, group: &[Queued]) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        let mut batch = Batch {
            now: self.clock.now(),
            tips: self.lanes.iter().map(|lane| lane.tip).collect(),
            refused: disk::check_room(&self.dir, &self.settings).err(),
            begun: false,
            written: Vec::with_capacity(group.len()),
        };
        let mut answers = Vec::with_capacity(group.len());
        for queued in group {
            answers.push(self.place(queued, &mut batch)?);
        }
        if batch.begun {
            self.commit(&mut batch)?;
        }
        let refused = batch.refused;
        let answer = |answer| match answer {
            Answer::Now(answer) => answer,
            Answer::Durable(appended) => match &refused {
                Some(cause) => Err(fault::unavailable(cause)),
                None => Ok(appended),
            },
        };
        Ok(answers.into_iter().map(answer).collect())
    }

    /// Writes one envelope, unless it is there already or nothing can be written.
    fn place(&mut self, queued: &Queued, batch: &mut Batch) -> Result<Answer, LogError> {
        let (store, lanes) = (&self.store, &self.lanes);
        let seen = self.index.find(store, queued.key, |at| likeness(store, lanes, at, &queued.envelope))?;
        if let Seen::At(position) = seen {
            let appended = Appended { position, freshness: Freshness::Resent };
            let durable =
                lanes.get(usize::from(position.partition.0)).is_some_and(|lane| position.offset < lane.tip.end);
            return Ok(if durable { Answer::Now(Ok(appended)) } else { Answer::Durable(appended) });
        }
        if let Some(cause) = &batch.refused {
            return Ok(Answer::Now(Err(fault::unavailable(cause))));
        }
        let reused = seen == Seen::ControlId;
        let partition = queued.envelope.partition(u16::try_from(batch.tips.len()).unwrap_or(u16::MAX));
        let Some(tip) = batch.tips.get_mut(usize::from(partition.0)) else {
            return Err(fault::sync("an envelope has no lane"));
        };
        let position = Position { partition, offset: tip.end };
        let header = queued.stub.header(&Place { position, appended_at: batch.now, control_id_reused: reused });
        let chain = tip.chain.next(&header, &queued.envelope.digest);
        let crc = i64::from(checksum(queued.body_crc, &header, &chain));
        let body = queued.envelope.body.expose();
        let written = begin(store, &mut batch.begun)
            .and_then(|()| entries::insert(store, position, Stored { crc, chain: &chain.0, header: &header, body }));
        match written {
            Ok(()) => {
                *tip = Tip { end: position.offset.next(), chain };
                self.index.insert(queued.key, position, queued.bytes());
                batch.written.push((queued.key, position, queued.bytes()));
                let freshness = if reused { Freshness::ControlIdReused } else { Freshness::New };
                Ok(Answer::Durable(Appended { position, freshness }))
            }
            Err(error) if fault::is_shortage(&error) => {
                self.roll_back(batch, &error)?;
                Ok(Answer::Now(Err(fault::unavailable(error))))
            }
            Err(error) => Err(fault::sync(error)),
        }
    }

    /// Commits, marks and publishes.
    fn commit(&mut self, batch: &mut Batch) -> Result<(), LogError> {
        if batch.refused.is_some() {
            return Ok(());
        }
        match end(&self.store, "COMMIT") {
            Ok(()) => {}
            Err(error) if fault::is_shortage(&error) => return self.roll_back(batch, &error),
            Err(error) => return Err(fault::sync(error)),
        }
        for (lane, tip) in self.lanes.iter_mut().zip(&batch.tips) {
            lane.tip = *tip;
        }
        self.marker.record(&self.lanes).map_err(fault::sync)?;
        self.board.publish(&batch.tips);
        self.show_ends();
        self.count_wal(batch.written.iter().map(|(_, _, bytes)| *bytes));
        Ok(())
    }

    /// There is no room: takes the group back, and makes sure that nothing of it was written.
    fn roll_back(&mut self, batch: &mut Batch, error: &rusqlite::Error) -> Result<(), LogError> {
        batch.refused = Some(error.to_string());
        batch.tips.clone_from(&self.lanes.iter().map(|lane| lane.tip).collect());
        for (key, position, bytes) in batch.written.drain(..) {
            self.index.remove(key, position, bytes);
        }
        self.abort()
    }

    /// Rolls the open transaction back. An error when what is there is not what was there before it.
    pub(super) fn abort(&self) -> Result<(), LogError> {
        // A full disk may have rolled it back already.
        if !self.store.is_autocommit() {
            end(&self.store, "ROLLBACK").map_err(fault::sync)?;
        }
        for lane in &self.lanes {
            if entries::tip(&self.store, lane)? != lane.tip {
                return Err(fault::sync("a transaction that failed for want of room left something behind"));
            }
        }
        Ok(())
    }

    /// Runs `work` in a transaction of its own. `None`: there is no room and nothing was written.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, LogError> {
        let done = begin(&self.store, &mut false)
            .and_then(|()| work(self))
            .and_then(|result| end(&self.store, "COMMIT").map(|()| result));
        match done {
            Ok(result) => Ok(Some(result)),
            Err(error) if fault::is_shortage(&error) => self.abort().map(|()| None),
            Err(error) => Err(fault::sync(error)),
        }
    }

    /// What is done between groups, when senders have their answers.
    fn tidy(&mut self) -> Result<(), LogError> {
        if self.index.is_ripe(self.settings.run_count_max, self.settings.run_bytes_max) {
            self.write_run()?;
        }
        if self.checkpointer.is_done() || self.wal_bytes >= self.settings.wal_bytes_max {
            return self.checkpoint();
        }
        if self.wal_bytes >= self.settings.wal_bytes_max / 2 {
            self.checkpointer.ask();
        }
        if self.ahead.is_short(self.wal_bytes) && disk::check_room(&self.dir, &self.settings).is_ok() {
            self.ahead.lay().map_err(fault::sync)?;
        }
        Ok(())
    }

    /// Writes the recent identities out.
    fn write_run(&mut self) -> Result<(), LogError> {
        let indexed: Vec<_> = self.lanes.iter().map(|lane| Lane { indexed: lane.tip.end, ..*lane }).collect();
        let ripe = self.transaction(|writer| {
            indexed.iter().try_for_each(|lane| lane.store(&writer.store))?;
            writer.index.write_run(&writer.store, &indexed)
        })?;
        let Some(ripe) = ripe else { return Ok(()) };
        self.index.ripened(ripe);
        self.lanes = indexed;
        self.count_wal(std::iter::once(
            u64::try_from(self.settings.run_count_max).unwrap_or(u64::MAX).saturating_mul(16),
        ));
        Ok(())
    }

    /// Copies SQLite's write-ahead log into the main file, so that it is written from its beginning again.
    fn checkpoint(&mut self) -> Result<(), LogError> {
        let paused = self.readers.pause();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let done = self.store.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row);
        drop(paused);
        self.checkpointer.finished();
        match done {
            Ok((0, pages, copied)) if pages == copied => self.wal_bytes = 0,
            // Another process reads an old snapshot, another thread is at it, or the main file has no room to grow: try again
            // before long.
            Ok(_) => self.wal_bytes = self.settings.wal_bytes_max / 2,
            Err(error) if fault::is_shortage(&error) => self.wal_bytes = self.settings.wal_bytes_max / 2,
            Err(error) => return Err(fault::sync(error)),
        }
        self.show();
        Ok(())
    }

    /// Counts what a commit adds to SQLite's write-ahead log: whole pages, and the last page of each lane once more.
    pub(super) fn count_wal(&mut self, entries: impl Iterator<Item = u64>) {
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(u64::MAX);
        let bytes = entries.fold(lanes.saturating_mul(schema::PAGE_BYTES.into()), u64::saturating_add);
        self.wal_bytes = self.wal_bytes.saturating_add(bytes);
    }

    /// Shows size and ends.
    fn show(&self) {
        self.metrics.set(&metric::LOG_SIZE_BYTES, &[TOPIC], gauge(files_bytes(&self.dir)));
        self.show_ends();
    }

    fn show_ends(&self) {
        for lane in &self.lanes {
            let partition = lane.partition.0.to_string();
            self.metrics.set(&metric::LOG_END_OFFSET, &[TOPIC, &partition], gauge(lane.tip.end.0));
        }
    }
}

/// Begins a transaction unless one was begun.
fn begin(store: &Connection, begun: &mut bool) -> rusqlite::Result<()> {
    if *begun {
        return Ok(());
    }
    *begun = true;
    store.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
}

/// Ends a transaction.
fn end(store: &Connection, how: &str) -> rusqlite::Result<()> {
    store.prepare_cached(how)?.execute([]).map(drop)
}

/// What the entry at `at` is to `envelope`.
fn likeness(store: &Connection, lanes: &[Lane], at: Position, envelope: &Envelope) -> Result<Likeness, LogError> {
    let pruned = lanes.get(usize::from(at.partition.0)).is_none_or(|lane| at.offset < lane.first);
    if pruned {
        return Ok(Likeness::Other);
    }
    let Some((entry, _)) = entries::one(store, at)? else {
        return Err(fault::damaged(at.partition, at.offset, "the entry is missing"));
    };
    let there = entry.envelope;
    let same_control_id =
        there.feed == envelope.feed && there.sender == envelope.sender && there.control_id == envelope.control_id;
    let reason = |envelope: &Envelope| envelope.refusal.as_ref().map(|refusal| refusal.reason);
    let same = there.digest == envelope.digest && reason(&there) == reason(envelope);
    Ok(match (same_control_id, same) {
        (true, true) => Likeness::Same,
        (true, false) if !envelope.control_id.is_empty() => Likeness::ControlId,
        (true | false, _) => Likeness::Other,
    })
}

/// A number as metrics take it.
#[expect(clippy::cast_precision_loss, reason = "a gauge of offsets and bytes is exact up to 2^53")]
const fn gauge(value: u64) -> f64 {
    value as f64
}

/// The offset after which a lane may not be pruned.
pub(super) fn processed(lane: &Lane, processed: &[Position]) -> Offset {
    let of_lane = processed.iter().filter(|position| position.partition == lane.partition);
    of_lane.map(|position| position.offset).min().map_or(lane.first, |offset| offset.min(lane.tip.end))
}
