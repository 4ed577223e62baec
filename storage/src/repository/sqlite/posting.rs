//! A search index that is filled in sorted portions.
//!
//! An ordinary index on a control id or a person changes one page a message, each somewhere else: that is most of what a
//! commit would write. Here the newest rows are found by reading them, and every so many rows their keys are carried
//! into the `posting` table in one sorted sweep, which changes each page once for many keys. Readers see both at once.
//! A person's messages and audit lines stand together there.

use rusqlite::{Connection, Statement, ToSql, params};

pub(super) use super::super::place::ordered_key;
use super::codec::{first_eight, hash_key};
use super::error::{Result, damaged};

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// A control id, to messages.
    ControlId = 1,
    /// The first half of a trace id, to messages.
    Trace = 2,
    /// A person, to messages.
    MessagePerson = 3,
    /// A person, to audit lines.
    AuditPerson = 4,
    /// A hash of an action other than `deposit`, to audit lines.
    AuditAction = 5,
    /// A person, to records.
    RecordPerson = 6,
}

impl Sort {
    const fn name(self) -> &'static str {
        match self {
            Self::ControlId => "ControlId",
            Self::Trace => "Trace",
            Self::MessagePerson => "MessagePerson",
            Self::AuditPerson => "AuditPerson",
            Self::AuditAction => "AuditAction",
            Self::RecordPerson => "RecordPerson",
        }
    }

    pub(super) const fn code(self) -> i64 {
        match self {
            Self::ControlId => 1,
            Self::Trace => 2,
            Self::MessagePerson => 3,
            Self::AuditPerson => 4,
            Self::AuditAction => 5,
            Self::RecordPerson => 6,
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

/// As [`id_in`], for records.
pub(super) fn record_in(newest: &str) -> String {
    listed(Sort::RecordPerson, "id", "record", newest)
}

fn listed(sort: Sort, id: &str, table: &str, newest: &str) -> String {
    format!(
        "{id} IN (SELECT target FROM posting WHERE sort = {} AND key = :{} UNION ALL SELECT {id} FROM {table} WHERE \
         {id} > (SELECT upto FROM posting_mark WHERE source = '{table}') AND {newest})",
        sort.code(),
        sort.name()
    )
}

/// Sort, key, target: what is added to the index. Ordered as the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    key: i64,
    sort: Sort,
    target: i64,
}

impl Posting {
    pub(super) const fn new(sort: Sort, key: i64, target: i64) -> Self {
        Self { key, sort, target }
    }
}

/// The postings of a message.
pub(super) fn of_message(id: i64, control_id: &str, trace: &[u8], person: Option<i64>) -> [Option<Posting>; 3] {
    [
        Some(Posting::new(Sort::ControlId, ordered_key(control_id), id)),
        Some(Posting::new(Sort::Trace, first_eight(trace), id)),
        person.map(|person| Posting::new(Sort::MessagePerson, person, id)),
    ]
}

/// The postings of an audit line. Deposits are the many and stand in no list of actions.
pub(super) fn of_line(seq: i64, action: &str, person: Option<i64>) -> [Option<Posting>; 2] {
    let listed = action != super::audit::DEPOSIT;
    [
        listed.then(|| Posting::new(Sort::AuditAction, hash_key(action.as_bytes()), seq)),
        person.map(|person| Posting::new(Sort::AuditPerson, person, seq)),
    ]
}

/// The posting of a new record.
pub(super) const fn of_record(id: i64, person: i64) -> Posting {
    Posting::new(Sort::RecordPerson, person, id)
}

/// The postings of the newest rows of one table, kept in memory so that they need not be read again for the sweep.
#[derive(Debug)]
pub(super) struct Tail {
    source: Source,
    /// The first row covered; the rows before it were written by another process, or before this one started.
    from: i64,
    next: i64,
    postings: Vec<Posting>,
}

/// The tables that have postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// `message`, by `id`.
    Message,
    /// `audit`, by `seq`.
    Audit,
    /// `record`, by `id`.
    Record,
}

impl Tail {
    pub(super) const fn new(source: Source) -> Self {
        Self { source, from: 0, next: 0, postings: Vec::new() }
    }

    /// Adds the postings of the rows from `first` to before `next`.
    pub(super) fn append(&mut self, first: i64, next: i64, postings: &mut Vec<Posting>) {
        if self.next != first {
            self.postings.clear();
            self.from = first;
        }
        self.postings.append(postings);
        self.next = next;
    }

    /// Carries the newest rows into the index once there are `every` of them.
    pub(super) fn carry_over(&mut self, connection: &Connection, every: u32) -> Result<()> {
        let sql = "SELECT upto FROM posting_mark WHERE source = ?1";
        let upto: i64 = connection.prepare_cached(sql)?.query_row([self.source.name()], |row| row.get(0))?;
        let newest = self.next.saturating_sub(1);
        if newest.saturating_sub(upto) < self.source.every(every) {
            return Ok(());
        }
        let mut postings = std::mem::take(&mut self.postings);
        if self.from > upto.saturating_add(1) {
            postings.clear();
            self.source.collect(connection, upto, newest, &mut postings)?;
        }
        postings.sort_unstable();
        postings.dedup();
        for posting in postings {
            add(connection, posting)?;
        }
        let sql = "UPDATE posting_mark SET upto = ?2 WHERE source = ?1";
        connection.prepare_cached(sql)?.execute(params![self.source.name(), newest])?;
        self.from = self.next;
        Ok(())
    }
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Audit => "audit",
            Self::Record => "record",
        }
    }

    /// A message has several records, and their rows are small.
    fn every(self, messages: u32) -> i64 {
        match self {
            Self::Message | Self::Audit => i64::from(messages),
            Self::Record => i64::from(messages).saturating_mul(2),
        }
    }

    /// Reads the postings of the rows after `from` up to `to`.
    fn collect(self, connection: &Connection, from: i64, to: i64, into: &mut Vec<Posting>) -> Result<()> {
        let sql = match self {
            Self::Message => "SELECT id, control_id, trace, person FROM message WHERE id > ?1 AND id <= ?2",
            Self::Audit => "SELECT seq, action, NULL, person FROM audit WHERE seq > ?1 AND seq <= ?2",
            Self::Record => "SELECT id, '', NULL, person FROM record WHERE id > ?1 AND id <= ?2",
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([from, to])?;
        while let Some(row) = rows.next()? {
            let (id, person): (i64, Option<i64>) = (row.get(0)?, row.get(3)?);
            let text = row.get_ref(1)?.as_str().ok().ok_or_else(|| damaged("a stored text is none"))?;
            match self {
                Self::Message => {
                    let trace = row.get_ref(2)?.as_blob().unwrap_or_default();
                    into.extend(of_message(id, text, trace, person).into_iter().flatten());
                }
                Self::Audit => into.extend(of_line(id, text, person).into_iter().flatten()),
                Self::Record => into.extend(person.map(|person| of_record(id, person))),
            }
        }
        Ok(())
    }
}

/// Adds one posting: in the sweep, or at once for a row that the sweep has passed already.
pub(super) fn add(connection: &Connection, posting: Posting) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO posting (key, sort, target) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![posting.key, posting.sort.code(), posting.target])?;
    Ok(())
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
