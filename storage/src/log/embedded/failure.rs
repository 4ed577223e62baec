//! The one way a failed write ends: everyone who waits is told, nothing is taken any more, the process is halted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_core::port::{Appended, Completion, LogError};

use super::board::{Board, Stop};
use super::queue::Queue;

/// What is called when nothing can be trusted any more. The binary exits with code 74.
pub type Halt = Arc<dyn Fn(&LogError) + Send + Sync>;

/// Everything that must hear of a failure.
pub(super) struct Failure {
    board: Arc<Board>,
    queue: Arc<Queue>,
    halt: Halt,
    /// The first failure. Held while answers are given, so that none is positive after it.
    told: Mutex<Option<Stop>>,
}

impl Failure {
    /// Tells the board's readers, those who append to the queue, and the process.
    pub(super) fn new(board: Arc<Board>, queue: Arc<Queue>, halt: Halt) -> Self {
        Self { board, queue, halt, told: Mutex::default() }
    }

    /// Gives answers, unless something failed in the meantime.
    pub(super) fn answer(&self, answers: impl Iterator<Item = (Completion, Result<Appended, LogError>)>) {
        let told = self.told();
        for (done, answer) in answers {
            done(told.as_ref().map_or(answer, |stop| Err(stop.error())));
        }
    }

    /// Tells of a failure: nothing new is taken before anyone hears of it. The process is halted once.
    pub(super) fn tell(&self, error: &LogError, waiting: impl Iterator<Item = Completion>) {
        let mut told = self.told();
        let first = told.is_none();
        let stop = told.get_or_insert_with(|| Stop::of(error)).clone();
        drop(told);
        self.board.stop(stop.clone());
        let queued = self.queue.fail(stop.clone());
        for done in waiting.chain(queued.into_iter().map(|queued| queued.done)) {
            done(Err(stop.error()));
        }
        if first {
            (self.halt)(&stop.error());
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<Stop>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread without which the log cannot go on: if it panics, that is a failure like any other.
pub(super) struct Vital(pub(super) Arc<Failure>);

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(&super::fault::sync("a thread of the log panicked"), std::iter::empty());
        }
    }
}
