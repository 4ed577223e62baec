//! Storing record versions, and reading them back with their seals checked.

use causeway_core::person::PersonId;
use causeway_core::port::{Effects, RecordRow};
use causeway_core::record::{Effect, Record, RecordKey, VersionClock, effect, standing};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) use super::super::place::{content, place};
use super::codec::{domain_of, feed_of, level_code, micros, position_of, small, timestamp, trace_of};
use super::error::{Result, damaged};
use super::past::{self, Clock, Past};
use super::pointers;
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

/// Stores the records of one message.
pub(super) fn store(
    unit: &mut Unit<'_>,
    source: Source,
    records: &[Record],
    mut count: impl FnMut(&Record, Effect),
) -> Result<Effects> {
    let mut effects = Effects::default();
    for record in records {
        let effect = Incoming::new(source, record).store(unit)?;
        count(record, effect);
        effects.count(effect);
    }
    Ok(effects)
}

/// A version about to be stored.
struct Incoming<'a> {
    source: Source,
    record: &'a Record,
    text: &'a str,
    place: Half,
    content: Half,
    clock: Clock,
}

/// The row of a record.
struct Current {
    id: i64,
    current: i64,
    latest: i64,
    versions: i64,
    retracted: bool,
    clock: Clock,
    content: Half,
    domain: String,
}

impl<'a> Incoming<'a> {
    fn new(source: Source, record: &'a Record) -> Self {
        // An offset beyond i64 cannot be: `int` refused it in the fence.
        let offset = i64::try_from(record.clock.offset).unwrap_or(i64::MAX);
        let clock = Clock { rank: record.clock.rank, at: micros(record.clock.at), offset };
        let text = record.resource.text();
        let content = content(record.domain.code(), record.retracted, text);
        Self { source, record, text, place: place(&record.key), content, clock }
    }

    fn store(&self, unit: &mut Unit<'_>) -> Result<Effect> {
        let Some(current) = self.current(unit)? else {
            let version = self.insert_version(unit, 1, None)?;
            self.insert_record(unit, version)?;
            unit.count_record(self.record.domain, i64::from(!self.record.retracted));
            return Ok(Effect::Created);
        };
        if VersionClock::asks_the_history(self.clock.rank, self.record.domain) {
            return self.store_among(unit, &current);
        }
        let effect = effect(Some(current.clock.public()?), self.clock.public()?, current.content == self.content);
        match effect {
            Effect::Created => Err(damaged("a record was created twice")),
            Effect::Unchanged => {
                self.confirm(unit, &current)?;
                Ok(effect)
            }
            Effect::Late if self.known(unit, current.latest)? => Ok(Effect::Unchanged),
            Effect::Late => {
                let version = self.insert_version(unit, current.versions.saturating_add(1), Some(current.latest))?;
                Self::point(unit, &current, version)?;
                Ok(effect)
            }
            Effect::Updated => {
                let version = self.insert_version(unit, current.versions.saturating_add(1), Some(current.latest))?;
                Self::replace(unit, &current, &self.as_past(version), version)?;
                Ok(effect)
            }
        }
    }

    /// Stores a version that may change which of the whole history stands: one that was late may come to stand by it.
    fn store_among(&self, unit: &mut Unit<'_>, current: &Current) -> Result<Effect> {
        if self.known(unit, current.latest)? {
            return Ok(Effect::Unchanged);
        }
        let version = self.insert_version(unit, current.versions.saturating_add(1), Some(current.latest))?;
        let mut history = past::history(unit, version)?;
        // What was said again later counts from then.
        let said_again = history.iter().find(|past| past.id == current.current).cloned();
        history.extend(said_again.map(|past| Past { clock: current.clock, ..past }));
        let clocks: Vec<VersionClock> = history.iter().map(|past| past.clock.public()).collect::<Result<_>>()?;
        let Some(stands) = standing(clocks.into_iter().zip(&history)) else {
            return Err(damaged("a record has no versions"));
        };
        if stands.id == current.current {
            Self::point(unit, current, version)?;
            return Ok(Effect::Late);
        }
        Self::replace(unit, current, stands, version)?;
        Ok(Effect::Updated)
    }

