//! Keeps the high-water mark: written by the writer before it acknowledges, synced by a thread of its own.

use std::fs::File;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causeway_core::port::LogError;

use super::lane::Lane;
use super::mark::Mark;

/// How long the syncing thread rests after a sync. Under load every group would have one of its own, beside the one of
/// its entries, and take a tenth of the door's rate; so the mark on disk may be this much older than the last answer.
const REST: Duration = Duration::from_millis(20);

/// The keeper.
pub(super) struct Marker {
    mark: Mutex<Mark>,
    due: Mutex<Due>,
    changed: Condvar,
}

/// Ends the keeper's thread when the writer ends, however it ends.
pub(super) struct EndWith(pub(super) std::sync::Arc<Marker>);

impl Drop for EndWith {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What the syncing thread has to do.
#[derive(Default)]
struct Due {
    sync: bool,
    end: bool,
    /// The syncing thread waits for the next mark. While it rests it looks by itself.
    waits: bool,
}

impl Marker {
    /// Keeps an opened mark.
    pub(super) fn new(mark: Mark) -> Self {
        Self { mark: Mutex::new(mark), due: Mutex::default(), changed: Condvar::new() }
    }

    /// Writes the mark of what became durable, and has it synced.
    pub(super) fn record(&self, lanes: &[Lane]) -> io::Result<()> {
        self.mark().record(lanes.iter().map(|lane| lane.tip))?;
        let mut due = self.due();
        due.sync = true;
        let waits = due.waits;
        drop(due);
        if waits {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Checks the file against what was written last.
    pub(super) fn verify(&self) -> Result<(), LogError> {
        self.mark().verify()
    }

    /// Lets [`Marker::run`] end, after one last sync.
    fn end(&self) {
        self.due().end = true;
        self.changed.notify_one();
    }

    /// Syncs whenever it is due, until the end or the first failure.
    pub(super) fn run(&self) -> io::Result<()> {
        let file = self.mark().sync_handle()?;
        while self.wait(&file)? {
            self.rest();
        }
        Ok(())
    }

    /// Waits and syncs once. False at the end.
    fn wait(&self, file: &File) -> io::Result<bool> {
        let idle = |due: &mut Due| !due.sync && !due.end;
        let mut due = self.due();
        due.waits = true;
        let mut due = self.changed.wait_while(due, idle).unwrap_or_else(PoisonError::into_inner);
        due.waits = false;
        let end = due.end && !due.sync;
        due.sync = false;
        drop(due);
        self.mark().begin_sync();
        file.sync_data()?;
        self.mark().end_sync();
        Ok(!end)
    }

    /// Rests, unless the end has come.
    fn rest(&self) {
        drop(self.changed.wait_timeout_while(self.due(), REST, |due| !due.end));
    }

    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
