//! Migrations: numbered SQL files, each applied once, in one transaction, never changed afterwards.

use causeway_core::envelope::Digest;
use rusqlite::{Connection, TransactionBehavior};

use super::error::{Result, StoreError};

/// Marks the file as ours in its header: `CWSY`.
const APPLICATION_ID: i64 = 0x4357_5359;

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// All of them, in order; the first one is number 1.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "repository", sql: include_str!("../../../migrations/sqlite/0001_repository.sql") },
    Migration { name: "unmapped_code", sql: include_str!("../../../migrations/sqlite/0002_unmapped_code.sql") },
    Migration { name: "document_fetch", sql: include_str!("../../../migrations/sqlite/0003_document_fetch.sql") },
    Migration { name: "imaging", sql: include_str!("../../../migrations/sqlite/0004_imaging.sql") },
    Migration { name: "provider_location", sql: include_str!("../../../migrations/sqlite/0005_provider_location.sql") },
    Migration { name: "feed_sequence", sql: include_str!("../../../migrations/sqlite/0006_feed_sequence.sql") },
    Migration { name: "commitment", sql: include_str!("../../../migrations/sqlite/0007_commitment.sql") },
    Migration { name: "imaging_mark", sql: include_str!("../../../migrations/sqlite/0008_imaging_mark.sql") },
    Migration { name: "document", sql: include_str!("../../../migrations/sqlite/0009_document.sql") },
    Migration { name: "imaging_blob", sql: include_str!("../../../migrations/sqlite/0010_imaging_blob.sql") },
    Migration { name: "imaging_open", sql: include_str!("../../../migrations/sqlite/0011_imaging_open.sql") },
    Migration { name: "imaging_ruling", sql: include_str!("../../../migrations/sqlite/0012_imaging_ruling.sql") },
];

/// The schema this program knows.
pub(super) fn known() -> i64 {
    version_of(MIGRATIONS)
}

/// The schema of a file; 0 for an empty one.
///
/// # Errors
/// A file of another program, a schema newer than this program, or a migration whose text was changed after it had been
/// applied, is refused.
pub(super) fn check(connection: &Connection, migrations: &[Migration]) -> Result<i64> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && id == 0 {
        return Ok(0);
    }
    if id != APPLICATION_ID {
        return Err(StoreError::Refused("the file is not a Causeway repository".to_owned()));
    }
    let known = version_of(migrations);
    if version > known {
        return Err(StoreError::Refused(format!(
            "the repository has schema {version}, written by a newer version; this version knows schema {known}: \
             install the newer version again, or restore a backup made before the upgrade"
        )));
    }
    check_applied(connection, migrations)?;
    Ok(version)
}

/// Brings the file to the newest schema. Does nothing when it is there already, also when another process was faster.
pub(super) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<()> {
    if check(connection, migrations)? == version_of(migrations) {
        return Ok(());
    }
    for (number, migration) in (1_i64..).zip(migrations) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if check(&transaction, migrations)? >= number {
            continue;
        }
        if number == 1 {
            transaction.execute_batch(
                "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, \
                 checksum TEXT NOT NULL)",
            )?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO schema_migration (number, name, checksum) VALUES (?1, ?2, ?3)",
            (number, migration.name, checksum(migration)),
        )?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

fn check_applied(connection: &Connection, migrations: &[Migration]) -> Result<()> {
    let mut statement = connection.prepare("SELECT number, checksum FROM schema_migration ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut expected = (1_i64..).zip(migrations);
    while let Some(row) = rows.next()? {
        let found: (i64, String) = (row.get(0)?, row.get(1)?);
        let holds = expected.next().is_some_and(|(number, migration)| (number, checksum(migration)) == found);
        if !holds {
            return Err(StoreError::Refused(format!(
                "migration {} was changed after it had been applied to this file",
                found.0
            )));
        }
    }
    Ok(())
}

fn checksum(migration: &Migration) -> String {
    Digest::of(migration.sql.as_bytes()).to_string()
}

fn version_of(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { name: "one", sql: "CREATE TABLE one (a INTEGER)" };
    const TWO: Migration = Migration { name: "two", sql: "CREATE TABLE two (a INTEGER)" };

    #[test]
    fn each_is_applied_once_and_in_order() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, &[ONE]).expect("first");
        migrate(&mut connection, &[ONE, TWO]).expect("second");
        migrate(&mut connection, &[ONE, TWO]).expect("nothing left to do");
        assert_eq!(check(&connection, &[ONE, TWO]).expect("good"), 2);
    }

    #[test]
    fn a_newer_schema_is_refused_by_an_older_program() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, &[ONE, TWO]).expect("both");
        let error = migrate(&mut connection, &[ONE]).expect_err("newer");
        assert!(error.to_string().contains("schema 2"), "{error}");
    }

    #[test]
    fn a_changed_migration_is_refused() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, &[ONE]).expect("first");
        let other = Migration { sql: "CREATE TABLE one (a TEXT)", ..ONE };
        assert!(migrate(&mut connection, &[other]).is_err());
    }

    #[test]
    fn another_programs_file_is_refused() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE theirs (a INTEGER)").expect("table");
        assert!(migrate(&mut connection, &[ONE]).is_err());
    }

    #[test]
    fn a_migration_that_fails_leaves_the_former_schema_whole() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, &[ONE]).expect("first");
        let broken = Migration { name: "two", sql: "CREATE TABLE two (a INTEGER); CREATE TABLE one (a INTEGER)" };
        assert!(migrate(&mut connection, &[ONE, broken]).is_err());
        assert_eq!(check(&connection, &[ONE]).expect("as before"), 1);
        migrate(&mut connection, &[ONE, TWO]).expect("the mended one is applied whole");
    }
}
