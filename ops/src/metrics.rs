//! The metrics of [`causeway_core::metric`], kept by the `prometheus` crate. Every one is there from the start, with
//! zeros for the label sets that are known, so that a missing series means a fault and not a quiet day.

use causeway_core::envelope::FeedName;
use causeway_core::metric::{self, Kind, Metric, Metrics};
use causeway_core::outcome::State;
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;
use prometheus::core::Collector as _;
use prometheus::{CounterVec, Encoder as _, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};

use crate::cli::VERSION;

/// All metrics.
pub(crate) struct Prometheus {
    registry: Registry,
    /// By [`Metric::place`].
    series: Vec<Series>,
}

/// What is kept of one metric.
enum Series {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

/// One series as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// Its labels, in the order of the metric.
    pub(crate) labels: Vec<String>,
    /// A counter's or gauge's value; a histogram's count.
    pub(crate) value: f64,
    /// A histogram's upper bounds with the number of observations at or below each.
    pub(crate) buckets: Vec<(f64, u64)>,
}

impl Prometheus {
    /// All metrics, with the zeros that need no configuration.
    ///
    /// # Errors
    /// A metric of the table that the crate does not take, such as one with a malformed name.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let series = metric::ALL.iter().map(|metric| register(&registry, metric)).collect::<Result<_, _>>()?;
        let metrics = Self { registry, series };
        metrics.set(&metric::BUILD_INFO, &[VERSION], 1.0);
        metrics.set(&metric::AUDIT_CHAIN_OK, &[], 1.0);
        for metric in [&metric::DB_BATCH_SIZE, &metric::DICOM_STUDIES_OPEN, &metric::DICOM_STUDIES_COMPLETED] {
            metrics.touch(metric, &[]);
        }
        metrics.touch(&metric::LOG_APPEND_DURATION_SECONDS, &["embedded"]);
        for stage in ["map", "route"] {
            metrics.touch(&metric::STAGE_DURATION_SECONDS, &[stage]);
        }
        for outcome in ["ok", "filtered", "parked", "rejected"] {
            metrics.touch(&metric::STAGE_MESSAGES, &["route", outcome]);
        }
        metrics.touch(&metric::STAGE_MESSAGES, &["store", "retried"]);
        metrics.touch(&metric::DB_TRANSACTION_SECONDS, &["commit"]);
        metrics.touch(&metric::CONSENT_DECISIONS, &["deposit", "permit", ""]);
        for reason in Reason::ALL.iter().filter(|reason| withholds(**reason)) {
            metrics.touch(&metric::CONSENT_DECISIONS, &["deposit", "withhold", reason.code()]);
        }
        for domain in Domain::ALL {
            for effect in ["created", "updated", "unchanged", "late"] {
                metrics.touch(&metric::RECORDS, &[domain.code(), effect]);
            }
        }
        for operation in ["write", "read"] {
            metrics.touch(&metric::BLOB_OPERATIONS, &[operation, "ok"]);
            metrics.touch(&metric::BLOB_BYTES, &[operation]);
            metrics.touch(&metric::BLOB_DURATION_SECONDS, &[operation]);
        }
        metrics.touch(&metric::HTTP_REQUEST_DURATION_SECONDS, &["web"]);
        metrics.touch(&metric::CONSUMER_LAG_MESSAGES, &["router", "envelopes"]);
        metrics.touch(&metric::CONSUMER_LAG_SECONDS, &["router", "envelopes"]);
        metrics.touch(&metric::LOG_SIZE_BYTES, &["envelopes"]);
        Ok(metrics)
    }

    /// Zeros for a feed.
    pub(crate) fn know_feed(&self, feed: &FeedName, protocol: &'static str, expected_seconds: f64) {
        let feed = feed.as_str();
        for metric in [&metric::FEED_UP, &metric::FEED_CONNECTIONS, &metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS] {
            self.touch(metric, &[feed, protocol]);
        }
        self.set(&metric::FEED_EXPECTED_INTERVAL_SECONDS, &[feed, protocol], expected_seconds);
        let kinds: &[&str] = match protocol {
            "dicom" => &["C-STORE"],
            causeway_chinese_medicine::desk::PROTOCOL | causeway_chinese_medicine::file::PROTOCOL => {
                &[causeway_chinese_medicine::desk::KIND]
            }
            _ => &["ADT^A01", "ADT^A08", "ORU^R01", "other"],
        };
        for kind in kinds {
            self.touch(&metric::MESSAGES_RECEIVED, &[feed, kind]);
            self.touch(&metric::MESSAGE_RECEIVED_BYTES, &[feed, kind]);
        }
        for metric in [
            &metric::MESSAGES_DUPLICATE,
            &metric::CONTROL_ID_REUSED,
            &metric::ACK_DURATION_SECONDS,
            &metric::END_TO_END_SECONDS,
        ] {
            self.touch(metric, &[feed]);
        }
        for code in ["AA", "AE", "AR", "CA", "CE", "CR"] {
            self.touch(&metric::ACKS, &[feed, code]);
        }
        for state in State::ALL {
            self.touch(&metric::OUTCOMES, &[feed, state.as_str()]);
        }
    }

    /// Zeros for a partition of the log.
    pub(crate) fn know_partition(&self, partition: u16) {
        self.touch(&metric::LOG_END_OFFSET, &["envelopes", &partition.to_string()]);
    }

    /// Everything in Prometheus' text format, version 0.0.4.
    ///
    /// # Errors
    /// Those of the encoder.
    pub(crate) fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Every series of a metric.
    pub(crate) fn read(&self, metric: &'static Metric) -> Vec<Reading> {
        let families = match self.series.get(metric.place) {
            Some(Series::Counter(counter)) => counter.collect(),
            Some(Series::Gauge(gauge)) => gauge.collect(),
            Some(Series::Histogram(histogram)) => histogram.collect(),
            None => Vec::new(),
        };
        families.iter().flat_map(|family| family.get_metric()).map(|series| reading(metric, series)).collect()
    }

    /// Makes a series that stands at zero.
    fn touch(&self, metric: &'static Metric, labels: &[&str]) {
        match self.series.get(metric.place) {
            Some(Series::Counter(counter)) => drop(counter.get_metric_with_label_values(labels)),
            Some(Series::Gauge(gauge)) => drop(gauge.get_metric_with_label_values(labels)),
            Some(Series::Histogram(histogram)) => drop(histogram.get_metric_with_label_values(labels)),
            None => {}
        }
    }
}

