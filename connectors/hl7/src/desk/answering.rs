//! What a sender is told, when it is its message's turn.

use causeway_core::reason::Reason;
use tokio::time::Instant;
use tracing::warn;

use super::Desk;
use super::batch::Collected;
use super::flight::{Fate, Flight, complaint};
use crate::ack::{Answer, Code, Complaint, Echo, First, Severity, Verdict, first, outcome, write};
use crate::config::ApplicationAck;
use crate::frame::write_frame;
use crate::inbox::Outcome;
use crate::sequence::Expected;

/// What an answer says.
#[derive(Clone, Copy)]
struct Told<'a> {
    code: Code,
    complaint: Option<Complaint<'a>>,
    /// MSH-15, when it is an exchange of its own.
    own_exchange: Option<&'static str>,
    /// MSA-4.
    expected: Option<Expected>,
}

impl<'a> Told<'a> {
    const fn of(code: Code, complaint: Option<Complaint<'a>>) -> Self {
        Self { code, complaint, own_exchange: None, expected: None }
    }
}

impl Desk {
    /// Writes the answer to a message whose turn it is.
    pub(super) fn answer(&mut self, flight: Flight) {
        let (feed, echo, received) = (flight.feed, &flight.echo, Some(flight.received));
        let told = |code, complaint| Told { expected: flight.expected, ..Told::of(code, complaint) };
        match &flight.fate {
            Fate::Stored => {
                if let First::Answer(code) = first(flight.mode, Verdict::Stored) {
                    self.send(feed, echo, told(code, None), received);
                }
            }
            Fate::Committed(state, reason) => {
                if let Some(code) = outcome(flight.mode, *state) {
                    self.send(feed, echo, told(code, complaint(*state, *reason)), received);
                }
            }
            Fate::Refused(reason, place) => self.answer_refused(&flight, *reason, place),
            Fate::Mark(mark) => self.answer_mark(mark),
            Fate::Silent | Fate::Appending | Fate::Uncommitted(_) => {}
        }
        if let Some(later) = &flight.later {
            self.answer_later(later);
        }
    }

    /// Writes the answer to a message that is not taken.
    fn answer_refused(&mut self, flight: &Flight, reason: Reason, place: &str) {
        let complaint = Some(Complaint { reason, place, severity: Severity::Error });
        self.door.tally.answered_no(flight.feed, reason);
        if reason == Reason::NotForUs {
            let feed = flight.feed.map(|feed| self.door.feed_name(feed));
            warn!(peer = %self.peer.address, feed, place, "a message names another receiver: is the feed wired to the right hub?");
        }
        let received = Some(flight.received);
        let told = |code| Told { expected: flight.expected, ..Told::of(code, complaint) };
        match first(flight.mode, Verdict::of(reason, place)) {
            First::Answer(code) => self.send(flight.feed, &flight.echo, told(code), received),
            First::Application(code) => {
                let feed = flight.feed.and_then(|feed| self.door.feeds.get(feed));
                match feed.map_or(ApplicationAck::Same, |feed| feed.config.application_ack) {
                    ApplicationAck::Same => {
                        let told = Told { own_exchange: Some("NE"), ..told(code) };
                        self.send(flight.feed, &flight.echo, told, received);
                    }
                    ApplicationAck::Separate => {
                        self.door.send_elsewhere(flight.feed, &flight.echo, code, complaint);
                    }
                    ApplicationAck::Never => {}
                }
            }
            First::Nothing => {}
        }
    }

    /// Writes the application acknowledgement of a message that had its accept acknowledgement, if it wanted one.
    fn answer_later(&mut self, told: &Outcome) {
        let Some((echo, mode, feed)) = &told.later else { return };
        if let Some(code) = outcome(*mode, told.state) {
            let complaint = complaint(told.state, told.reason);
            self.send(Some(*feed), echo, Told { own_exchange: Some("NE"), ..Told::of(code, complaint) }, None);
        }
    }

    /// The same when its first answer has left: between the answers to a batch it has no place.
    pub(super) fn answer_apart(&mut self, told: &Outcome) {
        let collected = self.collected.take();
        self.answer_later(told);
        self.collected = collected;
    }

    fn send(&mut self, feed: Option<usize>, echo: &Echo, told: Told<'_>, received: Option<Instant>) {
        let zone = feed.and_then(|feed| self.door.feeds.get(feed)).map(|feed| &feed.zone);
        let at = self.stamp.text(self.door.ports.clock.now(), feed, zone);
        let Told { code, complaint, own_exchange, expected } = told;
        let answer = Answer { echo, code, complaint, at, own_exchange, expected };
        match &mut self.collected {
            None => write_frame(&mut self.out, |out| write(out, &self.door.ids, &answer)),
            Some(Collected { answers, out }) => {
                let mut message = Vec::with_capacity(256);
                write(&mut message, &self.door.ids, &answer);
                answers.message(out, &message);
            }
        }
        self.door.tally.acknowledged(feed, code);
        self.answered.extend(received.map(|received| (feed, received)));
    }
}
