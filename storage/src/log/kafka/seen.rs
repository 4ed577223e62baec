//! How large messages are, as far as was seen: Kafka does not tell clients what a topic takes on disk.

use std::sync::atomic::{AtomicU64, Ordering};

/// Messages written or read by this process, and their bytes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    count: AtomicU64,
    bytes: AtomicU64,
}

impl Seen {
    /// Notes a message.
    pub(super) fn note(&self, bytes: u64) {
        // The two need not agree to the last message.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// About what `count` messages take; `None` when none was seen.
    pub(super) fn estimate(&self, count: u64) -> Option<u64> {
        let bytes = u128::from(self.bytes.load(Ordering::Relaxed)).checked_mul(u128::from(count))?;
        let sum = bytes.checked_div(u128::from(self.count.load(Ordering::Relaxed)))?;
        Some(u64::try_from(sum).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_what_was_seen_is_taken_for_the_rest() {
        let seen = Seen::default();
        assert_eq!(seen.estimate(10), None);
        seen.note(100);
        seen.note(300);
        assert_eq!(seen.estimate(10), Some(2000));
        assert_eq!(seen.estimate(u64::MAX), Some(u64::MAX));
    }
}
