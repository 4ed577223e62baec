//! A search index that is filled in sorted portions.
//!
//! An ordinary index on a control id or a person changes one page a message, each somewhere else: that is most of what a
//! commit would write. Here the newest rows are found by reading them, and every so many rows their keys are carried
//! into the `posting` table in one sorted sweep, which changes each page once for many keys. Readers see both at once.

use causeway_core::record::RecordKey;
use rusqlite::{Connection, Statement, ToSql, params};

use super::codec::{first_eight, hash_key};
use super::error::{Result, damaged};

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// A hash of a control id, to messages.
    ControlId = 1,
    /// The first half of a trace id, to messages.
    Trace = 2,
    /// A person, to messages.
    MessagePerson = 3,
    /// A person, to audit lines.
    AuditPerson = 4,
    /// A hash of an action other than `deposit`, to audit lines.
    AuditAction = 5,
    /// The first half of a resource id, to persons.
    Resource = 6,
}

impl Sort {
    const fn name(self) -> &'static str {
        match self {
            Self::ControlId => "ControlId",
            Self::Trace => "Trace",
            Self::MessagePerson => "MessagePerson",
            Self::AuditPerson => "AuditPerson",
            Self::AuditAction => "AuditAction",
            Self::Resource => "Resource",
        }
    }

    const fn code(self) -> i64 {
        match self {
            Self::ControlId => 1,
            Self::Trace => 2,
            Self::MessagePerson => 3,
            Self::AuditPerson => 4,
            Self::AuditAction => 5,
            Self::Resource => 6,
        }
    }
}

/// The SQL condition that a message is among those of a key, bound to `:<name of the sort>`, or among the newest that
/// fulfil `newest`. The caller repeats the exact condition, since keys are hashes.
pub(super) fn id_in(sort: Sort, newest: &str) -> String {
    listed(sort, "id", "message", newest)
}

/// As [`id_in`], for audit lines.
pub(super) fn seq_in(sort: Sort, newest: &str) -> String {
    listed(sort, "seq", "audit", newest)
}

/// The SQL list of the persons who have a record of a resource id, as [`id_in`].
pub(super) fn owners(newest: &str) -> String {
    format!(
        "SELECT target FROM posting WHERE sort = {} AND key = :{} UNION ALL SELECT person FROM record_version WHERE \
         id > (SELECT upto FROM posting_mark WHERE source = 'record') AND number = 1 AND {newest}",
        Sort::Resource.code(),
        Sort::Resource.name()
    )
}

fn listed(sort: Sort, id: &str, table: &str, newest: &str) -> String {
    format!(
        "{id} IN (SELECT target FROM posting WHERE sort = {} AND key = :{} UNION ALL SELECT {id} FROM {table} WHERE \
         {id} > (SELECT upto FROM posting_mark WHERE source = '{table}') AND {newest})",
        sort.code(),
        sort.name()
    )
}

/// The key of a control id.
pub(super) fn control_key(control_id: &str) -> i64 {
    hash_key(control_id.as_bytes())
}

/// The key of a record: that of its resource id, so that a resource can be found by either.
pub(super) fn resource_key(key: &RecordKey) -> i64 {
    let id = uuid::Uuid::try_parse(&key.resource_id()).unwrap_or_default();
    first_eight(id.as_bytes())
}

/// Carries the newest rows into the index once there are `every` messages or audit lines of them.
pub(super) fn carry_over(connection: &Connection, every: u32) -> Result<()> {
    let sources = [
        Source { name: "message", id: "id", collect: collect_messages, every: i64::from(every) },
        Source { name: "audit", id: "seq", collect: collect_audit, every: i64::from(every) },
        // A message has several records.
        Source { name: "record", id: "id", collect: collect_records, every: i64::from(every).saturating_mul(4) },
    ];
    for source in sources {
        source.carry_over(connection)?;
    }
    Ok(())
}

/// Sort, key, target.
type Posting = (Sort, i64, i64);

