//! Whether the hub lives, and whether it is ready for work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::status::Snapshot;

/// A snapshot older than this says that the repository or the log does not answer.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(15);

/// What is known of the hub's parts.
#[derive(Debug, Default)]
pub(crate) struct Health {
    doors_open: AtomicBool,
    stopping: AtomicBool,
    caught_up: AtomicBool,
    /// The blob store said so the last time it was asked.
    blobs_work: AtomicBool,
    /// Router threads that ended though nobody asked them to.
    lost_threads: AtomicUsize,
}

/// One thing that has to hold for the hub to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: &'static str,
    /// Whether it holds.
    pub(crate) ok: bool,
}

impl Health {
    /// Every door listens.
    pub(crate) fn doors_are_open(&self) {
        self.doors_open.store(true, Ordering::SeqCst);
    }

    /// The hub stops: senders should go elsewhere.
    pub(crate) fn is_stopping(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// A thread of the walk is gone.
    pub(crate) fn lost_a_thread(&self) {
        self.lost_threads.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether the blob store takes documents.
    pub(crate) fn blobs_work(&self, works: bool) {
        self.blobs_work.store(works, Ordering::SeqCst);
    }

    /// Notes how far the walk is: once it caught up with what was there at the start, it stays ready, since being
    /// behind later is a matter of load that turning senders away would not mend.
    pub(crate) fn note(&self, snapshot: &Snapshot) {
        if snapshot.pipeline.lag_messages == 0 {
            self.caught_up.store(true, Ordering::SeqCst);
        }
    }

    /// Every check, at a time and with the latest snapshot.
    pub(crate) fn checks(&self, latest: &Snapshot, now: Timestamp) -> [Check; 6] {
        let age = now.duration_since(latest.at);
        let fresh = Duration::try_from(age).is_ok_and(|age| age < SNAPSHOT_AGE_MAX) || age.is_negative();
        [
            Check { name: "doors-open", ok: self.doors_open.load(Ordering::SeqCst) },
            Check { name: "not-stopping", ok: !self.stopping.load(Ordering::SeqCst) },
            Check { name: "router-running", ok: self.lost_threads.load(Ordering::SeqCst) == 0 },
            Check { name: "storage-answers", ok: fresh },
            Check { name: "blobs-work", ok: self.blobs_work.load(Ordering::SeqCst) },
            Check { name: "caught-up", ok: self.caught_up.load(Ordering::SeqCst) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::images::StudiesStatus;
    use crate::status::{Headline, Pipeline};

    fn snapshot(second: i64, waiting: u64) -> Snapshot {
        Snapshot {
            v: 1,
            at: Timestamp::from_second(second).expect("in range"),
            version: String::new(),
            started_at: None,
            synthetic: false,
            headline: Headline::Stopped,
            feeds: Vec::new(),
            pipeline: Pipeline { lag_messages: waiting, ..Pipeline::default() },
            images: Vec::new(),
            studies: StudiesStatus::default(),
            failed_associations: Vec::new(),
            held: Vec::new(),
            certificates: Vec::new(),
            spark_step_seconds: 10,
        }
    }

    fn failing(health: &Health, latest: &Snapshot, second: i64) -> Vec<&'static str> {
        let now = Timestamp::from_second(second).expect("in range");
        health.checks(latest, now).into_iter().filter(|check| !check.ok).map(|check| check.name).collect()
    }

    #[test]
    fn a_hub_is_ready_once_its_doors_are_open_and_what_was_there_is_processed() {
        let health = Health::default();
        health.note(&snapshot(100, 7));
        assert_eq!(failing(&health, &snapshot(100, 7), 101), ["doors-open", "blobs-work", "caught-up"]);
        health.doors_are_open();
        health.blobs_work(true);
        health.note(&snapshot(101, 0));
        assert_eq!(failing(&health, &snapshot(102, 900), 103), [""; 0], "load makes nobody unready");
        assert_eq!(failing(&health, &snapshot(102, 0), 118), ["storage-answers"]);
        health.lost_a_thread();
        health.is_stopping();
        assert_eq!(failing(&health, &snapshot(102, 0), 103), ["not-stopping", "router-running"]);
    }
}
