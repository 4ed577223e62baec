//! Unique ids, and the little randomness a connector needs.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// A UUID version 7: the time given, and chance.
pub(crate) fn uuid_at(at: Timestamp) -> Uuid {
    let since = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos()))
}

/// A byte of chance.
pub(crate) fn byte() -> u8 {
    uuid_at(Timestamp::UNIX_EPOCH).as_bytes().last().copied().unwrap_or_default()
}
