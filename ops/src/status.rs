//! The state of the hub at one instant. The operators' page, `/api/v1/status`, `causeway status` and the gauges of
//! `/metrics` are all drawn from this one [`Snapshot`], so that they cannot show different numbers.

pub(crate) mod gather;
mod gauges;
pub(crate) mod images;
mod sample;
mod standing;

use std::sync::Arc;

use causeway_core::envelope::FeedName;
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use self::images::{FailedAssociations, ImageStatus, StudiesStatus};
use crate::certificates::CertificateStatus;

/// How many points a sparkline has.
pub(crate) const SPARK_POINTS: usize = 60;
/// How many seconds one point of a sparkline stands for: sixty points are ten minutes.
pub(crate) const SPARK_STEP_SECONDS: u32 = 10;
/// A feed with an expected interval is silent once nothing came for so many intervals.
pub(crate) const SILENT_AFTER_INTERVALS: u32 = 3;
/// The walk is behind once the oldest unprocessed message is so many seconds old.
pub(crate) const BEHIND_AFTER_SECONDS: f64 = 120.0;

/// The state of the hub at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The version of this shape.
    pub(crate) v: u32,
    /// When it was taken, UTC.
    pub(crate) at: Timestamp,
    /// The version of the program.
    pub(crate) version: String,
    /// Since when the hub runs; absent when it does not run and the numbers were read from its files.
    pub(crate) started_at: Option<Timestamp>,
    /// Whether the data is synthetic, as in `causeway demo`.
    pub(crate) synthetic: bool,
    /// The one sentence to read first.
    pub(crate) headline: Headline,
    /// Every configured feed, in the order of the configuration.
    pub(crate) feeds: Vec<FeedStatus>,
    /// From the door to the record.
    pub(crate) pipeline: Pipeline,
    /// What the DICOM doors did since the hub began.
    #[serde(default)]
    pub(crate) images: Vec<ImageStatus>,
    /// The studies their images are of.
    #[serde(default)]
    pub(crate) studies: StudiesStatus,
    /// Associations that were refused or broken off since the hub began, the most frequent first.
    #[serde(default)]
    pub(crate) failed_associations: Vec<FailedAssociations>,
    /// The operators' queue, largest group first.
    pub(crate) held: Vec<HeldStatus>,
    /// The certificates of the doors.
    #[serde(default)]
    pub(crate) certificates: Vec<CertificateStatus>,
    /// How many seconds one point of a sparkline stands for.
    pub(crate) spark_step_seconds: u32,
}

/// The one sentence: the worst thing that is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Headline {
    /// Everything runs and messages came in the last minutes.
    Flowing {
        /// How many feeds there are.
        feeds: u64,
    },
    /// Everything runs, nothing was ever received.
    NothingYet {
        /// How many feeds there are.
        feeds: u64,
    },
    /// A feed sent nothing for longer than expected. The longest silence is told, the others are in the table.
    Silent {
        /// Which.
        feed: FeedName,
        /// For how many seconds.
        seconds: u64,
        /// How often a message was expected, in seconds.
        expected_seconds: u64,
    },
    /// A feed's door is not open.
    Down {
        /// Which.
        feed: FeedName,
    },
    /// Logged messages wait too long for their turn.
    Behind {
        /// The age of the oldest, in seconds.
        seconds: u64,
        /// How many wait.
        messages: u64,
    },
    /// The hub does not run.
    Stopped,
}

/// How serious a [`Headline`] is; never shown by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// All is well.
    Good,
    /// Somebody should look.
    Warning,
    /// Somebody must act.
    Bad,
}

impl Headline {
    /// How serious it is.
    pub(crate) const fn level(&self) -> Level {
        match self {
            Self::Flowing { .. } | Self::NothingYet { .. } => Level::Good,
            Self::Silent { .. } => Level::Warning,
            Self::Down { .. } | Self::Behind { .. } | Self::Stopped => Level::Bad,
        }
    }
}

/// What a feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FeedState {
    /// Its door is open and a message came in the last minute.
    Flowing,
    /// Its door is open; nothing came in the last minute, and nothing had to.
    Waiting,
    /// Its door is open; nothing came for longer than expected.
    Silent,
    /// An operator paused it.
    Paused,
    /// Its door is not open.
    Down,
}

