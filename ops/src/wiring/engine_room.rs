//! What is durable, opened as the configuration and the role want it, and what works on it: router, walk, clockwork.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use causeway_core::envelope::FeedName;
use causeway_core::metric::{self, Metrics as _};
use causeway_core::port::{Clock, ReadLimit, SharedBlobs};
use causeway_hl7::Waiters;
use causeway_mappers::Mappers;
use causeway_router::{Router, Settings};
use tokio::sync::watch;

use super::{Role, blobs, clockwork, fetching, lanes, orphans};
use crate::clock::SystemClock;
use crate::config::{AnyFeed, Config};
use crate::diagnostic::{Code, Diagnostic};
use crate::engines::{self, Leases, LogHandle, Vault};
use crate::health::Health;
use crate::home::Home;
use crate::metrics::Prometheus;
use crate::orphans::Orphans;
use crate::status::gather::{Doors, Gatherer, Sources};
use crate::status::{Board, Snapshot};
use crate::stop::Stop;

/// Registry changes worked through at once: a stop waits for no more than these.
const TAKE_UPS_MAX: u32 = 10;
/// Connections to the log of a process that only shows.
const READERS_MAX: usize = 4;

/// What is durable, and what everyone is given.
pub(super) struct Engines {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Prometheus>,
    pub(super) log: LogHandle,
    pub(super) repository: Arc<dyn Vault>,
    pub(super) leases: Option<Arc<dyn Leases>>,
    pub(super) blobs: SharedBlobs,
}

/// What the clockwork is made of.
pub(super) struct Clockwork<'h> {
    pub(super) gatherer: Gatherer,
    pub(super) publisher: watch::Sender<Arc<Snapshot>>,
    pub(super) health: &'h Arc<Health>,
    pub(super) paused: Arc<RwLock<BTreeSet<FeedName>>>,
    pub(super) router: Arc<Router>,
}

