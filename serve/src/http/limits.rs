//! The bounds of the HTTP door. Every one is configuration.

use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The bounds of the HTTP door, and the names it answers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Host names the door answers to besides `localhost`, loopback addresses and the address a connection came in
    /// by. Without the port. Any other name is refused with 421, so that a foreign web site cannot reach the door
    /// through a name of its own (DNS rebinding). Default: none.
    pub hosts: Vec<String>,
    /// Connections open at one time; one more is answered 503 and closed. Default 512.
    pub connections_max: usize,
    /// From the opening of a connection, or from the former answer, to the end of the next request's headers. So it
    /// is also how long an idle connection is kept. Default 10s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub headers_timeout: Duration,
    /// Bytes of a request line and its headers together; more is answered 431. Default 32KiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub headers_bytes_max: u64,
    /// Header fields of a request; more is answered 431. Default 100.
    pub headers_max: usize,
    /// From the end of the headers to the beginning of the answer, the reading of the body included. Default 30s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// Bytes of a request body; more is answered 413, before reading when the length is announced. Default 4MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub body_bytes_max: u64,
    /// How long a peer may take no byte of an answer before its connection is cut. Default 30s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub write_timeout: Duration,
    /// How long a stop waits for requests being answered. Default 20s, inside the 25s a stop of the hub may take.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub drain_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            connections_max: 512,
            headers_timeout: Duration::from_secs(10),
            headers_bytes_max: 32 << 10,
            headers_max: 100,
            request_timeout: Duration::from_secs(30),
            body_bytes_max: 4 << 20,
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// The least buffer hyper works with.
const BUFFER_BYTES_MIN: usize = 8 << 10;

impl HttpLimits {
    /// The bound on headers.
    pub(crate) fn headers_bytes(&self) -> usize {
        usize::try_from(self.headers_bytes_max).unwrap_or(usize::MAX)
    }

    /// The buffer of a connection: no larger than its headers need.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.headers_bytes().max(BUFFER_BYTES_MIN)
    }

    /// The bound on bodies.
    pub(crate) fn body_bytes(&self) -> usize {
        usize::try_from(self.body_bytes_max).unwrap_or(usize::MAX)
    }
}
