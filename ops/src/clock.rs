//! The machine's clock: the one place of the program that asks what time it is.

use causeway_core::port::Clock;
use jiff::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the implementation everyone else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
