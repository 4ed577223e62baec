//! The configuration that `causeway init --production` writes.

/// What comes next.
pub(super) const NEXT: [&str; 4] = [
    "next: name your servers in it, then `causeway kafka plan` and `causeway kafka apply --yes` make the topic",
    "      `causeway db migrate` makes the schema; `causeway provider import FILE` registers the providers of your feeds",
    "      `causeway check --online` dials everything",
    "      `causeway serve` on each machine, or with `--role ingest`, `process` or `serve` apart",
];

/// The configuration, with what one has to change.
pub(super) fn text(mllp_port: u16, http_port: u16) -> String {
    format!(
        r#"# The configuration of a Causeway hub on Apache Kafka and PostgreSQL: the same file for each of its processes. Every key
# is explained in docs/configuration.md, and what to do with it in docs/operating.md.

# Nothing durable lives here with these engines; `causeway status` finds a running process by it.
data_dir = "data"

[server]
# Pages, metrics and health. Keep it on loopback: there are no accounts in this version.
listen = "127.0.0.1:{http_port}"

[log]
engine = "kafka"

[log.kafka]
bootstrap_servers = "127.0.0.1:9092"
topic = "causeway.hl7v2"
# Fixed when the topic is created: a patient's partition follows from it.
partitions = 8
# What an acknowledgement means: written by two of three brokers. Weaker settings are refused, unless all data is made up
# (`synthetic = true`).
replication = 3
min_isr = 2
# How long messages stay replayable, and how long what was withheld can be taken up.
retention_age = "30d"

[repository]
engine = "postgres"

[repository.postgres]
url = "postgresql://causeway@127.0.0.1:5432/causeway"
# password_file = "/etc/causeway/postgres-password"

# Documents, images, and messages too large for the broker: a server that every process reaches. Without this section they
# are in a folder of one machine. The bucket must be there; the folder `claims` below the prefix is the log's.
[blobs]
engine = "s3"

[blobs.s3]
endpoint = "http://127.0.0.1:9000"   # https:// beyond this machine
region = "us-east-1"
bucket = "causeway"
access_key_id = "causeway"
# secret_access_key_file = "/etc/causeway/s3-secret-key"

# One [[door]] listens; each [[door.feed]] below it is one sending system. Any process may take any feed: put a TCP
# balancer in front.
[[door]]
listen = "127.0.0.1:{mllp_port}"

[[door.feed]]
name = "qmh-laboratory"
provider = "9265486345"          # must be registered: causeway provider list
from = ["127.0.0.1/32"]          # who may connect
senders = ["LIS|QMH"]            # MSH-3|MSH-4
expect_every = "5m"              # a longer silence is shown
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BlobEngine, Config, LogEngine, RepositoryEngine};

    #[test]
    fn what_is_written_is_well_formed_and_as_strong_as_production_needs() {
        let config: Config = toml::from_str(&text(2575, 8080)).expect("well formed");
        assert_eq!((config.log.engine, config.repository.engine), (LogEngine::Kafka, RepositoryEngine::Postgres));
        assert_eq!((config.blobs.engine, config.blobs.s3.check()), (BlobEngine::S3, Ok(())));
        assert!(config.log.kafka.check().is_ok() && config.log.kafka.weakness().is_none());
        assert!(config.door[0].faults().is_empty(), "{:?}", config.door[0].faults());
    }
}
