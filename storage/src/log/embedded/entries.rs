//! Reading and writing the entries of a lane, each checked as it is read.

use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{Entry, LogError, ReadLimit};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault;
use super::lane::{Lane, offset, sql_offset};
use super::mark::Tip;
use super::seal::{Chain, Stored};

/// Writes one entry.
pub(super) fn insert(store: &Connection, position: Position, entry: Stored<'_>) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO entry_{} (offset, crc, chain, header, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        position.partition.0
    );
    let offset = sql_offset(position.offset);
    store.prepare_cached(&sql)?.execute(params![offset, entry.crc, entry.chain, entry.header, entry.body]).map(drop)
}

/// Reads one entry. `None`: there is none.
pub(super) fn one(store: &Connection, position: Position) -> Result<Option<(Entry, Chain)>, LogError> {
    let sql = format!("SELECT offset, crc, chain, header, body FROM entry_{} WHERE offset = ?1", position.partition.0);
    let wrong = |error: rusqlite::Error| fault::reading(position.partition, position.offset, &error);
    let mut select = store.prepare_cached(&sql).map_err(wrong)?;
    let mut rows = select.query([sql_offset(position.offset)]).map_err(wrong)?;
    match rows.next().map_err(wrong)? {
        Some(row) => check(row, position, None).map(Some),
        None => Ok(None),
    }
}

/// Reads the entries from `from` up to `end`, as many as the limit lets. Each must follow the one before; the first
/// must follow `previous`. Gives the last one's link, too.
pub(super) fn range(
    store: &Connection,
    from: Position,
    end: Offset,
    limit: ReadLimit,
    previous: Chain,
) -> Result<(Vec<Entry>, Chain), LogError> {
    let partition = from.partition;
    let sql = format!(
        "SELECT offset, crc, chain, header, body FROM entry_{} WHERE offset >= ?1 AND offset < ?2 ORDER BY offset \
         LIMIT ?3",
        partition.0
    );
    let wrong = |error: rusqlite::Error| fault::reading(partition, from.offset, &error);
    let count = i64::try_from(limit.count_max).unwrap_or(i64::MAX);
    let mut select = store.prepare_cached(&sql).map_err(wrong)?;
    let mut rows = select.query([sql_offset(from.offset), sql_offset(end), count]).map_err(wrong)?;
    let mut entries = Vec::new();
    let (mut next, mut chain, mut bytes) = (from.offset, previous, 0_usize);
    while next < end && entries.len() < limit.count_max {
        let position = Position { partition, offset: next };
        let Some(row) = rows.next().map_err(|error| fault::reading(partition, next, &error))? else {
            return Err(fault::damaged(partition, next, "the entry is missing"));
        };
        bytes = bytes.saturating_add(body_len(row));
        if bytes > limit.bytes_max && !entries.is_empty() {
            break;
        }
        let (entry, link) = check(row, position, Some(&chain))?;
        entries.push(entry);
        (next, chain) = (next.next(), link);
    }
    Ok((entries, chain))
}

/// The link before the entry at `at`: the lane's anchor, or that of the entry before.
pub(super) fn link_before(store: &Connection, lane: &Lane, at: Offset) -> Result<Chain, LogError> {
    if at == lane.first {
        return Ok(lane.anchor);
    }
    let partition = lane.partition;
    let before = Offset(at.0.saturating_sub(1));
    let sql = format!("SELECT chain FROM entry_{} WHERE offset = ?1", partition.0);
    let chain = store
        .prepare_cached(&sql)
        .and_then(|mut select| select.query_row([sql_offset(before)], |row| row.get::<_, Vec<u8>>(0)).optional())
        .map_err(|error| fault::reading(partition, before, &error))?;
    let chain = chain.ok_or_else(|| fault::damaged(partition, before, "the entry is missing"))?;
    Chain::read(&chain).ok_or_else(|| fault::damaged(partition, before, "its chain is cut"))
}

/// Where the entries of a lane begin and end, by the table alone. `None`: there are none.
pub(super) fn bounds(store: &Connection, partition: PartitionId) -> Result<Option<(Offset, Offset)>, LogError> {
    // Two queries, because SQLite answers each from one end of the tree and would scan for both at once.
    let edge = |order: &str| {
        let sql = format!("SELECT offset FROM entry_{} ORDER BY offset {order} LIMIT 1", partition.0);
        let found = store
            .prepare_cached(&sql)
            .and_then(|mut select| select.query_row([], |row| row.get::<_, i64>(0)).optional());
        found.map_err(|error| fault::reading(partition, Offset(0), &error))
    };
    let (Some(first), Some(last)) = (edge("ASC")?, edge("DESC")?) else { return Ok(None) };
    let bounds = offset(first).zip(offset(last).map(Offset::next));
    bounds.map(Some).ok_or_else(|| fault::damaged(partition, Offset(0), "an offset is negative"))
}

/// Where a lane ends: after its last entry, or where it begins when it has none.
pub(super) fn tip(store: &Connection, lane: &Lane) -> Result<Tip, LogError> {
    let partition = lane.partition;
    let Some((first, end)) = bounds(store, partition)? else {
        return Ok(Tip { end: lane.first, chain: lane.anchor });
    };
    if first != lane.first {
        return Err(fault::damaged(partition, lane.first, "the lane does not begin where it should"));
    }
    Ok(Tip { end, chain: link_before(store, lane, end)? })
}

/// Bytes of a row's body, before it is copied.
fn body_len(row: &Row<'_>) -> usize {
    row.get_ref(4).ok().and_then(|value| value.as_blob().ok().map(<[u8]>::len)).unwrap_or(0)
}

/// Checks one row.
fn check(row: &Row<'_>, position: Position, previous: Option<&Chain>) -> Result<(Entry, Chain), LogError> {
    let wrong = || fault::damaged(position.partition, position.offset, "a column has another type");
    let number = |column| row.get_ref(column).ok()?.as_i64().ok();
    let blob = |column| row.get_ref(column).ok()?.as_blob().ok();
    if number(0).ok_or_else(wrong)? != sql_offset(position.offset) {
        return Err(fault::damaged(position.partition, position.offset, "the entry is missing"));
    }
    let stored = Stored {
        crc: number(1).ok_or_else(wrong)?,
        chain: blob(2).ok_or_else(wrong)?,
        header: blob(3).ok_or_else(wrong)?,
        body: blob(4).ok_or_else(wrong)?,
    };
    stored.check(position, previous)
}
