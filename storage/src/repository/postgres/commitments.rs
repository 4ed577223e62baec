//! Requests for storage commitment: see the module of the same name of the embedded engine.

use causeway_core::envelope::FeedName;
use causeway_core::port::{Begun, Commitment, CommitmentRow, Commitments, RepositoryError};
use jiff::Timestamp;
use postgres::Row;
use uuid::Uuid;

use super::PostgresRepository;
use super::session::{Session, get};
use super::unit::Unit;
use crate::repository::codec::{count, micros, small};
use crate::repository::commitment::{self, COLUMNS, Met, Stored};
use crate::repository::error::Result;

/// Who asks for the same transaction at the same time waits, so that one of them is the first.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('causeway commitment ' || $1 || ' ' || $2, 0))";

impl Commitments for PostgresRepository {
    fn begin_commitment(
        &self,
        commitment: &Commitment,
        next_at: Timestamp,
    ) -> std::result::Result<Begun, RepositoryError> {
        Ok(self.write(|unit| begin(unit, commitment, next_at))?)
    }

    fn commitments_due(&self, now: Timestamp, limit: u32) -> std::result::Result<Vec<CommitmentRow>, RepositoryError> {
        Ok(self.read(|session| due(session, now, self.bounded(limit)))?)
    }

    fn lease_commitment(
        &self,
        id: Uuid,
        expect: u32,
        tries: u32,
        next_at: Timestamp,
    ) -> std::result::Result<bool, RepositoryError> {
        let sql = "UPDATE commitment SET tries = $3, next_at = $4 WHERE id = $1 AND tries = $2 AND settled_at IS NULL";
        let number = |tries: u32| i32::try_from(tries).unwrap_or(i32::MAX);
        let (id, expect, tries, next_at) = (id.as_bytes().as_slice(), number(expect), number(tries), micros(next_at));
        Ok(self.write(|unit| Ok(unit.execute(sql, &[&id, &expect, &tries, &next_at])? > 0))?)
    }

    fn settle_commitment(&self, id: Uuid, now: Timestamp) -> std::result::Result<(), RepositoryError> {
        let sql = "UPDATE commitment SET settled_at = $2 WHERE id = $1 AND settled_at IS NULL";
        let (id, now) = (id.as_bytes().as_slice(), micros(now));
        Ok(self.write(|unit| unit.execute(sql, &[&id, &now]).map(|_| ()))?)
    }

    fn commitments_pending(&self, feed: &FeedName) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(*) FROM commitment WHERE settled_at IS NULL AND feed = $1";
        Ok(self.read(|session| {
            let rows = session.query(sql, &[&feed.as_str()])?;
            rows.first().map_or(Ok(0), |row| count(get(row, 0)?))
        })?)
    }

    fn forget_commitments(&self, before: Timestamp) -> std::result::Result<u64, RepositoryError> {
        let before = micros(before);
        Ok(self.write(|unit| unit.execute("DELETE FROM commitment WHERE settled_at < $1", &[&before]))?)
    }
}

fn begin(unit: &mut Unit<'_>, asked: &Commitment, next_at: Timestamp) -> Result<Begun> {
    unit.query(LOCK, &[&asked.caller, &asked.transaction.as_str()])?;
    let met = commitment::meet(asked, known(unit, asked)?);
    let (requested_at, next_at) = (micros(asked.requested_at), micros(next_at));
    match &met {
        Met::Itself(_, false) => {}
        Met::Itself(known, true) => {
            let sql = "UPDATE commitment SET settled_at = NULL, requested_at = $2, next_at = $3 WHERE id = $1";
            unit.execute(sql, &[&known.id.as_bytes().as_slice(), &requested_at, &next_at])?;
        }
        Met::Nothing | Met::Others => {
            let sql = format!(
                "INSERT INTO commitment ({COLUMNS}, tries, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)"
            );
            let (id, in_use) = (asked.id.as_bytes().as_slice(), matches!(met, Met::Others));
            let (feed, transaction, instances) =
                (asked.feed.as_str(), asked.transaction.as_str(), commitment::instances(asked));
            unit.execute(
                &sql,
                &[&id, &feed, &asked.caller, &transaction, &requested_at, &instances, &in_use, &next_at],
            )?;
        }
    }
    Ok(met.begun())
}

/// The requests of the same caller under the same Transaction UID, each with whether it is settled.
fn known(unit: &mut Unit<'_>, asked: &Commitment) -> Result<Vec<(Commitment, bool)>> {
    let sql = format!(
        "SELECT {COLUMNS}, settled_at IS NOT NULL FROM commitment WHERE feed = $1 AND caller = $2 \
         AND transaction_uid = $3 ORDER BY requested_at, id"
    );
    let rows = unit.query(&sql, &[&asked.feed.as_str(), &asked.caller, &asked.transaction.as_str()])?;
    rows.iter().map(|row| Ok((commitment::read(stored(row)?)?, get(row, 7)?))).collect()
}

fn due(session: &mut Session, now: Timestamp, limit: u32) -> Result<Vec<CommitmentRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, tries FROM commitment WHERE settled_at IS NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2"
    );
    let rows = session.query(&sql, &[&micros(now), &i64::from(limit)])?;
    let read = |row| {
        let tries = small(get::<i32>(row, 7)?.into())?;
        Ok(CommitmentRow { commitment: commitment::read(stored(row)?)?, tries })
    };
    rows.iter().map(read).collect()
}

fn stored(row: &Row) -> Result<Stored> {
    Ok(Stored {
        id: get::<&[u8]>(row, 0)?.to_vec(),
        feed: get(row, 1)?,
        caller: get(row, 2)?,
        transaction: get(row, 3)?,
        requested_at: get(row, 4)?,
        instances: get(row, 5)?,
        uid_in_use: get(row, 6)?,
    })
}
