//! Pointers of messages: which are due, who tries them, and what came.

use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::State;
use causeway_core::port::FetchRow;
use causeway_core::reason::Reason;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::codec::{digest_of, int, micros, position_of, small, state_code, timestamp};
use super::error::Result;
use super::unit::Unit;

/// Messages that wait for a document of which no pointer is leased or pausing.
pub(super) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Position>> {
    let sql = format!(
        "SELECT m.partition_id, m.log_offset FROM message AS m WHERE m.state = {} AND m.reason = '{}' \
           AND NOT EXISTS (SELECT 1 FROM document_fetch AS f WHERE f.partition_id = m.partition_id \
                           AND f.log_offset = m.log_offset AND f.next_at > ?1) ORDER BY m.id LIMIT ?2",
        state_code(State::Held),
        Reason::DocumentPending.code(),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![micros(now), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(position_of(row.get(0)?, row.get(1)?)?);
    }
    Ok(found)
}

/// What is remembered of the pointers of a message.
pub(super) fn of(connection: &Connection, position: Position) -> Result<Vec<FetchRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT pointer, tries, next_at, document, failure FROM document_fetch WHERE partition_id = ?1 AND log_offset = ?2 \
         ORDER BY pointer",
    )?;
    let mut rows = statement.query(params![position.partition.0, int(position.offset.0)?])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let document: Option<Vec<u8>> = row.get(3)?;
        found.push(FetchRow {
            pointer: digest_of(&row.get::<_, Vec<u8>>(0)?)?,
            tries: small(row.get(1)?)?,
            next_at: timestamp(row.get(2)?)?,
            document: document.map(|digest| digest_of(&digest)).transpose()?,
            failure: row.get(4)?,
        });
    }
    Ok(found)
}

/// Leases a pointer, if it stands as expected and nobody has it.
pub(super) fn begin(unit: &Unit<'_>, position: Position, expect: u32, row: &FetchRow, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO document_fetch (partition_id, log_offset, pointer, tries, next_at) \
               SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?6 = 0 OR EXISTS (SELECT 1 FROM document_fetch \
                 WHERE partition_id = ?1 AND log_offset = ?2 AND pointer = ?3) \
               ON CONFLICT (partition_id, log_offset, pointer) DO UPDATE SET tries = excluded.tries, \
                 next_at = excluded.next_at WHERE document_fetch.tries = ?6 AND document_fetch.next_at <= ?7";
    let changed = unit.tx.prepare_cached(sql)?.execute(params![
        position.partition.0,
        int(position.offset.0)?,
        row.pointer.0,
        row.tries,
        micros(row.next_at),
        expect,
        micros(now),
    ])?;
    Ok(changed > 0)
}

/// Remembers a document; nobody has the pointer any more.
pub(super) fn done(unit: &Unit<'_>, position: Position, pointer: Digest, document: Digest) -> Result<()> {
    let sql = "INSERT INTO document_fetch (partition_id, log_offset, pointer, tries, next_at, document) \
               VALUES (?1, ?2, ?3, 0, 0, ?4) ON CONFLICT (partition_id, log_offset, pointer) \
               DO UPDATE SET next_at = 0, document = excluded.document, failure = NULL";
    let values = params![position.partition.0, int(position.offset.0)?, pointer.0, document.0];
    unit.tx.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Remembers why the latest try failed.
pub(super) fn failed(unit: &Unit<'_>, position: Position, pointer: Digest, failure: &str) -> Result<()> {
    let sql = "UPDATE document_fetch SET failure = ?4 WHERE partition_id = ?1 AND log_offset = ?2 AND pointer = ?3";
    let values = params![position.partition.0, int(position.offset.0)?, pointer.0, failure];
    unit.tx.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
