//! Finding records.

use causeway_core::envelope::TraceId;
use causeway_core::person::PersonId;
use causeway_core::port::{RecordQuery, RecordRow};
use causeway_core::record::RecordKey;
use causeway_core::scope::Domain;
use postgres::Row;

use super::conditions::Conditions;
use super::session::{Session, get};
use super::text::take;
use super::versions::{Clock, half};
use crate::repository::codec::{count, domain_of, feed_of, position_of, small, timestamp};
use crate::repository::error::{Result, damaged};
use crate::repository::place::{content, place};
use crate::repository::seal;

/// What [`read`] reads, from `record_version AS v` and `message AS m`.
pub(super) const COLUMNS: &str = "v.person, v.domain, v.record_key, v.number, v.retracted, v.rank, v.at, v.log_offset, \
     v.stored_at, v.content, v.resource, m.partition_id, m.log_offset, m.trace, m.feed, v.id";

/// What belongs to [`COLUMNS`]: the message of each version.
pub(super) const JOINS: &str = "JOIN message AS m ON m.id = v.message";

/// Records that fulfil a query, the version stored last first.
pub(super) fn list(session: &mut Session, query: &RecordQuery, limit: u32) -> Result<Vec<RecordRow>> {
    let (person, domain) = (query.person.map(|person| person.0), query.domain.map(Domain::code));
    let stands = query.key.as_ref().map(place);
    let stands = stands.as_ref().map(<[u8; 16]>::as_slice);
    let limit = i64::from(limit);
    let mut conditions = Conditions::default();
    conditions.given("person = ?", person.as_ref());
    conditions.given("place = ?", stands.as_ref());
    conditions.given("domain = ?", domain.as_ref());
    if !query.retracted {
        conditions.fixed("NOT retracted");
    }
    let limit = conditions.param(&limit);
    let condition = conditions.sql();
    // Bounded before any content is read.
    let picked = |by: &str| {
        format!("SELECT person, current, latest, place FROM record WHERE {condition} ORDER BY {by} DESC LIMIT {limit}")
    };
    let sql = if query.history {
        format!(
            "WITH RECURSIVE picked AS ({}), history (person, current, id, place) AS (\
               SELECT person, current, latest, place FROM picked UNION ALL \
               SELECT h.person, h.current, v.former, h.place FROM history AS h \
                 JOIN record_version AS v ON v.person = h.person AND v.id = h.id WHERE v.former IS NOT NULL) \
             SELECT {COLUMNS}, r.place, r.current = v.id FROM (\
               SELECT person, current, id, place FROM history ORDER BY id DESC LIMIT {limit}) AS r \
             JOIN record_version AS v ON v.person = r.person AND v.id = r.id {JOINS} ORDER BY v.id DESC",
            picked("latest")
        )
    } else {
        format!(
            "SELECT {COLUMNS}, r.place, TRUE FROM ({}) AS r \
             JOIN record_version AS v ON v.person = r.person AND v.id = r.current {JOINS} ORDER BY v.id DESC",
            picked("current")
        )
    };
    let mut found = Vec::new();
    for row in &session.query(&sql, conditions.params())? {
        let (version, _) = read(row, true)?;
        // The small row points to its version: one that points elsewhere would show another record under this key.
        seal::check(get(row, 16)?, place(&version.key), || format!("a record of person {}", version.person))?;
        found.push(RecordRow { current: get(row, 17)?, ..version });
    }
    Ok(found)
}

/// How many current records of each domain there are that were not taken back, in the order of the scope.
pub(super) fn count_by_domain(session: &mut Session) -> Result<Vec<(Domain, u64)>> {
    let rows = session.query("SELECT domain, count FROM record_count WHERE count > 0", &[])?;
    let one = |row: &Row| Ok((domain_of(get(row, 0)?)?, count(get(row, 1)?)?));
    let mut counts: Vec<(Domain, u64)> = rows.iter().map(one).collect::<Result<_>>()?;
    counts.sort_unstable();
    Ok(counts)
}

/// Reads a row of [`COLUMNS`] with the number of the version, not said to be current. `with_resource` says whether the
/// content is given; its digest is checked either way.
pub(super) fn read(row: &Row, with_resource: bool) -> Result<(RecordRow, i64)> {
    let (domain, retracted, text): (&str, bool, &str) = (get(row, 1)?, get(row, 4)?, get(row, 10)?);
    let (person, number): (i64, i64) = (get(row, 0)?, get(row, 3)?);
    let stored = half(get(row, 9)?)?;
    seal::check(&stored, content(domain, retracted, text), || {
        format!("version {number} of a record of person {person}")
    })?;
    let resource = match with_resource {
        true => serde_json::from_str(text).ok().ok_or_else(|| damaged("a resource cannot be read"))?,
        false => serde_json::Value::Null,
    };
    let version = RecordRow {
        person: PersonId(person),
        domain: domain_of(domain)?,
        key: RecordKey(take(get(row, 2)?)),
        version: small(number)?,
        current: false,
        retracted,
        clock: Clock::read(row, 5)?.public()?,
        stored_at: timestamp(get(row, 8)?)?,
        source: position_of(get::<i32>(row, 11)?.into(), get(row, 12)?)?,
        trace: TraceId(get(row, 13)?),
        feed: feed_of(get(row, 14)?)?,
        resource,
    };
    Ok((version, get(row, 15)?))
}
