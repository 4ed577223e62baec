//! Requests for storage commitment.

use causeway_core::envelope::FeedName;
use causeway_core::port::{Begun, Commitment, CommitmentRow, Commitments, RepositoryError};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::SqliteRepository;
use super::codec::{count, micros, small};
use super::error::Result;
use super::unit::Unit;
use crate::repository::commitment::{self, COLUMNS, Met, Stored};

impl Commitments for SqliteRepository {
    fn begin_commitment(
        &self,
        commitment: &Commitment,
        next_at: Timestamp,
    ) -> std::result::Result<Begun, RepositoryError> {
        Ok(self.write(|unit| begin(unit, commitment, next_at))?)
    }

    fn commitments_due(&self, now: Timestamp, limit: u32) -> std::result::Result<Vec<CommitmentRow>, RepositoryError> {
        Ok(self.read(|connection| due(connection, now, self.bounded(limit)))?)
    }

    fn lease_commitment(
        &self,
        id: Uuid,
        expect: u32,
        tries: u32,
        next_at: Timestamp,
    ) -> std::result::Result<bool, RepositoryError> {
        let sql = "UPDATE commitment SET tries = ?3, next_at = ?4 WHERE id = ?1 AND tries = ?2 AND settled_at IS NULL";
        Ok(self.write(|unit| {
            let values = params![id.as_bytes(), expect, tries, micros(next_at)];
            Ok(unit.tx.prepare_cached(sql)?.execute(values)? > 0)
        })?)
    }

    fn settle_commitment(&self, id: Uuid, now: Timestamp) -> std::result::Result<(), RepositoryError> {
        let sql = "UPDATE commitment SET settled_at = ?2 WHERE id = ?1 AND settled_at IS NULL";
        Ok(self.write(|unit| {
            unit.tx.prepare_cached(sql)?.execute(params![id.as_bytes(), micros(now)])?;
            Ok(())
        })?)
    }

    fn commitments_pending(&self, feed: &FeedName) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(*) FROM commitment WHERE settled_at IS NULL AND feed = ?1";
        Ok(self
            .read(|connection| count(connection.prepare_cached(sql)?.query_row([feed.as_str()], |row| row.get(0))?))?)
    }

    fn forget_commitments(&self, before: Timestamp) -> std::result::Result<u64, RepositoryError> {
        Ok(self.write(|unit| {
            let mut statement = unit.tx.prepare_cached("DELETE FROM commitment WHERE settled_at < ?1")?;
            Ok(u64::try_from(statement.execute([micros(before)])?).unwrap_or(u64::MAX))
        })?)
    }
}

fn begin(unit: &Unit<'_>, asked: &Commitment, next_at: Timestamp) -> Result<Begun> {
    let met = commitment::meet(asked, known(unit, asked)?);
    let (tx, id) = (&unit.tx, asked.id.as_bytes());
    match &met {
        Met::Itself(_, false) => {}
        Met::Itself(known, true) => {
            let sql = "UPDATE commitment SET settled_at = NULL, requested_at = ?2, next_at = ?3 WHERE id = ?1";
            let values = params![known.id.as_bytes(), micros(asked.requested_at), micros(next_at)];
            tx.prepare_cached(sql)?.execute(values)?;
        }
        Met::Nothing | Met::Others => {
            let sql = format!(
                "INSERT INTO commitment ({COLUMNS}, tries, next_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)"
            );
            tx.prepare_cached(&sql)?.execute(params![
                id,
                asked.feed.as_str(),
                asked.caller,
                asked.transaction.as_str(),
                micros(asked.requested_at),
                commitment::instances(asked),
                matches!(met, Met::Others),
                micros(next_at),
            ])?;
        }
    }
    Ok(met.begun())
}

/// The requests of the same caller under the same Transaction UID, each with whether it is settled.
fn known(unit: &Unit<'_>, asked: &Commitment) -> Result<Vec<(Commitment, bool)>> {
    let sql = format!(
        "SELECT {COLUMNS}, settled_at IS NOT NULL FROM commitment WHERE feed = ?1 AND caller = ?2 \
         AND transaction_uid = ?3 ORDER BY requested_at, id"
    );
    let mut statement = unit.tx.prepare_cached(&sql)?;
    let mut rows = statement.query([asked.feed.as_str(), &asked.caller, asked.transaction.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((commitment::read(stored(row)?)?, row.get(7)?));
    }
    Ok(found)
}

fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<CommitmentRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, tries FROM commitment WHERE settled_at IS NULL AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![micros(now), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(CommitmentRow { commitment: commitment::read(stored(row)?)?, tries: small(row.get(7)?)? });
    }
    Ok(found)
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        feed: row.get(1)?,
        caller: row.get(2)?,
        transaction: row.get(3)?,
        requested_at: row.get(4)?,
        instances: row.get(5)?,
        uid_in_use: row.get(6)?,
    })
}
