//! One connection's side of the work, without its socket: frames go to the log, and answers come out in the order of
//! receipt, each no earlier than the log's or the router's word for it.

use std::collections::VecDeque;
use std::sync::Arc;

use causeway_core::envelope::{Digest, Position, TraceId};
use causeway_core::port::{Appended, Freshness, LogError};
use causeway_core::reason::Reason;
use causeway_tls::Suspect;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::ack::{Echo, Mode};
use crate::chance::uuid_at;
use crate::config::{Acknowledge, ApplicationAck};
use crate::door::Shared;
use crate::frame::Event;
use crate::inbox::{Inbox, Letter, Outcome};
use crate::peer::Peer;
use crate::seal::{Flaw, Kept, Parcel, Receipt, Refused, Sealed, Sealer};
use crate::tally::Cause;

mod answering;
mod batch;
mod flight;
mod numbering;
mod report;
mod stamp;

use batch::{Batch, Collected, is_batch};
use flight::{Fate, Flight, find, refusal_of};
use numbering::{Floor, Waiting};
use report::{Report, Wait};

pub(crate) use stamp::Stamp;

/// How much of bytes that form no frame is digested, so that two samples can be told to be alike.
const SAMPLE: usize = 256;
/// Memory that a quiet connection keeps for its answers, in bytes.
const OUT_KEPT: usize = 8 << 10;

/// The work of one connection.
pub(crate) struct Desk {
    door: Arc<Shared>,
    peer: Peer,
    inbox: Arc<Inbox>,
    /// Messages without their first answer, in order of receipt.
    queue: VecDeque<Flight>,
    /// The number of the first of them, counted from 0 over the life of the connection.
    front: u64,
    letters: Vec<Letter>,
    /// The batch that is being read.
    batch: Option<Batch>,
    /// The answer to a batch, until it is whole.
    collected: Option<Collected>,
    /// A numbered message whose turn is being looked up.
    waiting: Option<Waiting>,
    /// Held while a numbered message is on its way.
    floor: Option<Floor>,
    out: Vec<u8>,
    /// The feed of each answer in `out`, and when its message was received.
    answered: Vec<(Option<usize>, Instant)>,
    stamp: Stamp,
    /// Feeds this connection has sent for.
    feeds: Vec<usize>,
    strangers: u32,
    /// Messages that are not in the log, and will not be.
    unkept: u64,
    /// A message is not in the log that would be at another time.
    missed: bool,
    over: bool,
}

impl Desk {
    pub(crate) fn new(door: Arc<Shared>, peer: Peer, inbox: Arc<Inbox>) -> Self {
        Self {
            door,
            peer,
            inbox,
            queue: VecDeque::new(),
            front: 0,
            letters: Vec::new(),
            batch: None,
            collected: None,
            waiting: None,
            floor: None,
            out: Vec::new(),
            answered: Vec::new(),
            stamp: Stamp::default(),
            feeds: Vec::new(),
            strangers: 0,
            unkept: 0,
            missed: false,
            over: false,
        }
    }

    /// One more message may be taken, once a batch is read and a numbered message answered.
    pub(crate) fn has_room(&self) -> bool {
        !self.over
            && self.batch.is_none()
            && self.waiting.is_none()
            && self.floor.is_none()
            && self.queue.len() < self.door.config.limits.window
    }

    /// No more is to be read: framing is lost, or the peer is not wanted.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// A message came whose sender is not known, or is not who it says it is.
    pub(crate) const fn has_strangers(&self) -> bool {
        self.strangers > 0
    }

    /// Messages that were refused and not kept, whenever they come.
    pub(crate) const fn unkept(&self) -> u64 {
        self.unkept
    }

    /// A message was not kept because of the moment at which it came.
    pub(crate) const fn has_missed(&self) -> bool {
        self.missed
    }

