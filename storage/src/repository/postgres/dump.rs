//! The digest of everything that log and registry determine: see the module of the same name of the embedded engine,
//! whose digest it equals for the same content.

use std::collections::BTreeSet;

use causeway_core::envelope::Digest;
use causeway_core::record::RecordKey;
use postgres::Row;
use sha2::{Digest as _, Sha256};

use super::imaging;
use super::session::{Session, get};
use super::text::take;
use super::versions::half;
use crate::repository::error::{Result, damaged};
use crate::repository::growing;
use crate::repository::place::{content, place};
use crate::repository::seal::{self, Half};

/// Records read at once.
const PART: &str = "FETCH FORWARD 500 FROM dump";

/// Runs inside a transaction that sees one state.
pub(super) fn hash(session: &mut Session) -> Result<Digest> {
    session.batch(
        "DECLARE dump NO SCROLL CURSOR FOR \
         SELECT v.record_key, r.person, r.domain, r.retracted, r.rank::int8, r.at, r.log_offset, r.content, r.place, \
                h.contents, h.domains, h.retracted, h.resources \
           FROM record AS r JOIN record_version AS v ON v.person = r.person AND v.id = r.current \
           CROSS JOIN LATERAL (\
             WITH RECURSIVE history (id) AS (SELECT r.latest UNION ALL SELECT o.former FROM history AS h \
               JOIN record_version AS o ON o.person = r.person AND o.id = h.id WHERE o.former IS NOT NULL) \
             SELECT array_agg(o.content) AS contents, array_agg(o.domain) AS domains, \
                    array_agg(o.retracted) AS retracted, array_agg(o.resource) AS resources \
               FROM history AS h JOIN record_version AS o ON o.person = r.person AND o.id = h.id) AS h \
          ORDER BY v.record_key COLLATE \"C\", r.person",
    )?;
    let mut hasher = Sha256::new();
    loop {
        let rows = session.query_once(PART, &[])?;
        if rows.is_empty() {
            session.batch("CLOSE dump")?;
            return imaging::digest(session, Digest(hasher.finalize().into()));
        }
        for row in &rows {
            add(&mut hasher, row)?;
        }
    }
}

fn add(hasher: &mut Sha256, row: &Row) -> Result<()> {
    let (key, domain): (String, &str) = (take(get(row, 0)?), get(row, 2)?);
    let retracted: bool = get(row, 3)?;
    let mut clock: [i64; 3] = [get(row, 4)?, get(row, 5)?, get(row, 6)?];
    let current = half(get(row, 7)?)?;
    let mut history = history(row)?;
    if !history.contains(&current) {
        return Err(damaged("the current content of a record is not in its history"));
    }
    let key = RecordKey(key);
    seal::check(get(row, 8)?, place(&key), || "the place of a record".to_owned())?;
    if !growing::compared(&key, retracted, &mut clock, current, &mut history) {
        return Ok(());
    }
    for text in [key.0.as_str(), domain] {
        hasher.update(text.len().to_be_bytes());
        hasher.update(text.as_bytes());
    }
    for number in [get(row, 1)?, i64::from(retracted)].into_iter().chain(clock) {
        hasher.update(number.to_be_bytes());
    }
    hasher.update(current);
    hasher.update(history.len().to_be_bytes());
    history.iter().for_each(|content| hasher.update(content));
    Ok(())
}

/// The contents a record has had, each checked.
fn history(row: &Row) -> Result<BTreeSet<Half>> {
    let (stored, domains): (Vec<&[u8]>, Vec<&str>) = (get(row, 9)?, get(row, 10)?);
    let (retracted, texts): (Vec<bool>, Vec<&str>) = (get(row, 11)?, get(row, 12)?);
    let mut contents = BTreeSet::new();
    for (((stored, domain), retracted), text) in stored.iter().zip(domains).zip(retracted).zip(texts) {
        let content = content(domain, retracted, text);
        seal::check(stored, content, || "a version of a record".to_owned())?;
        contents.insert(content);
    }
    Ok(contents)
}
