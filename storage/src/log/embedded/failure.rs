//! The one way a failed write ends: everyone who waits is told, nothing is taken any more, the process is halted.

use std::sync::Arc;

use causeway_core::port::{Completion, LogError};

use super::board::{Board, Stop};
use super::queue::Queue;

/// What is called when nothing can be trusted any more. The binary exits with code 74.
pub type Halt = Arc<dyn Fn(&LogError) + Send + Sync>;

/// Everything that must hear of a failure.
pub(super) struct Failure {
    /// Readers.
    pub(super) board: Arc<Board>,
    /// Those who append.
    pub(super) queue: Arc<Queue>,
    /// The process.
    pub(super) halt: Halt,
}

impl Failure {
    /// Tells them, in this order: nothing new is taken before anyone hears of it.
    pub(super) fn tell(&self, error: &LogError, waiting: impl Iterator<Item = Completion>) {
        let stop = Stop::of(error);
        self.board.stop(stop.clone());
        let queued = self.queue.fail(stop.clone());
        for done in waiting.chain(queued.into_iter().map(|queued| queued.done)) {
            done(Err(stop.error()));
        }
        (self.halt)(error);
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
