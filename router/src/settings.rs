//! The router's bounds.

use std::time::Duration;

use causeway_core::policy::Rules;
use causeway_core::port::ReadLimit;

/// Everything about the router that is configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How much of the log one transaction takes. Default: 500 messages, 16 MiB.
    pub batch: ReadLimit,
    /// How long a step waits for the first message; also how long a stop may have to wait. Default: 250 ms.
    pub read_wait: Duration,
    /// How long a step waits for more images of a study when it found only images that have just come: each step makes a
    /// version of every study it touches, and many small ones would cost more than all the images. Default: 150 ms.
    pub images_gather: Duration,
    /// The first pause after an error that may pass; it doubles with each one in a row. Default: 50 ms.
    pub retry_first: Duration,
    /// The longest pause. Default: 5 s.
    pub retry_max: Duration,
    /// How many take-up tickets one call works through. Default: 100.
    pub take_ups_max: u32,
    /// How many messages a replay by query takes when the query has no limit of its own. Default: 100,000.
    pub replay_max: u32,
    /// What the sources of the rules leave open.
    pub rules: Rules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: ReadLimit { count_max: 500, bytes_max: 16 << 20 },
            read_wait: Duration::from_millis(250),
            images_gather: Duration::from_millis(150),
            retry_first: Duration::from_millis(50),
            retry_max: Duration::from_secs(5),
            take_ups_max: 100,
            replay_max: 100_000,
            rules: Rules::default(),
        }
    }
}
