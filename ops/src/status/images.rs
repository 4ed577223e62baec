//! What the DICOM doors of this process did since it began: associations and why they failed, instances, bytes, conflicts,
//! and requests for storage commitment.

use causeway_core::envelope::FeedName;
use causeway_core::metric;
use serde::{Deserialize, Serialize};

use super::gauges::{gauge, whole};
use crate::metrics::{Prometheus, Reading};

/// The images of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageStatus {
    /// Which.
    pub(crate) feed: FeedName,
    /// Associations that are open.
    pub(crate) open: u64,
    /// Associations that are over, however they ended.
    pub(crate) over: u64,
    /// Instances that are safe: answered 0x0000.
    pub(crate) stored: u64,
    /// Instances that were answered with any other status.
    pub(crate) refused: u64,
    /// Bytes of their data sets.
    pub(crate) bytes: u64,
    /// Instances whose SOP Instance UID had been used for another one: both are kept.
    pub(crate) conflicts: u64,
    /// Requests for storage commitment.
    #[serde(default)]
    pub(crate) commitments: CommitmentStatus,
}

/// The requests for storage commitment of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct CommitmentStatus {
    /// Those whose report is not delivered yet, whenever they came.
    pub(crate) open: u64,
    /// Reports that were delivered.
    pub(crate) answered: u64,
    /// Of these, those that named instances which are not kept.
    pub(crate) with_failures: u64,
    /// Requests that were refused, or whose sender could not be told within its time.
    pub(crate) failed: u64,
}

impl CommitmentStatus {
    fn of(name: &str, metrics: &Prometheus, open: u64) -> Self {
        let readings = metrics.read(&metric::DICOM_COMMITMENTS);
        let step = |wanted: &str| {
            let found = readings
                .iter()
                .filter(|reading| matches!(reading.labels.as_slice(), [feed, step] if feed == name && step == wanted));
            whole(found.map(|reading| reading.value).sum())
        };
        let with_failures = step("reported_failures");
        Self {
            open,
            answered: step("reported_kept").saturating_add(with_failures),
            with_failures,
            failed: step("refused").saturating_add(step("given_up")),
        }
    }
}

/// Studies of images, of all feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct StudiesStatus {
    /// Those that may still grow.
    pub(crate) open: u64,
    /// Those that became complete since the hub began.
    pub(crate) completed: u64,
}

impl StudiesStatus {
    /// What the completion of studies has counted.
    pub(super) fn of(metrics: &Prometheus) -> Self {
        let total = |metric| whole(metrics.read(metric).iter().map(|reading| reading.value).sum());
        Self { open: total(&metric::DICOM_STUDIES_OPEN), completed: total(&metric::DICOM_STUDIES_COMPLETED) }
    }
}

/// Associations that were refused or broken off, of one feed and for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedAssociations {
    /// Whose; absent for a caller that is of no feed.
    pub(crate) feed: Option<FeedName>,
    /// The label of `causeway_dicom_associations_total`.
    pub(crate) end: String,
    /// How many.
    pub(crate) count: u64,
}

impl FailedAssociations {
    /// Those that were counted, the most first.
    pub(super) fn all(metrics: &Prometheus) -> Vec<Self> {
        let of = |reading: Reading| {
            let [feed, end] = reading.labels.as_slice() else { return None };
            let count = whole(reading.value);
            let own = (feed != NO_FEED).then(|| FeedName::parse(feed).ok()).flatten();
            (count > 0 && end != RELEASED).then(|| Self { feed: own, end: end.clone(), count })
        };
        let mut all: Vec<Self> = metrics.read(&metric::DICOM_ASSOCIATIONS).into_iter().filter_map(of).collect();
        all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.end.cmp(&other.end)));
        all
    }
}

/// How an association ends that does not fail.
const RELEASED: &str = "released";
/// The label of callers of no feed.
const NO_FEED: &str = "-";

