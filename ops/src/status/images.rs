//! What the DICOM doors of this process did since it began: associations, instances, bytes, conflicts.

use causeway_core::envelope::FeedName;
use causeway_core::metric;
use serde::{Deserialize, Serialize};

use super::gather::{gauge, whole};
use crate::metrics::Prometheus;

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
}

impl ImageStatus {
    /// What was counted for a feed.
    pub(super) fn of(feed: &FeedName, metrics: &Prometheus) -> Self {
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
        let seen = ImageStatus::of(&ct, &metrics);
        let expected = ImageStatus { feed: ct, open: 2, over: 4, stored: 40, refused: 2, bytes: 1_000, conflicts: 1 };
        assert_eq!(seen, expected);
    }
}
