//! A door: what its associations share, and how it is opened.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_core::disposition::Disposition;
use causeway_core::envelope::FeedName;
use causeway_core::metric::Metrics;
use causeway_core::port::{BlobError, Clock, Log, LogError, Repository, SharedBlobs};
use causeway_tls::{Acceptor, Connector, Suspect, TlsError, listen};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tracing::error;
use uuid::Uuid;

use crate::commitment::Safekeeping;
use crate::commitment::post::Post;
use crate::config::{ConfigFault, DicomDoorConfig, DicomFeedConfig};
use crate::deposit::earlier::Earlier;
use crate::scan::ScanLimits;
use crate::seats::Seats;
use crate::tally::Tally;

/// Why the process stops.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum Distrust<'a> {
    /// The log: a sync has failed, or acknowledged data is missing.
    #[error(transparent)]
    Log(&'a LogError),
    /// The store of the instances: a sync has failed.
    #[error(transparent)]
    Blobs(&'a BlobError),
}

impl Distrust<'_> {
    const fn disposition(self) -> Disposition {
        match self {
            Self::Log(error) => error.disposition(),
            Self::Blobs(error) => error.disposition(),
        }
    }
}

/// Stops the process, for this reason.
pub type Halt = dyn Fn(Distrust<'_>) + Send + Sync;

/// Everything a door asks of the rest of the hub.
#[derive(Clone)]
pub struct Ports {
    /// Where claims become durable.
    pub log: Arc<dyn Log>,
    /// Where instances do.
    pub blobs: SharedBlobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where numbers go.
    pub metrics: Arc<dyn Metrics>,
    /// Whether an operator has paused a feed. Called for every instance.
    pub is_paused: Arc<dyn Fn(&FeedName) -> bool + Send + Sync>,
    /// Notes somebody who wanted to come in and may not. Must not block.
    pub suspect: Arc<dyn Fn(&Suspect) + Send + Sync>,
    /// Notes who sent an instance that is refused for good. Must not block.
    pub refused: Arc<dyn Fn(&Suspect) + Send + Sync>,
    /// What was stored before: asked where the log does not tell what came under a SOP Instance UID (`Log::tells_resends`), for feeds
    /// that want to hear of it. Without it they do not.
    pub repository: Option<Arc<dyn Repository>>,
    /// What is needed to commit to the safekeeping of instances; without it storage commitment is not offered.
    pub safekeeping: Option<Safekeeping>,
    /// Stops the process. May be called on the log's thread.
    pub halt: Arc<Halt>,
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
    /// The files of TLS cannot be used.
    #[error("the TLS of the door on {address} cannot work")]
    Tls {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: TlsError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl DoorError {
    /// What the caller does about it: an address may become free, a configuration must be changed.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Config(_) | Self::Tls { .. } => Disposition::Reject,
            Self::Listen { .. } => Disposition::Retry,
        }
    }
}

fn list(faults: &[ConfigFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// An open door. Associations are taken once [`Door::serve`](Self::serve) runs.
#[derive(Debug)]
pub struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
}

impl Door {
    /// Checks the configuration and listens. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The configuration cannot work, or the address is taken.
    pub async fn open(config: DicomDoorConfig, ports: Ports) -> Result<Self, DoorError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(DoorError::Config(faults));
        }
        let address = config.listen;
        let tls = config.tls.clone().map(Acceptor::open).transpose();
        let tls = tls.map_err(|source| DoorError::Tls { address, source })?.map(Arc::new);
        let mut shared = Shared::new(config, tls, ports);
        shared.open_reporting().map_err(|source| DoorError::Tls { address, source })?;
        let (listener, found) = listen(address).await.map_err(|source| DoorError::Listen { address, source })?;
        Ok(Self { listener, shared: Arc::new(shared), address: found })
    }

    /// Where it listens; the port that was found when the configuration said 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What the associations of one door share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DicomDoorConfig,
    pub(crate) tls: Option<Arc<Acceptor>>,
    pub(crate) ports: Ports,
    pub(crate) tally: Tally,
    /// Of the associations there may be.
    pub(crate) seats: Arc<Seats>,
    /// What came under a SOP Instance UID before, where the log does not tell.
    pub(crate) earlier: Option<Earlier>,
    /// Woken when storage commitment was asked for.
    pub(crate) asked: Notify,
    /// The associations that can be told of it.
    pub(crate) post: Post,
    /// TLS of reports, by feed.
    reporting: BTreeMap<FeedName, Connector>,
    halted: AtomicBool,
}

impl Shared {
    pub(crate) fn new(config: DicomDoorConfig, tls: Option<Arc<Acceptor>>, ports: Ports) -> Self {
        let tally = Tally::new(Arc::clone(&ports.metrics), &config.feeds);
        let (seats, asked, post, halted) = (Arc::default(), Notify::new(), Post::default(), AtomicBool::new(false));
        let asks = ports.repository.as_ref().filter(|_| !ports.log.tells_resends());
        let earlier = asks.map(|repository| Earlier::new(Arc::clone(repository)));
        Self { config, tls, ports, tally, seats, earlier, asked, post, reporting: BTreeMap::new(), halted }
    }

    /// Reads the files of TLS with which reports are sent.
    fn open_reporting(&mut self) -> Result<(), TlsError> {
        for feed in &self.config.feeds {
            if let Some(settings) = &feed.report_tls {
                self.reporting.insert(feed.name.clone(), Connector::open(settings)?);
            }
        }
        Ok(())
    }

    /// How reports of a feed are sent by TLS, if they are.
    pub(crate) fn report_tls(&self, feed: &DicomFeedConfig) -> Option<Connector> {
        self.reporting.get(&feed.name).cloned()
    }

    /// Stops everything when log or store can no longer be trusted.
    pub(crate) fn check(&self, error: Distrust<'_>) {
        match error.disposition() {
            Disposition::Halt => {
                self.halted.store(true, Ordering::SeqCst);
                error!(%error, "nothing more is acknowledged");
                (self.ports.halt)(error);
            }
            Disposition::Retry | Disposition::Reject | Disposition::Hold => {}
        }
    }

    /// Nothing may be acknowledged any more.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::SeqCst)
    }

    pub(crate) fn feed(&self, feed: usize) -> Option<&DicomFeedConfig> {
        self.config.feeds.get(feed)
    }

    /// Whether a feed takes nothing at the moment.
    pub(crate) fn is_paused(&self, feed: usize) -> bool {
        self.feed(feed).is_none_or(|feed| (self.ports.is_paused)(&feed.name))
    }

    /// The bounds of a scan for a feed.
    pub(crate) fn scan_limits(&self, feed: &DicomFeedConfig) -> ScanLimits {
        let limits = &self.config.limits;
        ScanLimits {
            bytes_max: feed.instance_bytes_max,
            elements_max: limits.elements_max,
            depth_max: limits.depth_max,
            inflated_bytes_max: limits.inflated_bytes_max,
            inflate_ratio_max: limits.inflate_ratio_max,
            ..ScanLimits::default()
        }
    }
}

/// A UUID version 7: the time given, and chance.
pub(crate) fn uuid_at(at: Timestamp) -> Uuid {
    let since = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos()))
}
