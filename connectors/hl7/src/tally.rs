//! What a door counts. Labels come from closed sets: feeds as configured, kinds of message that are taken, causes.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::metric::{self, Level, Metrics};
use causeway_core::reason::Reason;
use jiff::Timestamp;

use crate::ack::Code;
use crate::config::FeedConfig;
use crate::frame::Junk;

/// The label of what belongs to no feed; no feed can be called so.
const NO_FEED: &str = "-";
/// The label of kinds of message that are not taken.
const OTHER_KIND: &str = "other";

/// Why bytes formed no message, or a message was dropped unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    Junk(Junk),
    TooLong,
    NoMemory,
    Timeout,
    MissingEndCr,
    Cut,
    Empty,
    CommitByte,
    Acknowledgement,
    UnknownSender,
    OtherCertificate,
    Broken,
    Unreadable,
    OutOfSequence,
}

impl Cause {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Junk(junk) => junk.as_str(),
            Self::TooLong => "too_long",
            Self::NoMemory => "no_memory",
            Self::Timeout => "timeout",
            Self::MissingEndCr => "missing_end_cr",
            Self::Cut => "cut",
            Self::Empty => "empty",
            Self::CommitByte => "commit_byte",
            Self::Acknowledgement => "acknowledgement",
            Self::UnknownSender => "unknown_sender",
            Self::OtherCertificate => "certificate",
            Self::Broken => "broken",
            Self::Unreadable => "unreadable",
            Self::OutOfSequence => "out_of_sequence",
        }
    }
}

/// Why a connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unwelcome {
    /// No feed hears the address.
    UnknownPeer,
    /// The address may not speak without TLS.
    Plaintext,
    /// All connections are taken.
    DoorFull,
    /// This address has all of its.
    PeerFull,
    /// No TLS session could be had.
    Handshake(&'static str),
}

impl Unwelcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPeer => "unknown_peer",
            Self::Plaintext => "plaintext",
            Self::DoorFull => "door_full",
            Self::PeerFull => "peer_full",
            Self::Handshake(cause) => cause,
        }
    }
}

/// The numbers of one door.
pub(crate) struct Tally {
    metrics: Arc<dyn Metrics>,
    protocol: &'static str,
    feeds: Vec<FeedTally>,
}

struct FeedTally {
    name: String,
    connections: Level,
}

impl Tally {
    pub(crate) fn new(metrics: Arc<dyn Metrics>, feeds: &[FeedConfig], protocol: &'static str) -> Self {
        let tally = |feed: &FeedConfig| FeedTally { name: feed.name.to_string(), connections: Level::default() };
        let this = Self { metrics, protocol, feeds: feeds.iter().map(tally).collect() };
        for feed in feeds {
            let labels = [feed.name.as_str(), protocol];
            let expected = feed.expect_every.unwrap_or(Duration::ZERO).as_secs_f64();
            this.metrics.set(&metric::FEED_EXPECTED_INTERVAL_SECONDS, &labels, expected);
            this.metrics.set(&metric::FEED_CONNECTIONS, &labels, 0.0);
            this.metrics.set(&metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS, &labels, 0.0);
        }
        this
    }

    fn name(&self, feed: Option<usize>) -> &str {
        feed.and_then(|feed| self.feeds.get(feed)).map_or(NO_FEED, |feed| feed.name.as_str())
    }

    /// The feed's door is open and not paused, or it is not.
    pub(crate) fn feed_up(&self, feed: usize, up: bool) {
        let labels = [self.name(Some(feed)), self.protocol];
        self.metrics.set(&metric::FEED_UP, &labels, if up { 1.0 } else { 0.0 });
    }

    /// A connection has sent its first message for the feed.
    pub(crate) fn joined(&self, feed: usize) {
        if let Some(tally) = self.feeds.get(feed) {
            tally.connections.rise(|now| self.tell_connections(tally, now));
        }
    }

    /// Such a connection is closed.
    pub(crate) fn left(&self, feed: usize) {
        if let Some(tally) = self.feeds.get(feed) {
            tally.connections.fall(|now| self.tell_connections(tally, now));
        }
    }

    fn tell_connections(&self, feed: &FeedTally, now: f64) {
        self.metrics.set(&metric::FEED_CONNECTIONS, &[&feed.name, self.protocol], now);
    }

    /// A message was read whole. `kind` is given only for kinds that are taken.
    pub(crate) fn received(&self, feed: usize, kind: Option<&str>, bytes: usize, at: Timestamp) {
        let labels = [self.name(Some(feed)), kind.unwrap_or(OTHER_KIND)];
        self.metrics.add(&metric::MESSAGES_RECEIVED, &labels, 1);
        self.metrics.add(&metric::MESSAGE_RECEIVED_BYTES, &labels, u64::try_from(bytes).unwrap_or(u64::MAX));
        let seconds = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default().as_secs_f64();
        self.metrics.set(
            &metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS,
            &[self.name(Some(feed)), self.protocol],
            seconds,
        );
    }

    /// A resend was answered as before.
    pub(crate) fn duplicate(&self, feed: Option<usize>) {
        self.metrics.add(&metric::MESSAGES_DUPLICATE, &[self.name(feed)], 1);
    }

    /// A control id came again with other bytes.
    pub(crate) fn control_id_reused(&self, feed: Option<usize>) {
        self.metrics.add(&metric::CONTROL_ID_REUSED, &[self.name(feed)], 1);
    }

    /// An acknowledgement goes out.
    pub(crate) fn acknowledged(&self, feed: Option<usize>, code: Code) {
        self.metrics.add(&metric::ACKS, &[self.name(feed), code.as_str()], 1);
    }

    /// A message is answered negatively.
    pub(crate) fn answered_no(&self, feed: Option<usize>, reason: Reason) {
        self.metrics.add(&metric::MESSAGES_REFUSED, &[self.name(feed), reason.code()], 1);
    }

    /// It took so long from the last byte of the message.
    pub(crate) fn took(&self, feed: Option<usize>, duration: Duration) {
        self.metrics.observe(&metric::ACK_DURATION_SECONDS, &[self.name(feed)], duration.as_secs_f64());
    }

    /// Bytes formed no message.
    pub(crate) fn refused(&self, feed: Option<usize>, cause: Cause) {
        self.metrics.add(&metric::FRAMES_REFUSED, &[self.name(feed), cause.as_str()], 1);
    }

    /// A batch, or a file of them, does not hold what its trailers say.
    pub(crate) fn batch_fault(&self, feed: Option<usize>, reason: Reason) {
        self.metrics.add(&metric::BATCH_FAULTS, &[self.name(feed), reason.code()], 1);
    }

    /// A certificate expires then.
    pub(crate) fn expires(&self, name: &str, at: Timestamp) {
        self.metrics.set(&metric::CERTIFICATE_EXPIRY, &[name], at.as_duration().as_secs_f64());
    }

    /// A connection was closed at once.
    pub(crate) fn unwelcome(&self, cause: Unwelcome) {
        self.metrics.add(&metric::CONNECTIONS_REFUSED, &[NO_FEED, cause.as_str()], 1);
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("feeds", &self.feeds.len()).finish_non_exhaustive()
    }
}
