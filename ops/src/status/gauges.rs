//! Gauges: those that only a look at the whole can tell, and those of the doors, read.

use causeway_core::metric::{self, Metrics as _};

use super::Snapshot;
use crate::metrics::Prometheus;

/// Sets the gauges that only a look at the whole can tell.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
pub(super) fn set_gauges(metrics: &Prometheus, snapshot: &Snapshot) {
    let pipeline = &snapshot.pipeline;
    metrics.set(&metric::CONSUMER_LAG_MESSAGES, &["router", "envelopes"], pipeline.lag_messages as f64);
    metrics.set(&metric::CONSUMER_LAG_SECONDS, &["router", "envelopes"], pipeline.lag_seconds);
    metrics.set(&metric::LOG_SIZE_BYTES, &["envelopes"], pipeline.log_bytes as f64);
    for lane in &pipeline.partitions {
        metrics.set(&metric::LOG_END_OFFSET, &["envelopes", &lane.partition.to_string()], lane.end as f64);
    }
    // What is held no longer stands at zero; a series that vanished would look like a fault.
    for former in metrics.read(&metric::PARKED_MESSAGES) {
        let labels: Vec<&str> = former.labels.iter().map(String::as_str).collect();
        metrics.set(&metric::PARKED_MESSAGES, &labels, 0.0);
    }
    for group in &snapshot.held {
        let labels = [group.feed.as_str(), group.reason.code()];
        metrics.set(&metric::PARKED_MESSAGES, &labels, group.count as f64);
    }
}

/// The sum of a feed's values of a metric.
pub(super) fn gauge(metrics: &Prometheus, metric: &'static metric::Metric, feed: &str) -> f64 {
    let readings = metrics.read(metric).into_iter();
    readings.filter(|reading| reading.labels.first().is_some_and(|label| label == feed)).map(|r| r.value).sum()
}

/// A count that a floating-point number holds; what is below zero is zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates at both ends")]
pub(super) const fn whole(value: f64) -> u64 {
    value.round() as u64
}
