//! The history of one record, for a version that may change which of it stands.

use causeway_core::record::VersionClock;

use super::codec::{count, timestamp};
use super::error::Result;
use super::seal::Half;
use super::unit::Unit;
use super::versions::content;

/// A clock as stored: to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) rank: u8,
    pub(super) at: i64,
    pub(super) offset: i64,
}

impl Clock {
    pub(super) fn public(self) -> Result<VersionClock> {
        Ok(VersionClock { rank: self.rank, at: timestamp(self.at)?, offset: count(self.offset)? })
    }
}

/// A version of the history.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) id: i64,
    pub(super) clock: Clock,
    pub(super) domain: String,
    pub(super) retracted: bool,
    pub(super) content: Half,
}

/// A version and all before it.
pub(super) fn history(unit: &Unit<'_>, latest: i64) -> Result<Vec<Past>> {
    let mut statement = unit.tx.prepare_cached(
        "WITH RECURSIVE history (id) AS (SELECT ?1 UNION ALL \
           SELECT v.former FROM history AS h JOIN record_version AS v ON v.id = h.id WHERE v.former IS NOT NULL) \
         SELECT v.id, v.rank, v.at, v.log_offset, v.domain, v.retracted, v.resource \
           FROM history AS h JOIN record_version AS v ON v.id = h.id",
    )?;
    let rows = statement.query_map([latest], |row| {
        let (domain, retracted): (String, bool) = (row.get(4)?, row.get(5)?);
        let content = content(&domain, retracted, row.get_ref(6)?.as_str()?);
        let clock = Clock { rank: row.get(1)?, at: row.get(2)?, offset: row.get(3)? };
        Ok(Past { id: row.get(0)?, clock, domain, retracted, content })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
