//! Connections to the file: one that writes, some that read, each with the same guarantees set.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{Result, StoreError};
use super::migrate;
use super::settings::SqliteSettings;

/// The size of a page. Small, because the hot path changes single rows in many places.
pub(super) const PAGE_BYTES: u64 = 4096;
/// Statements kept compiled by a connection.
const STATEMENTS_CACHED: usize = 128;

/// Opens the connection that writes, making the file first if there is none. A file that is not ours is left untouched.
pub(super) fn open_writer(path: &Path, settings: &SqliteSettings) -> Result<Connection> {
    create_private(path)?;
    let connection = open(path, settings, settings.write_cache)?;
    migrate::check(&connection, migrate::MIGRATIONS)?;
    connection.pragma_update(None, "page_size", i64::try_from(PAGE_BYTES).unwrap_or(4096))?;
    let mode = crate::journal::change(&connection, "WAL")?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Unavailable(format!("{} cannot keep a write-ahead log ({mode})", path.display())));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    let limit = i64::try_from(settings.checkpoint_every.saturating_mul(2)).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", limit)?;
    if let Some(pages) = settings.file_max.checked_div(PAGE_BYTES).filter(|pages| *pages > 0) {
        connection.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(i64::MAX))?;
    }
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path, settings: &SqliteSettings) -> Result<Connection> {
    let connection = open(path, settings, settings.read_cache)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a file that is about to be filled by a backup, making it first.
pub(super) fn open_plain(path: &Path, settings: &SqliteSettings) -> Result<Connection> {
    create_private(path)?;
    open(path, settings, settings.read_cache)
}

fn open(path: &Path, settings: &SqliteSettings, cache: u64) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(settings.busy_wait)?;
    // Without it SQLite compiles a statement anew whenever another limit is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.pragma_update(None, "cache_size", -i64::try_from(cache >> 10).unwrap_or(i64::MAX))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // SQLite swallows the errors of its own checkpoints; ours are seen (`Writer::checkpoint`).
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// The file holds clinical data: only its owner may read it. SQLite gives its log the same rights.
fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()))),
    }
}

/// A bounded pool of reading connections, opened when first needed.
#[derive(Debug)]
pub(super) struct ReadPool {
    path: PathBuf,
    settings: SqliteSettings,
    state: Mutex<PoolState>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Connection>,
    open: u16,
}

impl ReadPool {
    pub(super) fn new(path: PathBuf, settings: SqliteSettings) -> Self {
        Self { path, settings, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `work` in one read transaction, so that everything it reads belongs together.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut lease = self.lease()?;
        let Some(connection) = lease.connection.as_mut() else { return Err(none_free()) };
        let transaction = connection.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn lease(&self) -> Result<Lease<'_>> {
        let max = self.settings.read_connections.max(1);
        let (mut state, wait) = self
            .returned
            .wait_timeout_while(self.lock(), self.settings.busy_wait, |state| {
                state.idle.is_empty() && state.open >= max
            })
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = state.idle.pop() {
            return Ok(Lease { pool: self, connection: Some(connection) });
        }
        if wait.timed_out() {
            return Err(none_free());
        }
        state.open = state.open.saturating_add(1);
        drop(state);
        // From here on the lease gives the place back, whatever happens.
        let mut lease = Lease { pool: self, connection: None };
        lease.connection = Some(open_reader(&self.path, &self.settings)?);
        Ok(lease)
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none_free() -> StoreError {
    StoreError::Unavailable("all read connections are busy".to_owned())
}

/// A connection on loan; goes back to the pool when dropped.
struct Lease<'p> {
    pool: &'p ReadPool,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.connection.take() {
            Some(connection) => state.idle.push(connection),
            None => state.open = state.open.saturating_sub(1),
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reader_too_many_waits_and_then_gives_up() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("pool.db");
        let settings =
            SqliteSettings { read_connections: 1, busy_wait: Duration::from_millis(30), ..SqliteSettings::default() };
        let _writer = open_writer(&path, &settings).expect("writer");
        let pool = ReadPool::new(path, settings);
        let nested = pool.read(|_| Ok(pool.read(|_| Ok(())))).expect("the first one reads");
        assert!(matches!(nested, Err(StoreError::Unavailable(_))), "{nested:?}");
        assert!(pool.read(|_| Ok(())).is_ok(), "the connection came back");
    }
}
