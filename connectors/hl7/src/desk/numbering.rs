//! Messages of a feed that numbers them: one after the other, each no sooner in the log than its number is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_core::envelope::FeedName;
use causeway_core::port::RepositoryError;
use causeway_core::reason::Reason;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::Desk;
use super::flight::{Fate, Flight, find};
use crate::door::Sequences;
use crate::inbox::Letter;
use crate::seal::{Kept, Link};
use crate::sequence::{Claim, Expected, Turn, claim, give_back, link};
use crate::tally::Cause;

/// A message whose turn is being looked up.
pub(super) struct Waiting {
    what: What,
    received: Instant,
    /// Nobody else of the feed, until this one is answered.
    floor: Floor,
}

enum What {
    Message(Box<Kept>, u64),
    /// It asks which number is expected, or begins anew.
    Link(Box<Link>),
}

/// The right to be the one message of a feed that is looked at. Given back when dropped.
pub(super) struct Floor(Arc<AtomicBool>);

impl Floor {
    fn take(of: &Arc<AtomicBool>) -> Option<Self> {
        (!of.swap(true, Ordering::SeqCst)).then(|| Self(Arc::clone(of)))
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Desk {
    /// A numbered message comes in: whether it is its turn is asked, and its number taken if it is.
    pub(super) fn take_numbered(&mut self, kept: Kept, number: u64, now: Instant) {
        let Some((floor, name)) = self.floor(kept.feed) else {
            return self.push_refused(Some(kept.feed), Reason::Busy, String::new(), kept.echo, kept.mode, now);
        };
        self.join(kept.feed);
        let (digest, refused) = (kept.envelope.digest, kept.envelope.refusal.is_some());
        self.waiting = Some(Waiting { what: What::Message(Box::new(kept), number), received: now, floor });
        self.ask(move |sequences| claim(sequences, &name, number, digest, refused));
    }

    /// A message of the protocol itself, which says nothing of a patient.
    pub(super) fn take_link(&mut self, told: Link, now: Instant) {
        let Some((floor, name)) = self.floor(told.feed) else {
            return self.push_refused(Some(told.feed), Reason::Busy, String::new(), told.echo, told.mode, now);
        };
        self.join(told.feed);
        let begins_anew = told.begins_anew;
        if begins_anew {
            debug!(feed = %name, "the sender begins its sequence numbers anew");
        }
        self.waiting = Some(Waiting { what: What::Link(Box::new(told)), received: now, floor });
        self.ask(move |sequences| link(sequences, &name, begins_anew));
    }

    fn floor(&self, feed: usize) -> Option<(Floor, FeedName)> {
        let feed = self.door.feeds.get(feed)?;
        Some((Floor::take(&feed.numbering)?, feed.config.name.clone()))
    }

    fn ask(&self, question: impl FnOnce(&Sequences) -> Result<Claim, RepositoryError> + Send + 'static) {
        let (door, inbox) = (Arc::clone(&self.door), Arc::clone(&self.inbox));
        // Not awaited: the answer comes by the inbox.
        drop(tokio::task::spawn_blocking(move || inbox.put(Letter::Sequence(question(&door.ports.sequences)))));
    }

    /// Whether it is its turn is known.
    pub(super) fn claimed(&mut self, claim: Result<Claim, RepositoryError>) {
        let Some(Waiting { what, received, floor }) = self.waiting.take() else { return };
        match (what, claim) {
            (What::Link(told), Ok(claim)) => self.push_link(*told, claim.expected, received),
            (What::Message(kept, number), Ok(claim)) => {
                self.floor = Some(floor);
                self.decide(*kept, number, claim, received);
            }
            (What::Link(told), Err(error)) => {
                self.not_now(&error);
                self.push_refused(Some(told.feed), Reason::Busy, String::new(), told.echo, told.mode, received);
            }
            (What::Message(kept, _), Err(error)) => {
                self.not_now(&error);
                self.push_refused(Some(kept.feed), Reason::Busy, String::new(), kept.echo, kept.mode, received);
            }
        }
    }

    fn decide(&mut self, kept: Kept, number: u64, claim: Claim, received: Instant) {
        let Claim { turn, expected, .. } = claim;
        match turn {
            Turn::Take | Turn::Again => self.keep(kept, received),
            Turn::Refuse => {
                let (feed, name) = (kept.feed, self.door.feed_name(kept.feed));
                warn!(feed = name, number, expected, "a message came out of its turn");
                self.door.tally.refused(Some(feed), Cause::OutOfSequence);
                self.push_refused(
                    Some(feed),
                    Reason::SequenceNumber,
                    "MSH-13".to_owned(),
                    kept.echo,
                    kept.mode,
                    received,
                );
            }
        }
        self.number(claim);
    }

    /// MSA-4 of the answer to the latest message, and the number taken for it. When it is not on its way to the log after all,
    /// the next one may come.
    fn number(&mut self, claim: Claim) {
        let Some(flight) = self.queue.back_mut() else { return };
        flight.expected = Some(claim.expected);
        flight.taken = claim.taken;
        if !matches!(flight.fate, Fate::Appending) {
            let sequence = self.next_sequence().saturating_sub(1);
            self.logged_numbered(sequence, false);
        }
    }

    /// The log has spoken of a message. The number of one that it did not take is given back: best before the sender tries
    /// again, but if it comes later or not at all, the same bytes are taken all the same.
    pub(super) fn logged_numbered(&mut self, sequence: u64, is_durable: bool) {
        let Some(flight) = find(&mut self.queue, self.front, sequence).filter(|flight| flight.expected.is_some())
        else {
            return;
        };
        let taken = flight.taken.take().filter(|_| !is_durable);
        let name = flight.feed.and_then(|feed| self.door.feeds.get(feed)).map(|feed| feed.config.name.clone());
        let floor = self.floor.take();
        if let (Some(taken), Some(name)) = (taken, name) {
            let (door, peer) = (Arc::clone(&self.door), self.peer.address);
            drop(tokio::task::spawn_blocking(move || {
                if let Err(error) = give_back(&door.ports.sequences, &name, &taken) {
                    warn!(%peer, %error, "a sequence number could not be given back");
                }
                drop(floor);
            }));
        }
    }

    fn not_now(&self, error: &RepositoryError) {
        warn!(peer = %self.peer.address, %error, "sequence numbers cannot be looked up or kept at this moment");
    }

    fn push_link(&mut self, told: Link, expected: Expected, now: Instant) {
        let Link { feed, echo, mode, .. } = told;
        let flight = Flight::new(Some(feed), echo, mode, now, Fate::Stored);
        self.queue.push_back(Flight { expected: Some(expected), ..flight });
    }
}
