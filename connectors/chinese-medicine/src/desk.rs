//! The desk: whose record it is, and its way into the log. What a request looks like is the business of whoever has the
//! HTTP server.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_core::chinese_medicine::{Fault, FaultCode, Record, read};
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::metric::{self, Metrics};
use causeway_core::phi::Phi;
use causeway_core::port::{Appended, Clock, Freshness, Log, LogError};
use causeway_pickup::Stopped;
use causeway_tls::{Acceptor, Certificate, TlsError};
use tokio::sync::oneshot;
use uuid::{NoContext, Timestamp as UuidTimestamp, Uuid};

use crate::config::{CmDoorConfig, CmFeedConfig};

/// What the records are called in the log.
pub const KIND: &str = "CM^VISIT";
/// The longest idempotency key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;
/// The protocol in the labels of metrics.
pub const PROTOCOL: &str = "cm";

/// Stops the process, for this reason.
pub type Halt = dyn Fn(&LogError) + Send + Sync;

/// Everything a desk asks of the rest of the hub.
#[derive(Clone)]
pub struct Ports {
    /// Where records become durable.
    pub log: Arc<dyn Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where numbers go.
    pub metrics: Arc<dyn Metrics>,
    /// Whether an operator has paused a feed.
    pub is_paused: Arc<dyn Fn(&FeedName) -> bool + Send + Sync>,
    /// Stops the process: a sync has failed, or acknowledged data is missing.
    pub halt: Arc<Halt>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// Who sends, as far as the connection and the request tell.
#[derive(Debug, Clone)]
pub struct Sender<'s> {
    /// Where from.
    pub address: IpAddr,
    /// The certificate shown.
    pub certificate: Option<Arc<Certificate>>,
    /// The token shown.
    pub token: Option<&'s str>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is durable.
    Accepted {
        /// Follows it everywhere.
        trace: TraceId,
        /// It had been sent before; nothing was written again.
        resent: bool,
    },
    /// It is none, or not of the published form.
    Rejected(Vec<Fault>),
    /// The feed is paused, or the log cannot take more now: send again.
    Later,
}

/// A record on its way into the log.
#[derive(Debug)]
pub struct Begun(Stage);

#[derive(Debug)]
enum Stage {
    Done(Taken),
    Waiting { feed: FeedName, trace: TraceId, telling: oneshot::Receiver<Result<Appended, LogError>> },
}

/// Takes the records of a door's feeds.
pub struct Desk {
    config: CmDoorConfig,
    tls: Option<Arc<Acceptor>>,
    ports: Ports,
    protocol: &'static str,
    halted: AtomicBool,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("listen", &self.config.listen).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk for a configuration that was checked.
    ///
    /// # Errors
    /// The files of TLS cannot be used.
    pub fn open(config: CmDoorConfig, ports: Ports) -> Result<Self, TlsError> {
        let tls = config.tls.clone().map(Acceptor::open).transpose()?.map(Arc::new);
        Ok(Self { config, tls, ports, protocol: PROTOCOL, halted: AtomicBool::new(false) })
    }

