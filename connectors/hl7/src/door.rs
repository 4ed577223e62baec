//! A door: what its connections share, and how it is opened.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_core::ack::Settled;
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{FeedName, Position};
use causeway_core::metric::Metrics;
use causeway_core::port::{Clock, Log, LogError, Repository, RepositoryError, Sequence};
use causeway_pickup::PickupError;
use causeway_tls::{Acceptor, Connector, Suspect, TlsError, listen};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tracing::{error, warn};

use crate::ack::{Answer, Code, Complaint, Echo, MessageIds, write};
use crate::application_ack::Waiters;
use crate::application_ack::courier::Courier;
use crate::budget::Budget;
use crate::chance::uuid_at;
use crate::client::ClientSettings;
use crate::config::{ConfigFault, DoorConfig, FeedConfig};
use crate::desk::Stamp;
use crate::feed::Feed;
use crate::frame::Framing;
use crate::seal::Supports;
use crate::tally::Tally;

/// The protocol, as a metric label.
const PROTOCOL: &str = "mllp";

/// Everything a door asks of the rest of the hub.
#[derive(Clone)]
pub struct Ports {
    /// Where messages become durable.
    pub log: Arc<dyn Log>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where numbers go.
    pub metrics: Arc<dyn Metrics>,
    /// Who waits for outcomes: the same one that the router tells of its commits.
    pub waiters: Arc<Waiters>,
    /// Which kinds of message are taken, by MSH-9.1 and MSH-9.2. Called for every message.
    pub supports: Arc<Supports>,
    /// Whether an operator has paused a feed. Called for every message.
    pub is_paused: Arc<dyn Fn(&FeedName) -> bool + Send + Sync>,
    /// Stops the process: a sync has failed, or acknowledged data is missing. Called on the log's thread.
    pub halt: Arc<dyn Fn(&LogError) + Send + Sync>,
    /// The outcome of a message received earlier, when it is committed. Asked when a message is sent again whose
    /// sender waits for it. May block.
    pub outcome_of: Arc<dyn Fn(Position) -> Option<Settled> + Send + Sync>,
    /// The sequence numbers of feeds that number their messages.
    pub sequences: Sequences,
    /// Somebody wanted to come in and may not. Called on a connection's task, so it must not block.
    pub suspect: Arc<dyn Fn(&Suspect) + Send + Sync>,
}

/// Looks a feed's sequence number up.
type LastSequence = dyn Fn(&FeedName) -> Result<Option<Sequence>, RepositoryError> + Send + Sync;
/// Remembers a feed's sequence number, or forgets it, if the first is what is remembered; whether it was.
type KeepSequence =
    dyn Fn(&FeedName, Option<&Sequence>, Option<&Sequence>) -> Result<bool, RepositoryError> + Send + Sync;

/// Where the sequence numbers of feeds are remembered. Asked for messages of such feeds only.
#[derive(Clone)]
pub struct Sequences {
    /// The one last taken. May block.
    pub last: Arc<LastSequence>,
    /// Remembers one, durably, or forgets it, unless another process was first. May block.
    pub keep: Arc<KeepSequence>,
}

impl Sequences {
    /// Those that a repository remembers.
    pub fn of(repository: Arc<dyn Repository>) -> Self {
        let reads = Arc::clone(&repository);
        Self {
            last: Arc::new(move |feed| reads.sequence(feed)),
            keep: Arc::new(move |feed, expect, sequence| repository.set_sequence(feed, expect, sequence)),
        }
    }
}

impl fmt::Debug for Sequences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequences").finish_non_exhaustive()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// Why a door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The configuration cannot work.
    #[error("{}", list(.0))]
    Config(Vec<ConfigFault>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificates cannot be used.
    #[error("TLS cannot be had")]
    Tls(#[from] TlsError),
    /// The folder of a file door cannot be used.
    #[error("the folder cannot be used")]
    Folder(#[source] PickupError),
}

impl DoorError {
    /// What the caller does about it: an address may become free, a configuration must be changed.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Config(_) | Self::Tls(_) => Disposition::Reject,
            Self::Listen { .. } | Self::Folder(_) => Disposition::Retry,
        }
    }
}

