//! One writing transaction: what it has to add up at its end, and what it keeps in memory from one to the next.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::port::{AuditEntry, Participant, UNMAPPED_FEED_MAX};
use causeway_core::provider::{Provider, ProviderId};
use causeway_core::scope::Domain;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::audit::Head;
use super::codec::{int, state_code};
use super::error::Result;
use super::posting::{self, Posting, Source, Tail};
use super::settings::SqliteSettings;
use crate::repository::unmapped::{self, Sum, Sums};

/// What the writer remembers between transactions. Everything here can be read again from the file.
#[derive(Debug, Default)]
pub(super) struct Caches {
    /// Decoded persons with the revision they were decoded from.
    pub(super) persons: HashMap<PersonId, (i64, Arc<Participant>)>,
    /// Decoded providers with their revision.
    pub(super) providers: HashMap<ProviderId, (i64, Provider)>,
    /// Numbers of words. May hold words of a transaction that was rolled back: cleared then.
    words: HashMap<String, i64>,
    /// Numbers of note lists, by the digest of the list. Cleared as `words`.
    pub(super) notes: HashMap<causeway_core::envelope::Digest, i64>,
    /// Postings of the newest messages, audit lines and records. Begun anew as `words`.
    tails: Tails,
}

#[derive(Debug)]
struct Tails {
    messages: Tail,
    lines: Tail,
    records: Tail,
}

impl Default for Tails {
    fn default() -> Self {
        Self {
            messages: Tail::new(Source::Message),
            lines: Tail::new(Source::Audit),
            records: Tail::new(Source::Record),
        }
    }
}

/// At most so many words and note lists are remembered.
pub(super) const CACHED_MAX: usize = 8192;

impl Caches {
    /// Forgets what a transaction that was rolled back may have put in.
    pub(super) fn forget_unwritten(&mut self) {
        self.words.clear();
        self.notes.clear();
        self.tails = Tails::default();
    }
}

/// A writing transaction.
pub(super) struct Unit<'c> {
    pub(super) tx: Transaction<'c>,
    pub(super) caches: &'c mut Caches,
    pub(super) settings: &'c SqliteSettings,
    head: Head,
    head_before: Head,
    feeds: BTreeMap<(i64, i64), FeedChange>,
    domains: BTreeMap<Domain, i64>,
    unmapped: Sums,
    messages: New,
    records: New,
    versions: New,
    lines: Vec<Posting>,
}

/// Rows added to a table, with their postings.
#[derive(Debug)]
struct New {
    first: i64,
    next: i64,
    postings: Vec<Posting>,
}

impl New {
    fn after(connection: &Connection, sql: &str) -> Result<Self> {
        let last: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        let first = last.unwrap_or(0).saturating_add(1);
        Ok(Self { first, next: first, postings: Vec::new() })
    }

    fn take(&mut self) -> i64 {
        let id = self.next;
        self.next = id.saturating_add(1);
        id
    }
}

#[derive(Debug, Default)]
struct FeedChange {
    count: i64,
    last_received_at: Option<i64>,
}

impl<'c> Unit<'c> {
    /// Starts on an open transaction.
    pub(super) fn new(tx: Transaction<'c>, caches: &'c mut Caches, settings: &'c SqliteSettings) -> Result<Self> {
        let head = Head::read(&tx)?;
        let messages = New::after(&tx, "SELECT max(id) FROM message")?;
        let records = New::after(&tx, "SELECT max(id) FROM record")?;
        let versions = New::after(&tx, "SELECT max(id) FROM record_version")?;
        let (feeds, domains, unmapped, lines) = (BTreeMap::new(), BTreeMap::new(), Sums::new(), Vec::new());
        Ok(Self {
            tx,
            caches,
            settings,
            head,
            head_before: head,
            feeds,
            domains,
            unmapped,
            messages,
            records,
            versions,
            lines,
        })
    }

    /// Writes an audit line.
    pub(super) fn audit(&mut self, entry: &AuditEntry) -> Result<()> {
        self.head.append(&self.tx, entry)?;
        let seq = int(self.head.seq)?;
        let postings = posting::of_line(seq, &entry.action, entry.person.map(|person| person.0));
        self.lines.extend(postings.into_iter().flatten());
        Ok(())
    }

    /// The number of the next message.
    pub(super) fn next_message(&mut self) -> i64 {
        self.messages.take()
    }

    /// The number of the next record version.
    pub(super) fn next_version(&mut self) -> i64 {
        self.versions.take()
    }

    /// How many record versions there will be before the next one.
    pub(super) const fn versions_so_far(&self) -> i64 {
        self.versions.next
    }

    /// Keeps the postings of a new message for the sweep.
    pub(super) fn post_message(&mut self, postings: impl IntoIterator<Item = Posting>) {
        self.messages.postings.extend(postings);
    }

