//! The contract of the log port, for the embedded log.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log/support.rs"]
mod support;

use std::sync::Arc;

use causeway_core::contract::log::{Needs, Subject};
use causeway_core::port::Log;
use causeway_storage::log::embedded::EmbeddedLogSettings;

/// A log in a folder of its own.
struct Embedded {
    dir: tempfile::TempDir,
    settings: EmbeddedLogSettings,
}

impl Subject for Embedded {
    fn open(&self) -> Arc<dyn Log> {
        support::open(self.dir.path(), &self.settings).expect("the log opens")
    }
}

fn embedded(needs: &Needs) -> Box<dyn Subject> {
    Box::new(Embedded { dir: tempfile::tempdir().expect("folder"), settings: settings(needs) })
}

fn settings(needs: &Needs) -> EmbeddedLogSettings {
    EmbeddedLogSettings {
        partitions: needs.partitions,
        queue_max: needs.queue_max,
        entry_bytes_max: u64::try_from(needs.entry_bytes_max).expect("size"),
        retention_age: needs.retention_age,
        ..EmbeddedLogSettings::default()
    }
}

causeway_core::log_contract!(embedded);

/// The same, with bounds so small that runs of identities, checkpoints and pruning steps happen all the time.
mod with_small_bounds {
    use super::{Embedded, EmbeddedLogSettings, Needs, Subject, settings};

    fn embedded(needs: &Needs) -> Box<dyn Subject> {
        let settings = EmbeddedLogSettings {
            group_count_max: 7,
            run_count_max: 5,
            prune_count_max: 3,
            wal_bytes_max: 20_000,
            readers_max: 1,
            ..settings(needs)
        };
        Box::new(Embedded { dir: tempfile::tempdir().expect("folder"), settings })
    }

    causeway_core::log_contract!(embedded);
}
