//! The bounds of the blob folder, each with its default.

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be set. Sizes are in bytes and are written as `8MiB`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FolderBlobSettings {
    /// The largest blob. Default 4 GiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub blob_bytes_max: u64,
    /// Blobs are refused as "full" while less than this is free, so that log and repository on the same disk can go on.
    /// Default 1 GiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub free_bytes_min: u64,
}

impl Default for FolderBlobSettings {
    fn default() -> Self {
        Self { blob_bytes_max: 4 << 30, free_bytes_min: 1 << 30 }
    }
}
