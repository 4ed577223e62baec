//! Storing record versions, and reading them back with their seals checked.

use causeway_core::person::PersonId;
use causeway_core::port::{Effects, RecordRow};
use causeway_core::record::{Effect, Record, RecordKey, VersionClock, effect};
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::codec::{count, domain_of, feed_of, level_code, micros, position_of, small, timestamp, trace_of};
use super::error::{Result, damaged};
use super::seal::{self, Half, Sealer};
use super::unit::Unit;

/// The columns of [`read`], from `record_version AS v`, `message AS m` and `word AS f`; `current` is an expression that
/// says whether the version is the current one.
pub(super) fn columns(current: &str) -> String {
    format!(
        "v.person, v.domain, v.record_key, v.number, v.retracted, v.rank, v.at, v.log_offset, v.stored_at, v.message, \
         v.seal, v.resource, {current}, m.partition_id, m.log_offset, m.trace, f.text, v.id, v.former, v.clinical_date, v.level"
    )
}

/// What belongs to [`columns`]: the message and the feed of each version.
pub(super) const JOINS: &str = "JOIN message AS m ON m.id = v.message JOIN word AS f ON f.id = m.feed";

/// The message a version comes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) message: i64,
    pub(super) person: PersonId,
    pub(super) now: Timestamp,
}

/// Stores the records of one message; `next` is the number of the next version and is moved on.
pub(super) fn store(
    unit: &mut Unit<'_>,
    source: Source,
    records: &[Record],
    next: &mut i64,
    mut count: impl FnMut(&Record, Effect),
) -> Result<Effects> {
    let mut effects = Effects::default();
    let mut text = Vec::with_capacity(2048);
    for record in records {
        text.clear();
        serde_json::to_writer(&mut text, &record.resource).ok().ok_or_else(|| damaged("a resource has no JSON"))?;
        let effect = Incoming::new(source, record, &text).store(unit, next)?;
        count(record, effect);
        effects.count(effect);
    }
    Ok(effects)
}

/// A version about to be stored.
struct Incoming<'a> {
    source: Source,
    record: &'a Record,
    text: &'a [u8],
    place: Half,
    content: Half,
    clock: Clock,
}

/// A clock as stored: to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Clock {
    rank: u8,
    at: i64,
    offset: i64,
}

/// The row of a record.
struct Current {
    version: i64,
    latest: i64,
    versions: i64,
    retracted: bool,
    clock: Clock,
    content: Half,
    domain: String,
}

impl<'a> Incoming<'a> {
    fn new(source: Source, record: &'a Record, text: &'a [u8]) -> Self {
        // An offset beyond i64 cannot be: `int` refused it in the fence.
        let offset = i64::try_from(record.clock.offset).unwrap_or(i64::MAX);
        let clock = Clock { rank: record.clock.rank, at: micros(record.clock.at), offset };
        let content = content(record.domain.code(), record.retracted, text);
        Self { source, record, text, place: place(&record.key), content, clock }
    }

    fn store(&self, unit: &mut Unit<'_>, next: &mut i64) -> Result<Effect> {
        let Some(current) = self.current(unit)? else {
            self.insert_version(unit, next, 1, None)?;
            self.insert_record(unit, next.saturating_sub(1))?;
            unit.count_record(self.record.domain, i64::from(!self.record.retracted));
            return Ok(Effect::Created);
        };
        let effect = effect(Some(current.clock.public()?), self.clock.public()?, current.content == self.content);
        match effect {
            Effect::Created => Err(damaged("a record was created twice")),
            Effect::Unchanged => {
                self.confirm(unit, &current)?;
                Ok(effect)
            }
            Effect::Late if self.known(unit, current.latest)? => Ok(Effect::Unchanged),
            Effect::Late => {
                self.insert_version(unit, next, current.versions.saturating_add(1), Some(current.latest))?;
                self.point(unit, current.version, next.saturating_sub(1))?;
                Ok(effect)
            }
            Effect::Updated => {
                self.insert_version(unit, next, current.versions.saturating_add(1), Some(current.latest))?;
                self.replace(unit, &current, next.saturating_sub(1))?;
                Ok(effect)
            }
        }
    }

    fn current(&self, unit: &Unit<'_>) -> Result<Option<Current>> {
        let mut statement = unit.tx.prepare_cached(
            "SELECT current, latest, versions, retracted, rank, at, log_offset, content, domain FROM record \
             WHERE person = ?1 AND place = ?2",
        )?;
        let row = statement.query_row(params![self.source.person.0, self.place], |row| {
            Ok(Current {
                version: row.get(0)?,
                latest: row.get(1)?,
                versions: row.get(2)?,
                retracted: row.get(3)?,
                clock: Clock { rank: row.get(4)?, at: row.get(5)?, offset: row.get(6)? },
                content: row.get(7)?,
                domain: row.get(8)?,
            })
        });
        Ok(row.optional()?)
    }