    /// Every message has had its first answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.batch.is_none() && self.waiting.is_none()
    }

    /// Takes what came out of the bytes: a message, or a batch of them.
    pub(crate) fn take(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Frame { payload, stray_end: false } if is_batch(payload) => self.take_batch(payload, now),
            event => self.take_message(event, now),
        }
    }

    /// Takes what came out of the bytes, and is no batch.
    pub(crate) fn take_message(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Frame { payload: [], .. } => {
                self.door.tally.refused(None, Cause::Empty);
                self.push_refused(None, Reason::Unreadable, "MSH".to_owned(), Echo::unreadable(), Mode::Original, now);
            }
            // The commit acknowledgements of MLLP release 2, which this door does not speak.
            Event::Frame { payload: [0x06 | 0x15], .. } => self.door.tally.refused(None, Cause::CommitByte),
            Event::Frame { payload, stray_end } => {
                self.seal(Parcel { payload, flaw: stray_end.then_some(Flaw::StrayEnd) }, now);
            }
            Event::Broken(payload) => {
                self.door.tally.refused(None, Cause::Broken);
                if !payload.is_empty() {
                    self.seal(Parcel { payload, flaw: Some(Flaw::Broken) }, now);
                }
            }
            Event::TooLong(payload) => self.give_up(payload, Flaw::TooLong, Cause::TooLong, now),
            Event::Junk(junk, bytes) => {
                self.over = true;
                self.door.tally.refused(None, Cause::Junk(junk));
                self.sample(junk.as_str(), bytes);
            }
        }
    }

    /// Answers the beginning of a frame that cannot be read to its end, and takes no more.
    pub(crate) fn give_up(&mut self, payload: &[u8], flaw: Flaw, cause: Cause, now: Instant) {
        self.door.tally.refused(None, cause);
        self.sample(cause.as_str(), payload);
        self.seal(Parcel { payload, flaw: Some(flaw) }, now);
        self.over = true;
    }

    /// Answers the beginning of a message that is too long, of which the rest was passed by.
    pub(crate) fn take_head(&mut self, payload: &[u8], now: Instant) {
        self.door.tally.refused(None, Cause::TooLong);
        self.seal(Parcel { payload, flaw: Some(Flaw::TooLong) }, now);
    }

    /// Reads the letters and writes the answers that are due. True when anything changed.
    pub(crate) fn collect(&mut self, now: Instant) -> bool {
        let mut letters = std::mem::take(&mut self.letters);
        self.inbox.take(&mut letters);
        let mut changed = !letters.is_empty();
        for letter in letters.drain(..) {
            match letter {
                Letter::Logged { sequence, result } => self.logged(sequence, result, now),
                Letter::Outcome(outcome) => self.settled(outcome),
                Letter::Sequence(claim) => self.claimed(claim),
            }
        }
        self.letters = letters;
        changed |= self.read_batch(now);
        while let Some(flight) = self.next_answered(now) {
            self.answer(flight);
            self.front += 1;
            changed = true;
        }
        changed
    }

    /// The answers to be written to the peer.
    pub(crate) fn out(&self) -> &[u8] {
        &self.out
    }

    /// They were written.
    pub(crate) fn written(&mut self, now: Instant) {
        for (feed, received) in self.answered.drain(..) {
            self.door.tally.took(feed, now.saturating_duration_since(received));
        }
        self.out.clear();
        self.out.shrink_to(OUT_KEPT);
    }

    /// When the oldest message that waits for its outcome has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.queue.front().and_then(|flight| match flight.fate {
            Fate::Uncommitted(until) => Some(until),
            Fate::Appending | Fate::Stored | Fate::Committed(..) | Fate::Refused(..) | Fate::Silent | Fate::Mark(_) => {
                None
            }
        })
    }

    /// Seals a frame and sends it on its way.
    fn seal(&mut self, parcel: Parcel<'_>, now: Instant) {
        let at = self.door.ports.clock.now();
        let receipt = Receipt { trace: TraceId(uuid_at(at)), at };
        let ports = &self.door.ports;
        let sealer = Sealer {
            feeds: &self.door.feeds,
            supports: &*ports.supports,
            is_paused: &*ports.is_paused,
            peer: &self.peer,
        };
        match sealer.seal(parcel, receipt) {
            Sealed::Keep(kept) => match kept.number {
                None => self.keep(*kept, now),
                Some(number) => self.take_numbered(*kept, number, now),
            },
            Sealed::Link(link) => self.take_link(*link, now),
            Sealed::Refuse(refused) => self.refuse(*refused, now),
            Sealed::Acknowledgement => self.door.tally.refused(None, Cause::Acknowledgement),
            Sealed::Nothing => self.unkept += 1,
        }
    }

    /// A message for the log.
    fn keep(&mut self, kept: Kept, now: Instant) {
        let Kept { feed, envelope, echo, mode, known_kind, merges, number: _ } = kept;
        let bytes = envelope.body.expose().len();
        self.join(feed);
        let kind = known_kind.then_some(envelope.kind.as_str());
        self.door.tally.received(feed, kind, bytes, envelope.received_at);
        let Some(lease) = self.door.budget.lease(bytes) else {
            self.door.tally.refused(Some(feed), Cause::NoMemory);
            return self.push_refused(Some(feed), Reason::Busy, String::new(), echo, mode, now);
        };
        let refusal = envelope.refusal.as_ref().map(|refusal| (refusal.reason, refusal.place.clone()));
        if let Some((reason, place)) = &refusal {
            debug!(feed = %envelope.feed, trace = %envelope.trace, %reason, place, "message refused and kept");
        }
        let sequence = self.next_sequence();
        let merges = merges && self.asks_for_merges(feed);
        let wait = if refusal.is_none() { self.wait(feed, sequence, &echo, mode, merges) } else { None };
        let waits = wait.is_some();
        let report = Report::new(Arc::clone(&self.door), Arc::clone(&self.inbox), sequence, wait);
        let result = self.door.ports.log.append(envelope, report.into_completion());
        let fate = match result {
            Ok(()) => Fate::Appending,
            Err(error) => {
                self.door.check(&error);
                let (reason, place) = refusal_of(&error);
                self.note_unkept(reason);
                Fate::Refused(reason, place)
            }
        };
        let flight = Flight::new(Some(feed), echo, mode, now, fate);
        self.queue.push_back(Flight { refusal, lease: Some(lease), waits, merges, ..flight });
    }

    /// The number of the next message, counted from 0 over the life of the connection.
    fn next_sequence(&self) -> u64 {
        self.front + u64::try_from(self.queue.len()).unwrap_or(u64::MAX)
    }

    /// Whether the answer to a merge waits for its outcome, where answers do not wait for outcomes.
    fn asks_for_merges(&self, feed: usize) -> bool {
        let feed = self.door.feeds.get(feed);
        let waits = feed.is_some_and(|feed| feed.config.acknowledge == Acknowledge::Committed);
        !waits && !self.door.config.limits.merge_timeout.is_zero()
    }

    /// Who is to be told of the outcome, if anyone.
    fn wait(&self, feed: usize, sequence: u64, echo: &Echo, mode: Mode, merges: bool) -> Option<Wait> {
        let config = &self.door.feeds.get(feed)?.config;
        let expectation = || self.door.ports.waiters.expect();
        match mode {
            Mode::Original if merges || config.acknowledge == Acknowledge::Committed => {
                Some(Wait::Turn { expectation: expectation(), sequence })
            }
            Mode::Original => None,
            Mode::Enhanced { .. } if !mode.wants_outcome() => None,
            Mode::Enhanced { .. } => match config.application_ack {
                ApplicationAck::Never => None,
                ApplicationAck::Same => {
                    Some(Wait::Same { expectation: expectation(), sequence, feed, echo: echo.clone(), mode })
                }
                ApplicationAck::Separate => {
                    Some(Wait::Separate { expectation: expectation(), feed, echo: echo.clone(), mode })
                }
            },
        }
    }

    /// A message that is answered and forgotten.
    fn refuse(&mut self, refused: Refused, now: Instant) {
        let Refused { feed, reason, place, echo, mode } = refused;
        let suspect = matches!(reason, Reason::FeedUnknown | Reason::CertificateMismatch);
        match feed {
            _ if suspect => self.suspect(feed, reason),
            Some(feed) => self.join(feed),
            None => self.door.tally.refused(None, Cause::Unreadable),
        }
        // Whoever names a feed that is not his own is no connection of that feed.
        let feed = feed.filter(|_| !suspect);
        let name = feed.map(|feed| self.door.feed_name(feed));
        debug!(peer = %self.peer.address, feed = name, %reason, place, "message refused and not kept");
        self.push_refused(feed, reason, place, echo, mode, now);
    }

    /// Counts a message of a sender that nobody configured, or whose certificate is another's; too many end it.
    fn suspect(&mut self, feed: Option<usize>, reason: Reason) {
        let name = feed.map(|feed| self.door.feed_name(feed));
        let cause = if feed.is_some() { Cause::OtherCertificate } else { Cause::UnknownSender };
        let certificate = self.peer.certificate_name().unwrap_or("none");
        warn!(peer = %self.peer.address, certificate, feed = name, %reason, "a sender that is not known; message refused");
        self.door.tally.refused(None, cause);
        (self.door.ports.suspect)(&Suspect {
            address: self.peer.address,
            cause: cause.as_str(),
            detail: format!("certificate: {certificate}"),
            feed: name.map(str::to_owned),
        });
        self.strangers += 1;
        self.over |= self.strangers >= self.door.config.limits.unknown_senders_max.max(1);
    }

    fn push_refused(
        &mut self,
        feed: Option<usize>,
        reason: Reason,
        place: String,
        echo: Echo,
        mode: Mode,
        now: Instant,
    ) {
        self.note_unkept(reason);
        self.queue.push_back(Flight::new(feed, echo, mode, now, Fate::Refused(reason, place)));
    }

    fn note_unkept(&mut self, reason: Reason) {
        match reason {
            Reason::Busy | Reason::Paused | Reason::LogUnavailable => self.missed = true,
            _ => self.unkept += 1,
        }
    }

    /// The log has spoken.
    fn logged(&mut self, sequence: u64, result: Result<Appended, LogError>, now: Instant) {
        let (commit_timeout, merge_timeout) =
            (self.door.config.limits.commit_timeout, self.door.config.limits.merge_timeout);
        let Some(flight) = find(&mut self.queue, self.front, sequence) else { return };
        // A log that refuses an append and drops its completion reports twice; the first word holds.
        if !matches!(flight.fate, Fate::Appending) {
            return;
        }
        flight.lease = None;
        let appended = match result {
            Ok(appended) => appended,
            Err(error) => {
                let (reason, place) = refusal_of(&error);
                flight.fate = Fate::Refused(reason, place);
                self.note_unkept(reason);
                return self.logged_numbered(sequence, false);
            }
        };
        let (feed, waits) = (flight.feed, flight.waits);
        flight.fate = match flight.refusal.take() {
            Some((Reason::BrokenFrame, _)) => Fate::Silent,
            Some((reason, place)) => Fate::Refused(reason, place),
            None if waits && flight.mode == Mode::Original => {
                Fate::Uncommitted(now + if flight.merges { merge_timeout } else { commit_timeout })
            }
            None => Fate::Stored,
        };
        self.logged_numbered(sequence, true);
        match appended.freshness {
            Freshness::New => {}
            Freshness::Resent => {
                self.door.tally.duplicate(feed);
                if waits {
                    self.look_up(appended.position);
                }
            }
            Freshness::ControlIdReused => self.door.tally.control_id_reused(feed),
        }
    }

    /// The outcome of a message sent before may have been settled long ago, and will then not be settled again.
    fn look_up(&self, position: Position) {
        let door = Arc::clone(&self.door);
        // Not awaited: the outcome comes by the waiter, and if there is none yet, by the router.
        drop(tokio::task::spawn_blocking(move || {
            if let Some(settled) = (door.ports.outcome_of)(position) {
                causeway_core::ack::Settlement::settled(&*door.ports.waiters, &[settled]);
            }
        }));
    }

    /// The router has spoken.
    fn settled(&mut self, outcome: Box<Outcome>) {
        let queued = find(&mut self.queue, self.front, outcome.sequence);
        match (queued, &outcome.later) {
            (Some(flight), None) if matches!(flight.fate, Fate::Uncommitted(_) | Fate::Appending) => {
                flight.settle(outcome.state, outcome.reason);
            }
            (_, None) => {}
            (Some(flight), Some(_)) => flight.later = Some(outcome),
            (None, Some(_)) => self.answer_apart(&outcome),
        }
    }

    /// The oldest message, if it can be answered now.
    fn next_answered(&mut self, now: Instant) -> Option<Flight> {
        let flight = self.queue.front_mut()?;
        match flight.fate {
            Fate::Appending => return None,
            Fate::Uncommitted(until) if now < until => return None,
            Fate::Uncommitted(_) => flight.give_up(),
            Fate::Stored | Fate::Committed(..) | Fate::Refused(..) | Fate::Silent | Fate::Mark(_) => {}
        }
        self.queue.pop_front()
    }

    /// Counts the connection for a feed, once.
    fn join(&mut self, feed: usize) {
        if !self.feeds.contains(&feed) {
            self.feeds.push(feed);
            self.door.tally.joined(feed);
        }
    }

    /// What cannot be framed cannot be kept either; its digest tells whether it is the same every time.
    fn sample(&self, cause: &str, bytes: &[u8]) {
        let digest = || Digest::of(bytes.get(..SAMPLE).unwrap_or(bytes));
        debug!(peer = %self.peer.address, cause, bytes = bytes.len(), digest = %digest(), "bytes that form no message");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.feeds.iter().for_each(|feed| self.door.tally.left(*feed));
    }
}
