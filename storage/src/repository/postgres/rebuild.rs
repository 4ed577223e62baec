//! The schema anew without what the log brings: messages, records, offsets. Processing the log again fills it.

use std::collections::BTreeMap;

use causeway_core::port::{Actor, AuditEntry, RepositoryError};
use jiff::Timestamp;

use super::migrate::{MIGRATIONS, migrate_within};
use super::session::{Connector, Purpose, Session, check_schema_name, get};
use super::unit::{Shared, Unit};
use super::{PostgresRepository, PostgresSettings};
use crate::repository::derived::DERIVED;
use crate::repository::error::{Result, StoreError};

/// What belongs to this engine and is not carried over, either.
const OWN: [&str; 3] = ["schema_migration", "partition_lease", "worker"];

impl PostgresRepository {
    /// Renames the schema to `aside` and makes it anew, with persons, providers, consents and the audit, but with no message
    /// and no record: as if the log had not been read yet. The audit says so. All in one transaction. What a role was
    /// granted on the schema before has to be granted again (`ops/deploy` or `migrations/postgres/roles.sql`).
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] while a process works on it; else those of [`PostgresRepository::migrate`].
    pub fn without_records(
        settings: PostgresSettings,
        aside: &str,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<Self, RepositoryError> {
        check_schema_name(aside)?;
        let mut session = Connector::new(&settings)?.connect(Purpose::Read)?;
        session.batch("BEGIN; SET LOCAL statement_timeout = 0")?;
        match make(&mut session, &settings, aside, actor, at) {
            Ok(()) => session.batch("COMMIT")?,
            Err(error) => {
                // What made it fail is what counts; a connection that cannot roll back is closed by its owner.
                if session.batch("ROLLBACK").is_err() {
                    tracing::debug!("a failed rebuild could not be rolled back by hand; the server does it");
                }
                return Err(error.into());
            }
        }
        Self::open(settings)
    }
}

fn make(session: &mut Session, settings: &PostgresSettings, aside: &str, actor: &Actor, at: Timestamp) -> Result<()> {
    let sql = "SELECT 1 FROM partition_lease WHERE expires_at > now() LIMIT 1";
    if !session.query_once(sql, &[])?.is_empty() {
        let what = "a process of the hub works on the repository: stop all of them, then wait until their leases end";
        return Err(StoreError::Refused(what.to_owned()));
    }
    let schema = &settings.schema;
    session.batch(&format!("ALTER SCHEMA \"{schema}\" RENAME TO \"{aside}\""))?;
    migrate_within(session, schema, MIGRATIONS)?;
    // In the order of their making, so that what is referred to comes before what refers to it.
    let sql = "SELECT c.relname::text, c.relkind::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition ORDER BY c.oid";
    for row in session.query_once(sql, &[&aside])? {
        let (name, kind): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        if kind == "S" {
            session.batch(&format!(
                "SELECT setval('\"{schema}\".\"{name}\"', last_value, is_called) FROM \"{aside}\".\"{name}\""
            ))?;
        } else if !DERIVED.contains(&name.as_str()) && !OWN.contains(&name.as_str()) {
            session.batch(&format!(
                "DELETE FROM \"{schema}\".\"{name}\"; \
                 INSERT INTO \"{schema}\".\"{name}\" OVERRIDING SYSTEM VALUE SELECT * FROM \"{aside}\".\"{name}\""
            ))?;
        }
    }
    let (caches, action) = (Shared::default(), "rebuild".to_owned());
    let mut unit = Unit::new(session, &caches, settings);
    unit.audit(AuditEntry { at, actor: actor.clone(), action, person: None, detail: BTreeMap::new() });
    unit.finish().map(drop)
}