impl FeedState {
    /// The stable word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Flowing => "flowing",
            Self::Waiting => "waiting",
            Self::Silent => "silent",
            Self::Paused => "paused",
            Self::Down => "down",
        }
    }
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FeedStatus {
    /// Its name.
    pub(crate) name: FeedName,
    /// `mllp`, `dicom`, `file`, `cm` or `cm-file`.
    pub(crate) protocol: String,
    /// Where its door listens.
    pub(crate) listen: String,
    /// The provider whose data it is.
    pub(crate) provider: ProviderId,
    /// Whether it takes whatever no other feed takes.
    pub(crate) catch_all: bool,
    /// What it is doing.
    pub(crate) state: FeedState,
    /// Open connections.
    pub(crate) connections: u64,
    /// How often a message is expected, in seconds; absent when not configured.
    pub(crate) expected_seconds: Option<u64>,
    /// When the last message was received.
    pub(crate) last_message_at: Option<Timestamp>,
    /// Messages a second over the last minute.
    pub(crate) rate_per_second: f64,
    /// Messages stored, since the beginning; none of these counts is ever reset.
    pub(crate) accepted: u64,
    /// Messages kept out for want of a right to deposit.
    pub(crate) withheld: u64,
    /// Messages in the operators' queue now.
    pub(crate) held: u64,
    /// Messages refused at the door.
    pub(crate) rejected: u64,
    /// Messages given up by an operator.
    pub(crate) discarded: u64,
    /// Age of its oldest message that is logged and not processed, in seconds; absent when there is none.
    pub(crate) oldest_unprocessed_seconds: Option<f64>,
    /// 99 of 100 acknowledgements of the last minutes were written within this, in seconds.
    pub(crate) ack_p99_seconds: Option<f64>,
    /// Messages received in each step, oldest first; [`SPARK_POINTS`] of them.
    pub(crate) spark: Vec<u32>,
}

/// From the door to the record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// In the order of the walk.
    pub(crate) stages: Vec<StageStatus>,
    /// The lanes of the log.
    pub(crate) partitions: Vec<PartitionStatus>,
    /// Messages logged and not processed.
    pub(crate) lag_messages: u64,
    /// Age of the oldest of them, in seconds; 0 when there is none.
    pub(crate) lag_seconds: f64,
    /// Bytes the log takes on disk.
    pub(crate) log_bytes: u64,
}

/// A stage of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Read whole at a door.
    Receive,
    /// Made durable in the log.
    Log,
    /// Mapped to records.
    Map,
    /// Person resolved and right to deposit decided.
    Decide,
    /// Committed to the repository.
    Store,
}

impl Stage {
    /// All of them, in the order of the walk.
    pub(crate) const ALL: &'static [Self] = &[Self::Receive, Self::Log, Self::Map, Self::Decide, Self::Store];

    /// The stable word, which is also the label of the stage metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Log => "log",
            Self::Map => "map",
            Self::Decide => "decide",
            Self::Store => "store",
        }
    }
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StageStatus {
    /// Which.
    pub(crate) stage: Stage,
    /// Messages a second over the last minute.
    pub(crate) rate_per_second: f64,
    /// Age of the oldest message that waits before this stage, in seconds; 0 when none waits.
    pub(crate) lag_seconds: f64,
}

/// One lane of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartitionStatus {
    /// Which.
    pub(crate) partition: u16,
    /// The first offset still held.
    pub(crate) first: u64,
    /// The next offset to process.
    pub(crate) next: u64,
    /// The next offset to be given.
    pub(crate) end: u64,
    /// Age of the oldest message that is not processed, in seconds; 0 when there is none.
    pub(crate) lag_seconds: f64,
}

/// Held messages of one reason and feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldStatus {
    /// Why.
    pub(crate) reason: Reason,
    /// The feed.
    pub(crate) feed: FeedName,
    /// How many.
    pub(crate) count: u64,
    /// When the first one was received.
    pub(crate) first: Timestamp,
    /// When the last one was received.
    pub(crate) last: Timestamp,
}

/// Where the latest snapshot hangs for everyone to read. It is renewed about once a second.
#[derive(Debug, Clone)]
pub(crate) struct Board(watch::Receiver<Arc<Snapshot>>);

impl Board {
    /// A board, and the end by which it is renewed.
    pub(crate) fn new(first: Snapshot) -> (watch::Sender<Arc<Snapshot>>, Self) {
        let (sender, receiver) = watch::channel(Arc::new(first));
        (sender, Self(receiver))
    }

    /// The latest snapshot.
    pub(crate) fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.borrow())
    }
}