    fn insert_version(&self, unit: &Unit<'_>, next: &mut i64, number: i64, former: Option<i64>) -> Result<()> {
        let record = self.record;
        let mut statement = unit.tx.prepare_cached(
            "INSERT INTO record_version (id, person, domain, record_key, number, former, retracted, rank, at, \
             log_offset, clinical_date, level, message, stored_at, seal, resource) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        let clinical_date = record.clinical_date.map(|date| date.to_string());
        let seal = Seal {
            content: self.content,
            person: self.source.person.0,
            key: &record.key.0,
            number,
            former,
            clock: self.clock,
            clinical_date: clinical_date.as_deref(),
            level: level_code(record.level),
            message: self.source.message,
            stored_at: micros(self.source.now),
        };
        statement.execute(params![
            *next,
            self.source.person.0,
            record.domain.code(),
            record.key.0,
            number,
            former,
            record.retracted,
            self.clock.rank,
            self.clock.at,
            self.clock.offset,
            seal.clinical_date,
            seal.level,
            self.source.message,
            seal.stored_at,
            seal.bytes(),
            Text(self.text),
        ])?;
        *next = next.saturating_add(1);
        Ok(())
    }

    fn insert_record(&self, unit: &Unit<'_>, version: i64) -> Result<()> {
        let mut statement = unit.tx.prepare_cached(
            "INSERT INTO record (person, place, domain, current, latest, versions, retracted, rank, at, log_offset, \
             content) VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute(params![
            self.source.person.0,
            self.place,
            self.record.domain.code(),
            version,
            self.record.retracted,
            self.clock.rank,
            self.clock.at,
            self.clock.offset,
            self.content,
        ])?;
        Ok(())
    }

    /// The sender says the same at a later time: a version made in between and arriving later must not win.
    fn confirm(&self, unit: &Unit<'_>, current: &Current) -> Result<()> {
        if self.clock <= current.clock {
            return Ok(());
        }
        let mut statement = unit
            .tx
            .prepare_cached("UPDATE record SET rank = ?3, at = ?4, log_offset = ?5 WHERE person = ?1 AND place = ?2")?;
        let clock = self.clock;
        statement.execute(params![self.source.person.0, self.place, clock.rank, clock.at, clock.offset])?;
        Ok(())
    }

    /// A newer version becomes the current one.
    fn replace(&self, unit: &mut Unit<'_>, current: &Current, version: i64) -> Result<()> {
        let mut statement = unit.tx.prepare_cached(
            "UPDATE record SET domain = ?3, current = ?4, latest = ?4, versions = versions + 1, retracted = ?5, \
             rank = ?6, at = ?7, log_offset = ?8, content = ?9 WHERE person = ?1 AND place = ?2",
        )?;
        statement.execute(params![
            self.source.person.0,
            self.place,
            self.record.domain.code(),
            version,
            self.record.retracted,
            self.clock.rank,
            self.clock.at,
            self.clock.offset,
            self.content,
        ])?;
        drop(statement);
        unit.count_record(domain_of(&current.domain)?, -i64::from(!current.retracted));
        unit.count_record(self.record.domain, i64::from(!self.record.retracted));
        Ok(())
    }

    /// An older version joins the history; the current one stays.
    fn point(&self, unit: &Unit<'_>, current: i64, latest: i64) -> Result<()> {
        let mut statement = unit.tx.prepare_cached(
            "UPDATE record SET current = ?3, latest = ?4, versions = versions + 1 WHERE person = ?1 AND place = ?2",
        )?;
        statement.execute(params![self.source.person.0, self.place, current, latest])?;
        Ok(())
    }

    /// Whether the history holds this very version already: a replay of an old message adds nothing.
    fn known(&self, unit: &Unit<'_>, latest: i64) -> Result<bool> {
        let mut statement = unit.tx.prepare_cached(
            "WITH RECURSIVE history (id) AS (SELECT ?1 UNION ALL \
               SELECT v.former FROM history AS h JOIN record_version AS v ON v.id = h.id WHERE v.former IS NOT NULL) \
             SELECT 1 FROM history AS h JOIN record_version AS v ON v.id = h.id \
             WHERE v.rank = ?2 AND v.at = ?3 AND v.log_offset = ?4 AND v.domain = ?5 AND v.retracted = ?6 \
               AND v.resource = ?7",
        )?;
        let found = statement.exists(params![
            latest,
            self.clock.rank,
            self.clock.at,
            self.clock.offset,
            self.record.domain.code(),
            self.record.retracted,
            Text(self.text),
        ])?;
        Ok(found)
    }
}

impl Clock {
    fn public(self) -> Result<VersionClock> {
        Ok(VersionClock { rank: self.rank, at: timestamp(self.at)?, offset: count(self.offset)? })
    }
}

