//! Pointers of messages: which are due, who tries them, and what came.

use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::State;
use causeway_core::port::FetchRow;
use causeway_core::reason::Reason;
use jiff::Timestamp;

use super::session::{Session, get};
use super::unit::Unit;
use crate::repository::codec::{digest_of, int, micros, position_of, small, state_code, timestamp};
use crate::repository::error::Result;

/// Messages that wait for a document of which no pointer is leased or pausing.
pub(super) fn due(session: &mut Session, now: Timestamp, limit: u32) -> Result<Vec<Position>> {
    let sql = format!(
        "SELECT m.partition_id, m.log_offset FROM message AS m WHERE m.state = {} AND m.reason = '{}' \
           AND NOT EXISTS (SELECT 1 FROM document_fetch AS f WHERE f.partition_id = m.partition_id \
                           AND f.log_offset = m.log_offset AND f.next_at > $1) ORDER BY m.id LIMIT $2",
        state_code(State::Held),
        Reason::DocumentPending.code(),
    );
    let rows = session.query(&sql, &[&micros(now), &i64::from(limit)])?;
    rows.iter().map(|row| position_of(get::<i32>(row, 0)?.into(), get(row, 1)?)).collect()
}

/// What is remembered of the pointers of a message.
pub(super) fn of(session: &mut Session, position: Position) -> Result<Vec<FetchRow>> {
    let sql = "SELECT pointer, tries, next_at, document, failure FROM document_fetch \
               WHERE partition_id = $1 AND log_offset = $2 ORDER BY pointer";
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    let rows = session.query(sql, &[&partition, &offset])?;
    let read = |row| {
        let document: Option<&[u8]> = get(row, 3)?;
        Ok(FetchRow {
            pointer: digest_of(get(row, 0)?)?,
            tries: small(get::<i32>(row, 1)?.into())?,
            next_at: timestamp(get(row, 2)?)?,
            document: document.map(digest_of).transpose()?,
            failure: get(row, 4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Leases a pointer, if it stands as expected and nobody has it.
pub(super) fn begin(
    unit: &mut Unit<'_>,
    position: Position,
    expect: u32,
    row: &FetchRow,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO document_fetch (partition_id, log_offset, pointer, tries, next_at) \
               SELECT $1, $2, $3, $4, $5 WHERE $6::int4 = 0 OR EXISTS (SELECT 1 FROM document_fetch \
                 WHERE partition_id = $1 AND log_offset = $2 AND pointer = $3) \
               ON CONFLICT (partition_id, log_offset, pointer) DO UPDATE SET tries = excluded.tries, \
                 next_at = excluded.next_at WHERE document_fetch.tries = $6 AND document_fetch.next_at <= $7";
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    let (tries, expect) = (i32::try_from(row.tries).unwrap_or(i32::MAX), i32::try_from(expect).unwrap_or(i32::MAX));
    let pointer = row.pointer.0.as_slice();
    let changed =
        unit.execute(sql, &[&partition, &offset, &pointer, &tries, &micros(row.next_at), &expect, &micros(now)])?;
    Ok(changed > 0)
}

/// Remembers a document; nobody has the pointer any more.
pub(super) fn done(unit: &mut Unit<'_>, position: Position, pointer: Digest, document: Digest) -> Result<()> {
    let sql = "INSERT INTO document_fetch (partition_id, log_offset, pointer, tries, next_at, document) \
               VALUES ($1, $2, $3, 0, 0, $4) ON CONFLICT (partition_id, log_offset, pointer) \
               DO UPDATE SET next_at = 0, document = excluded.document, failure = NULL";
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    let (pointer, document) = (pointer.0.as_slice(), document.0.as_slice());
    unit.execute(sql, &[&partition, &offset, &pointer, &document]).map(|_| ())
}

/// Remembers why the latest try failed.
pub(super) fn failed(unit: &mut Unit<'_>, position: Position, pointer: Digest, failure: &str) -> Result<()> {
    let sql = "UPDATE document_fetch SET failure = $4 WHERE partition_id = $1 AND log_offset = $2 AND pointer = $3";
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    let pointer = pointer.0.as_slice();
    unit.execute(sql, &[&partition, &offset, &pointer, &failure]).map(|_| ())
}
