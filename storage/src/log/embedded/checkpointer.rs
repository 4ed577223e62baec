//! Copies SQLite's write-ahead log into the main file beside the writer. A whole checkpoint keeps senders waiting for as
//! long as some megabytes take to get to the disk; what came while this thread worked is little, and all that is left to
//! the writer, who alone can begin the write-ahead log anew.

use std::fs::File;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use causeway_core::port::LogError;
use rusqlite::Connection;

use super::fault;

/// The thread's side and the writer's side of it.
#[derive(Default)]
pub(super) struct Checkpointer {
    state: Mutex<State>,
    changed: Condvar,
}

/// Ends the thread when the writer ends, however it ends.
pub(super) struct EndWith(pub(super) std::sync::Arc<Checkpointer>);

impl Drop for EndWith {
    fn drop(&mut self) {
        self.0.state().end = true;
        self.0.changed.notify_one();
    }
}

#[derive(Default)]
struct State {
    stage: Stage,
    end: bool,
}

/// How far a checkpoint is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// None was asked for.
    #[default]
    Idle,
    Asked,
    Working,
    /// The rest is the writer's.
    Done,
}

impl Checkpointer {
    /// Asks for a checkpoint, unless one is on its way.
    pub(super) fn ask(&self) {
        let mut state = self.state();
        if state.stage == Stage::Idle {
            state.stage = Stage::Asked;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Whether the rest of one is left to the writer.
    pub(super) fn is_done(&self) -> bool {
        self.state().stage == Stage::Done
    }

    /// The writer has done the rest.
    pub(super) fn finished(&self) {
        let mut state = self.state();
        if state.stage == Stage::Done {
            state.stage = Stage::Idle;
        }
    }

    /// Works until the end or the first failure. `main` is SQLite's main file: a checkpoint that does not reach the end
    /// of the write-ahead log syncs nothing, so that it is synced here.
    ///
    /// Nothing may be read through `main`, and it has to be kept open for as long as any connection to the log is: to close
    /// it gives up all locks this process has on the file (POSIX, fcntl).
    pub(super) fn run(&self, store: &Connection, main: &File) -> Result<(), LogError> {
        while self.wait() {
            match store.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                Ok(()) => main.sync_data().map_err(fault::sync)?,
                // The writer does it all, when it has to.
                Err(error) if fault::is_shortage(&error) => {}
                Err(error) => return Err(fault::sync(error)),
            }
            self.state().stage = Stage::Done;
        }
        Ok(())
    }

    /// Waits until one is asked for. False at the end.
    fn wait(&self) -> bool {
        let idle = |state: &mut State| state.stage != Stage::Asked && !state.end;
        let mut state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        let goes_on = !state.end;
        state.stage = Stage::Working;
        goes_on
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