/// Binds bytes that are known to be text without looking through them again.
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// Reads a row of [`columns`]. `with_resource` says whether the content is given; its seal is checked either way.
pub(super) fn read(row: &Row<'_>, with_resource: bool) -> Result<RecordRow> {
    let key: String = row.get(2)?;
    let text = row.get_ref(11)?.as_bytes().ok().ok_or_else(|| damaged("a resource is no text"))?;
    let clock = Clock { rank: row.get(5)?, at: row.get(6)?, offset: row.get(7)? };
    let (domain, retracted): (String, bool) = (row.get(1)?, row.get(4)?);
    let clinical_date: Option<String> = row.get(19)?;
    let seal = Seal {
        content: content(&domain, retracted, text),
        person: row.get(0)?,
        key: &key,
        number: row.get(3)?,
        former: row.get(18)?,
        clock,
        clinical_date: clinical_date.as_deref(),
        level: row.get(20)?,
        message: row.get(9)?,
        stored_at: row.get(8)?,
    };
    let stored = row.get_ref(10)?.as_blob().unwrap_or_default();
    seal::check(stored, seal.bytes(), || format!("version {} of a record of person {}", seal.number, seal.person))?;
    let resource = match with_resource {
        true => serde_json::from_slice(text).ok().ok_or_else(|| damaged("a resource cannot be read"))?,
        false => serde_json::Value::Null,
    };
    Ok(RecordRow {
        person: PersonId(seal.person),
        domain: domain_of(&domain)?,
        version: small(seal.number)?,
        current: row.get(12)?,
        retracted,
        clock: clock.public()?,
        stored_at: timestamp(seal.stored_at)?,
        source: position_of(row.get(13)?, row.get(14)?)?,
        trace: trace_of(row.get_ref(15)?.as_blob().unwrap_or_default())?,
        feed: feed_of(row.get_ref(16)?.as_str().unwrap_or_default())?,
        resource,
        key: RecordKey(key),
    })
}

/// Whether a version is the current one of its record.
pub(super) fn is_current(connection: &Connection, row: &RecordRow, version: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM record WHERE person = ?1 AND place = ?2 AND current = ?3";
    Ok(connection.prepare_cached(sql)?.exists(params![row.person.0, place(&row.key), version])?)
}

/// What a version's seal covers: the whole row.
struct Seal<'a> {
    content: Half,
    person: i64,
    key: &'a str,
    number: i64,
    former: Option<i64>,
    clock: Clock,
    clinical_date: Option<&'a str>,
    level: i64,
    message: i64,
    stored_at: i64,
}

impl Seal<'_> {
    fn bytes(&self) -> Half {
        let Clock { rank, at, offset } = self.clock;
        Sealer::default()
            .bytes(&self.content)
            .number(self.person)
            .text(self.key)
            .number(self.number)
            .optional_number(self.former)
            .number(i64::from(rank))
            .number(at)
            .number(offset)
            .optional_text(self.clinical_date)
            .number(self.level)
            .number(self.message)
            .number(self.stored_at)
            .finish()
    }
}

/// The digest by which two contents are the same: domain, whether it was taken back, and the resource as mapped, which
/// is deterministic.
pub(super) fn content(domain: &str, retracted: bool, text: &[u8]) -> Half {
    Sealer::default().text(domain).number(i64::from(retracted)).bytes(text).finish()
}

/// Where a record stands among those of its person: four bytes that the records of one order or visit share, then twelve
/// of its own. A key reads `Type/provider/first|second|…`; the shared part is the first one that holds a digit, since an
/// assigning authority often comes before the number.
pub(super) fn place(key: &RecordKey) -> Half {
    let mut parts = key.0.splitn(3, '/');
    let (_, provider, business) = (parts.next(), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let shared = business.split('|').find(|part| part.bytes().any(|byte| byte.is_ascii_digit())).unwrap_or(business);
    let shared = Sealer::default().text(provider).text(shared).finish();
    let own = Sealer::default().text(&key.0).finish();
    let mut place = own;
    place.iter_mut().zip(shared).take(4).for_each(|(byte, shared)| *byte = shared);
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_order_stand_together_and_no_two_stand_at_one_place() {
        let key = |kind: &str, parts: &[&str]| RecordKey::new(kind, "9265486345", parts);
        let report = place(&key("DiagnosticReport", &["LAB77"]));
        let result = place(&key("Observation", &["LAB77", "718-7"]));
        let other = place(&key("Observation", &["LAB78", "718-7"]));
        assert_eq!(report[..4], result[..4]);
        assert_ne!(report, result);
        assert_ne!(result[..4], other[..4]);
        let patients = [place(&key("Patient", &["QMH", "H2001"])), place(&key("Patient", &["QMH", "H2002"]))];
        assert_ne!(patients[0][..4], patients[1][..4], "an authority is not what records share");
    }
}
