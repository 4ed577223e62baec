//! Which lanes of the log this process walks: all of them when it is alone, or those it holds a lease on.
//!
//! A lease only spares work. What keeps two processes apart is the fence of each commit: whoever was paused and wakes up
//! with a lost lease commits against an offset that has moved, touches no row, and lets go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use causeway_core::envelope::PartitionId;
use causeway_core::port::RepositoryError;
use causeway_router::{Router, RouterError};

use super::clockwork::thread;
use super::{Lost, halt};
use crate::diagnostic::Diagnostic;
use crate::engines::Leases;
use crate::health::Health;
use crate::stop::Stop;

/// How long a lease holds without being renewed; so long a lane may stand still when its process dies.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How often leases are renewed.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// How much the threads of lanes give way to the others: each step gives about four fifths of what the one before had, so
/// ten leave a lane a tenth of a core that both want, and all of one nobody else wants.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// What every lane's thread needs.
#[derive(Clone)]
pub(super) struct Walk {
    pub(super) router: Arc<Router>,
    pub(super) health: Arc<Health>,
    pub(super) stop: Stop,
}

/// Walks all lanes, one thread each. An error that is no matter of patience ends the process.
pub(super) fn walk_all(walk: &Walk, partitions: u16) -> Result<Vec<JoinHandle<()>>, Diagnostic> {
    let run = |partition| {
        let Walk { router, health, stop } = walk.clone();
        thread(&format!("causeway-router-{partition}"), move || {
            give_way();
            let lost = Lost(&health, &stop);
            if let Err(error) = router.run(PartitionId(partition), stop.flag()) {
                halt(&Diagnostic::from(error));
            }
            drop(lost);
        })
    };
    (0..partitions).map(run).collect()
}

/// Walks the lanes on which this process holds a lease, as they come and go.
pub(super) fn walk_shared(
    walk: Walk,
    leases: Arc<dyn Leases>,
    partitions: u16,
) -> Result<Vec<JoinHandle<()>>, Diagnostic> {
    let keeper = thread("causeway-lanes", move || {
        let mut lanes = Lanes::default();
        let mut heard = Instant::now();
        loop {
            match leases.hold(partitions, LEASE) {
                Ok(held) => {
                    heard = Instant::now();
                    lanes.keep(&walk, &held);
                }
                Err(error) => {
                    tracing::warn!(%error, "the leases cannot be renewed");
                    if heard.elapsed() >= LEASE {
                        lanes.keep(&walk, &[]);
                    }
                }
            }
            if walk.stop.wait(RENEW_EVERY) {
                break;
            }
        }
        lanes.keep(&walk, &[]);
        lanes.join();
        if let Err(error) = leases.release() {
            tracing::warn!(%error, "the leases could not be given back; they end by themselves");
        }
    })?;
    Ok(vec![keeper])
}

/// The lanes that are walked now.
#[derive(Default)]
struct Lanes {
    walked: BTreeMap<PartitionId, (Stop, JoinHandle<()>)>,
    /// Told to stop, and not yet joined.
    leaving: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// Walks these and no others.
    fn keep(&mut self, walk: &Walk, held: &[PartitionId]) {
        let walked = std::mem::take(&mut self.walked);
        for (partition, (stop, lane)) in walked {
            if held.contains(&partition) && !lane.is_finished() {
                self.walked.insert(partition, (stop, lane));
            } else {
                stop.say();
                self.leaving.push(lane);
            }
        }
        self.leaving.retain(|lane| !lane.is_finished());
        for partition in held {
            if !self.walked.contains_key(partition) {
                self.start(walk, *partition);
            }
        }
    }

    fn start(&mut self, walk: &Walk, partition: PartitionId) {
        let (stop, router) = (Stop::default(), Arc::clone(&walk.router));
        let flag = stop.clone();
        let started = thread(&format!("causeway-router-{}", partition.0), move || {
            give_way();
            if let Err(error) = router.run(partition, flag.flag()) {
                end(partition, error);
            }
        });
        match started {
            Ok(lane) => {
                tracing::info!(partition = partition.0, "this process walks the partition");
                self.walked.insert(partition, (stop, lane));
            }
            Err(error) => tracing::warn!(what = error.what, "a lane could not be taken on; it is tried again"),
        }
    }

    fn join(self) {
        let walked = self.walked.into_values().map(|(_, lane)| lane);
        for lane in walked.chain(self.leaving) {
            if lane.join().is_err() {
                tracing::error!("a lane ended by a panic");
            }
        }
    }
}

/// Lets doors and readers go first: a sender stands still until it has its answer, and what is in the log can wait. Only where a
/// thread has a niceness of its own; anywhere else it would be that of the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "a lane goes on at the priority of a door");
    }
}

/// Another process having gone on is what leases are for; everything else ends this one.
fn end(partition: PartitionId, error: RouterError) {
    match error {
        RouterError::Repository(RepositoryError::Fenced { .. }) => {
            tracing::warn!(partition = partition.0, "another process went on with the partition; nothing was written");
        }
        error => halt(&Diagnostic::from(error)),
    }
}

#[cfg(test)]
mod tests {
    /// Field 19 of `stat` (proc(5)), of this thread alone.
    #[cfg(target_os = "linux")]
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux");
        let (_, after_name) = stat.rsplit_once(')').expect("a name");
        after_name.split_ascii_whitespace().nth(16).expect("nineteen fields").parse().expect("a number")
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_lane_gives_way_and_nobody_else_does() {
        let before = niceness();
        let lane = std::thread::spawn(|| {
            super::give_way();
            niceness()
        });
        assert_eq!(lane.join().expect("no panic"), (before + super::NICENESS).min(19));
        assert_eq!(niceness(), before);
    }
}
