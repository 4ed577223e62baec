//! What all tests of the log on Kafka share.

use std::sync::Arc;

use causeway_core::metric::Silent;
use causeway_core::port::{Clock, LogError};
use causeway_storage::log::kafka::topic::{apply, inspect, plan};
use causeway_storage::log::kafka::{Halt, KafkaLog, KafkaLogSettings};
use jiff::Timestamp;

/// A clock that stands still, at a time when Kafka existed.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).expect("time")
    }
}

/// A topic nobody uses, at a broker.
pub(crate) fn settings_at(bootstrap_servers: String) -> KafkaLogSettings {
    let topic = format!("test.{}", uuid::Uuid::now_v7());
    KafkaLogSettings {
        bootstrap_servers,
        topic,
        partitions: 1,
        replication: 1,
        min_isr: 1,
        ..KafkaLogSettings::default()
    }
}

/// Creates the topic as it must be.
pub(crate) fn create(settings: &KafkaLogSettings) {
    let found = inspect(settings).expect("the broker answers");
    assert_eq!(found.topic, None, "the topic is new");
    let left = apply(settings, &plan(settings, &found)).expect("the broker creates the topic");
    assert_eq!(left, [], "the topic is as it must be");
}

/// Opens a log whose failures fail the test.
pub(crate) fn open(settings: &KafkaLogSettings) -> Result<Arc<KafkaLog>, LogError> {
    open_with(settings, Arc::new(|error| panic!("the log halted: {error}")))
}

/// Opens a log.
pub(crate) fn open_with(settings: &KafkaLogSettings, halt: Halt) -> Result<Arc<KafkaLog>, LogError> {
    KafkaLog::open(settings, Arc::new(Still), Arc::new(Silent), halt)
}
