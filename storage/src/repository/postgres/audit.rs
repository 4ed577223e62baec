//! The audit chain ([`crate::repository::chain`]): writing lines, finding them, checking them.
//!
//! The head (last number and hash) is a row of its own, locked at the end of each transaction: lines of transactions
//! that run at the same time follow one another without a gap, and the chain is one across all processes.

use causeway_core::envelope::Digest;
use causeway_core::port::{AuditEntry, AuditLine, AuditQuery, AuditReport};
use postgres::Row;
use postgres::types::Type;

use super::conditions::Conditions;
use super::copying::Load;
use super::session::{Session, get};
use crate::repository::chain::{DEPOSIT, canonical, link};
use crate::repository::codec::{count, digest_of, int, micros};
use crate::repository::error::{Result, damaged};

/// Lines read at once when the whole chain is walked.
const WALK: i64 = 10_000;

/// The last line of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: Digest,
}

impl Head {
    const NONE: Self = Self { seq: 0, hash: Digest([0; 32]) };

    /// Reads the head and keeps every other transaction from doing so until this one ends.
    pub(super) fn lock(session: &mut Session) -> Result<Self> {
        Self::of(session.first("SELECT seq, hash FROM audit_head WHERE one FOR UPDATE", &[])?)
    }

    /// Reads the head.
    pub(super) fn read(session: &mut Session) -> Result<Self> {
        Self::of(session.first("SELECT seq, hash FROM audit_head WHERE one", &[])?)
    }

    fn of(row: Option<Row>) -> Result<Self> {
        let row = row.ok_or_else(|| damaged("the head of the audit is missing"))?;
        Ok(Self { seq: count(get(&row, 0)?)?, hash: digest_of(get(&row, 1)?)? })
    }
}

const INSERT: &str = "COPY audit (seq, at, action, person, hash, entry) FROM STDIN (FORMAT binary)";

/// Lines as they stand in the chain: those after the first `texts` are added.
pub(super) fn write_out(entries: &[AuditEntry], texts: &mut Vec<String>) -> Result<()> {
    for entry in entries.iter().skip(texts.len()) {
        texts.push(canonical(entry)?);
    }
    Ok(())
}

/// Appends lines, with their texts, after a head that is locked; gives the new one.
pub(super) fn append(session: &mut Session, mut head: Head, entries: &[AuditEntry], texts: &[String]) -> Result<Head> {
    let mut lines = Vec::with_capacity(entries.len());
    for text in texts {
        let seq = head.seq.saturating_add(1);
        head = Head { seq, hash: link(seq, head.hash, text) };
        lines.push((int(seq)?, head.hash.0, text));
    }
    session
        .execute("UPDATE audit_head SET seq = $1, hash = $2 WHERE one", &[&int(head.seq)?, &head.hash.0.as_slice()])?;
    let types = [Type::INT8, Type::INT8, Type::TEXT, Type::INT8, Type::BYTEA, Type::TEXT];
    let load = Load::of(INSERT, &types, |rows| {
        entries.iter().zip(&lines).try_for_each(|(entry, (seq, hash, text))| {
            let person = entry.person.map(|person| person.0);
            rows.add(&[seq, &micros(entry.at), &entry.action, &person, &hash.as_slice(), text])
        })
    })?;
    session.copy(&load, || Ok(()))?;
    Ok(head)
}

/// Lines that fulfil a query, newest first.
pub(super) fn lines(session: &mut Session, query: &AuditQuery, limit: u32) -> Result<Vec<AuditLine>> {
    let (person, since, limit) = (query.person.map(|person| person.0), query.since.map(micros), i64::from(limit));
    let mut conditions = Conditions::default();
    conditions.given("person = ?", person.as_ref());
    conditions.given("action = ?", query.action.as_ref());
    if query.action.as_deref().is_some_and(|action| action != DEPOSIT) {
        // Said, so that the index of all other actions can serve.
        conditions.fixed("action <> 'deposit'");
    }
    conditions.given("at >= ?", since.as_ref());
    let limit = conditions.param(&limit);
    let sql = format!("SELECT seq, hash, entry FROM audit WHERE {} ORDER BY seq DESC LIMIT {limit}", conditions.sql());
    session.query(&sql, conditions.params())?.iter().map(line).collect()
}

/// Walks the whole chain, inside a transaction that sees one state of it. `anchor` is a head seen earlier and kept
/// elsewhere: the chain must still go through it.
pub(super) fn verify(session: &mut Session, anchor: Option<Head>) -> Result<AuditReport> {
    let stored = Head::read(session)?;
    let mut last = Head::NONE;
    loop {
        let sql = "SELECT seq, hash, entry, at, action, person FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = session.query(sql, &[&int(last.seq)?, &WALK])?;
        for row in &rows {
            let through = |head: &Head| anchor.is_none_or(|anchor| anchor.seq != head.seq || anchor.hash == head.hash);
            match follows(row, last)?.filter(through) {
                Some(head) => last = head,
                None => {
                    let expected = last.seq.saturating_add(1);
                    return Ok(AuditReport { lines: expected, head: head_of(last), first_bad: Some(expected) });
                }
            }
        }
        if rows.is_empty() {
            let whole = stored == last && anchor.is_none_or(|anchor| anchor.seq <= last.seq);
            let first_bad = (!whole).then(|| last.seq.saturating_add(1));
            return Ok(AuditReport { lines: last.seq, head: head_of(last), first_bad });
        }
    }
}

/// The head after this row, if the row is the one that must follow `last`.
fn follows(row: &Row, last: Head) -> Result<Option<Head>> {
    let (seq, stored, text): (i64, &[u8], &str) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
    let next = last.seq.saturating_add(1);
    let hash = link(next, last.hash, text);
    if int(next)? != seq || hash.0.as_slice() != stored {
        return Ok(None);
    }
    let Ok(entry) = serde_json::from_str::<AuditEntry>(text) else { return Ok(None) };
    let (at, action, person): (i64, &str, Option<i64>) = (get(row, 3)?, get(row, 4)?, get(row, 5)?);
    let repeats = at == micros(entry.at) && action == entry.action && person == entry.person.map(|person| person.0);
    Ok(repeats.then_some(Head { seq: next, hash }))
}

fn head_of(head: Head) -> Option<Digest> {
    (head.seq > 0).then_some(head.hash)
}

fn line(row: &Row) -> Result<AuditLine> {
    let entry: &str = get(row, 2)?;
    let entry = serde_json::from_str(entry).ok().ok_or_else(|| damaged("an audit line cannot be read"))?;
    Ok(AuditLine { seq: count(get(row, 0)?)?, entry, hash: digest_of(get(row, 1)?)? })
}
