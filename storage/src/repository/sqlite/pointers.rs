//! What points to blobs: told before one that nothing points to is removed.

use std::collections::BTreeSet;
use std::time::Instant;

use causeway_core::envelope::Digest;
use causeway_core::person::PersonId;
use causeway_core::port::{LARGE_MESSAGE_BYTES, Pointers, RemoveBlob, RepositoryError};
use rusqlite::{Connection, params};

use super::SqliteRepository;
use super::codec::int;
use super::error::Result;
use crate::repository::pointers;

impl Pointers for SqliteRepository {
    fn pointed_to(&self, blobs: &[Digest]) -> std::result::Result<BTreeSet<Digest>, RepositoryError> {
        Ok(self.read(|connection| pointed_to(connection, blobs))?)
    }

    fn remove_unless_pointed_to(
        &self,
        blobs: &[Digest],
        remove: &mut RemoveBlob<'_>,
    ) -> std::result::Result<Vec<Digest>, RepositoryError> {
        // As long as this transaction is open nobody else writes, in whatever process.
        Ok(self.write(|unit| {
            let (alone, mut removed) = (Instant::now(), Vec::new());
            let pointed_to = pointed_to(&unit.tx, blobs)?;
            pointers::remove_others(blobs, &pointed_to, alone, remove, &mut removed)?;
            Ok(removed)
        })?)
    }
}

/// Notes what a new version of a person's record points to.
pub(super) fn note(connection: &Connection, person: PersonId, resource: &str) -> Result<()> {
    for blob in pointers::of(resource) {
        let sql = "INSERT INTO document (digest, person) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        connection.prepare_cached(sql)?.execute(params![blob.0.as_slice(), person.0])?;
    }
    Ok(())
}

fn pointed_to(connection: &Connection, blobs: &[Digest]) -> Result<BTreeSet<Digest>> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM document WHERE digest = ?1) \
         OR EXISTS (SELECT 1 FROM imaging_instance WHERE json_extract(facts, '$.blob') = lower(hex(?1))) \
         OR EXISTS (SELECT 1 FROM document_fetch WHERE document = ?1 AND document IS NOT NULL) \
         OR EXISTS (SELECT 1 FROM message WHERE digest = ?1 AND bytes > {})",
        int(LARGE_MESSAGE_BYTES)?
    );
    let mut asked = connection.prepare_cached(&sql)?;
    let mut found = BTreeSet::new();
    for blob in blobs {
        if asked.query_row([blob.0.as_slice()], |row| row.get(0))? {
            found.insert(*blob);
        }
    }
    Ok(found)
}
