//! One lane of the log: where it begins, what stood before, and how far its identities are written out.

use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::port::{LogError, PartitionState};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault;
use super::mark::Tip;
use super::seal::{Chain, LogId};

/// A lane as the writer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    /// Which.
    pub(super) partition: PartitionId,
    /// The first offset still held.
    pub(super) first: Offset,
    /// The link before the first entry still held: with it the chain can be checked after pruning.
    pub(super) anchor: Chain,
    /// Entries from here on are in no run of identities.
    pub(super) indexed: Offset,
    /// Where it ends. Not stored: the entries themselves tell.
    pub(super) tip: Tip,
}

impl Lane {
    /// A lane of a new log.
    pub(super) fn new(log: &LogId, partition: PartitionId) -> Self {
        let anchor = Chain::start(log, partition);
        let tip = Tip { end: Offset(0), chain: anchor };
        Self { partition, first: Offset(0), anchor, indexed: Offset(0), tip }
    }

    /// As it is published.
    pub(super) const fn state(&self) -> PartitionState {
        PartitionState { partition: self.partition, first: self.first, end: self.tip.end }
    }

    /// Stores it, inside the caller's transaction.
    pub(super) fn store(&self, store: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO lane (partition, first, anchor, indexed, crc) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (partition) DO UPDATE SET first = ?2, anchor = ?3, indexed = ?4, crc = ?5";
        let (first, indexed) = (sql_offset(self.first), sql_offset(self.indexed));
        let crc = crc(self.partition, first, &self.anchor.0, indexed);
        store.prepare_cached(sql)?.execute(params![self.partition.0, first, self.anchor.0, indexed, crc]).map(drop)
    }

    /// Reads it. Its tip is still that of an empty lane.
    pub(super) fn read(store: &Connection, partition: PartitionId) -> Result<Self, LogError> {
        let row = store
            .prepare_cached("SELECT first, anchor, indexed, crc FROM lane WHERE partition = ?1")
            .and_then(|mut select| {
                let row = |row: &rusqlite::Row<'_>| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
                };
                select.query_row([partition.0], row).optional()
            })
            .map_err(|error| fault::reading(partition, Offset(0), &error))?;
        let damaged = || fault::damaged(partition, Offset(0), "the lane's own row was changed");
        let (first, anchor, indexed, stored) = row.ok_or_else(damaged)?;
        if stored != crc(partition, first, &anchor, indexed) {
            return Err(damaged());
        }
        let anchor = Chain::read(&anchor).ok_or_else(damaged)?;
        let first = offset(first).ok_or_else(damaged)?;
        let indexed = offset(indexed).ok_or_else(damaged)?;
        Ok(Self { partition, first, anchor, indexed, tip: Tip { end: first, chain: anchor } })
    }
}

/// An offset as SQLite keeps it.
pub(super) fn sql_offset(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}

/// An offset as SQLite gives it.
pub(super) fn offset(sql: i64) -> Option<Offset> {
    u64::try_from(sql).ok().map(Offset)
}

fn crc(partition: PartitionId, first: i64, anchor: &[u8], indexed: i64) -> i64 {
    let head = crc32c::crc32c_append(crc32c::crc32c(&partition.0.to_be_bytes()), &first.to_be_bytes());
    i64::from(crc32c::crc32c_append(crc32c::crc32c_append(head, anchor), &indexed.to_be_bytes()))
}
