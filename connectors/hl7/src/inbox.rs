//! What other threads have to say to a connection: the log that an envelope is durable, the router what became of it,
//! the listener that it is time to go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_core::outcome::State;
use causeway_core::port::{Appended, LogError, RepositoryError};
use causeway_core::reason::Reason;
use tokio::sync::Notify;

use crate::ack::{Echo, Mode};
use crate::sequence::Claim;

/// One thing to tell.
#[derive(Debug)]
pub(crate) enum Letter {
    /// What the log made of the append numbered `sequence`.
    Logged {
        /// Which append of this connection, counted from 0.
        sequence: u64,
        /// The log's word.
        result: Result<Appended, LogError>,
    },
    /// Whether it is the turn of the numbered message that waits for it.
    Sequence(Result<Claim, RepositoryError>),
    /// What became of the message appended as `sequence`.
    Outcome(Box<Outcome>),
}

/// The outcome of a message, for the sender.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Which append of this connection.
    pub(crate) sequence: u64,
    /// Where it ended.
    pub(crate) state: State,
    /// Why, unless accepted.
    pub(crate) reason: Option<Reason>,
    /// For an application acknowledgement in enhanced mode: what it repeats, and when it is wanted. In original mode
    /// the message's own turn in the queue still has that.
    pub(crate) later: Option<(Echo, Mode, usize)>,
}

/// The letters of one connection. Its size is bounded by the connection's window and by the waiters' bound.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    letters: Mutex<Vec<Letter>>,
    wake: Notify,
    stopping: AtomicBool,
}

impl Inbox {
    /// An empty one.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts a letter in and wakes the connection. Does not block beyond the moment another thread puts one in.
    pub(crate) fn put(&self, letter: Letter) {
        self.lock().push(letter);
        self.wake.notify_one();
    }

    /// Moves all letters to `into`, which is empty; its memory is used again.
    pub(crate) fn take(&self, into: &mut Vec<Letter>) {
        let mut letters = self.lock();
        if !letters.is_empty() {
            std::mem::swap(&mut *letters, into);
        }
    }

    /// Asks the connection to finish what it began and go.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// It is time to go.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until there is something new. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Letter>> {
        // A push cannot leave the list half changed.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