impl Engines {
    /// Opens them, as far as the role needs.
    ///
    /// # Errors
    /// One of them cannot be opened.
    pub(super) fn open(config: &Config, home: &Home, role: Role) -> Result<Self, Diagnostic> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = metrics(config)?;
        let log = if role.writes_log() {
            engines::open_log(config, home, &clock, &(Arc::clone(&metrics) as _))?
        } else {
            engines::read_log(config, home, READERS_MAX)?
        };
        let engines::RepositoryHandle { vault, leases } = engines::open_repository(config, home)?;
        // Lanes of a log on this machine cannot be walked elsewhere.
        let leases = leases.filter(|_| !log.is_local());
        let blobs = engines::open_blobs(config, home, &(Arc::clone(&metrics) as _))?;
        Ok(Self { clock, metrics, log, repository: vault, leases, blobs })
    }

    /// Where the status takes its numbers from.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            metrics: Arc::clone(&self.metrics),
            log: self.log.port(),
            repository: Arc::clone(&self.repository) as _,
            commitments: Arc::clone(&self.repository) as _,
        }
    }

    /// The first snapshot, and who draws the next ones.
    pub(super) fn watch(
        &self,
        config: &Config,
        role: Role,
    ) -> Result<(Gatherer, watch::Sender<Arc<Snapshot>>, Board), Diagnostic> {
        let doors = if role.has_doors() {
            // The doors tell so themselves from now on; the first snapshot must not call them closed.
            let up = |feed: AnyFeed<'_>| self.metrics.set(&metric::FEED_UP, &[feed.name.as_str(), feed.protocol], 1.0);
            config.all_feeds().for_each(up);
            Doors::Here
        } else {
            Doors::Elsewhere
        };
        let mut gatherer = Gatherer::new(config, Some(self.clock.now()), doors);
        let (publisher, board) = Board::new(gatherer.draw(&self.sources(), self.clock.now())?);
        Ok((gatherer, publisher, board))
    }

    /// The router over all lanes.
    pub(super) fn router(&self, config: &Config, waiters: Arc<Waiters>, stop: &Stop) -> Router {
        let feeds: Vec<_> = config.feed_settings().collect();
        let stop = stop.clone();
        Router {
            log: self.log.port(),
            map: Arc::new(Mappers::new(feeds.clone())),
            repository: Arc::clone(&self.repository) as _,
            blobs: Arc::clone(&self.blobs),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics) as _,
            settlement: waiters,
            feeds: Arc::new(feeds.into_iter().map(|feed| (feed.name.clone(), feed)).collect::<BTreeMap<_, _>>()),
            pause: Arc::new(move |duration| {
                stop.wait(duration);
            }),
            settings: router_settings(config),
        }
    }

    fn orphans(&self, config: &Config) -> Orphans {
        engines::orphans(config, Arc::clone(&self.blobs), &self.log, Arc::clone(&self.repository))
    }

    /// Walks the lanes of the log: all, or a share of them.
    pub(super) fn walk(&self, walk: lanes::Walk) -> Result<Vec<JoinHandle<()>>, Diagnostic> {
        let partitions = self.log.port().partitions();
        match &self.leases {
            None => lanes::walk_all(&walk, partitions),
            Some(leases) => lanes::walk_shared(walk, Arc::clone(leases), partitions),
        }
    }

    /// Starts what happens by the clock, as far as the role has it.
    pub(super) fn clockwork(
        &self,
        config: &Config,
        role: Role,
        parts: Clockwork<'_>,
        stop: &Stop,
    ) -> Result<Vec<JoinHandle<()>>, Diagnostic> {
        let Clockwork { gatherer, publisher, health, paused, router } = parts;
        let health = Arc::clone(health);
        let mut threads = vec![
            blobs::watch(Arc::clone(&self.blobs), Arc::clone(&health), config.blobs.sweep_age, stop)?,
            clockwork::status(gatherer, self.sources(), publisher, health, paused, stop)?,
        ];
        if role.has_router() {
            threads.push(orphans::watch(self.orphans(config), Arc::clone(&self.metrics) as _, stop)?);
            threads.push(clockwork::take_up(Arc::clone(&router), config.router.take_up_interval, stop)?);
            if !config.dicom_door.is_empty() {
                let (images, quiet) = (Arc::clone(&self.repository) as _, config.images.study_quiet_period);
                let (repository, metrics) = (Arc::clone(&self.repository) as _, Arc::clone(&self.metrics));
                threads.push(clockwork::studies(repository, images, quiet, metrics, stop)?);
            }
            if config.feeds().any(|feed| !feed.fetch.is_empty()) {
                threads.push(fetching::fetch(router, stop)?);
            }
        }
        if role.writes_log() {
            threads.push(clockwork::housekeeping(self.sources(), config.log.prune_interval, stop)?);
        }
        Ok(threads)
    }
}

/// The router's bounds, from the configuration.
pub(crate) fn router_settings(config: &Config) -> Settings {
    let bytes_max = usize::try_from(config.router.batch_bytes_max).unwrap_or(usize::MAX);
    Settings {
        batch: ReadLimit { count_max: config.router.batch_count_max, bytes_max },
        retry_max: config.router.retry_pause_max,
        rules: config.policy.rules(),
        take_ups_max: TAKE_UPS_MAX,
        ..Settings::default()
    }
}

/// The metrics, with zeros for all that the configuration tells.
fn metrics(config: &Config) -> Result<Arc<Prometheus>, Diagnostic> {
    let metrics = Prometheus::new()
        .map_err(|error| Diagnostic::new(Code::Internal, "the metrics cannot be made").because(&error))?;
    for feed in config.all_feeds() {
        metrics.know_feed(feed.name, feed.protocol, feed.expect_every.unwrap_or(Duration::ZERO).as_secs_f64());
    }
    (0..config.log.partitions()).for_each(|partition| metrics.know_partition(partition));
    Ok(Arc::new(metrics))
}