    /// A desk for files, whose feed is known by its folder.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn for_files(config: CmDoorConfig, ports: Ports) -> Result<Self, TlsError> {
        Ok(Self { protocol: crate::file::PROTOCOL, ..Self::open(config, ports)? })
    }

    /// The certificates of the door; `None` in plain text.
    pub fn tls(&self) -> Option<Arc<Acceptor>> {
        self.tls.clone()
    }

    /// The configuration.
    pub const fn config(&self) -> &CmDoorConfig {
        &self.config
    }

    /// The longest record.
    pub fn record_bytes_max(&self) -> usize {
        usize::try_from(self.config.limits.record_bytes_max).unwrap_or(usize::MAX)
    }

    /// The feed of a sender, by its index: its address, and every proof that the feed asks for.
    pub fn recognise(&self, sender: &Sender<'_>) -> Option<usize> {
        let token = sender.token.map(|token| Digest::of(token.as_bytes()).to_string());
        let found = self.config.feeds.iter().position(|feed| {
            let hears = feed.from.iter().any(|network| network.contains(sender.address));
            let has_token = feed
                .token_sha256
                .as_ref()
                .is_none_or(|own| token.as_ref().is_some_and(|shown| own.eq_ignore_ascii_case(shown)));
            let shown = sender.certificate.as_deref();
            let has_certificate = feed.certificates.is_empty()
                || shown.is_some_and(|shown| feed.certificates.iter().any(|pattern| pattern.fits(shown)));
            // The check of the configuration sees to it that a feed asks for one of them.
            hears && has_token && has_certificate
        });
        if found.is_none() {
            self.ports.metrics.add(&metric::CONNECTIONS_REFUSED, &["", "unknown_sender"], 1);
        }
        found
    }

    /// Reads a record and makes it durable. `key` is the sender's own name of it; without one the number of its visit and
    /// its version are. A caller that goes away does not take back what it sent.
    pub async fn take(&self, feed: usize, bytes: &[u8], key: Option<&str>) -> Taken {
        self.finish(self.begin(feed, bytes, key)).await
    }

    /// The first half of [`Self::take`]: the record is on its way when this returns, so that records begun one after the
    /// other keep their order.
    pub fn begin(&self, feed: usize, bytes: &[u8], key: Option<&str>) -> Begun {
        let Some(feed) = self.config.feeds.get(feed) else { return Begun(Stage::Done(Taken::Later)) };
        let record = if bytes.len() > self.record_bytes_max() {
            Err(vec![too_long(self.record_bytes_max())])
        } else {
            read(bytes)
        };
        let record = match record {
            Ok(record) => record,
            Err(faults) => return self.refused(feed, faults),
        };
        if self.halted.load(Ordering::Acquire) || (self.ports.is_paused)(&feed.name) {
            return Begun(Stage::Done(Taken::Later));
        }
        let envelope = self.seal(feed, &record, bytes, key);
        let trace = envelope.trace;
        let (told, telling) = oneshot::channel();
        let completion = Box::new(move |result| {
            // Nobody waits any more when the sender went away; it is durable all the same.
            drop(told.send(result));
        });
        match self.ports.log.append(envelope, completion) {
            Ok(()) => Begun(Stage::Waiting { feed: feed.name.clone(), trace, telling }),
            Err(error) => Begun(Stage::Done(self.told(&feed.name, trace, Err(error)))),
        }
    }

    /// What cannot be read as a record of the feed: counted, and kept nowhere.
    pub(crate) fn refuse(&self, feed: usize, faults: Vec<Fault>) -> Begun {
        let Some(feed) = self.config.feeds.get(feed) else { return Begun(Stage::Done(Taken::Later)) };
        self.refused(feed, faults)
    }

    fn refused(&self, feed: &CmFeedConfig, faults: Vec<Fault>) -> Begun {
        self.ports.metrics.add(&metric::FRAMES_REFUSED, &[feed.name.as_str(), "cm_record"], 1);
        Begun(Stage::Done(Taken::Rejected(faults)))
    }

    /// Why a file is to be read again.
    pub(crate) fn later(&self) -> Stopped {
        if self.halted.load(Ordering::Acquire) { Stopped::Halted } else { Stopped::NotNow }
    }

    /// The second half: waits until the log has spoken.
    pub async fn finish(&self, begun: Begun) -> Taken {
        match begun.0 {
            Stage::Done(taken) => taken,
            Stage::Waiting { feed, trace, telling } => {
                self.told(&feed, trace, telling.await.unwrap_or(Err(LogError::Closed)))
            }
        }
    }

    fn told(&self, feed: &FeedName, trace: TraceId, result: Result<Appended, LogError>) -> Taken {
        let name = feed.as_str();
        match result {
            Ok(appended) => {
                let resent = appended.freshness == Freshness::Resent;
                match appended.freshness {
                    Freshness::New => {}
                    Freshness::Resent => self.ports.metrics.add(&metric::MESSAGES_DUPLICATE, &[name], 1),
                    Freshness::ControlIdReused => self.ports.metrics.add(&metric::CONTROL_ID_REUSED, &[name], 1),
                }
                Taken::Accepted { trace, resent }
            }
            Err(error) => match error.disposition() {
                Disposition::Halt => {
                    if !self.halted.swap(true, Ordering::AcqRel) {
                        (self.ports.halt)(&error);
                    }
                    Taken::Later
                }
                Disposition::Reject => Taken::Rejected(vec![too_long(self.record_bytes_max())]),
                Disposition::Retry | Disposition::Hold => Taken::Later,
            },
        }
    }

    fn seal(&self, feed: &CmFeedConfig, record: &Record, bytes: &[u8], key: Option<&str>) -> Envelope {
        let at = self.ports.clock.now();
        let labels = [feed.name.as_str(), KIND];
        self.ports.metrics.add(&metric::MESSAGES_RECEIVED, &labels, 1);
        self.ports.metrics.add(
            &metric::MESSAGE_RECEIVED_BYTES,
            &labels,
            u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        );
        let last = &metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS;
        self.ports.metrics.set(last, &[feed.name.as_str(), self.protocol], at.as_duration().as_secs_f64());
        let own = || format!("{}/{}", record.visit.number.expose(), record.version.get());
        let document = || record.patient.documents.iter().next().map(|one| one.number.expose());
        let patient = record.patient.number.as_ref().map(|number| number.expose()).or_else(document);
        Envelope {
            trace: TraceId(unique(at)),
            feed: feed.name.clone(),
            format: Format::ChineseMedicine,
            sender: "cm".to_owned(),
            control_id: key.map_or_else(own, str::to_owned),
            kind: KIND.to_owned(),
            patient_key: Phi::new(patient.unwrap_or_default().to_owned()),
            received_at: at,
            digest: Digest::of(bytes),
            refusal: None,
            body: Phi::new(Arc::from(bytes)),
        }
    }
}

/// What is said of a record that is longer than the door takes.
pub fn too_long(bytes_max: usize) -> Fault {
    Fault::new(FaultCode::TooLong, "", format!("the record is longer than {bytes_max} bytes"))
}

/// A UUID of version 7 for a time.
fn unique(at: jiff::Timestamp) -> Uuid {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(UuidTimestamp::from_unix(NoContext, seconds, nanoseconds))
}
