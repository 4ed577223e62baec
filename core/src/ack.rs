//! Application acknowledgements: what the door is told about a message after its commit.

use jiff::Timestamp;

use crate::envelope::{FeedName, Position};
use crate::outcome::State;
use crate::reason::Reason;

/// The fate of one message, told to whoever waits for it (HL7 enhanced mode, MSH-16; or original mode with the answer
/// put off until the commit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Where it stands in the log.
    pub position: Position,
    /// Its feed.
    pub feed: FeedName,
    /// Accepted, withheld or held; what the door refused is not told again.
    pub state: State,
    /// Why, unless accepted.
    pub reason: Option<Reason>,
    /// When it was committed.
    pub at: Timestamp,
}

/// Told of every commit. Called after the transaction, in order within a partition; must not block.
pub trait Settlement: Send + Sync {
    /// The messages of one committed batch.
    fn settled(&self, batch: &[Settled]);
}

/// Nobody waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Settlement for Nobody {
    fn settled(&self, _batch: &[Settled]) {}
}