    fn current(&self, unit: &Unit<'_>) -> Result<Option<Current>> {
        let mut statement = unit.tx.prepare_cached(
            "SELECT latest, versions, retracted, rank, at, log_offset, content, domain, id, current FROM record \
             WHERE person = ?1 AND place = ?2",
        )?;
        let row = statement.query_row(params![self.source.person.0, self.place], |row| {
            Ok(Current {
                latest: row.get(0)?,
                versions: row.get(1)?,
                retracted: row.get(2)?,
                clock: Clock { rank: row.get(3)?, at: row.get(4)?, offset: row.get(5)? },
                content: row.get(6)?,
                domain: row.get(7)?,
                id: row.get(8)?,
                current: row.get(9)?,
            })
        });
        Ok(row.optional()?)
    }

    /// Gives the number of the new version.
    fn insert_version(&self, unit: &mut Unit<'_>, number: i64, former: Option<i64>) -> Result<i64> {
        let id = unit.next_version();
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
            id,
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
            self.text,
        ])?;
        pointers::note(&unit.tx, self.source.person, self.text)?;
        Ok(id)
    }

    fn insert_record(&self, unit: &mut Unit<'_>, version: i64) -> Result<()> {
        let id = unit.next_record(self.source.person);
        let mut statement = unit.tx.prepare_cached(
            "INSERT INTO record (id, person, place, domain, current, latest, versions, retracted, rank, at, log_offset, \
             content) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, ?6, ?7, ?8, ?9, ?10)",
        )?;
        statement.execute(params![
            id,
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
        if self.clock.public()? <= current.clock.public()? {
            return Ok(());
        }
        let mut statement =
            unit.tx.prepare_cached("UPDATE record SET rank = ?2, at = ?3, log_offset = ?4 WHERE id = ?1")?;
        let clock = self.clock;
        statement.execute(params![current.id, clock.rank, clock.at, clock.offset])?;
        Ok(())
    }

    /// This version as one of the history.
    fn as_past(&self, version: i64) -> Past {
        let Self { clock, content, .. } = *self;
        let domain = self.record.domain.code().to_owned();
        Past { id: version, clock, domain, retracted: self.record.retracted, content }
    }

    /// Another version becomes the current one; `latest` is the one stored last.
    fn replace(unit: &mut Unit<'_>, current: &Current, stands: &Past, latest: i64) -> Result<()> {
        let mut statement = unit.tx.prepare_cached(
            "UPDATE record SET domain = ?2, current = ?3, latest = ?9, versions = versions + 1, retracted = ?4, \
             rank = ?5, at = ?6, log_offset = ?7, content = ?8 WHERE id = ?1",
        )?;
        statement.execute(params![
            current.id,
            stands.domain,
            stands.id,
            stands.retracted,
            stands.clock.rank,
            stands.clock.at,
            stands.clock.offset,
            stands.content,
            latest,
        ])?;
        drop(statement);
        unit.count_record(domain_of(&current.domain)?, -i64::from(!current.retracted));
        unit.count_record(domain_of(&stands.domain)?, i64::from(!stands.retracted));
        Ok(())
    }

    /// An older version joins the history; the current one stays.
    fn point(unit: &Unit<'_>, current: &Current, latest: i64) -> Result<()> {
        let mut statement =
            unit.tx.prepare_cached("UPDATE record SET latest = ?2, versions = versions + 1 WHERE id = ?1")?;
        statement.execute([current.id, latest])?;
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
            self.text,
        ])?;
        Ok(found)
    }
}

/// Reads a row of [`columns`]. `with_resource` says whether the content is given; its seal is checked either way.
pub(super) fn read(row: &Row<'_>, with_resource: bool) -> Result<RecordRow> {
    let key: String = row.get(2)?;
    let text = row.get_ref(11)?.as_str().ok().ok_or_else(|| damaged("a resource is no text"))?;
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
        true => serde_json::from_str(text).ok().ok_or_else(|| damaged("a resource cannot be read"))?,
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
