//! What points to blobs: told before one that nothing points to is removed.

use std::collections::BTreeSet;
use std::time::Instant;

use causeway_core::envelope::Digest;
use causeway_core::port::{LARGE_MESSAGE_BYTES, Pointers, RemoveBlob, RepositoryError};

use super::PostgresRepository;
use super::session::{Session, get};
use super::under_way::ALONE;
use super::unit::Unit;
use super::versions::Version;
use crate::repository::codec::{digest_of, int};
use crate::repository::error::Result;
use crate::repository::pointers;

/// How long commits are waited for, while those that begin wait behind this; and how long the server keeps them waiting for
/// a process that was held in between.
const BOUNDS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '10s'";

impl Pointers for PostgresRepository {
    fn pointed_to(&self, blobs: &[Digest]) -> std::result::Result<BTreeSet<Digest>, RepositoryError> {
        Ok(self.read(|session| pointed_to(session, blobs))?)
    }

    fn remove_unless_pointed_to(
        &self,
        blobs: &[Digest],
        remove: &mut RemoveBlob<'_>,
    ) -> std::result::Result<Vec<Digest>, RepositoryError> {
        // Outside, since the server may ask for the transaction to be tried again.
        let mut removed = Vec::new();
        self.write(|unit| {
            unit.session.batch(BOUNDS)?;
            unit.query(ALONE, &[])?;
            let alone = Instant::now();
            let pointed_to = pointed_to(unit.session, blobs)?;
            pointers::remove_others(blobs, &pointed_to, alone, remove, &mut removed)
        })?;
        Ok(removed)
    }
}

/// Notes what new versions of records point to.
pub(super) fn note(unit: &mut Unit<'_>, versions: &[Version<'_>]) -> Result<()> {
    let found: BTreeSet<(Digest, i64)> = versions
        .iter()
        .flat_map(|version| pointers::of(version.record.resource.text()).map(|blob| (blob, version.source.person.0)))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    // In order, so that two transactions with the same new ones do not wait for each other crosswise.
    let blobs: Vec<&[u8]> = found.iter().map(|(blob, _)| blob.0.as_slice()).collect();
    let persons: Vec<i64> = found.iter().map(|(_, person)| *person).collect();
    unit.execute(
        "INSERT INTO document (digest, person) SELECT * FROM unnest($1::bytea[], $2::int8[]) ON CONFLICT DO NOTHING",
        &[&blobs, &persons],
    )?;
    Ok(())
}

fn pointed_to(session: &mut Session, blobs: &[Digest]) -> Result<BTreeSet<Digest>> {
    let sql = format!(
        "SELECT b.digest FROM unnest($1::bytea[]) AS b (digest) \
         WHERE EXISTS (SELECT 1 FROM document AS d WHERE d.digest = b.digest) \
            OR EXISTS (SELECT 1 FROM imaging_instance AS i \
                        WHERE substring(i.facts FROM '\"blob\":\"([0-9a-f]{{64}})\"') = encode(b.digest, 'hex')) \
            OR EXISTS (SELECT 1 FROM document_fetch AS f WHERE f.document = b.digest AND f.document IS NOT NULL) \
            OR EXISTS (SELECT 1 FROM message AS m WHERE m.digest = b.digest AND m.bytes > {})",
        int(LARGE_MESSAGE_BYTES)?
    );
    let digests: Vec<&[u8]> = blobs.iter().map(|blob| blob.0.as_slice()).collect();
    session.query(&sql, &[&digests])?.iter().map(|row| digest_of(get(row, 0)?)).collect()
}
