//! Bringing the schema up to date: forward only, each step in a transaction of its own with its number.

use causeway_core::envelope::Digest;

use super::session::{Session, get};
use crate::repository::error::{Result, StoreError};

/// One step.
pub(super) struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All of them, in order. What has been released is never changed again.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "repository", sql: include_str!("../../../migrations/postgres/0001_repository.sql") },
    Migration { name: "unmapped_code", sql: include_str!("../../../migrations/postgres/0002_unmapped_code.sql") },
    Migration { name: "document_fetch", sql: include_str!("../../../migrations/postgres/0003_document_fetch.sql") },
    Migration { name: "imaging", sql: include_str!("../../../migrations/postgres/0004_imaging.sql") },
    Migration {
        name: "numbers_by_the_block",
        sql: include_str!("../../../migrations/postgres/0005_numbers_by_the_block.sql"),
    },
    Migration {
        name: "provider_location",
        sql: include_str!("../../../migrations/postgres/0006_provider_location.sql"),
    },
    Migration { name: "feed_sequence", sql: include_str!("../../../migrations/postgres/0007_feed_sequence.sql") },
    Migration { name: "commitment", sql: include_str!("../../../migrations/postgres/0008_commitment.sql") },
    Migration { name: "imaging_mark", sql: include_str!("../../../migrations/postgres/0009_imaging_mark.sql") },
    Migration { name: "document", sql: include_str!("../../../migrations/postgres/0010_document.sql") },
    Migration { name: "imaging_blob", sql: include_str!("../../../migrations/postgres/0011_imaging_blob.sql") },
    Migration { name: "imaging_open", sql: include_str!("../../../migrations/postgres/0012_imaging_open.sql") },
    Migration { name: "imaging_ruling", sql: include_str!("../../../migrations/postgres/0013_imaging_ruling.sql") },
];

/// What keeps two migrations of one schema apart, until the transaction ends.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('causeway migration ' || $1, 0))";

/// The number of the newest step known.
pub(super) fn known(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// The number of the last step applied; 0 for a schema that is not there. Refused if this program is older than the
/// schema, or a step was changed after it had been applied.
pub(super) fn version(session: &mut Session, schema: &str, migrations: &[Migration]) -> Result<i64> {
    let there =
        session.query_once("SELECT to_regclass(quote_ident($1) || '.schema_migration') IS NOT NULL", &[&schema])?;
    if !there.first().map(|row| get(row, 0)).transpose()?.unwrap_or(false) {
        return Ok(0);
    }
    let rows = session.query_once("SELECT number, checksum FROM schema_migration ORDER BY number", &[])?;
    let mut version = 0;
    let mut steps = migrations.iter();
    for row in &rows {
        let (number, checksum): (i64, String) = (get(row, 0)?, get(row, 1)?);
        version = number;
        match steps.next() {
            Some(step) if Digest::of(step.sql.as_bytes()).to_string() != checksum => {
                let what = format!("migration {number} was changed after it had been applied to this database");
                return Err(StoreError::Refused(what));
            }
            Some(_) | None => {}
        }
    }
    let known = known(migrations);
    if version > known {
        return Err(StoreError::Refused(format!(
            "the repository has schema {version}, written by a newer version; this version knows schema {known}: \
             install the newer version again, or restore a backup made before the upgrade"
        )));
    }
    Ok(version)
}

/// Refuses a schema that this program cannot work with.
pub(super) fn check(session: &mut Session, schema: &str) -> Result<()> {
    let (version, known) = (version(session, schema, MIGRATIONS)?, known(MIGRATIONS));
    if version == known {
        return Ok(());
    }
    let stands = if version == 0 { "is not there yet".to_owned() } else { format!("has version {version}") };
    Err(StoreError::Refused(format!(
        "the schema `{schema}` {stands} and this program needs {known}: run `causeway db migrate`"
    )))
}

/// Applies what is missing. Gives the number of the last step. A kill at any point leaves whole steps only.
pub(super) fn migrate(session: &mut Session, schema: &str, migrations: &[Migration]) -> Result<i64> {
    for (number, migration) in (1_i64..).zip(migrations) {
        session.batch("BEGIN")?;
        match step(session, schema, migrations, number, migration) {
            Ok(()) => session.batch("COMMIT")?,
            Err(error) => {
                // What made it fail is what counts; a connection that cannot roll back is closed by its owner.
                if session.batch("ROLLBACK").is_err() {
                    tracing::debug!("a failed migration could not be rolled back by hand; the server does it");
                }
                return Err(error);
            }
        }
    }
    version(session, schema, migrations)
}

/// Applies every step inside the transaction that is open.
pub(super) fn migrate_within(session: &mut Session, schema: &str, migrations: &[Migration]) -> Result<()> {
    let mut numbered = (1_i64..).zip(migrations);
    numbered.try_for_each(|(number, migration)| step(session, schema, migrations, number, migration))
}

fn step(
    session: &mut Session,
    schema: &str,
    migrations: &[Migration],
    number: i64,
    migration: &Migration,
) -> Result<()> {
    session.query_once(LOCK, &[&schema])?;
    if version(session, schema, migrations)? >= number {
        return Ok(());
    }
    if number == 1 {
        session.batch(&format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; CREATE TABLE IF NOT EXISTS schema_migration \
             (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
        ))?;
    }
    session.batch(migration.sql)?;
    let checksum = Digest::of(migration.sql.as_bytes()).to_string();
    let sql = "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)";
    session.query_once(sql, &[&number, &migration.name, &checksum])?;
    Ok(())
}
