//! The embedded log: one SQLite file, one writer, group commit.
//!
//! An envelope is acknowledged when the transaction that holds it was synced. Each entry carries a checksum, a
//! gap-free offset and a link of a hash chain, and a mark outside the file remembers how far the log went: a flipped
//! bit or a lost tail is told at start or at read, never skipped. A failed sync ends the process, which recovers from
//! disk: after it nobody knows what is there.
//!
//! | file | what |
//! | --- | --- |
//! | `log.db`, `log.db-wal`, `log.db-shm` | the database (`schema`), its write-ahead log, SQLite's index of that |
//! | `log.mark` | the high-water mark (`mark`) |
//! | `log.lock` | held by the process that writes |

mod ahead;
mod board;
mod checkpointer;
mod disk;
mod entries;
mod failure;
mod fault;
mod header;
mod identity;
mod lane;
mod mark;
mod marker;
mod queue;
mod readers;
mod recovery;
mod retention;
mod schema;
mod seal;
mod settings;
mod writer;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Envelope, Offset, PartitionId, Position};
use causeway_core::metric::Metrics;
use causeway_core::port::{Clock, Completion, Entry, Log, LogError, PartitionState, ReadLimit};
use jiff::Timestamp;
use rusqlite::Connection;

use self::ahead::Ahead;
use self::board::{Board, Stop};
use self::checkpointer::Checkpointer;
use self::failure::{Failure, Vital};
use self::header::Stub;
use self::identity::Key;
use self::lane::Lane;
use self::marker::{EndWith, Marker};
use self::queue::{Prune, Queue, Queued};
use self::readers::Readers;
use self::recovery::Recovered;
use self::seal::LogId;
use self::writer::Writer;

pub use self::failure::Halt;
pub use self::settings::EmbeddedLogSettings;

/// The label of this engine in metrics.
const LABEL: &str = "embedded";
/// The file that is held by the process that writes.
const LOCK_FILE: &str = "log.lock";
/// How often a log that another process writes is looked at while waiting for entries.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longest a reader waits for an entry, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_hours(24);
/// What `verify` reads at once.
const VERIFY_BATCH: ReadLimit = ReadLimit { count_max: 1024, bytes_max: 8 << 20 };

/// The log.
pub struct EmbeddedLog {
    dir: PathBuf,
    partitions: u16,
    readers: Arc<Readers>,
    /// Absent when the log was opened for reading only.
    writing: Option<Writing>,
}

/// The writing side.
struct Writing {
    id: LogId,
    settings: EmbeddedLogSettings,
    queue: Arc<Queue>,
    board: Arc<Board>,
    marker: Arc<Marker>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closed after every connection to it: see [`Checkpointer::run`].
    _main: Arc<File>,
    /// Keeps other processes from writing.
    _lock: File,
}

