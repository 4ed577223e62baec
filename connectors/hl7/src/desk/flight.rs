//! A message between its receipt and its first answer, and what its sender is told.

use std::collections::VecDeque;

use causeway_core::outcome::State;
use causeway_core::port::LogError;
use causeway_core::reason::Reason;
use tokio::time::Instant;

use super::batch::Mark;
use crate::ack::{Complaint, Echo, Mode, Severity};
use crate::budget::Lease;
use crate::inbox::Outcome;
use crate::sequence::{Expected, Taken};

/// Where a merge says whom it replaces.
const MERGED: &str = "MRG-1";

/// A message between its receipt and its first answer.
pub(super) struct Flight {
    pub(super) feed: Option<usize>,
    pub(super) echo: Echo,
    pub(super) mode: Mode,
    pub(super) received: Instant,
    pub(super) fate: Fate,
    /// Why it is refused, once it is kept.
    pub(super) refusal: Option<(Reason, String)>,
    /// Its bytes, until they are durable.
    pub(super) lease: Option<Lease>,
    /// Somebody is to be told of its outcome.
    pub(super) waits: bool,
    /// It merges two patients, and is answered as durable unless its outcome says that the merge goes round.
    pub(super) merges: bool,
    /// MSA-4 of its answer, when its feed numbers its messages.
    pub(super) expected: Option<Expected>,
    /// The number that was taken for it, until it is in the log.
    pub(super) taken: Option<Taken>,
    /// Its application acknowledgement, when the outcome is known before the first answer could be sent.
    pub(super) later: Option<Box<Outcome>>,
}

/// What is known of it.
pub(super) enum Fate {
    /// The log has not spoken.
    Appending,
    /// It is durable; the answer waits for the outcome until then.
    Uncommitted(Instant),
    /// It is durable.
    Stored,
    /// It is committed.
    Committed(State, Option<Reason>),
    /// It is not taken.
    Refused(Reason, String),
    /// It is not answered.
    Silent,
    /// It is no message, but stands between those of a batch.
    Mark(Mark),
}

impl Flight {
    pub(super) const fn new(feed: Option<usize>, echo: Echo, mode: Mode, received: Instant, fate: Fate) -> Self {
        Self {
            feed,
            echo,
            mode,
            received,
            fate,
            refusal: None,
            lease: None,
            waits: false,
            merges: false,
            expected: None,
            taken: None,
            later: None,
        }
    }
}

impl Flight {
    /// Its outcome is known.
    pub(super) fn settle(&mut self, state: State, reason: Option<Reason>) {
        self.fate = match reason {
            Some(reason @ Reason::MergeLoop) if self.merges => Fate::Refused(reason, MERGED.to_owned()),
            Some(_) | None if self.merges => Fate::Stored,
            reason => Fate::Committed(state, reason),
        };
        self.lease = None;
    }

    /// Its outcome did not come in time. A merge is durable all the same; who wants every outcome sends it again.
    pub(super) fn give_up(&mut self) {
        self.fate = if self.merges { Fate::Stored } else { Fate::Refused(Reason::Busy, String::new()) };
    }
}

/// The message numbered `sequence`, if it still waits for its first answer.
pub(super) fn find(queue: &mut VecDeque<Flight>, front: u64, sequence: u64) -> Option<&mut Flight> {
    let place = sequence.checked_sub(front)?;
    queue.get_mut(usize::try_from(place).ok()?)
}

/// What the sender is told of an outcome: of a message held, why; of one withheld, nothing.
pub(super) fn complaint(state: State, reason: Option<Reason>) -> Option<Complaint<'static>> {
    match state {
        State::Held | State::Discarded => {
            reason.map(|reason| Complaint { reason, place: "", severity: Severity::Warning })
        }
        State::Accepted | State::Withheld | State::Rejected => None,
    }
}

/// What the sender is told when the log did not take a message.
pub(super) fn refusal_of(error: &LogError) -> (Reason, String) {
    let reason = match error {
        LogError::Busy => Reason::Busy,
        LogError::TooLong { .. } => Reason::TooLong,
        LogError::Closed
        | LogError::Sync { .. }
        | LogError::Unavailable { .. }
        | LogError::Damaged { .. }
        | LogError::OutOfRange { .. } => Reason::LogUnavailable,
    };
    (reason, String::new())
}