    /// The number of the next record, which is that person's.
    pub(super) fn next_record(&mut self, person: PersonId) -> i64 {
        let id = self.records.take();
        self.records.postings.push(posting::of_record(id, person.0));
        id
    }

    /// The number of the last audit line.
    pub(super) const fn audit_seq(&self) -> u64 {
        self.head.seq
    }

    /// The number of a word, given now if it has none.
    pub(super) fn word(&mut self, text: &str) -> Result<i64> {
        if let Some(id) = self.caches.words.get(text) {
            return Ok(*id);
        }
        let mut find = self.tx.prepare_cached("SELECT id FROM word WHERE text = ?1")?;
        let id = match find.query_row([text], |row| row.get(0)).optional()? {
            Some(id) => id,
            None => {
                self.tx.prepare_cached("INSERT INTO word (text) VALUES (?1)")?.execute([text])?;
                self.tx.last_insert_rowid()
            }
        };
        if self.caches.words.len() >= CACHED_MAX {
            self.caches.words.clear();
        }
        self.caches.words.insert(text.to_owned(), id);
        Ok(id)
    }

    /// Counts a message into a state, or out of it. `received_at` in microseconds.
    pub(super) fn count_message(&mut self, feed: i64, state: State, by: i64, received_at: Option<i64>) {
        let change = self.feeds.entry((feed, state_code(state))).or_default();
        change.count = change.count.saturating_add(by);
        change.last_received_at = change.last_received_at.max(received_at);
    }

    /// Counts a current record of a domain in, or out.
    pub(super) fn count_record(&mut self, domain: Domain, by: i64) {
        let count = self.domains.entry(domain).or_default();
        *count = count.saturating_add(by);
    }

    /// Counts the local codes of a message that is accepted for the first time.
    pub(super) fn count_unmapped(&mut self, outcome: &Outcome) {
        unmapped::add(&mut self.unmapped, outcome);
    }

    /// Writes what was added up and commits. Gives the new head of the audit.
    pub(super) fn commit(mut self) -> Result<Head> {
        self.write_sums()?;
        if self.head != self.head_before {
            self.head.write(&self.tx)?;
        }
        self.post()?;
        let head = self.head;
        self.tx.commit()?;
        Ok(head)
    }

    /// Takes everything back.
    pub(super) fn roll_back(self) -> Result<()> {
        Ok(self.tx.rollback()?)
    }

    fn post(&mut self) -> Result<()> {
        let lines = (int(self.head_before.seq)?.saturating_add(1), int(self.head.seq)?.saturating_add(1));
        let Tails { messages, lines: audit, records } = &mut self.caches.tails;
        messages.append(self.messages.first, self.messages.next, &mut self.messages.postings);
        audit.append(lines.0, lines.1, &mut self.lines);
        records.append(self.records.first, self.records.next, &mut self.records.postings);
        for tail in [messages, audit, records] {
            tail.carry_over(&self.tx, self.settings.index_every)?;
        }
        Ok(())
    }

    fn write_sums(&self) -> Result<()> {
        let mut feeds = self.tx.prepare_cached(
            "INSERT INTO feed_count (feed, state, count, last_received_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (feed, state) DO UPDATE SET count = feed_count.count + excluded.count, \
             last_received_at = max(coalesce(feed_count.last_received_at, excluded.last_received_at), \
             coalesce(excluded.last_received_at, feed_count.last_received_at))",
        )?;
        for ((feed, state), change) in &self.feeds {
            feeds.execute(params![feed, state, change.count, change.last_received_at])?;
        }
        let mut domains = self.tx.prepare_cached(
            "INSERT INTO record_count (domain, count) VALUES (?1, ?2) \
             ON CONFLICT (domain) DO UPDATE SET count = record_count.count + excluded.count",
        )?;
        for (domain, change) in self.domains.iter().filter(|(_, change)| **change != 0) {
            domains.execute(params![domain.code(), change])?;
        }
        if self.unmapped.is_empty() {
            return Ok(());
        }
        let mut codes = self.tx.prepare_cached(
            "INSERT INTO unmapped_code (feed, domain, field, system, code, display, count, last_seen) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM unmapped_code WHERE feed = ?1 AND domain = ?2 \
             AND field = ?3 AND system = ?4 AND code = ?5) OR (SELECT count(*) FROM unmapped_code WHERE feed = ?1) < ?9 \
             ON CONFLICT (feed, domain, field, system, code) DO UPDATE SET count = unmapped_code.count + excluded.count, \
             last_seen = max(unmapped_code.last_seen, excluded.last_seen), display = excluded.display",
        )?;
        for ((feed, domain, field, system, code), sum) in &self.unmapped {
            let Sum { count, last_seen, display } = sum;
            codes.execute(params![feed, domain, field, system, code, display, count, last_seen, UNMAPPED_FEED_MAX])?;
        }
        Ok(())
    }
}
