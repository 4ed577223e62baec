//! What a door counts. Labels come from closed sets: feeds as configured, answers, causes.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::metric::{self, Level, Metrics};
use jiff::Timestamp;

use crate::commitment::report::Report;
use crate::config::DicomFeedConfig;
use crate::status::Status;

/// The label of what belongs to no feed; no feed can be called so.
const NO_FEED: &str = "-";
const PROTOCOL: &str = "dicom";
/// The kind of the envelopes of associations.
pub(crate) const KIND: &str = "C-STORE";

/// Why a connection was closed before an association was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwelcome {
    /// No feed hears the address.
    UnknownPeer,
    /// The address may not speak without TLS.
    Plaintext,
    /// So many connections that not even a rejection can be said.
    DoorFull,
    /// By STOW-RS: neither token nor certificate is that of a feed.
    UnknownSender,
    /// The handshake of TLS failed.
    Handshake(&'static str),
}

impl Unwelcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPeer => "unknown_peer",
            Self::Plaintext => "plaintext",
            Self::DoorFull => "door_full",
            Self::UnknownSender => "unknown_sender",
            Self::Handshake(cause) => cause,
        }
    }
}

/// How far a request for storage commitment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is remembered, and its sender was told so.
    Taken,
    /// It was not taken.
    Refused,
    /// Its report was delivered: everything is kept.
    Kept,
    /// Its report was delivered: something is not kept.
    NotKept,
    /// One try to deliver its report failed.
    Undelivered,
    /// It is tried no more.
    GivenUp,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Kept => "reported_kept",
            Self::NotKept => "reported_failures",
            Self::Undelivered => "undelivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// The numbers of one door.
pub(crate) struct Tally {
    metrics: Arc<dyn Metrics>,
    feeds: Vec<(String, Level)>,
}

impl Tally {
    pub(crate) fn new(metrics: Arc<dyn Metrics>, feeds: &[DicomFeedConfig]) -> Self {
        for feed in feeds {
            let labels = [feed.name.as_str(), PROTOCOL];
            let expected = feed.expect_every.unwrap_or(Duration::ZERO).as_secs_f64();
            metrics.set(&metric::FEED_EXPECTED_INTERVAL_SECONDS, &labels, expected);
            metrics.set(&metric::FEED_CONNECTIONS, &labels, 0.0);
            metrics.set(&metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS, &labels, 0.0);
        }
        let feeds = feeds.iter().map(|feed| (feed.name.to_string(), Level::default())).collect();
        Self { metrics, feeds }
    }

    fn name(&self, feed: Option<usize>) -> &str {
        feed.and_then(|feed| self.feeds.get(feed)).map_or(NO_FEED, |(name, _)| name)
    }

    /// The feed's door is open and not paused, or it is not.
    pub(crate) fn feed_up(&self, feed: usize, up: bool) {
        self.metrics.set(&metric::FEED_UP, &[self.name(Some(feed)), PROTOCOL], if up { 1.0 } else { 0.0 });
    }

    /// An association was accepted.
    pub(crate) fn joined(&self, feed: usize) {
        if let Some((name, open)) = self.feeds.get(feed) {
            open.rise(|now| self.tell_open(name, now));
        }
    }

    /// One that was accepted is over.
    pub(crate) fn left(&self, feed: usize) {
        if let Some((name, open)) = self.feeds.get(feed) {
            open.fall(|now| self.tell_open(name, now));
        }
    }

    fn tell_open(&self, feed: &str, now: f64) {
        self.metrics.set(&metric::FEED_CONNECTIONS, &[feed, PROTOCOL], now);
    }

    /// How an association ended.
    pub(crate) fn ended(&self, feed: Option<usize>, end: &'static str) {
        self.metrics.add(&metric::DICOM_ASSOCIATIONS, &[self.name(feed), end], 1);
    }

    /// The data set of an instance was read whole.
    pub(crate) fn received(&self, feed: usize, kind: &str, bytes: u64, at: Timestamp) {
        let name = self.name(Some(feed));
        self.metrics.add(&metric::MESSAGES_RECEIVED, &[name, kind], 1);
        self.metrics.add(&metric::MESSAGE_RECEIVED_BYTES, &[name, kind], bytes);
        self.metrics.add(&metric::DICOM_INSTANCE_BYTES, &[name], bytes);
        let seconds = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default().as_secs_f64();
        self.metrics.set(&metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS, &[name, PROTOCOL], seconds);
    }

    /// An instance was answered, so long after its last byte.
    pub(crate) fn answered(&self, feed: usize, status: Status, took: Duration) {
        let name = self.name(Some(feed));
        self.metrics.add(&metric::DICOM_INSTANCES, &[name, status.outcome()], 1);
        self.metrics.observe(&metric::ACK_DURATION_SECONDS, &[name], took.as_secs_f64());
    }

    /// An instance was refused before it was looked at.
    pub(crate) fn refused(&self, feed: usize, status: Status) {
        self.metrics.add(&metric::DICOM_INSTANCES, &[self.name(Some(feed)), status.outcome()], 1);
    }

    /// The same instance came again.
    pub(crate) fn duplicate(&self, feed: usize) {
        self.metrics.add(&metric::MESSAGES_DUPLICATE, &[self.name(Some(feed))], 1);
    }

    /// Another instance came under a SOP Instance UID that had been used.
    pub(crate) fn conflict(&self, feed: usize) {
        let name = self.name(Some(feed));
        self.metrics.add(&metric::CONTROL_ID_REUSED, &[name], 1);
        self.metrics.add(&metric::DICOM_CONFLICTS, &[name], 1);
    }

    /// A request for storage commitment got so far.
    pub(crate) fn commitment(&self, feed: usize, step: Step) {
        self.metrics.add(&metric::DICOM_COMMITMENTS, &[self.name(Some(feed)), step.as_str()], 1);
    }

    /// A report was delivered.
    pub(crate) fn reported(&self, feed: usize, report: &Report) {
        self.commitment(feed, if report.has_failures() { Step::NotKept } else { Step::Kept });
        let name = self.name(Some(feed));
        for (_, _, failure) in &report.instances {
            let outcome = match failure {
                None => "kept",
                Some(Status::NO_INSTANCE) => "missing",
                Some(Status::CONFLICT) => "other_class",
                Some(Status::DUPLICATE_UID) => "transaction_in_use",
                Some(Status::CLASS_NOT_SUPPORTED) => "class_not_taken",
                Some(_) => "not_kept",
            };
            self.metrics.add(&metric::DICOM_COMMITTED_INSTANCES, &[name, outcome], 1);
        }
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
