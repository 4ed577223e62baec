//! The clock of a version, as stored.

use std::cmp::Ordering;

use causeway_core::record::VersionClock;
use postgres::Row;

use super::session::get;
use crate::repository::codec::{count, micros, small, timestamp};
use crate::repository::error::Result;

/// A clock as stored: to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) rank: u8,
    pub(super) at: i64,
    pub(super) offset: i64,
}

impl Ord for Clock {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |clock: &Self| (VersionClock::weight(clock.rank), clock.at, clock.offset, clock.rank);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Clock {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Clock {
    pub(super) fn of(clock: &VersionClock) -> Self {
        // An offset beyond i64 cannot be: `int` refused it in the fence.
        let offset = i64::try_from(clock.offset).unwrap_or(i64::MAX);
        Self { rank: clock.rank, at: micros(clock.at), offset }
    }

    /// Reads three columns.
    pub(super) fn read(row: &Row, first: usize) -> Result<Self> {
        let [at, offset] = [1_usize, 2].map(|step| first.saturating_add(step));
        Ok(Self { rank: small(get::<i16>(row, first)?.into())?, at: get(row, at)?, offset: get(row, offset)? })
    }

    pub(super) fn public(self) -> Result<VersionClock> {
        Ok(VersionClock { rank: self.rank, at: timestamp(self.at)?, offset: count(self.offset)? })
    }
}