/// A wrong number of labels is a fault of the caller that a test finds; a metric is no reason to stop a message.
impl Metrics for Prometheus {
    #[expect(clippy::cast_precision_loss, reason = "the crate counts in floating point; counts below 2^53 are exact")]
    fn add(&self, metric: &'static Metric, labels: &[&str], by: u64) {
        if let Some(Series::Counter(counter)) = self.series.get(metric.place)
            && let Ok(series) = counter.get_metric_with_label_values(labels)
        {
            series.inc_by(by as f64);
        }
    }

    fn set(&self, metric: &'static Metric, labels: &[&str], to: f64) {
        if let Some(Series::Gauge(gauge)) = self.series.get(metric.place)
            && let Ok(series) = gauge.get_metric_with_label_values(labels)
        {
            series.set(to);
        }
    }

    fn observe(&self, metric: &'static Metric, labels: &[&str], seconds: f64) {
        if let Some(Series::Histogram(histogram)) = self.series.get(metric.place)
            && let Ok(series) = histogram.get_metric_with_label_values(labels)
        {
            series.observe(seconds);
        }
    }
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").field("metrics", &self.series.len()).finish_non_exhaustive()
    }
}

fn register(registry: &Registry, metric: &'static Metric) -> Result<Series, prometheus::Error> {
    let options = Opts::new(metric.name, metric.help);
    Ok(match metric.kind {
        Kind::Counter => {
            let counter = CounterVec::new(options, metric.labels)?;
            registry.register(Box::new(counter.clone()))?;
            Series::Counter(counter)
        }
        Kind::Gauge => {
            let gauge = GaugeVec::new(options, metric.labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Series::Gauge(gauge)
        }
        Kind::Histogram(buckets) => {
            let options = HistogramOpts { common_opts: options, buckets: buckets.to_vec() };
            let histogram = HistogramVec::new(options, metric.labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Series::Histogram(histogram)
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
fn reading(metric: &'static Metric, series: &prometheus::proto::Metric) -> Reading {
    let label = |name: &&str| {
        let pairs = series.get_label().iter();
        pairs.filter(|pair| pair.name() == *name).map(|pair| pair.value().to_owned()).next().unwrap_or_default()
    };
    let labels = metric.labels.iter().map(label).collect();
    match metric.kind {
        Kind::Counter => Reading { labels, value: series.get_counter().get_value(), buckets: Vec::new() },
        Kind::Gauge => Reading { labels, value: series.get_gauge().get_value(), buckets: Vec::new() },
        Kind::Histogram(_) => {
            let histogram = series.get_histogram();
            let bucket = |b: &prometheus::proto::Bucket| (b.upper_bound(), b.cumulative_count());
            let buckets = histogram.get_bucket().iter().map(bucket).collect();
            Reading { labels, value: histogram.get_sample_count() as f64, buckets }
        }
    }
}

/// Whether a decision can withhold with this reason.
const fn withholds(reason: Reason) -> bool {
    use causeway_core::reason::Class;
    match reason.class() {
        Class::Consent | Class::Scope | Class::Level => true,
        Class::Syntax | Class::Profile | Class::Identity | Class::Payload | Class::Capacity | Class::Hub => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Prometheus {
        let metrics = Prometheus::new().expect("the table is well formed");
        metrics.know_feed(&FeedName::parse("lab").expect("name"), "mllp", 300.0);
        metrics.know_partition(0);
        metrics
    }

    #[test]
    fn every_metric_of_the_table_is_exported_under_its_name() {
        let metrics = metrics();
        // These have no label set that is known before something happens.
        let later = [
            &metric::FRAMES_REFUSED,
            &metric::MESSAGES_REFUSED,
            &metric::FILES,
            &metric::BATCH_FAULTS,
            &metric::BLOB_ORPHANS_REMOVED,
            &metric::BLOB_SWEEP_TIMESTAMP_SECONDS,
            &metric::DOCUMENT_FETCHES,
            &metric::CONNECTIONS_REFUSED,
            &metric::DICOM_ASSOCIATIONS,
            &metric::DICOM_INSTANCES,
            &metric::DICOM_INSTANCE_BYTES,
            &metric::DICOM_CONFLICTS,
            &metric::DICOM_COMMITMENTS,
            &metric::DICOM_COMMITTED_INSTANCES,
            &metric::HTTP_REQUESTS,
            &metric::PARKED_MESSAGES,
            &metric::CERTIFICATE_EXPIRY,
        ];
        for metric in later {
            let labels: Vec<&str> = metric.labels.iter().map(|_| "x").collect();
            metrics.touch(metric, &labels);
        }
        let text = String::from_utf8(metrics.text().expect("text")).expect("UTF-8");
        for metric in metric::ALL {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{} is missing", metric.name);
        }
        assert!(text.contains("process_resident_memory_bytes"));
    }

    #[test]
    fn feeds_start_at_zero() {
        let text = String::from_utf8(metrics().text().expect("text")).expect("UTF-8");
        for line in [
            "causeway_acks_total{code=\"AE\",feed=\"lab\"} 0",
            "causeway_outcomes_total{feed=\"lab\",state=\"held\"} 0",
            "causeway_feed_expected_interval_seconds{feed=\"lab\",protocol=\"mllp\"} 300",
            "causeway_log_end_offset{partition=\"0\",topic=\"envelopes\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}");
        }
    }

    #[test]
    fn what_is_counted_is_read_back() {
        let metrics = metrics();
        metrics.add(&metric::ACKS, &["lab", "AA"], 3);
        metrics.observe(&metric::ACK_DURATION_SECONDS, &["lab"], 0.002);
        let acks = metrics.read(&metric::ACKS);
        assert!(acks.iter().any(|r| r.labels == ["lab", "AA"] && (r.value - 3.0).abs() < f64::EPSILON));
        let ack = metrics.read(&metric::ACK_DURATION_SECONDS).into_iter().next().expect("one feed");
        assert_eq!((ack.buckets[1], ack.buckets[2]), ((0.001, 0), (0.0025, 1)));
        metrics.add(&metric::ACKS, &["too", "many", "labels"], 1);
    }
}