fn list(faults: &[ConfigFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// An open door. Messages are taken once [`Door::serve`](Self::serve) runs.
#[derive(Debug)]
pub struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
}

impl Door {
    /// Checks the configuration, reads the certificates, whose paths are taken as they are, and listens. Call it inside a
    /// tokio runtime.
    pub async fn open(config: DoorConfig, ports: Ports) -> Result<Self, DoorError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(DoorError::Config(faults));
        }
        let tls = config.tls.clone().map(Acceptor::open).transpose()?;
        let connectors = connectors(&config)?;
        let listened = listen(config.listen).await;
        let (listener, address) = listened.map_err(|source| DoorError::Listen { address: config.listen, source })?;
        Ok(Self { listener, shared: Arc::new(Shared::new(config, ports, tls, &connectors, PROTOCOL)), address })
    }

    /// Where it listens; the port that was found when the configuration said 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// How the application acknowledgements of each feed go out by TLS.
fn connectors(config: &DoorConfig) -> Result<Vec<Option<Connector>>, TlsError> {
    let open = |feed: &FeedConfig| feed.application_ack_tls.as_ref().map(Connector::open).transpose();
    config.feeds.iter().map(open).collect()
}

/// What the connections of one door share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DoorConfig,
    pub(crate) framing: Framing,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) tls: Option<Arc<Acceptor>>,
    pub(crate) ports: Ports,
    pub(crate) ids: MessageIds,
    pub(crate) budget: Arc<Budget>,
    pub(crate) tally: Tally,
    halted: AtomicBool,
}

impl Shared {
    /// For a door that nobody connects to.
    pub(crate) fn for_files(config: DoorConfig, ports: Ports, protocol: &'static str) -> Result<Self, TlsError> {
        let connectors = connectors(&config)?;
        Ok(Self::new(config, ports, None, &connectors, protocol))
    }

    fn new(
        config: DoorConfig,
        ports: Ports,
        tls: Option<Acceptor>,
        connectors: &[Option<Connector>],
        protocol: &'static str,
    ) -> Self {
        let in_flight_max = usize::try_from(config.limits.in_flight_bytes_max).unwrap_or(usize::MAX);
        let feed = |(feed, tls): (&FeedConfig, &Option<Connector>)| {
            let courier = feed.application_ack_to.as_ref().filter(|_| feed.sends_elsewhere());
            let client = ClientSettings { tls: tls.clone(), ..ClientSettings::default() };
            let courier = courier.map(|to| Courier::start(to.clone(), feed.name.clone(), client, &config.limits));
            Feed::new(feed.clone(), courier)
        };
        let started = ports.clock.now();
        Self {
            framing: config.framing(),
            feeds: config.feeds.iter().zip(connectors).map(feed).collect(),
            tls: tls.map(Arc::new),
            ids: MessageIds::new(started, uuid_at(started)),
            budget: Budget::new(in_flight_max),
            tally: Tally::new(Arc::clone(&ports.metrics), &config.feeds, protocol),
            halted: AtomicBool::new(false),
            config,
            ports,
        }
    }

    /// Stops everything when the log can no longer be trusted.
    pub(crate) fn check(&self, error: &LogError) {
        match error.disposition() {
            Disposition::Halt => {
                self.halted.store(true, Ordering::SeqCst);
                error!(%error, "the log failed; nothing more is acknowledged");
                (self.ports.halt)(error);
            }
            Disposition::Retry | Disposition::Reject | Disposition::Hold => {}
        }
    }

    /// Nothing may be acknowledged any more.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::SeqCst)
    }

    pub(crate) fn feed_name(&self, feed: usize) -> &str {
        self.feeds.get(feed).map_or("-", Feed::name)
    }

    /// Says so when a waiter found no room.
    #[expect(clippy::unused_self, reason = "what a door says belongs to it")]
    pub(crate) fn note_waiting(&self, registered: bool) {
        if !registered {
            warn!("too many messages wait for their outcome; an application acknowledgement is not sent");
        }
    }

    /// Sends an application acknowledgement to the address configured for the feed.
    pub(crate) fn send_elsewhere(
        &self,
        feed: Option<usize>,
        echo: &Echo,
        code: Code,
        complaint: Option<Complaint<'_>>,
    ) {
        let Some(feed) = feed.and_then(|index| self.feeds.get(index).map(|feed| (index, feed))) else { return };
        let (index, Feed { zone, courier: Some(courier), .. }) = feed else { return };
        let zone: &TimeZone = zone;
        let mut stamp = Stamp::default();
        let at = stamp.text(self.ports.clock.now(), Some(index), Some(zone));
        let mut message = Vec::with_capacity(256);
        write(&mut message, &self.ids, &Answer { echo, code, complaint, at, own_exchange: Some("AL"), expected: None });
        if courier.offer(message) {
            self.tally.acknowledged(Some(index), code);
        } else {
            warn!(
                feed = self.feed_name(index),
                "too many application acknowledgements wait to be sent; one is dropped"
            );
        }
    }
}
