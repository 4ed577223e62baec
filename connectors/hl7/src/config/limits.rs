//! The bounds of a door on time, memory and connections.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DoorLimits {
    /// Connections in all. Default: 2048.
    pub connections_max: usize,
    /// Connections from one address. Default: 1024.
    pub connections_per_peer_max: usize,
    /// Messages of one connection that may wait for their answer before reading stops. Default: 64.
    pub window: usize,
    /// Bytes held in all, of frames half read and of messages not yet durable. Default: 256MiB.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub in_flight_bytes_max: u64,
    /// From the first byte of a frame to its last. Default: 120s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub frame_timeout: Duration,
    /// Silence inside a frame. Default: 30s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub idle_in_frame: Duration,
    /// From an end block to its carriage return. Default: 2s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub end_cr_timeout: Duration,
    /// For a peer to take our answers. Default: 10s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub write_timeout: Duration,
    /// From the log to the repository, for `acknowledge = "committed"`; then the answer is AE and the sender resends.
    /// Default: 60s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub commit_timeout: Duration,
    /// How long the answer to a merge of patients waits for its outcome, so that one that would go round is answered AE; after
    /// that it is answered as durable. 0: it does not wait. Default: 2s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub merge_timeout: Duration,
    /// Silence between frames after which a connection is closed. Default: never; dead peers are found by keep-alive.
    #[serde(with = "causeway_core::human::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub idle_timeout: Option<Duration>,
    /// TCP keep-alive: the idle time before the first probe. Default: 60s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// For connections to finish what they began when the hub stops. Default: 25s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub drain_timeout: Duration,
    /// Messages of unknown senders answered on one connection before it is closed. Default: 3.
    pub unknown_senders_max: u32,
    /// Messages of a batch in one frame; one of more is refused whole. Default: 10000.
    pub batch_messages_max: usize,
    /// Application acknowledgements waiting to be sent to one address. Default: 10000.
    pub application_acks_max: usize,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            connections_max: 2048,
            connections_per_peer_max: 1024,
            window: 64,
            in_flight_bytes_max: 256 << 20,
            frame_timeout: Duration::from_secs(120),
            idle_in_frame: Duration::from_secs(30),
            end_cr_timeout: Duration::from_secs(2),
            write_timeout: Duration::from_secs(10),
            commit_timeout: Duration::from_secs(60),
            merge_timeout: Duration::from_secs(2),
            idle_timeout: None,
            keep_alive: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(25),
            unknown_senders_max: 3,
            batch_messages_max: 10_000,
            application_acks_max: 10_000,
        }
    }
}
