//! The contract of the log port, for the log on Kafka, with a real broker.

#![cfg(feature = "kafka")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log_kafka/server.rs"]
mod server;
#[path = "log_kafka/support.rs"]
mod support;

use std::sync::Arc;

use causeway_core::contract::log::{Needs, Subject};
use causeway_core::port::Log;
use causeway_storage::log::kafka::KafkaLogSettings;

/// A log in a topic of its own.
struct Kafka(KafkaLogSettings);

impl Subject for Kafka {
    fn open(&self) -> Arc<dyn Log> {
        support::open(&self.0).expect("the log opens")
    }
}

fn kafka(needs: &Needs) -> Box<dyn Subject> {
    let settings = KafkaLogSettings {
        partitions: needs.partitions,
        queue_max: needs.queue_max,
        message_bytes_max: u64::try_from(needs.entry_bytes_max).expect("size"),
        retention_age: needs.retention_age,
        ..server::settings()
    };
    support::create(&settings);
    Box::new(Kafka(settings))
}

causeway_core::log_contract!(kafka);
