//! The settings of the log on Kafka: every bound, with its default.

use std::path::PathBuf;
use std::time::Duration;

use causeway_core::human;
use causeway_core::port::LogError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most partitions a log may have: each that is read costs a connection and some threads.
const PARTITIONS_MAX: u16 = 256;
/// The largest message that can be set: a broker refuses requests of more than 100 MiB unless told otherwise.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;
/// The longest name Kafka gives a topic.
const TOPIC_LEN_MAX: usize = 249;

/// What can be set. Sizes are in bytes and are written as `8MiB`, times as `10s` or `30d`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaLogSettings {
    /// Brokers to begin with, `host:port` parted by commas; the others are learnt from them. Default `127.0.0.1:9092`.
    pub bootstrap_servers: String,
    /// The topic. Default `causeway.hl7v2`.
    pub topic: String,
    /// Its partitions, 1 to 256: about one for each core of all processes together. Fixed when the topic is created,
    /// because a patient's partition follows from it. Default 8.
    pub partitions: u16,
    /// Copies of each partition. Default 3.
    pub replication: u16,
    /// Copies that must be written before a message is acknowledged; with fewer brokers up, nothing is. Default 2.
    pub min_isr: u16,
    /// The largest message taken, its key and headers included. At most 64 MiB. Default 8 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub message_bytes_max: u64,
    /// The bytes of larger messages go to the blob store, and the topic keeps a claim to them. Never more than half of
    /// `message_bytes_max`. Default 1 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub claims_above: u64,
    /// Envelopes on their way to the brokers; with more, `append` answers busy. Default 4,096.
    pub queue_max: usize,
    /// Bytes on their way to the brokers; one envelope is always taken. Default 64 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub queue_bytes_max: u64,
    /// How long an envelope waits for others to share its request. `0s` sends at once. Default 1 ms.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub linger: Duration,
    /// How long the brokers have to acknowledge a message, retries included; after about a second more the sender is
    /// told that it failed. 1 s to 5 minutes, and less than the senders wait. Default 10 s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub delivery_timeout: Duration,
    /// How long the brokers have to answer anything else: a read of what is there, where a partition ends, what the
    /// topic is. 1 s to 5 minutes. Default 10 s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub read_timeout: Duration,
    /// Readers beside the one of each partition: for the browser, replays and checks. More wait. Default 2.
    pub readers_max: usize,
    /// Bytes each reader holds ready; one message is always taken. Default 4 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub read_ahead_bytes: u64,
    /// Processed messages older than this are given up. Nothing else ever is: the topic itself keeps everything.
    /// Default 30 days.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub retention_age: Duration,
    /// How the brokers know us and we them. Default: not at all.
    pub security: Security,
}

/// How the brokers know us and we them. All but `plaintext` need the feature `kafka-tls`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Security {
    /// Neither encrypted nor authenticated: for brokers on the same machine.
    #[default]
    Plaintext,
    /// TLS; with `cert` and `key` the brokers know us by our certificate.
    Tls {
        /// Who signed the brokers' certificates, PEM. Without it, who the machine trusts.
        ca: Option<PathBuf>,
        /// Our certificate, PEM.
        cert: Option<PathBuf>,
        /// Its key, PEM.
        key: Option<PathBuf>,
    },
    /// SASL/SCRAM, over TLS.
    Scram {
        /// The hash.
        mechanism: ScramMechanism,
        /// Our name.
        username: String,
        /// The file that holds our password: its first line.
        password_file: PathBuf,
        /// Who signed the brokers' certificates, PEM. Without it, who the machine trusts.
        ca: Option<PathBuf>,
    },
}

/// The hash of SASL/SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl Default for KafkaLogSettings {
    fn default() -> Self {
        Self {
            bootstrap_servers: "127.0.0.1:9092".to_owned(),
            topic: "causeway.hl7v2".to_owned(),
            partitions: 8,
            replication: 3,
            min_isr: 2,
            message_bytes_max: 8 << 20,
            claims_above: 1 << 20,
            queue_max: 4096,
            queue_bytes_max: 64 << 20,
            linger: Duration::from_millis(1),
            delivery_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(10),
            readers_max: 2,
            read_ahead_bytes: 4 << 20,
            retention_age: Duration::from_hours(30 * 24),
            security: Security::Plaintext,
        }
    }
}

impl KafkaLogSettings {
    /// The largest message that is kept in the topic itself.
    pub fn claims_above(&self) -> u64 {
        self.claims_above.min(self.message_bytes_max / 2)
    }

