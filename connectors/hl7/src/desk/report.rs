//! How the log's word gets to the connection that waits for it, and who is told of the outcome after that.

use std::sync::{Arc, Weak};

use causeway_core::ack::Settled;
use causeway_core::envelope::Position;
use causeway_core::port::{Appended, Completion, LogError};

use super::flight::complaint;
use crate::ack::{Echo, Mode, outcome};
use crate::application_ack::{Expectation, Waiter};
use crate::door::Shared;
use crate::inbox::{Inbox, Letter, Outcome};

/// The promise to tell a connection what became of an append. A log that drops it unfulfilled is taken as closed, so
/// that no sender waits for ever.
pub(crate) struct Report {
    promise: Option<Promise>,
}

struct Promise {
    door: Arc<Shared>,
    inbox: Arc<Inbox>,
    sequence: u64,
    wait: Option<Wait>,
}

/// Who waits for the outcome of the message.
pub(crate) enum Wait {
    /// The message itself, for its one answer in original mode.
    Turn { expectation: Expectation, sequence: u64 },
    /// Its application acknowledgement, on this connection.
    Same { expectation: Expectation, sequence: u64, feed: usize, echo: Echo, mode: Mode },
    /// Its application acknowledgement, on a connection of ours.
    Separate { expectation: Expectation, feed: usize, echo: Echo, mode: Mode },
}

impl Report {
    pub(crate) const fn new(door: Arc<Shared>, inbox: Arc<Inbox>, sequence: u64, wait: Option<Wait>) -> Self {
        Self { promise: Some(Promise { door, inbox, sequence, wait }) }
    }

    /// What the log calls, on its own thread.
    pub(crate) fn into_completion(mut self) -> Completion {
        Box::new(move |result| {
            if let Some(promise) = self.promise.take() {
                promise.keep(result);
            }
        })
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(promise) = self.promise.take() {
            promise.keep(Err(LogError::Closed));
        }
    }
}

impl Promise {
    fn keep(self, result: Result<Appended, LogError>) {
        let Self { door, inbox, sequence, wait } = self;
        if let Err(error) = &result {
            // Before anyone can hear of it: no positive answer may leave after a failed sync.
            door.check(error);
        }
        let position = result.as_ref().ok().map(|appended| appended.position);
        inbox.put(Letter::Logged { sequence, result });
        if let (Some(position), Some(wait)) = (position, wait) {
            wait.register(position, &door, &inbox);
        }
    }
}

impl Wait {
    fn register(self, position: Position, door: &Arc<Shared>, inbox: &Arc<Inbox>) {
        // A connection that is gone is not kept in memory by what it waits for.
        let inbox = Arc::downgrade(inbox);
        match self {
            Self::Turn { expectation, sequence } => {
                let tell = move |settled: &Settled| put(&inbox, sequence, settled, None);
                door.note_waiting(expectation.register(position, Box::new(tell)));
            }
            Self::Same { expectation, sequence, feed, echo, mode } => {
                let tell: Waiter = Box::new(move |settled| put(&inbox, sequence, settled, Some((echo, mode, feed))));
                door.note_waiting(expectation.register(position, tell));
            }
            Self::Separate { expectation, feed, echo, mode } => {
                let shared = Arc::clone(door);
                let tell: Waiter = Box::new(move |settled| {
                    if let Some(code) = outcome(mode, settled.state) {
                        shared.send_elsewhere(Some(feed), &echo, code, complaint(settled.state, settled.reason));
                    }
                });
                door.note_waiting(expectation.register(position, tell));
            }
        }
    }
}

fn put(inbox: &Weak<Inbox>, sequence: u64, settled: &Settled, later: Option<(Echo, Mode, usize)>) {
    if let Some(inbox) = inbox.upgrade() {
        let outcome = Outcome { sequence, state: settled.state, reason: settled.reason, later };
        inbox.put(Letter::Outcome(Box::new(outcome)));
    }
}
