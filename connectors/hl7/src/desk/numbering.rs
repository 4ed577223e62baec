//! Messages of a feed that numbers them: one after the other, each no sooner answered than its number is remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_core::envelope::FeedName;
use causeway_core::port::{RepositoryError, Sequence};
use causeway_core::reason::Reason;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::Desk;
use super::flight::{Fate, Flight, find};
use crate::inbox::Letter;
use crate::seal::{Kept, Link};
use crate::sequence::{Expected, Turn, expected, turn};
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
    /// It asks which number is expected.
    Start(Box<Link>),
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
    /// A numbered message comes in: what was taken before it is looked up.
    pub(super) fn take_numbered(&mut self, kept: Kept, number: u64, now: Instant) {
        let Some((floor, name)) = self.floor(kept.feed) else {
            return self.push_refused(Some(kept.feed), Reason::Busy, String::new(), kept.echo, kept.mode, now);
        };
        self.join(kept.feed);
        self.waiting = Some(Waiting { what: What::Message(Box::new(kept), number), received: now, floor });
        self.look_up_sequence(name);
    }

    /// A message of the protocol itself, which says nothing of a patient.
    pub(super) fn take_link(&mut self, link: Link, now: Instant) {
        let Some((floor, name)) = self.floor(link.feed) else {
            return self.push_refused(Some(link.feed), Reason::Busy, String::new(), link.echo, link.mode, now);
        };
        self.join(link.feed);
        if link.begins_anew {
            debug!(feed = %name, "the sender begins its sequence numbers anew");
            let sequence = self.push_unsaved(link, -1, now);
            self.floor = Some(floor);
            self.save(name, None, sequence);
        } else {
            self.waiting = Some(Waiting { what: What::Start(Box::new(link)), received: now, floor });
            self.look_up_sequence(name);
        }
    }

    fn floor(&self, feed: usize) -> Option<(Floor, FeedName)> {
        let feed = self.door.feeds.get(feed)?;
        Some((Floor::take(&feed.numbering)?, feed.config.name.clone()))
    }

    fn look_up_sequence(&self, feed: FeedName) {
        let (door, inbox) = (Arc::clone(&self.door), Arc::clone(&self.inbox));
        // Not awaited: the answer comes by the inbox.
        drop(tokio::task::spawn_blocking(move || {
            inbox.put(Letter::Sequence((door.ports.sequences.last)(&feed)));
        }));
    }

    fn save(&self, feed: FeedName, taken: Option<Sequence>, sequence: u64) {
        let (door, inbox) = (Arc::clone(&self.door), Arc::clone(&self.inbox));
        drop(tokio::task::spawn_blocking(move || {
            let result = (door.ports.sequences.keep)(&feed, taken.as_ref());
            inbox.put(Letter::Numbered { sequence, result });
        }));
    }

    /// What was taken before is known.
    pub(super) fn sequence_known(&mut self, last: Result<Option<Sequence>, RepositoryError>) {
        let Some(Waiting { what, received, floor }) = self.waiting.take() else { return };
        match (what, last) {
            (What::Start(link), Ok(last)) => {
                let expected = expected(last.as_ref());
                self.push_link(*link, expected, received);
            }
            (What::Message(kept, number), Ok(last)) => {
                self.floor = Some(floor);
                self.decide(*kept, number, last.as_ref(), received);
            }
            (What::Start(link), Err(error)) => {
                self.not_now(&error);
                self.push_refused(Some(link.feed), Reason::Busy, String::new(), link.echo, link.mode, received);
            }
            (What::Message(kept, _), Err(error)) => {
                self.not_now(&error);
                self.push_refused(Some(kept.feed), Reason::Busy, String::new(), kept.echo, kept.mode, received);
            }
        }
    }

    fn decide(&mut self, kept: Kept, number: u64, last: Option<&Sequence>, received: Instant) {
        let digest = kept.envelope.digest;
        let (turn, expected) = turn(last, number, digest);
        match turn {
            Turn::Take => {
                let digest = kept.envelope.refusal.is_none().then_some(digest);
                self.keep(kept, received);
                self.number(Some(Sequence { number, digest }), expected);
            }
            Turn::Again => {
                self.keep(kept, received);
                self.number(None, expected);
            }
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
                self.number(None, expected);
            }
        }
    }

    /// What the latest message is to be remembered by, and MSA-4 of its answer.
    fn number(&mut self, taken: Option<Sequence>, expected: Expected) {
        let Some(flight) = self.queue.back_mut() else { return };
        flight.expected = Some(expected);
        if matches!(flight.fate, Fate::Appending) {
            flight.unsaved = taken;
            flight.is_numbered = true;
        } else {
            self.floor = None;
        }
    }

    /// The log has spoken of a numbered message. When it is durable, its number is to be so too.
    pub(super) fn logged_numbered(&mut self, sequence: u64, is_durable: bool) {
        let Some(flight) = find(&mut self.queue, self.front, sequence).filter(|flight| flight.is_numbered) else {
            return;
        };
        flight.unsaved = flight.unsaved.filter(|_| is_durable);
        let name = flight.feed.and_then(|feed| self.door.feeds.get(feed)).map(|feed| feed.config.name.clone());
        match (flight.unsaved, name) {
            (Some(taken), Some(name)) => self.save(name, Some(taken), sequence),
            (Some(_) | None, _) => {
                flight.is_numbered = false;
                self.floor = None;
            }
        }
    }

    /// Its number is remembered, or could not be: then the sender sends it again, and it is known by its bytes.
    pub(super) fn numbered(&mut self, sequence: u64, result: Result<(), RepositoryError>) {
        self.floor = None;
        if let Err(error) = &result {
            self.not_now(error);
        }
        let Some(flight) = find(&mut self.queue, self.front, sequence) else { return };
        (flight.is_numbered, flight.unsaved) = (false, None);
        if result.is_err() {
            flight.fate = Fate::Refused(Reason::Busy, String::new());
        }
    }

    fn not_now(&self, error: &RepositoryError) {
        warn!(peer = %self.peer.address, %error, "sequence numbers cannot be looked up or kept at this moment");
    }

    fn push_link(&mut self, link: Link, expected: Expected, now: Instant) {
        let Link { feed, echo, mode, .. } = link;
        let flight = Flight::new(Some(feed), echo, mode, now, Fate::Stored);
        self.queue.push_back(Flight { expected: Some(expected), ..flight });
    }

    fn push_unsaved(&mut self, link: Link, expected: Expected, now: Instant) -> u64 {
        let sequence = self.next_sequence();
        self.push_link(link, expected, now);
        if let Some(flight) = self.queue.back_mut() {
            flight.is_numbered = true;
        }
        sequence
    }
}