    /// Refuses what cannot work, naming the setting.
    ///
    /// # Errors
    /// `Unavailable`, with the name and the range.
    pub fn check(&self) -> Result<(), LogError> {
        let patience = Duration::from_secs(1)..=Duration::from_mins(5);
        let whole = [
            ("bootstrap_servers", !self.bootstrap_servers.trim().is_empty(), "host:port, parted by commas"),
            ("topic", is_topic(&self.topic), "1 to 249 of a-z, A-Z, 0-9, `.`, `_` and `-`"),
            ("partitions", (1..=PARTITIONS_MAX).contains(&self.partitions), "1 to 256"),
            ("replication", (1..=32).contains(&self.replication), "1 to 32"),
            ("min_isr", (1..=self.replication).contains(&self.min_isr), "1 to `replication`"),
            ("message_bytes_max", (1..=MESSAGE_BYTES_MAX).contains(&self.message_bytes_max), "1B to 64MiB"),
            ("queue_max", (1..=1 << 20).contains(&self.queue_max), "1 to 1,048,576"),
            ("queue_bytes_max", (1..=1 << 30).contains(&self.queue_bytes_max), "1B to 1GiB"),
            ("linger", self.linger <= Duration::from_millis(500), "0s to 500ms"),
            ("delivery_timeout", patience.contains(&self.delivery_timeout), "1s to 5m"),
            ("read_timeout", patience.contains(&self.read_timeout), "1s to 5m"),
            ("readers_max", (1..=64).contains(&self.readers_max), "1 to 64"),
            ("read_ahead_bytes", (1..=1 << 30).contains(&self.read_ahead_bytes), "1B to 1GiB"),
        ];
        if let Some((name, _, range)) = whole.iter().find(|(_, good, _)| !good) {
            return Err(unavailable(format!("the log's setting `{name}` must be {range}")));
        }
        self.check_security()
    }

    /// What of the settings is too weak where messages must outlive a machine; `None` when nothing is.
    pub fn weakness(&self) -> Option<&'static str> {
        match (self.replication >= 3, self.min_isr >= 2) {
            (true, true) => None,
            (false, _) => Some("`replication` is less than 3: two lost disks can lose acknowledged messages"),
            (true, false) => Some("`min_isr` is less than 2: one lost disk can lose acknowledged messages"),
        }
    }

    /// What this build cannot do is refused, not silently left out.
    fn check_security(&self) -> Result<(), LogError> {
        match &self.security {
            Security::Plaintext => Ok(()),
            Security::Tls { .. } | Security::Scram { .. } if !cfg!(feature = "kafka-tls") => Err(unavailable(
                "the log's setting `security` asks for TLS, which this build has not: build with the feature `kafka-tls`",
            )),
            Security::Tls { cert, key, .. } if cert.is_some() != key.is_some() => {
                Err(unavailable("the log's setting `security` needs both `cert` and `key`, or neither"))
            }
            Security::Tls { .. } | Security::Scram { .. } => Ok(()),
        }
    }
}

/// A setting that cannot be.
fn unavailable(cause: impl Into<String>) -> LogError {
    LogError::Unavailable { cause: cause.into() }
}

/// Whether Kafka takes this as the name of a topic.
fn is_topic(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=TOPIC_LEN_MAX).contains(&name.len()) && name.bytes().all(known) && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(settings: KafkaLogSettings) -> String {
        settings.check().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn settings_are_read_as_people_write_them_and_unknown_ones_are_refused() {
        let text = r#"{"partitions": 12, "delivery_timeout": "5s", "message_bytes_max": "1MiB",
            "security": {"kind": "scram", "mechanism": "sha512", "username": "hub", "password_file": "/run/p"}}"#;
        let settings: KafkaLogSettings = serde_json::from_str(text).expect("good");
        assert_eq!((settings.partitions, settings.message_bytes_max), (12, 1 << 20));
        assert_eq!(settings.delivery_timeout, Duration::from_secs(5));
        assert!(matches!(settings.security, Security::Scram { mechanism: ScramMechanism::Sha512, .. }));
        assert!(serde_json::from_str::<KafkaLogSettings>(r#"{"partition": 8}"#).is_err());
        assert!(serde_json::from_str::<KafkaLogSettings>(r#"{"security": {"kind": "tls", "cap": "x"}}"#).is_err());
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let good = KafkaLogSettings::default;
        assert_eq!(refusal(good()), "");
        assert!(refusal(KafkaLogSettings { partitions: 0, ..good() }).contains("`partitions` must be 1 to 256"));
        assert!(refusal(KafkaLogSettings { min_isr: 4, ..good() }).contains("`min_isr` must be 1 to `replication`"));
        for topic in ["", ".", "a b", "é", &"a".repeat(250)] {
            assert!(refusal(KafkaLogSettings { topic: topic.to_owned(), ..good() }).contains("`topic`"), "{topic}");
        }
        let hasty = KafkaLogSettings { delivery_timeout: Duration::from_millis(999), ..good() };
        assert!(refusal(hasty).contains("`delivery_timeout` must be 1s to 5m"));
    }

    #[test]
    fn what_one_lost_disk_could_undo_is_called_weak() {
        let good = KafkaLogSettings::default;
        assert_eq!(good().weakness(), None);
        assert!(KafkaLogSettings { replication: 2, ..good() }.weakness().is_some_and(|w| w.contains("`replication`")));
        assert!(KafkaLogSettings { min_isr: 1, ..good() }.weakness().is_some_and(|w| w.contains("`min_isr`")));
    }

    #[test]
    fn tls_is_refused_by_a_build_without_it_and_half_a_certificate_by_any() {
        let tls = |cert: Option<&str>| Security::Tls { ca: None, cert: cert.map(PathBuf::from), key: None };
        let with = |security| refusal(KafkaLogSettings { security, ..KafkaLogSettings::default() });
        let expected = if cfg!(feature = "kafka-tls") { "" } else { "feature `kafka-tls`" };
        assert!(with(tls(None)).contains(expected));
        assert_eq!(with(tls(None)).is_empty(), cfg!(feature = "kafka-tls"));
        assert!(!with(tls(Some("c.pem"))).is_empty());
    }
}
