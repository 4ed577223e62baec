//! A copy of the repository without what the log brings: messages, records, offsets. Processing the log again fills it.

use std::path::Path;

use causeway_core::port::{Actor, AuditEntry, RepositoryError};
use jiff::Timestamp;
use rusqlite::params;

use super::SqliteRepository;
use super::posting::Sort;
use super::settings::SqliteSettings;
use crate::repository::derived::DERIVED;

impl SqliteRepository {
    /// Copies `from` to `to`, which must not exist, with persons, providers, consents and the audit, but with no message
    /// and no record: as if the log had not been read yet. The audit of the copy says so.
    ///
    /// # Errors
    /// Those of [`SqliteRepository::restore`].
    pub fn without_records(
        from: &Path,
        to: &Path,
        actor: &Actor,
        at: Timestamp,
        progress: &mut dyn FnMut(u64, u64),
    ) -> std::result::Result<Self, RepositoryError> {
        Self::restore(from, to, progress)?;
        let repository = Self::open(to, SqliteSettings::default())?;
        Ok(repository
            .write(|unit| {
                for table in DERIVED {
                    unit.tx.execute(&format!("DELETE FROM {table}"), [])?;
                }
                for sort in [Sort::ControlId, Sort::Trace, Sort::MessagePerson, Sort::RecordPerson] {
                    unit.tx.execute("DELETE FROM posting WHERE sort = ?1", params![sort.code()])?;
                }
                unit.tx.execute("UPDATE posting_mark SET upto = 0 WHERE source <> 'audit'", [])?;
                let entry = AuditEntry {
                    at,
                    actor: actor.clone(),
                    action: "rebuild".to_owned(),
                    person: None,
                    detail: std::collections::BTreeMap::new(),
                };
                unit.audit(&entry)
            })
            .map(|()| repository)?)
    }
}
