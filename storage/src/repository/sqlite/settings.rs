//! The bounds of the SQLite repository, each with its default.

use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the SQLite repository. Every one is a bound; the defaults suit two cores and 256 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SqliteSettings {
    /// How many connections read at once. One more than this asks waits for `busy_wait`. Default 4.
    pub read_connections: u16,
    /// How long to wait for another process that writes, or for a free read connection, before giving up with
    /// "unavailable". Default 5s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub busy_wait: Duration,
    /// Memory for pages of the writing connection. Default 48MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub write_cache: u64,
    /// Memory for pages of each reading connection. Default 4MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub read_cache: u64,
    /// How much the write-ahead log grows before it is carried over into the file. More means fewer and longer pauses.
    /// A long-running reader, such as a backup, can make it grow further until it ends. Default 32MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub checkpoint_every: u64,
    /// How large the file may become; beyond it commits fail as "unavailable". `0B`, the default, is no limit but the
    /// disk's.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub file_max: u64,
    /// How many persons with their consents are kept decoded in memory. Default 20000.
    pub persons_cached: usize,
    /// How many messages are found by reading before the search index takes them in. Default 20000.
    pub index_every: u32,
    /// How many messages one take-up ticket hands out at once. Default 500.
    pub take_up_messages: u32,
    /// How many rows any list gives at most, whatever is asked for. Default 10000.
    pub rows_max: u32,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            read_connections: 4,
            busy_wait: Duration::from_secs(5),
            write_cache: 48 << 20,
            read_cache: 4 << 20,
            checkpoint_every: 32 << 20,
            file_max: 0,
            persons_cached: 20_000,
            index_every: 20_000,
            take_up_messages: 500,
            rows_max: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_read_back_and_unknown_keys_are_errors() {
        let json = serde_json::to_string(&SqliteSettings::default()).expect("json");
        assert_eq!(serde_json::from_str::<SqliteSettings>(&json).expect("settings"), SqliteSettings::default());
        assert_eq!(serde_json::from_str::<SqliteSettings>("{}").expect("settings"), SqliteSettings::default());
        assert!(serde_json::from_str::<SqliteSettings>(r#"{"read_conections":1}"#).is_err());
    }
}
