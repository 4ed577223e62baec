//! A digest of everything that log and registry determine, to compare a rebuilt repository with the one it replaces.

use std::collections::BTreeSet;

use causeway_core::envelope::Digest;
use causeway_core::record::RecordKey;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::error::{Result, damaged};
use super::imaging;
use super::seal;
use super::versions;
use crate::repository::growing;

/// See [`super::SqliteRepository::canonical_dump_hash`].
///
/// The clock is the record's: that of the latest message that said what the current version says. The history counts as
/// the set of contents there have been: in which order they were stored depends on when a message was taken up.
pub(super) fn hash(connection: &Connection) -> Result<Digest> {
    let mut statement = connection.prepare(
        "SELECT v.record_key, r.person, r.domain, r.retracted, r.rank, r.at, r.log_offset, r.content, r.latest, r.place \
           FROM record AS r JOIN record_version AS v ON v.id = r.current ORDER BY v.record_key, r.person",
    )?;
    let mut rows = statement.query([])?;
    let mut hasher = Sha256::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let domain: String = row.get(2)?;
        let content: [u8; 16] = row.get(7)?;
        let mut history = history(connection, row.get(8)?)?;
        if !history.contains(&content) {
            return Err(damaged("the current content of a record is not in its history"));
        }
        let place = row.get_ref(9)?.as_blob().unwrap_or_default();
        let key = RecordKey(key);
        seal::check(place, versions::place(&key), || "the place of a record".to_owned())?;
        let mut clock: [i64; 3] = [row.get(4)?, row.get(5)?, row.get(6)?];
        if !growing::compared(&key, row.get(3)?, &mut clock, content, &mut history) {
            continue;
        }
        for text in [&key.0, &domain] {
            hasher.update(text.len().to_be_bytes());
            hasher.update(text.as_bytes());
        }
        for number in [row.get(1)?, row.get(3)?].into_iter().chain(clock) {
            hasher.update(i64::to_be_bytes(number));
        }
        hasher.update(content);
        hasher.update(history.len().to_be_bytes());
        history.iter().for_each(|content| hasher.update(content));
    }
    imaging::digest(connection, Digest(hasher.finalize().into()))
}

/// The contents a record has had. Each seal is checked on the way.
fn history(connection: &Connection, latest: i64) -> Result<BTreeSet<[u8; 16]>> {
    let sql = format!(
        "WITH RECURSIVE history (id) AS (SELECT ?1 UNION ALL \
           SELECT v.former FROM history AS h JOIN record_version AS v ON v.id = h.id WHERE v.former IS NOT NULL) \
         SELECT {} FROM history AS h JOIN record_version AS v ON v.id = h.id {}",
        versions::columns("0"),
        versions::JOINS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([latest])?;
    let mut contents = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let version = versions::read(row, false)?;
        let text = row.get_ref(11)?.as_str().unwrap_or_default();
        contents.insert(versions::content(version.domain.code(), version.retracted, text));
    }
    Ok(contents)
}
