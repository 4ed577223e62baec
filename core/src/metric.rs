//! Every metric name, once. Labels come from closed sets: never a patient, never a message id.

mod level;

pub use level::Level;

/// What sort of metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, in these buckets.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// Its full name.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// What sort.
    pub kind: Kind,
    /// Its label names, in order.
    pub labels: &'static [&'static str],
    /// Where it stands in [`ALL`], from 0.
    pub place: usize,
}

/// Buckets of acknowledgement times, in seconds.
const ACK: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250, 1.0, 5.0];
/// Buckets of stages and transactions, in seconds.
const STAGE: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250, 1.0];
/// Buckets from received to readable, in seconds.
const END_TO_END: &[f64] = &[0.010, 0.050, 0.100, 0.250, 0.500, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

macro_rules! metrics {
    ($($name:ident $text:literal $kind:expr, [$($label:literal),*], $help:literal;)+) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "named as the metrics, whose places it counts")]
        enum Place { $($name),+ }
        $(#[doc = $help] pub static $name: Metric =
            Metric { name: $text, help: $help, kind: $kind, labels: &[$($label),*], place: Place::$name as usize };)+
        /// All of them.
        pub static ALL: &[&Metric] = &[$(&$name),+];
    };
}

metrics! {
    BUILD_INFO "causeway_build_info" Kind::Gauge, ["version"], "Always 1; the version is the label";
    FEED_UP "causeway_feed_up" Kind::Gauge, ["feed", "protocol"], "1 while the feed's door is open and not paused";
    FEED_CONNECTIONS "causeway_feed_connections" Kind::Gauge, ["feed", "protocol"], "Open connections";
    FEED_EXPECTED_INTERVAL_SECONDS "causeway_feed_expected_interval_seconds" Kind::Gauge, ["feed", "protocol"], "How often a message is expected; 0 when not configured";
    FEED_LAST_MESSAGE_TIMESTAMP_SECONDS "causeway_feed_last_message_timestamp_seconds" Kind::Gauge, ["feed", "protocol"], "When the last message was received, seconds since 1970; 0 before any";
    MESSAGES_RECEIVED "causeway_messages_received_total" Kind::Counter, ["feed", "type"], "Messages read whole at a door";
    MESSAGE_RECEIVED_BYTES "causeway_message_received_bytes_total" Kind::Counter, ["feed", "type"], "Their bytes, without framing";
    MESSAGES_DUPLICATE "causeway_messages_duplicate_total" Kind::Counter, ["feed"], "Resends answered as before, without a second effect";
    CONTROL_ID_REUSED "causeway_control_id_reused_total" Kind::Counter, ["feed"], "Messages whose control id had been used for other bytes";
    ACKS "causeway_acks_total" Kind::Counter, ["feed", "code"], "Acknowledgements sent, by MSA-1";
    MESSAGES_REFUSED "causeway_messages_refused_total" Kind::Counter, ["feed", "reason"], "Messages not taken at a door, by reason code; whether they are kept is told by their states";
    ACK_DURATION_SECONDS "causeway_ack_duration_seconds" Kind::Histogram(ACK), ["feed"], "From the last byte of a message to its acknowledgement written";
    FRAMES_REFUSED "causeway_frames_refused_total" Kind::Counter, ["feed", "cause"], "Bytes at a door that formed no message, by cause";
    FILES "causeway_files_total" Kind::Counter, ["feed", "protocol", "end"], "Files taken from watched folders, by where they ended";
    BATCH_FAULTS "causeway_batch_faults_total" Kind::Counter, ["feed", "reason"], "Batches that do not hold what their trailers say";
    CONNECTIONS_REFUSED "causeway_connections_refused_total" Kind::Counter, ["feed", "cause"], "Connections closed at once, by cause";
    DICOM_ASSOCIATIONS "causeway_dicom_associations_total" Kind::Counter, ["feed", "end"], "DICOM associations, by how they ended";
    DICOM_INSTANCES "causeway_dicom_instances_total" Kind::Counter, ["feed", "outcome"], "DICOM instances answered, by the answer";
    DICOM_INSTANCE_BYTES "causeway_dicom_instance_bytes_total" Kind::Counter, ["feed"], "Bytes of the data sets of DICOM instances, stored or not";
    DICOM_CONFLICTS "causeway_dicom_conflicts_total" Kind::Counter, ["feed"], "DICOM instances whose SOP Instance UID had been used for another one: both are kept";
    DICOM_COMMITMENTS "causeway_dicom_commitments_total" Kind::Counter, ["feed", "step"], "Requests for storage commitment, by how far they got";
    DICOM_COMMITTED_INSTANCES "causeway_dicom_committed_instances_total" Kind::Counter, ["feed", "outcome"], "Instances storage commitment was reported of, by whether they are kept";
    DICOM_STUDIES_OPEN "causeway_dicom_studies_open" Kind::Gauge, [], "Studies that may still grow: neither was nothing of them received for the quiet period, nor is their report final";
    DICOM_STUDIES_COMPLETED "causeway_dicom_studies_completed_total" Kind::Counter, [], "Studies that became complete, once for each time";
    LOG_APPEND_DURATION_SECONDS "causeway_log_append_duration_seconds" Kind::Histogram(STAGE), ["backend"], "One group commit of the log, sync included";
    LOG_SIZE_BYTES "causeway_log_size_bytes" Kind::Gauge, ["topic"], "Bytes the log takes";
    LOG_END_OFFSET "causeway_log_end_offset" Kind::Gauge, ["topic", "partition"], "The next offset";
    CONSUMER_LAG_MESSAGES "causeway_consumer_lag_messages" Kind::Gauge, ["group", "topic"], "Messages logged and not processed";
    CONSUMER_LAG_SECONDS "causeway_consumer_lag_seconds" Kind::Gauge, ["group", "topic"], "Age of the oldest unprocessed message; 0 when there is none";
    STAGE_MESSAGES "causeway_stage_messages_total" Kind::Counter, ["stage", "outcome"], "Messages through a stage";
    STAGE_DURATION_SECONDS "causeway_stage_duration_seconds" Kind::Histogram(STAGE), ["stage"], "Time a stage took for a message, or for a batch where it works on batches";
    END_TO_END_SECONDS "causeway_end_to_end_seconds" Kind::Histogram(END_TO_END), ["feed"], "From received to committed";
    OUTCOMES "causeway_outcomes_total" Kind::Counter, ["feed", "state"], "Messages by outcome";
    PARKED_MESSAGES "causeway_parked_messages" Kind::Gauge, ["feed", "reason"], "Messages held";
    CONSENT_DECISIONS "causeway_consent_decisions_total" Kind::Counter, ["action", "decision", "reason"], "Decisions";
    RECORDS "causeway_records_total" Kind::Counter, ["domain", "effect"], "Record versions written, by what they did";
    DB_BATCH_SIZE "causeway_db_batch_size" Kind::Gauge, [], "Messages in the last committed batch";
    DB_TRANSACTION_SECONDS "causeway_db_transaction_seconds" Kind::Histogram(STAGE), ["kind"], "Time of a repository transaction";
    BLOB_OPERATIONS "causeway_blob_operations_total" Kind::Counter, ["operation", "outcome"], "Calls of the blob store, by how they ended";
    BLOB_BYTES "causeway_blob_bytes_total" Kind::Counter, ["operation"], "Bytes of documents and images written to and read from the blob store";
    BLOB_DURATION_SECONDS "causeway_blob_duration_seconds" Kind::Histogram(STAGE), ["operation"], "Time of a whole write, sync included, or of one read";
    BLOB_ORPHANS_REMOVED "causeway_blob_orphans_removed_total" Kind::Counter, ["store"], "Documents, images and large messages removed from their store because nothing pointed to them";
    BLOB_SWEEP_TIMESTAMP_SECONDS "causeway_blob_sweep_timestamp_seconds" Kind::Gauge, ["store"], "When a blob store was last walked through for what nothing points to, seconds since 1970";
    DOCUMENT_FETCHES "causeway_document_fetches_total" Kind::Counter, ["feed", "outcome"], "Tries to fetch a report sent by pointer, by how they ended";
    HTTP_REQUESTS "causeway_http_requests_total" Kind::Counter, ["surface", "method", "route", "status"], "HTTP requests answered";
    HTTP_REQUEST_DURATION_SECONDS "causeway_http_request_duration_seconds" Kind::Histogram(STAGE), ["surface"], "Time to answer";
    CERTIFICATE_EXPIRY "causeway_certificate_expiry_timestamp_seconds" Kind::Gauge, ["name"], "When a certificate of a door expires, seconds since 1970; of a file with several, the first";
    AUDIT_CHAIN_OK "causeway_audit_chain_ok" Kind::Gauge, [], "1 when the audit chain verified at the last check";
}

/// Where numbers go. The binary gives the `prometheus` crate; tests give [`Silent`].
pub trait Metrics: Send + Sync {
    /// Adds to a counter.
    fn add(&self, metric: &'static Metric, labels: &[&str], by: u64);
    /// Sets a gauge.
    fn set(&self, metric: &'static Metric, labels: &[&str], to: f64);
    /// Observes a duration in a histogram.
    fn observe(&self, metric: &'static Metric, labels: &[&str], seconds: f64);
}

/// Nobody counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Metrics for Silent {
    fn add(&self, _metric: &'static Metric, _labels: &[&str], _by: u64) {}
    fn set(&self, _metric: &'static Metric, _labels: &[&str], _to: f64) {}
    fn observe(&self, _metric: &'static Metric, _labels: &[&str], _seconds: f64) {}
}
