//! The broker that the tests share.

use causeway_storage::log::kafka::KafkaLogSettings;

use super::support::settings_at;

/// The broker of the tests, and a topic nobody uses.
pub(crate) fn settings() -> KafkaLogSettings {
    let Ok(bootstrap_servers) = std::env::var("CAUSEWAY_TEST_KAFKA") else {
        panic!("start one: ops/dev/kafka start DIR, then CAUSEWAY_TEST_KAFKA=$(cat DIR/bootstrap)");
    };
    settings_at(bootstrap_servers)
}
