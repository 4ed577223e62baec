//! The settings of a watched folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A watched folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PickupSettings {
    /// The folder where senders put files, beside the configuration file. `work`, `done` and `failed` are made in it, and it
    /// must be on one file system.
    pub folder: PathBuf,
    /// A file is taken when its size and time have not changed for so long. 0 takes it at first sight: only for senders
    /// that write under another name (with a dot in front, or ending in `.part` or `.tmp`) and rename when it is whole.
    /// Default: 10s.
    #[serde(default = "still_for", with = "human::duration")]
    #[schemars(with = "String")]
    pub still_for: Duration,
    /// How often the folder is looked at. Default: 2s.
    #[serde(default = "scan_every", with = "human::duration")]
    #[schemars(with = "String")]
    pub scan_every: Duration,
    /// Entries of the folder looked at in one go; the oldest of them is taken first. Default: 10000.
    #[serde(default = "scan_max")]
    pub scan_max: usize,
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickupFault {
    /// There is no such folder.
    #[error("`folder`: {0} is no folder: make it, and let the hub write there")]
    NoFolder(PathBuf),
    /// Nothing would ever be looked at.
    #[error("`scan_every` and `scan_max` must be more than 0")]
    NeverScans,
}

impl PickupSettings {
    /// A folder with every default.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, still_for: still_for(), scan_every: scan_every(), scan_max: scan_max() }
    }

    /// The same with a relative path below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.folder = folder.join(self.folder);
        self
    }

    /// What is wrong with it, without looking at the disk.
    pub fn faults(&self) -> Vec<PickupFault> {
        let never = self.scan_every.is_zero() || self.scan_max == 0;
        never.then_some(PickupFault::NeverScans).into_iter().collect()
    }

    /// What is wrong with the folder as it is on the disk.
    pub fn faults_on_disk(&self) -> Vec<PickupFault> {
        let missing = !self.folder.is_dir();
        missing.then(|| PickupFault::NoFolder(self.folder.clone())).into_iter().collect()
    }
}

const fn still_for() -> Duration {
    Duration::from_secs(10)
}

const fn scan_every() -> Duration {
    Duration::from_secs(2)
}

const fn scan_max() -> usize {
    10_000
}
