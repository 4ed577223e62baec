//! What happens by the clock: snapshots, take-ups, giving up old entries of the log, checking the audit chain.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use causeway_core::disposition::Disposition;
use causeway_core::envelope::{FeedName, PartitionId, Position};
use causeway_core::metric::{self, Metrics as _};
use causeway_core::port::{Clock as _, Images, Log, LogError, Repository};
use causeway_router::{Round, Router, complete_studies};
use tokio::sync::watch;

use super::halt;
use crate::clock::SystemClock;
use crate::diagnostic::{Code, Diagnostic};
use crate::health::Health;
use crate::metrics::Prometheus;
use crate::status::Snapshot;
use crate::status::gather::{Gatherer, Sources};
use crate::stop::Stop;

/// How often a snapshot is drawn.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked which studies are complete.
const STUDIES_EVERY: Duration = Duration::from_secs(2);
/// How often the audit chain is walked through.
const AUDIT_EVERY: Duration = Duration::from_hours(24);

/// Starts a thread.
pub(super) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Diagnostic> {
    let started = Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|error| Diagnostic::new(Code::Internal, "a thread cannot be started").because(&error))
}

/// Draws a snapshot every second, and hears which feeds operators paused.
pub(super) fn status(
    mut gatherer: Gatherer,
    sources: Sources,
    publisher: watch::Sender<Arc<Snapshot>>,
    health: Arc<Health>,
    paused: Arc<RwLock<BTreeSet<FeedName>>>,
    stop: &Stop,
) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    thread("causeway-status", move || {
        while !stop.wait(SNAPSHOT_EVERY) {
            match gatherer.draw(&sources, SystemClock.now()) {
                Ok(snapshot) => {
                    health.note(&snapshot);
                    publisher.send_replace(Arc::new(snapshot));
                }
                Err(diagnostic) => tracing::warn!(code = %diagnostic.code, what = diagnostic.what, "no snapshot"),
            }
            if let Ok(feeds) = sources.repository.paused_feeds() {
                *paused.write().unwrap_or_else(PoisonError::into_inner) = feeds.into_iter().collect();
            }
        }
    })
}

/// Takes up what was withheld, once its person joined or consented.
pub(super) fn take_up(router: Arc<Router>, interval: Duration, stop: &Stop) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    thread("causeway-take-up", move || {
        let mut pause = interval;
        while !stop.wait(pause) {
            pause = interval;
            match router.take_up() {
                Ok(taken) if taken.tickets == 0 => {}
                Ok(taken) => {
                    // There may be more.
                    pause = Duration::ZERO;
                    let (tickets, messages) = (taken.tickets, taken.report.messages);
                    tracing::info!(tickets, messages, "what waited for a registration or consent was taken up");
                }
                Err(error) => match error.disposition() {
                    Disposition::Retry | Disposition::Reject | Disposition::Hold => {
                        tracing::warn!(%error, "the take-up is tried again");
                    }
                    Disposition::Halt => halt(&Diagnostic::from(error)),
                },
            }
        }
    })
}

/// Tells which studies are complete, once nothing of them came for `quiet`.
pub(super) fn studies(
    repository: Arc<dyn Repository>,
    images: Arc<dyn Images>,
    quiet: Duration,
    metrics: Arc<Prometheus>,
    stop: &Stop,
) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    thread("causeway-studies", move || {
        let mut pause = STUDIES_EVERY;
        while !stop.wait(pause) {
            pause = STUDIES_EVERY;
            let round = complete_studies(repository.as_ref(), images.as_ref(), SystemClock.now(), quiet);
            match round.and_then(|round| Ok((round, images.open_study_count()?))) {
                Ok((Round { seen, completed }, open)) => {
                    if completed > 0 {
                        tracing::info!(studies = completed, "studies are complete");
                    }
                    if seen > 0 {
                        // There may be more.
                        pause = Duration::ZERO;
                    }
                    metrics.add(&metric::DICOM_STUDIES_COMPLETED, &[], u64::try_from(completed).unwrap_or(u64::MAX));
                    metrics.set(&metric::DICOM_STUDIES_OPEN, &[], f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
                }
                Err(error) => match error.disposition() {
                    Disposition::Retry | Disposition::Reject | Disposition::Hold => {
                        tracing::warn!(%error, "studies are completed later");
                    }
                    Disposition::Halt => halt(&Diagnostic::from(error)),
                },
            }
        }
    })
}

/// Gives up what the log need not keep, and walks through the audit chain now and then.
pub(super) fn housekeeping(sources: Sources, interval: Duration, stop: &Stop) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    let Sources { metrics, log, repository, commitments: _ } = sources;
    thread("causeway-housekeeping", move || {
        let mut audited: Option<Instant> = None;
        loop {
            if audited.is_none_or(|at| at.elapsed() >= AUDIT_EVERY) {
                audit(repository.as_ref(), &metrics);
                audited = Some(Instant::now());
            }
            if stop.wait(interval) {
                return;
            }
            prune(log.as_ref(), repository.as_ref());
        }
    })
}

fn audit(repository: &dyn Repository, metrics: &Prometheus) {
    match repository.verify_audit() {
        Ok(report) => {
            let ok = report.first_bad.is_none();
            metrics.set(&metric::AUDIT_CHAIN_OK, &[], if ok { 1.0 } else { 0.0 });
            if let Some(line) = report.first_bad {
                tracing::error!(line, "the audit chain does not hold: run `causeway audit verify`");
            }
        }
        Err(error) => tracing::warn!(%error, "the audit chain could not be read"),
    }
}

fn prune(log: &dyn Log, repository: &dyn Repository) {
    let processed: Result<Vec<Position>, _> = (0..log.partitions())
        .map(PartitionId)
        .map(|partition| repository.next_offset(partition).map(|offset| Position { partition, offset }))
        .collect();
    let processed = match processed {
        Ok(processed) => processed,
        Err(error) => return tracing::warn!(%error, "it is not known what is processed, so nothing is given up"),
    };
    match log.prune(SystemClock.now(), &processed) {
        Ok(0) => {}
        Ok(entries) => tracing::info!(entries, "old entries of the log were given up"),
        Err(error) => pruning_failed(&error),
    }
}

fn pruning_failed(error: &LogError) {
    match error.disposition() {
        Disposition::Retry | Disposition::Reject | Disposition::Hold => tracing::warn!(%error, "nothing is given up"),
        Disposition::Halt => super::halt::log(error),
    }
}
