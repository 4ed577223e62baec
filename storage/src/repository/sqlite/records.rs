//! Finding records.

use causeway_core::port::{RecordQuery, RecordRow};
use causeway_core::scope::Domain;
use rusqlite::Connection;

use super::codec::{count, domain_of};
use super::error::Result;
use super::posting::{self, Binder};
use super::seal;
use super::versions;

/// Records that fulfil a query, the version stored last first.
pub(super) fn list(connection: &Connection, query: &RecordQuery, limit: u32) -> Result<Vec<RecordRow>> {
    let picked = picked(query);
    let columns = versions::columns("r.current = v.id");
    let joins = versions::JOINS;
    let sql = if query.history {
        format!(
            "WITH RECURSIVE picked (current, latest, place) AS ({picked}), history (current, id, place) AS (\
               SELECT current, latest, place FROM picked UNION ALL \
               SELECT h.current, v.former, h.place FROM history AS h JOIN record_version AS v ON v.id = h.id \
                WHERE v.former IS NOT NULL) \
             SELECT {columns}, r.place FROM (SELECT current, id, place FROM history ORDER BY id DESC LIMIT :limit) AS r \
             JOIN record_version AS v ON v.id = r.id {joins} ORDER BY v.id DESC"
        )
    } else {
        format!(
            "SELECT {columns}, r.place FROM ({picked}) AS r JOIN record_version AS v ON v.id = r.current {joins} \
             ORDER BY v.id DESC"
        )
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut binder = Binder::new(&mut statement);
    binder.set(":person", query.person.map(|person| person.0))?;
    binder.set(":domain", query.domain.map(Domain::code))?;
    binder.set(":key", query.key.as_ref().map(|key| key.0.as_str()))?;
    binder.set(":place", query.key.as_ref().map(versions::place))?;
    binder.set(":RecordPerson", query.person.map(|person| person.0))?;
    binder.set(":limit", Some(limit))?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let version = versions::read(row, true)?;
        // The small row points to its version: one that points elsewhere would show another record under this key.
        let place = row.get_ref(21)?.as_blob().unwrap_or_default();
        seal::check(place, versions::place(&version.key), || format!("a record of person {}", version.person))?;
        found.push(version);
    }
    Ok(found)
}

/// How many current records of each domain there are that were not taken back, in the order of the scope.
pub(super) fn count_by_domain(connection: &Connection) -> Result<Vec<(Domain, u64)>> {
    let mut statement = connection.prepare_cached("SELECT domain, count FROM record_count WHERE count > 0")?;
    let mut rows = statement.query([])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        counts.push((domain_of(row.get_ref(0)?.as_str().unwrap_or_default())?, count(row.get(1)?)?));
    }
    counts.sort_unstable();
    Ok(counts)
}

/// The rows of `record` that are wanted, already bounded, so that no content is read in vain.
fn picked(query: &RecordQuery) -> String {
    let mut conditions = vec!["1 = 1".to_owned()];
    match (query.person, &query.key) {
        (Some(_), Some(_)) => conditions.push("person = :person AND place = :place".to_owned()),
        (Some(_), None) => {
            conditions.push(format!("person = :person AND {}", posting::record_in("person = :person")));
        }
        (None, Some(_)) => conditions.push("place = :place".to_owned()),
        (None, None) => {}
    }
    if query.domain.is_some() {
        conditions.push("domain = :domain".to_owned());
    }
    if !query.retracted {
        conditions.push("retracted = 0".to_owned());
    }
    let latest = if query.history { "latest" } else { "current" };
    format!(
        "SELECT current, latest, place FROM record WHERE {} ORDER BY {latest} DESC LIMIT :limit",
        conditions.join(" AND ")
    )
}
