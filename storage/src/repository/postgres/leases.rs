//! Leases: which process works on which partition of the log, by the clock of the database.
//!
//! A lease says who *should* work on a partition. Who *may* commit is said by the fence of each commit: a process that
//! was paused beyond its lease and wakes up finds the offset moved, and writes nothing.

use std::time::Duration;

use causeway_core::envelope::PartitionId;
use causeway_core::port::RepositoryError;
use uuid::Uuid;

use super::PostgresRepository;
use super::session::get;
use super::unit::Unit;
use crate::repository::codec::small;
use crate::repository::error::{Result, StoreError, damaged};

/// What lets one process at a time share out.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('causeway leases ' || current_schema(), 0))";

impl PostgresRepository {
    /// Says that the process `owner` lives, and gives the partitions of `0..partitions` it holds for `ttl` from now:
    /// its own, renewed, up to its fair share (partitions by living processes, rounded up), and such as are free or
    /// whose holder was not heard of for `ttl`. To be called again well before `ttl` is over, by every process with the
    /// same `partitions` and `ttl`.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`] when the server cannot be reached: what was held is held until its `ttl` is over.
    pub fn hold(
        &self,
        owner: Uuid,
        partitions: u16,
        ttl: Duration,
    ) -> std::result::Result<Vec<PartitionId>, RepositoryError> {
        if partitions == 0 || ttl.is_zero() {
            return Err(StoreError::Refused("a lease needs partitions and a time".to_owned()).into());
        }
        Ok(self.write(|unit| hold(unit, owner, partitions, ttl))?)
    }

    /// Gives back all that the process `owner` holds, and says that it is gone.
    ///
    /// # Errors
    /// As [`PostgresRepository::hold`].
    pub fn release(&self, owner: Uuid) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| {
            unit.query(LOCK, &[])?;
            unit.execute("DELETE FROM partition_lease WHERE owner = $1", &[&owner])?;
            unit.execute("DELETE FROM worker WHERE owner = $1", &[&owner]).map(|_| ())
        })?)
    }
}

fn hold(unit: &mut Unit<'_>, owner: Uuid, partitions: u16, ttl: Duration) -> Result<Vec<PartitionId>> {
    let (count, seconds) = (i32::from(partitions), ttl.as_secs_f64());
    unit.query(LOCK, &[])?;
    let sql = "INSERT INTO worker (owner, seen_at) VALUES ($1, clock_timestamp()) \
               ON CONFLICT (owner) DO UPDATE SET seen_at = excluded.seen_at";
    unit.execute(sql, &[&owner])?;
    let sql = "DELETE FROM worker WHERE seen_at < clock_timestamp() - make_interval(secs => $1)";
    unit.execute(sql, &[&seconds])?;
    let share = fair_share(unit, count)?;
    unit.execute(
        "DELETE FROM partition_lease WHERE partition >= $1 OR expires_at < clock_timestamp() \
         OR (owner = $2 AND partition NOT IN (\
             SELECT partition FROM partition_lease WHERE owner = $2 AND partition < $1 ORDER BY partition LIMIT $3))",
        &[&count, &owner, &share],
    )?;
    let sql = "UPDATE partition_lease SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE owner = $1";
    let held = unit.execute(sql, &[&owner, &seconds])?;
    let wanted = share.saturating_sub(i64::try_from(held).unwrap_or(i64::MAX)).max(0);
    unit.execute(
        "INSERT INTO partition_lease (partition, owner, expires_at) \
         SELECT p, $1, clock_timestamp() + make_interval(secs => $2) FROM generate_series(0, $3::int4 - 1) AS p \
         WHERE NOT EXISTS (SELECT 1 FROM partition_lease AS l WHERE l.partition = p) ORDER BY p LIMIT $4",
        &[&owner, &seconds, &count, &wanted],
    )?;
    let rows = unit.query("SELECT partition FROM partition_lease WHERE owner = $1 ORDER BY partition", &[&owner])?;
    rows.iter().map(|row| small(get::<i32>(row, 0)?.into()).map(PartitionId)).collect()
}

/// Partitions by living processes, rounded up.
fn fair_share(unit: &mut Unit<'_>, partitions: i32) -> Result<i64> {
    let sql = "SELECT ($1::int8 + count(*) - 1) / count(*) FROM worker";
    let row = unit.session.first(sql, &[&i64::from(partitions)])?;
    row.map(|row| get(&row, 0)).transpose()?.ok_or_else(|| damaged("no process lives"))
}
