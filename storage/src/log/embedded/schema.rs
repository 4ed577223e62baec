//! The database file: how it is opened, created and recognised.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use causeway_core::envelope::PartitionId;
use causeway_core::port::LogError;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::fault;
use super::lane::Lane;
use super::seal::LogId;

/// The name of the file.
pub(super) const FILE: &str = "log.db";
/// The name of its write-ahead log.
pub(super) const WAL_FILE: &str = "log.db-wal";
/// Bytes of a page. Two make up for the entries of a few senders, without rewriting much for a single one.
pub(super) const PAGE_BYTES: u32 = 8192;
/// "CWLG": whose file it is.
const APPLICATION_ID: i32 = 0x4357_4C47;
/// The version of the tables below and of the canonical header.
const VERSION: i32 = 1;

/// The tables beside the lanes'. Offsets and rows are numbers, the rest is opaque to SQLite and carries checksums.
const TABLES: [(&str, &str); 4] = [
    (
        "log",
        "CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL, partitions INTEGER NOT NULL) STRICT",
    ),
    (
        "lane",
        "CREATE TABLE lane (partition INTEGER PRIMARY KEY, first INTEGER NOT NULL, anchor BLOB NOT NULL, \
         indexed INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT",
    ),
    (
        "identity_run",
        "CREATE TABLE identity_run (run INTEGER PRIMARY KEY, blocks INTEGER NOT NULL, ends BLOB NOT NULL, \
         crc INTEGER NOT NULL) STRICT",
    ),
    (
        "identity_block",
        "CREATE TABLE identity_block (row INTEGER PRIMARY KEY, crc INTEGER NOT NULL, keys BLOB NOT NULL) STRICT",
    ),
];

/// What the file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing yet: it is being created.
    Empty,
    /// A log.
    Log {
        /// Its id.
        id: LogId,
        /// Its lanes.
        partitions: u16,
    },
}

/// The table of a lane's entries: one a lane, so that each grows at its end only.
fn entries(partition: PartitionId) -> (String, String) {
    let name = format!("entry_{}", partition.0);
    let sql = format!(
        "CREATE TABLE {name} (offset INTEGER PRIMARY KEY, crc INTEGER NOT NULL, chain BLOB NOT NULL, \
         header BLOB NOT NULL, body BLOB NOT NULL) STRICT"
    );
    (name, sql)
}

/// Opens the file for the writer, creating it if need be.
pub(super) fn open_writer(dir: &Path) -> Result<Connection, LogError> {
    let path = dir.join(FILE);
    // Made here rather than by SQLite, so that nobody else may read it; its write-ahead log inherits the mode.
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| fault::unavailable(format!("{} cannot be opened: {error}", path.display())))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = Connection::open_with_flags(&path, flags).map_err(|error| opening(&error))?;
    writer_pragmas(&store).map_err(|error| opening(&error))?;
    Ok(store)
}

/// Opens the main file as a file, to be synced.
pub(super) fn open_main(dir: &Path) -> Result<File, LogError> {
    let path = dir.join(FILE);
    let opened = OpenOptions::new().write(true).open(&path);
    opened.map_err(|error| fault::unavailable(format!("{} cannot be opened: {error}", path.display())))
}

/// Opens the file for a reader.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = Connection::open_with_flags(dir.join(FILE), flags).map_err(|error| opening(&error))?;
    reader_pragmas(&store).map_err(|error| opening(&error))?;
    Ok(store)
}

/// What opening failed with.
pub(super) fn opening(error: &rusqlite::Error) -> LogError {
    fault::reading(PartitionId(0), causeway_core::envelope::Offset(0), error)
}

fn writer_pragmas(store: &Connection) -> rusqlite::Result<()> {
    // Only a foreign program could hold the file; senders should not wait for it for long.
    store.busy_timeout(Duration::from_secs(1))?;
    store.pragma_update(None, "page_size", i64::from(PAGE_BYTES))?;
    if !crate::journal::change(store, "WAL")?.eq_ignore_ascii_case("wal") {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some("the file system allows no write-ahead log".to_owned()),
        ));
    }
    store.pragma_update(None, "synchronous", "FULL")?;
    // The writer checkpoints by itself, at a moment of its choice.
    store.pragma_update(None, "wal_autocheckpoint", 0)?;
    // What is pruned is about patients: it is overwritten, not only forgotten.
    store.pragma_update(None, "secure_delete", "ON")?;
    store.pragma_update(None, "cache_size", -16_384)?;
    common_pragmas(store)
}

fn reader_pragmas(store: &Connection) -> rusqlite::Result<()> {
    store.busy_timeout(Duration::from_secs(5))?;
    store.pragma_update(None, "query_only", "ON")?;
    store.pragma_update(None, "cache_size", -2048)?;
    common_pragmas(store)
}

fn common_pragmas(store: &Connection) -> rusqlite::Result<()> {
    store.set_prepared_statement_cache_capacity(512);
    store.pragma_update(None, "mmap_size", 0)?;
    store.pragma_update(None, "foreign_keys", "ON")?;
    store.pragma_update(None, "trusted_schema", "OFF")?;
    store.pragma_update(None, "cell_size_check", "ON")
}

/// Writes the tables of a new log in one transaction.
pub(super) fn create(store: &mut Connection, id: &LogId, lanes: &[Lane]) -> rusqlite::Result<()> {
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (_, sql) in TABLES {
        transaction.execute_batch(sql)?;
    }
    for lane in lanes {
        transaction.execute_batch(&entries(lane.partition).1)?;
        lane.store(&transaction)?;
    }
    let partitions = i64::try_from(lanes.len()).unwrap_or(i64::MAX);
    transaction.execute("INSERT INTO log (one, id, partitions) VALUES (1, ?1, ?2)", params![id, partitions])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Recognises the file, or refuses it.
pub(super) fn recognise(store: &Connection) -> Result<Content, LogError> {
    let number = |name: &str| store.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(|error| opening(&error))?;
    let version = number("user_version").map_err(|error| opening(&error))?;
    let tables = tables(store).map_err(|error| opening(&error))?;
    if application == 0 && version == 0 && tables.is_empty() {
        return Ok(Content::Empty);
    }
    if application != APPLICATION_ID {
        return Err(fault::unavailable(format!("{FILE} is no log of Causeway (application id {application:#010x})")));
    }
    if version > VERSION {
        return Err(fault::unavailable(format!(
            "{FILE} was written by a newer version of Causeway (format {version}, this one knows {VERSION})"
        )));
    }
    if version != VERSION {
        return Err(fault::damaged_file(format!("{FILE} says it has format {version}, which never was")));
    }
    log_row(store, tables)
}

/// Reads the log's own row, and compares the tables with what they must be.
fn log_row(store: &Connection, tables: Vec<(String, String)>) -> Result<Content, LogError> {
    let row = store
        .query_row("SELECT id, partitions FROM log WHERE one = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(|error| opening(&error))?;
    let Some((id, partitions)) = row else {
        return Err(fault::damaged_file("the log's own row is missing"));
    };
    let own = TABLES.map(|(name, sql)| (name.to_owned(), sql.to_owned()));
    let mut expected: Vec<_> = own.into_iter().chain((0..partitions).map(|lane| entries(PartitionId(lane)))).collect();
    expected.sort();
    if tables != expected {
        return Err(fault::damaged_file("the tables are not those of a log"));
    }
    Ok(Content::Log { id, partitions })
}

/// Name and text of every table, sorted.
fn tables(store: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut select = store.prepare("SELECT name, sql FROM sqlite_schema")?;
    let mut tables = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    tables.sort();
    Ok(tables)
}
