//! The audit chain: writing lines, finding them, checking them.
//!
//! `h_n = SHA-256(0x00 ‖ n ‖ h_{n-1} ‖ entry)` with n as eight bytes, big end first, h_0 of zeros, and `entry` the canonical
//! JSON of the line: members in alphabetical order, no blanks. The head (last number and hash) is kept in a row of its
//! own and in a small file beside the database ([`super::head`]), so that a cut tail is noticed.

use causeway_core::envelope::Digest;
use causeway_core::port::{AuditEntry, AuditLine, AuditQuery, AuditReport};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) use super::super::chain::{DEPOSIT, IMAGE_CONFLICT};
use super::super::chain::{canonical, link};
use super::codec::{count, digest_of, hash_key, int, micros};
use super::error::{Result, damaged};
use super::posting::{self, Sort};

/// The last line of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: Digest,
}

impl Head {
    /// Before the first line.
    pub(super) const NONE: Self = Self { seq: 0, hash: Digest([0; 32]) };

    /// Reads the head as stored.
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let mut statement = connection.prepare_cached("SELECT seq, hash FROM audit_head WHERE one = 1")?;
        let found = statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
        let (seq, hash) = found.ok_or_else(|| damaged("the head of the audit is missing"))?;
        Ok(Self { seq: count(seq)?, hash: digest_of(&hash)? })
    }

    /// Stores the head.
    pub(super) fn write(self, connection: &Connection) -> Result<()> {
        let mut statement = connection.prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2 WHERE one = 1")?;
        statement.execute(params![int(self.seq)?, self.hash.0])?;
        Ok(())
    }

    /// Appends one line after this one and becomes it.
    pub(super) fn append(&mut self, connection: &Connection, entry: &AuditEntry) -> Result<()> {
        let text = canonical(entry)?;
        let next = Self { seq: self.seq.saturating_add(1), hash: link(self.seq.saturating_add(1), self.hash, &text) };
        let mut statement = connection.prepare_cached(
            "INSERT INTO audit (seq, at, action, person, hash, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let person = entry.person.map(|person| person.0);
        statement.execute(params![int(next.seq)?, micros(entry.at), entry.action, person, next.hash.0, text])?;
        *self = next;
        Ok(())
    }
}

/// Lines that fulfil a query, newest first.
pub(super) fn lines(connection: &Connection, query: &AuditQuery, limit: u32) -> Result<Vec<AuditLine>> {
    let mut conditions = vec!["1 = 1".to_owned()];
    if query.person.is_some() {
        conditions.push(format!("person = :person AND {}", posting::seq_in(Sort::AuditPerson, "person = :person")));
    }
    if query.action.is_some() {
        conditions.push("action = :action".to_owned());
    }
    // Deposits are the many and stand in no list of their own: they are found soon by going back.
    if query.action.as_deref().is_some_and(|action| action != DEPOSIT) {
        conditions.push(posting::seq_in(Sort::AuditAction, "action = :action"));
    }
    if query.since.is_some() {
        conditions.push("at >= :since".to_owned());
    }
    let sql =
        format!("SELECT seq, hash, entry FROM audit WHERE {} ORDER BY seq DESC LIMIT :limit", conditions.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut bind = posting::Binder::new(&mut statement);
    bind.set(":person", query.person.map(|person| person.0))?;
    bind.set(":AuditPerson", query.person.map(|person| person.0))?;
    bind.set(":action", query.action.as_deref())?;
    bind.set(":AuditAction", query.action.as_deref().map(|action| hash_key(action.as_bytes())))?;
    bind.set(":since", query.since.map(micros))?;
    bind.set(":limit", Some(limit))?;
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(line(row)?);
    }
    Ok(lines)
}

/// Walks the whole chain. `anchor` is a head seen earlier and kept elsewhere: the chain must still go through it.
pub(super) fn verify(connection: &Connection, anchor: Option<Head>) -> Result<AuditReport> {
    let mut statement = connection.prepare("SELECT seq, hash, entry, at, action, person FROM audit ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut last = Head::NONE;
    while let Some(row) = rows.next()? {
        let expected = last.seq.saturating_add(1);
        let holds = follows(row, last)?.filter(|head| anchor.is_none_or(|a| a.seq != head.seq || a.hash == head.hash));
        match holds {
            Some(head) => last = head,
            None => return Ok(AuditReport { lines: expected, head: head_of(last), first_bad: Some(expected) }),
        }
    }
    let whole = Head::read(connection)? == last && anchor.is_none_or(|anchor| anchor.seq <= last.seq);
    let first_bad = (!whole).then(|| last.seq.saturating_add(1));
    Ok(AuditReport { lines: last.seq, head: head_of(last), first_bad })
}

/// The head after this row, if the row is the one that must follow `last`.
fn follows(row: &Row<'_>, last: Head) -> Result<Option<Head>> {
    // A value of another type than was written is an edit as well.
    let (Ok(seq), Ok(hash), Ok(text)) = (row.get::<_, i64>(0), row.get::<_, Vec<u8>>(1), row.get::<_, String>(2))
    else {
        return Ok(None);
    };
    let next = last.seq.saturating_add(1);
    let found =
        (int(next)? == seq).then(|| link(next, last.hash, &text)).filter(|expected| expected.0.as_slice() == hash);
    let Some(hash) = found else { return Ok(None) };
    let Ok(entry) = serde_json::from_str::<AuditEntry>(&text) else { return Ok(None) };
    let (at, action, person): (i64, String, Option<i64>) = match (row.get(3), row.get(4), row.get(5)) {
        (Ok(at), Ok(action), Ok(person)) => (at, action, person),
        _ => return Ok(None),
    };
    let repeats = at == micros(entry.at) && action == entry.action && person == entry.person.map(|person| person.0);
    Ok(repeats.then_some(Head { seq: next, hash }))
}

fn head_of(head: Head) -> Option<Digest> {
    (head.seq > 0).then_some(head.hash)
}

fn line(row: &Row<'_>) -> Result<AuditLine> {
    let entry: String = row.get(2)?;
    let entry = serde_json::from_str(&entry).ok().ok_or_else(|| damaged("an audit line cannot be read"))?;
    Ok(AuditLine { seq: count(row.get(0)?)?, entry, hash: digest_of(&row.get::<_, Vec<u8>>(1)?)? })
}