struct Source {
    name: &'static str,
    id: &'static str,
    collect: fn(&Connection, from: i64, to: i64, into: &mut Vec<Posting>) -> Result<()>,
    every: i64,
}

impl Source {
    fn carry_over(&self, connection: &Connection) -> Result<()> {
        let table = if self.name == "record" { "record_version" } else { self.name };
        let sql = format!(
            "SELECT coalesce((SELECT max({}) FROM {table}), 0), (SELECT upto FROM posting_mark WHERE source = '{}')",
            self.id, self.name
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let (newest, upto): (i64, i64) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if newest.saturating_sub(upto) < self.every {
            return Ok(());
        }
        let mut postings = Vec::new();
        (self.collect)(connection, upto, newest, &mut postings)?;
        postings.sort_unstable();
        postings.dedup();
        let mut insert =
            connection.prepare_cached("INSERT OR IGNORE INTO posting (sort, key, target) VALUES (?1, ?2, ?3)")?;
        for (sort, key, target) in postings {
            insert.execute(params![sort.code(), key, target])?;
        }
        connection
            .prepare_cached("UPDATE posting_mark SET upto = ?2 WHERE source = ?1")?
            .execute(params![self.name, newest])?;
        Ok(())
    }
}

fn collect_messages(connection: &Connection, from: i64, to: i64, into: &mut Vec<Posting>) -> Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT id, control_id, trace, person FROM message WHERE id > ?1 AND id <= ?2 ORDER BY id")?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        into.push((Sort::ControlId, control_key(text(row.get_ref(1)?.as_str())?), id));
        into.push((Sort::Trace, first_eight(bytes(row.get_ref(2)?.as_blob())?), id));
        let person: Option<i64> = row.get(3)?;
        into.extend(person.map(|person| (Sort::MessagePerson, person, id)));
    }
    Ok(())
}

fn collect_audit(connection: &Connection, from: i64, to: i64, into: &mut Vec<Posting>) -> Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT seq, action, person FROM audit WHERE seq > ?1 AND seq <= ?2 ORDER BY seq")?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        let action = text(row.get_ref(1)?.as_str())?;
        if action != super::audit::DEPOSIT {
            into.push((Sort::AuditAction, hash_key(action.as_bytes()), seq));
        }
        let person: Option<i64> = row.get(2)?;
        into.extend(person.map(|person| (Sort::AuditPerson, person, seq)));
    }
    Ok(())
}

fn collect_records(connection: &Connection, from: i64, to: i64, into: &mut Vec<Posting>) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT person, record_key FROM record_version WHERE id > ?1 AND id <= ?2 AND number = 1 ORDER BY id",
    )?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        into.push((Sort::Resource, resource_key(&RecordKey(row.get(1)?)), row.get(0)?));
    }
    Ok(())
}

/// Adds one posting at once, for a row that the sweep has passed already.
pub(super) fn add(connection: &Connection, sort: Sort, key: i64, target: i64) -> Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO posting (sort, key, target) VALUES (?1, ?2, ?3)")?
        .execute(params![sort.code(), key, target])?;
    Ok(())
}

fn text<E>(value: std::result::Result<&str, E>) -> Result<&str> {
    value.ok().ok_or_else(|| damaged("a stored text is none"))
}

fn bytes<E>(value: std::result::Result<&[u8], E>) -> Result<&[u8]> {
    value.ok().ok_or_else(|| damaged("stored bytes are none"))
}

/// Binds the named parameters that a composed statement has, and skips those it has not.
pub(super) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
}

impl<'s, 'c> Binder<'s, 'c> {
    pub(super) const fn new(statement: &'s mut Statement<'c>) -> Self {
        Self { statement }
    }

    /// Binds `value` to `name` where the statement has it.
    pub(super) fn set(&mut self, name: &str, value: Option<impl ToSql>) -> Result<()> {
        if let Some(index) = self.statement.parameter_index(name)? {
            self.statement.raw_bind_parameter(index, value)?;
        }
        Ok(())
    }
}