impl std::fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedLog")
            .field("dir", &self.dir)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl EmbeddedLog {
    /// Opens the log in `dir`, creating folder and log if there is none. `halt` is called once, from a thread of the
    /// log, when nothing can be trusted any more; the process then ends with exit code 74.
    ///
    /// # Errors
    /// `Damaged` when acknowledged entries are missing or changed. `Unavailable` when the log cannot be used as it is
    /// configured: another process holds it, its partitions are others, it is newer, it lies on a network disk. `Sync` when
    /// the disk fails.
    pub fn open(
        dir: &Path,
        settings: EmbeddedLogSettings,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn Metrics>,
        halt: Halt,
    ) -> Result<Arc<Self>, LogError> {
        settings.check()?;
        create_dir(dir)?;
        disk::refuse_network(dir)?;
        let lock = lock(dir)?;
        let Recovered { store, id, lanes, index, mark } = recovery::open(dir, &settings)?;

        let queue = Arc::new(Queue::new(&settings));
        let board = Arc::new(Board::new(lanes.iter().map(Lane::state).collect()));
        let readers = Arc::new(Readers::new(dir, settings.readers_max));
        let marker = Arc::new(Marker::new(mark));
        let failure = Arc::new(Failure::new(Arc::clone(&board), Arc::clone(&queue), halt));
        let checkpointer = Arc::new(Checkpointer::default());
        let main = Arc::new(schema::open_main(dir)?);
        let ahead = Ahead::open(dir, settings.wal_bytes_max);
        let ahead =
            ahead.map_err(|error| fault::unavailable(format!("{} cannot be opened: {error}", schema::WAL_FILE)))?;
        let writer = Writer {
            dir: dir.to_owned(),
            settings: settings.clone(),
            store,
            index,
            lanes,
            wal_bytes: settings.wal_bytes_max,
            ahead,
            queue: Arc::clone(&queue),
            board: Arc::clone(&board),
            readers: Arc::clone(&readers),
            marker: Arc::clone(&marker),
            checkpointer: Arc::clone(&checkpointer),
            failure: Arc::clone(&failure),
            clock,
            metrics,
        };
        let partitions = settings.partitions;
        let copying = (checkpointer, schema::open_writer(dir)?, Arc::clone(&main));
        let threads = Mutex::new(start(writer, Arc::clone(&marker), copying, &failure)?);
        let writing = Writing { id, settings, queue, board, marker, threads, _main: main, _lock: lock };
        Ok(Arc::new(Self { dir: dir.to_owned(), partitions, readers, writing: Some(writing) }))
    }

    /// Opens the log in `dir` for reading, also while another process writes it: for the command line. Appending and
    /// pruning are refused. `readers_max` bounds the connections.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open`]; `Unavailable` when there is no log.
    pub fn open_read_only(dir: &Path, readers_max: usize) -> Result<Arc<Self>, LogError> {
        let partitions = recovery::inspect(dir)?;
        let readers = Arc::new(Readers::new(dir, readers_max.max(1)));
        Ok(Arc::new(Self { dir: dir.to_owned(), partitions, readers, writing: None }))
    }

    /// Takes no more, makes durable what is queued, answers it, and ends. Dropping the log does the same.
    pub fn close(&self) {
        let Some(writing) = &self.writing else { return };
        writing.queue.close();
        let threads = std::mem::take(&mut *writing.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // A completion may hold the last reference to the log: a thread of the log cannot wait for itself.
        let own = std::thread::current().id();
        let waits = threads.iter().all(|thread| thread.thread().id() != own);
        for thread in threads.into_iter().filter(|_| waits) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
        writing.board.stop(Stop::Closed);
    }

    /// The writing side, or the refusal of a log that only reads.
    fn writing(&self) -> Result<&Writing, LogError> {
        self.writing.as_ref().ok_or_else(|| fault::unavailable("the log was opened for reading only"))
    }

    /// The lane of `at` as it is now; waits for an entry at `at` until the deadline.
    fn wait(&self, at: Position, deadline: Instant) -> Result<PartitionState, LogError> {
        if let Some(writing) = &self.writing {
            return writing.board.wait(at, deadline);
        }
        let board = Board::new(self.lanes()?);
        loop {
            let state = board.wait(at, deadline.min(Instant::now() + LOOK_EVERY))?;
            if at.offset < state.end || Instant::now() >= deadline {
                return Ok(state);
            }
            board.replace(self.lanes()?);
        }
    }

    /// The lanes as the file has them.
    fn lanes(&self) -> Result<Vec<PartitionState>, LogError> {
        self.readers.snapshot(|store| (0..self.partitions).map(|lane| stored_lane(store, PartitionId(lane))).collect())
    }

    /// Reads and checks the entries of a lane up to `end`, from one snapshot.
    fn batch(&self, at: Position, end: Offset, limit: ReadLimit) -> Result<Vec<Entry>, LogError> {
        self.readers.snapshot(|store| {
            let lane = Lane::read(store, at.partition)?;
            if at.offset < lane.first {
                return Err(LogError::OutOfRange { position: at });
            }
            let previous = entries::link_before(store, &lane, at.offset)?;
            entries::range(store, at, end, limit, previous).map(|(entries, _)| entries)
        })
    }

    /// Checks one lane from its first entry to where it ends now.
    fn verify_lane(&self, state: PartitionState) -> Result<u64, LogError> {
        let (mut count, mut at) = (0_u64, state.first);
        while at < state.end {
            let position = Position { partition: state.partition, offset: at };
            match self.batch(position, state.end, VERIFY_BATCH) {
                Ok(batch) => {
                    batch.iter().try_for_each(verify_digest)?;
                    let read = u64::try_from(batch.len()).unwrap_or(u64::MAX);
                    count = count.saturating_add(read);
                    at = Offset(at.0.saturating_add(read));
                }
                // Pruned while it was being read: go on where the lane begins now.
                Err(LogError::OutOfRange { .. }) => at = self.first(state.partition)?.max(at.next()),
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Where a lane begins now.
    fn first(&self, partition: PartitionId) -> Result<Offset, LogError> {
        self.readers.snapshot(|store| Lane::read(store, partition).map(|lane| lane.first))
    }
}

impl Log for EmbeddedLog {
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        let writing = self.writing()?;
        let body = envelope.body.expose();
        let too_long = |bytes| LogError::TooLong {
            bytes,
            bytes_max: usize::try_from(writing.settings.entry_bytes_max).unwrap_or(usize::MAX),
        };
        let stub = Stub::of(&envelope).ok_or_else(|| too_long(body.len()))?;
        if queue::bytes(stub.header_len(), body.len()) > writing.settings.entry_bytes_max {
            return Err(too_long(stub.header_len().saturating_add(body.len())));
        }
        let body_crc = crc32c::crc32c(body);
        let key = Key::of(&writing.id, &envelope);
        writing.queue.push(Queued { envelope, stub, body_crc, key, done })
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let at = Position { partition, offset: from };
        let state = self.wait(at, Instant::now() + wait.min(WAIT_MAX))?;
        if from >= state.end || limit.count_max == 0 {
            return Ok(Vec::new());
        }
        self.batch(at, state.end, limit)
    }

    fn entry(&self, position: Position) -> Result<Entry, LogError> {
        let state = self.wait(position, Instant::now())?;
        if position.offset >= state.end {
            return Err(LogError::OutOfRange { position });
        }
        self.readers.snapshot(|store| {
            if position.offset < Lane::read(store, position.partition)?.first {
                return Err(LogError::OutOfRange { position });
            }
            let found = entries::one(store, position)?.map(|(entry, _)| entry);
            found.ok_or_else(|| fault::damaged(position.partition, position.offset, "the entry is missing"))
        })
    }

    fn partitions(&self) -> u16 {
        self.partitions
    }

    fn state(&self) -> Result<Vec<PartitionState>, LogError> {
        match &self.writing {
            Some(writing) => Ok(writing.board.lanes()),
            None => self.lanes(),
        }
    }

    fn size_bytes(&self) -> Result<u64, LogError> {
        Ok(files_bytes(&self.dir))
    }

    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError> {
        let writing = self.writing()?;
        let mut pruned = 0_u64;
        loop {
            let (reply, answer) = mpsc::sync_channel(1);
            writing.queue.prune(Prune { now, processed: processed.to_vec(), reply })?;
            let step = answer.recv().map_err(|mpsc::RecvError| writing.queue.stopped())??;
            if step == 0 {
                return Ok(pruned);
            }
            pruned = pruned.saturating_add(step);
        }
    }

    fn verify(&self) -> Result<u64, LogError> {
        let states = self.state()?;
        let mut count = 0_u64;
        for state in states {
            count = count.saturating_add(self.verify_lane(state)?);
        }
        let lanes = usize::from(self.partitions);
        self.readers.snapshot(|store| identity::Index::load(store, lanes).map(drop))?;
        match &self.writing {
            Some(writing) => writing.marker.verify()?,
            None => recovery::verify_mark(&self.dir)?,
        }
        Ok(count)
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts the writer, the thread that syncs the mark, and the one that copies beside the writer, with its own connection.
fn start(
    writer: Writer,
    marker: Arc<Marker>,
    (checkpointer, store, main): (Arc<Checkpointer>, Connection, Arc<File>),
    failure: &Arc<Failure>,
) -> Result<Vec<JoinHandle<()>>, LogError> {
    let (of_writer, of_marker, of_checkpointer) = (Arc::clone(failure), Arc::clone(failure), Arc::clone(failure));
    let syncing = Arc::clone(&marker);
    let marking = Builder::new().name("log-mark".to_owned()).spawn(move || {
        let failed = Vital(of_marker);
        if let Err(error) = syncing.run() {
            failed.0.tell(&fault::sync(error), std::iter::empty());
        }
    });
    let marking = marking.map_err(fault::unavailable)?;
    let end = checkpointer::EndWith(Arc::clone(&checkpointer));
    let copying = Builder::new().name("log-checkpoint".to_owned()).spawn(move || {
        let failed = Vital(of_checkpointer);
        if let Err(error) = checkpointer.run(&store, &main) {
            failed.0.tell(&error, std::iter::empty());
        }
    });
    let copying = copying.map_err(fault::unavailable)?;
    let writing = Builder::new().name("log-writer".to_owned()).spawn(move || {
        let _failed = Vital(of_writer);
        let _ends = (EndWith(marker), end);
        writer.run();
    });
    Ok(vec![writing.map_err(fault::unavailable)?, marking, copying])
}

/// One lane as the file has it.
fn stored_lane(store: &Connection, partition: PartitionId) -> Result<PartitionState, LogError> {
    let mut lane = Lane::read(store, partition)?;
    lane.tip = entries::tip(store, &lane)?;
    Ok(lane.state())
}

/// The digest an entry carries must be that of its bytes.
fn verify_digest(entry: &Entry) -> Result<(), LogError> {
    if Digest::of(entry.envelope.body.expose()) == entry.envelope.digest {
        return Ok(());
    }
    Err(fault::damaged(entry.position.partition, entry.position.offset, "its digest is not that of its bytes"))
}

/// Creates the folder, for nobody else to read.
fn create_dir(dir: &Path) -> Result<(), LogError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| fault::unavailable(format!("{} cannot be created: {error}", dir.display())))
}

/// Keeps every other process from writing, for as long as the file lives.
fn lock(dir: &Path) -> Result<File, LogError> {
    let path = dir.join(LOCK_FILE);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| fault::unavailable(format!("{} cannot be opened: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(fault::unavailable(format!("another process writes the log in {}", dir.display())))
        }
        Err(TryLockError::Error(error)) => {
            Err(fault::unavailable(format!("{} cannot be locked: {error}", path.display())))
        }
    }
}

/// Bytes of the log's files.
fn files_bytes(dir: &Path) -> u64 {
    let files = [schema::FILE, schema::WAL_FILE, mark::FILE];
    files.iter().filter_map(|file| dir.join(file).metadata().ok()).fold(0, |sum, about| sum.saturating_add(about.len()))
}
