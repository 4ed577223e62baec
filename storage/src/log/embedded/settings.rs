//! The settings of the embedded log: every bound, with its default.

use std::time::Duration;

use causeway_core::human;
use causeway_core::port::LogError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault;

/// The most lanes a log may have: so many fit one slot of the high-water mark.
pub(super) const PARTITIONS_MAX: u16 = 64;

/// What can be set. Sizes are in bytes and are written as `8MiB`, ages as `30d`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedLogSettings {
    /// Lanes, 1 to 64. Fixed when the log is created, because a patient's lane follows from it. Each costs pages at
    /// every sync and gives the mappers a thread: about one for each core. Default 2.
    pub partitions: u16,
    /// Envelopes waiting for the writer; with more, `append` answers busy. Default 4,096.
    pub queue_max: usize,
    /// Bytes waiting for the writer; one envelope is always taken. Default 64 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub queue_bytes_max: u64,
    /// Envelopes made durable by one sync, at most. Default 1,024.
    pub group_count_max: usize,
    /// Bytes made durable by one sync, at most; one envelope is always taken. Default 8 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub group_bytes_max: u64,
    /// The largest envelope taken, its header included. At most 512 MiB. Default 64 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub entry_bytes_max: u64,
    /// Processed entries older than this are given up. It is also how long a resend is recognised. Default 30 days.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub retention_age: Duration,
    /// When the log holds more, its oldest processed entries are given up. Default 10 GiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub retention_bytes: u64,
    /// Entries given up by one transaction, so that pruning never keeps senders waiting for long. Default 1,000.
    pub prune_count_max: usize,
    /// Entries whose identity is kept in memory before it is written out as one sorted run. Start-up checks at most
    /// about so many entries. Default 131,072.
    pub run_count_max: usize,
    /// The same bound in bytes of entries. Default 256 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub run_bytes_max: u64,
    /// About how far SQLite's write-ahead log grows before the writer, and nobody else meanwhile, copies it into the main
    /// file; from half of that a thread beside the writer does most of it. Up to that size room is laid in steps of 1 MiB before
    /// it is needed. Default 16 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub wal_bytes_max: u64,
    /// Connections that read at the same time; more readers wait. Default 4.
    pub readers_max: usize,
    /// New envelopes are refused while the file system is fuller than this, unless `disk_free_enough` is free.
    /// Default 95.
    pub disk_used_percent_max: u8,
    /// With so much free the log goes on whatever the percentage says. Default 1 GiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub disk_free_enough: u64,
}

impl Default for EmbeddedLogSettings {
    fn default() -> Self {
        Self {
            partitions: 2,
            queue_max: 4096,
            queue_bytes_max: 64 << 20,
            group_count_max: 1024,
            group_bytes_max: 8 << 20,
            entry_bytes_max: 64 << 20,
            retention_age: Duration::from_hours(30 * 24),
            retention_bytes: 10 << 30,
            prune_count_max: 1000,
            run_count_max: 131_072,
            run_bytes_max: 256 << 20,
            wal_bytes_max: 16 << 20,
            readers_max: 4,
            disk_used_percent_max: 95,
            disk_free_enough: 1 << 30,
        }
    }
}

impl EmbeddedLogSettings {
    /// Refuses what cannot work, naming the setting.
    pub fn check(&self) -> Result<(), LogError> {
        let whole = [
            ("partitions", (1..=PARTITIONS_MAX).contains(&self.partitions), "1 to 64"),
            ("queue_max", self.queue_max > 0, "at least 1"),
            ("group_count_max", self.group_count_max > 0, "at least 1"),
            ("entry_bytes_max", (1..=512 << 20).contains(&self.entry_bytes_max), "1B to 512MiB"),
            ("prune_count_max", self.prune_count_max > 0, "at least 1"),
            ("run_count_max", (1..=16 << 20).contains(&self.run_count_max), "1 to 16,777,216"),
            ("run_bytes_max", self.run_bytes_max > 0, "at least 1B"),
            ("readers_max", self.readers_max > 0, "at least 1"),
            ("disk_used_percent_max", (1..=100).contains(&self.disk_used_percent_max), "1 to 100"),
        ];
        match whole.iter().find(|(_, good, _)| !good) {
            Some((name, _, range)) => Err(fault::unavailable(format!("the log's setting `{name}` must be {range}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_people_write_them_and_unknown_ones_are_refused() {
        let settings: EmbeddedLogSettings =
            serde_json::from_str(r#"{"partitions": 8, "retention_age": "7d", "group_bytes_max": "1MiB"}"#)
                .expect("good");
        assert_eq!(settings.partitions, 8);
        assert_eq!(settings.retention_age, Duration::from_hours(7 * 24));
        assert_eq!(settings.group_bytes_max, 1 << 20);
        assert_eq!(settings.queue_max, EmbeddedLogSettings::default().queue_max);
        assert!(serde_json::from_str::<EmbeddedLogSettings>(r#"{"partition": 8}"#).is_err());
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        for partitions in [0, PARTITIONS_MAX + 1] {
            let refused = EmbeddedLogSettings { partitions, ..EmbeddedLogSettings::default() }.check();
            assert!(refused.is_err_and(|e| e.to_string().contains("`partitions` must be 1 to 64")));
        }
        let largest = EmbeddedLogSettings { partitions: PARTITIONS_MAX, ..EmbeddedLogSettings::default() };
        assert!(largest.check().is_ok());
        let readers = EmbeddedLogSettings { readers_max: 0, ..EmbeddedLogSettings::default() };
        assert!(readers.check().is_err_and(|e| e.to_string().contains("readers_max")));
    }
}