impl ImageStatus {
    /// What was counted for a feed, of whose requests for storage commitment so many are open.
    pub(super) fn of(feed: &FeedName, metrics: &Prometheus, open: u64) -> Self {
        let name = feed.as_str();
        let total = |metric| whole(gauge(metrics, metric, name));
        let answered = metrics.read(&metric::DICOM_INSTANCES);
        let stored = answered.iter().filter(
            |reading| matches!(reading.labels.as_slice(), [feed, outcome] if feed == name && outcome == "stored"),
        );
        let stored = whole(stored.map(|reading| reading.value).sum());
        Self {
            feed: feed.clone(),
            open: total(&metric::FEED_CONNECTIONS),
            over: total(&metric::DICOM_ASSOCIATIONS),
            stored,
            refused: total(&metric::DICOM_INSTANCES).saturating_sub(stored),
            bytes: total(&metric::DICOM_INSTANCE_BYTES),
            conflicts: total(&metric::DICOM_CONFLICTS),
            commitments: CommitmentStatus::of(name, metrics, open),
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::metric::Metrics as _;

    use super::*;

    #[test]
    fn a_feed_has_its_own_associations_instances_bytes_and_conflicts() {
        let metrics = Prometheus::new().expect("metrics");
        let (ct, other) = (FeedName::parse("ct").expect("a name"), "mr");
        metrics.set(&metric::FEED_CONNECTIONS, &["ct", "dicom"], 2.0);
        metrics.add(&metric::DICOM_ASSOCIATIONS, &["ct", "released"], 3);
        metrics.add(&metric::DICOM_ASSOCIATIONS, &["ct", "lost"], 1);
        metrics.add(&metric::DICOM_INSTANCES, &["ct", "stored"], 40);
        metrics.add(&metric::DICOM_INSTANCES, &["ct", "not_understood"], 2);
        metrics.add(&metric::DICOM_INSTANCES, &[other, "stored"], 7);
        metrics.add(&metric::DICOM_INSTANCE_BYTES, &["ct"], 1_000);
        metrics.add(&metric::DICOM_CONFLICTS, &["ct"], 1);
        for (step, count) in [
            ("taken", 9),
            ("reported_kept", 5),
            ("reported_failures", 2),
            ("refused", 1),
            ("given_up", 1),
            ("undelivered", 7),
        ] {
            metrics.add(&metric::DICOM_COMMITMENTS, &["ct", step], count);
        }
        metrics.add(&metric::DICOM_COMMITMENTS, &[other, "reported_kept"], 11);
        metrics.set(&metric::DICOM_STUDIES_OPEN, &[], 5.0);
        metrics.add(&metric::DICOM_STUDIES_COMPLETED, &[], 8);
        assert_eq!(StudiesStatus::of(&metrics), StudiesStatus { open: 5, completed: 8 });
        let seen = ImageStatus::of(&ct, &metrics, 3);
        let commitments = CommitmentStatus { open: 3, answered: 7, with_failures: 2, failed: 2 };
        let counted = ImageStatus { open: 2, over: 4, stored: 40, refused: 2, ..seen.clone() };
        assert_eq!(seen, ImageStatus { feed: ct, bytes: 1_000, conflicts: 1, commitments, ..counted });
    }

    #[test]
    fn associations_that_failed_are_told_with_their_reason_the_most_first() {
        let metrics = Prometheus::new().expect("metrics");
        metrics.add(&metric::DICOM_ASSOCIATIONS, &["ct", "released"], 30);
        metrics.add(&metric::DICOM_ASSOCIATIONS, &["ct", "timed_out"], 1);
        metrics.add(&metric::DICOM_ASSOCIATIONS, &["-", "rejected"], 4);
        let told = FailedAssociations::all(&metrics);
        let told: Vec<_> =
            told.iter().map(|one| (one.feed.as_ref().map(FeedName::as_str), one.end.as_str(), one.count)).collect();
        assert_eq!(told, [(None, "rejected", 4), (Some("ct"), "timed_out", 1)]);
    }
}
