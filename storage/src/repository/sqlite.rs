//! The repository and the registry in one SQLite file: offsets, records, decisions, audit, persons, consents.
//!
//! One connection writes, behind a lock; a bounded pool reads. Other processes, such as the command line beside a
//! running hub, may open the same file at the same time: every writing transaction begins by taking SQLite's own lock.
//! Every commit is synced before it returns (WAL, `synchronous=FULL`). Two hubs on one file are kept apart by the lock
//! that the binary takes, not here.

mod audit;
mod backup;
mod check;
mod commit;
mod commitments;
mod connection;
mod consents;
mod dump;
mod fetches;
mod head;
mod imaging;
mod links;
mod message;
mod messages;
mod migrate;
mod past;
mod persons;
mod pointers;
mod ports;
mod posting;
mod providers;
mod rebuild;
mod records;
mod resolve;
mod sameness;
mod sequences;
mod settings;
mod tickets;
mod unit;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_core::envelope::Digest;
use causeway_core::port::{RedoMode, RepositoryError};
use rusqlite::{Connection, TransactionBehavior};

pub use backup::BackupReport;
pub use check::{FileReport, RowCounts};
pub use settings::SqliteSettings;

use super::{codec, error, seal};
use audit::Head;
use connection::{PAGE_BYTES, ReadPool};
use error::{Result, StoreError};
use head::HeadFile;
use unit::{Caches, Unit};

/// The repository and the registry in one SQLite file.
#[derive(Debug)]
pub struct SqliteRepository {
    path: PathBuf,
    settings: SqliteSettings,
    writer: Mutex<Writer>,
    readers: ReadPool,
}

/// The one connection that writes.
#[derive(Debug)]
struct Writer {
    connection: Connection,
    caches: Caches,
    head: HeadFile,
    /// Why nothing can be written any more: after a failed sync it is not known what the disk holds.
    broken: Option<String>,
}

/// Whether what a unit of work wrote is for keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Commit,
    RollBack,
}

impl Ending {
    /// What a mode asks for.
    const fn of(mode: RedoMode) -> Self {
        match mode {
            RedoMode::Commit => Self::Commit,
            RedoMode::Preview => Self::RollBack,
        }
    }
}

