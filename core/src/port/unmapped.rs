//! How often local codes came that no table of their feed knows.

use jiff::Timestamp;
use serde::Serialize;

use crate::envelope::FeedName;
use crate::mapped::UnmappedCode;

/// At most so many codes of one feed are listed: a sender that invents codes must not fill the disk. A batch that begins
/// below it may go beyond it by [`UNMAPPED_BATCH_MAX`].
pub const UNMAPPED_FEED_MAX: u32 = 10_000;
/// At most so many codes are counted of one batch; those left out come again.
pub const UNMAPPED_BATCH_MAX: usize = 1_000;

/// A local code of a feed, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmappedCount {
    /// The feed.
    pub feed: FeedName,
    /// The code.
    #[serde(flatten)]
    pub code: UnmappedCode,
    /// How many accepted messages had it.
    pub count: u64,
    /// When the last of them was received.
    pub last_seen: Timestamp,
}
