//! The connections that read, a bounded number of them, and the gate that lets the writer checkpoint undisturbed.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use causeway_core::port::LogError;
use rusqlite::Connection;

use super::{fault, schema};

/// How long a reader waits for a connection before it says so.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The connections.
pub(super) struct Readers {
    dir: PathBuf,
    count_max: usize,
    state: Mutex<State>,
    freed: Condvar,
    gate: RwLock<()>,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
}

impl Readers {
    /// No connection yet; at most `count_max`.
    pub(super) fn new(dir: &Path, count_max: usize) -> Self {
        Self { dir: dir.to_owned(), count_max, state: Mutex::default(), freed: Condvar::new(), gate: RwLock::default() }
    }

    /// Reads one snapshot. Keep it short: the writer may wait for it with a checkpoint.
    pub(super) fn snapshot<T>(&self, work: impl FnOnce(&Connection) -> Result<T, LogError>) -> Result<T, LogError> {
        let lease = self.lease()?;
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let transaction = lease.store()?.unchecked_transaction().map_err(|error| schema::opening(&error))?;
        let result = work(&transaction);
        transaction.finish().map_err(|error| schema::opening(&error))?;
        result
    }

    /// Waits for the running snapshots to end, and keeps new ones out for as long as the guard lives.
    pub(super) fn pause(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> Result<Lease<'_>, LogError> {
        let none = |state: &mut State| state.idle.is_empty() && state.open >= self.count_max;
        let (mut state, timeout) =
            self.freed.wait_timeout_while(self.lock(), WAIT_MAX, none).unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(fault::unavailable("all connections to the log are in use"));
        }
        if let Some(store) = state.idle.pop() {
            return Ok(Lease { readers: self, store: Some(store) });
        }
        state.open = state.open.saturating_add(1);
        drop(state);
        let mut lease = Lease { readers: self, store: None };
        lease.store = Some(schema::open_reader(&self.dir)?);
        Ok(lease)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use; given back when dropped.
struct Lease<'a> {
    readers: &'a Readers,
    store: Option<Connection>,
}

impl Lease<'_> {
    fn store(&self) -> Result<&Connection, LogError> {
        self.store.as_ref().ok_or_else(|| fault::unavailable("the connection is gone"))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        match self.store.take() {
            Some(store) => state.idle.push(store),
            None => state.open = state.open.saturating_sub(1),
        }
        drop(state);
        self.readers.freed.notify_one();
    }
}