impl SqliteRepository {
    /// Opens the file, makes it if there is none, brings its schema up to date, and checks that it reaches as far as it
    /// had been seen to reach (`<path>.head`).
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] for a file that is not ours, is of a newer version, or had one of its migrations
    /// changed; [`RepositoryError::Damaged`] for one that lost its newest transactions or is no database;
    /// [`RepositoryError::Unavailable`] when it cannot be opened.
    pub fn open(path: &Path, settings: SqliteSettings) -> std::result::Result<Self, RepositoryError> {
        Ok(Self::open_checked(path, settings)?)
    }

    fn open_checked(path: &Path, settings: SqliteSettings) -> Result<Self> {
        refuse_network(path)?;
        let mut connection = connection::open_writer(path, &settings)?;
        migrate::migrate(&mut connection, migrate::MIGRATIONS)?;
        head::check(&connection, head::noted(path)?)?;
        let head = HeadFile::open(path)?;
        let writer = Writer { connection, caches: Caches::default(), head, broken: None };
        let readers = ReadPool::new(path.to_owned(), settings.clone());
        Ok(Self { path: path.to_owned(), settings, writer: Mutex::new(writer), readers })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number and the hash of the last audit line, to be anchored outside: [`SqliteRepository::verify_audit_against`]
    /// finds a chain that was written anew as a whole.
    ///
    /// # Errors
    /// As every reading.
    pub fn audit_head(&self) -> std::result::Result<(u64, Digest), RepositoryError> {
        let head = self.readers.read(Head::read)?;
        Ok((head.seq, head.hash))
    }

    /// Checks the whole audit chain, and that it goes through a head noted earlier.
    ///
    /// # Errors
    /// As every reading.
    pub fn verify_audit_against(
        &self,
        seq: u64,
        hash: Digest,
    ) -> std::result::Result<causeway_core::port::AuditReport, RepositoryError> {
        Ok(self.readers.read(|connection| audit::verify(connection, Some(Head { seq, hash })))?)
    }

    /// A digest of all that the log and the registry determine: every record with its history, current content and
    /// clock, ordered by key; free of row numbers, version numbers and times of storing. Two repositories made from the
    /// same log and registry have the same one.
    ///
    /// # Errors
    /// As every reading; [`RepositoryError::Damaged`] when a seal does not hold.
    pub fn canonical_dump_hash(&self) -> std::result::Result<Digest, RepositoryError> {
        Ok(self.readers.read(dump::hash)?)
    }

    /// Runs `work` in one writing transaction, and commits unless it fails.
    fn write<T>(&self, work: impl FnOnce(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        self.write_or_not(Ending::Commit, work)
    }

    fn write_or_not<T>(&self, ending: Ending, work: impl FnOnce(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        let mut writer = self.writer();
        if let Some(cause) = &writer.broken {
            return Err(StoreError::Sync(cause.clone()));
        }
        let result = writer.run(&self.settings, ending, work).map_err(StoreError::while_writing);
        if let Err(StoreError::Sync(cause)) = &result {
            writer.broken = Some(format!("an earlier sync failed: {cause}"));
        }
        result
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.readers.read(work)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic inside a transaction rolled it back while unwinding: nothing is left half done.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number of rows as asked for, within the bound.
    fn bounded(&self, limit: u32) -> u32 {
        limit.min(self.settings.rows_max)
    }
}

impl Writer {
    fn run<T>(
        &mut self,
        settings: &SqliteSettings,
        ending: Ending,
        work: impl FnOnce(&mut Unit<'_>) -> Result<T>,
    ) -> Result<T> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut unit = Unit::new(tx, &mut self.caches, settings)?;
        let result = work(&mut unit).and_then(|done| match ending {
            Ending::Commit => unit.commit().map(|head| (done, Some(head))),
            Ending::RollBack => unit.roll_back().map(|()| (done, None)),
        });
        let (done, head) = match result {
            Ok((done, Some(head))) => (done, head),
            Ok((done, None)) => {
                self.caches.forget_unwritten();
                return Ok(done);
            }
            Err(error) => {
                self.caches.forget_unwritten();
                return Err(error);
            }
        };
        write_head(&mut self.head, head);
        match self.checkpoint(settings) {
            Ok(()) => Ok(done),
            // The transaction is durable in the write-ahead log, but the disk cannot be trusted any more.
            Err(error) if error.is_of_the_disk() => Err(StoreError::Sync(RepositoryError::from(error).to_string())),
            Err(error) => {
                tracing::warn!(error = %RepositoryError::from(error), "the write-ahead log could not be carried over yet");
                Ok(done)
            }
        }
    }

    /// Carries the write-ahead log over into the file once it is long enough.
    fn checkpoint(&self, settings: &SqliteSettings) -> Result<()> {
        let pages = settings.checkpoint_every.checked_div(PAGE_BYTES).and_then(|pages| i64::try_from(pages).ok());
        let log: i64 = self.connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
        if log >= pages.unwrap_or(i64::MAX) {
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}

fn refuse_network(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match crate::network::network_file_system(folder) {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(StoreError::Unavailable(format!(
            "{} is on a network file system ({name}); give it a local disk",
            folder.display()
        ))),
        Err(error) => Err(StoreError::Unavailable(format!("{} cannot be looked at: {error}", folder.display()))),
    }
}

fn write_head(file: &mut HeadFile, head: Head) {
    // The transaction is durable: a head that cannot be noted takes nothing from that.
    if let Err(error) = file.write(head) {
        tracing::warn!(error = %error, "the head of the audit could not be noted beside the database");
    }
}
