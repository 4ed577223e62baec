//! One writing transaction: what it has to add up at its end, and what is kept in memory from one to the next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_core::envelope::Digest;
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::port::{AuditEntry, Participant, UNMAPPED_FEED_MAX};
use causeway_core::provider::{Provider, ProviderId};
use causeway_core::scope::Domain;
use postgres::Row;

use super::audit::{self, Head};
use super::copying::Load;
use super::session::{Params, Session};
use super::settings::PostgresSettings;
use crate::repository::codec::state_code;
use crate::repository::error::Result;
use crate::repository::unmapped::{self, Sums};

/// At most so many lists of notes are remembered as stored.
const NOTES_MAX: usize = 8192;

/// What is remembered between transactions. Everything here can be read again.
#[derive(Default)]
pub(super) struct Caches {
    /// Decoded persons with the revision they were decoded from.
    pub(super) persons: HashMap<PersonId, (i64, Arc<Participant>)>,
    /// Decoded providers with their revision.
    pub(super) providers: HashMap<ProviderId, (i64, Provider)>,
    /// Lists of notes that are stored and committed.
    notes: HashSet<Digest>,
}

/// The caches, shared by all connections of a process.
#[derive(Default)]
pub(super) struct Shared(Mutex<Caches>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Caches> {
        // Each entry is put in whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writing transaction.
pub(super) struct Unit<'u> {
    pub(super) session: &'u mut Session,
    pub(super) caches: &'u Shared,
    pub(super) settings: &'u PostgresSettings,
    lines: Vec<AuditEntry>,
    /// The first of them as they will stand in the chain.
    texts: Vec<String>,
    feeds: BTreeMap<(String, i64), FeedChange>,
    domains: BTreeMap<Domain, i64>,
    unmapped: Sums,
    notes: Vec<Digest>,
}

#[derive(Debug, Default)]
struct FeedChange {
    count: i64,
    last_received_at: Option<i64>,
}

impl<'u> Unit<'u> {
    /// Starts on an open transaction.
    pub(super) fn new(session: &'u mut Session, caches: &'u Shared, settings: &'u PostgresSettings) -> Self {
        let (feeds, domains, unmapped) = (BTreeMap::new(), BTreeMap::new(), Sums::new());
        let (lines, texts, notes) = (Vec::new(), Vec::new(), Vec::new());
        Self { session, caches, settings, lines, texts, feeds, domains, unmapped, notes }
    }

    /// As [`Session::query`].
    pub(super) fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        self.session.query(sql, params)
    }

    /// As [`Session::copy`]. The audit lines there are so far are written out beside it, too: at the end of the
    /// transaction, everybody waits for them.
    pub(super) fn copy<T>(&mut self, load: &Load, beside: impl FnOnce() -> Result<T>) -> Result<T> {
        let (lines, texts) = (&self.lines, &mut self.texts);
        self.session.copy(load, || {
            let done = beside()?;
            audit::write_out(lines, texts)?;
            Ok(done)
        })
    }

    /// As [`Session::execute`].
    pub(super) fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        self.session.execute(sql, params)
    }

    /// Writes an audit line at the end of the transaction.
    pub(super) fn audit(&mut self, entry: AuditEntry) {
        self.lines.push(entry);
    }

    /// Counts a message into a state, or out of it. `received_at` in microseconds.
    pub(super) fn count_message(&mut self, feed: &str, state: State, by: i64, received_at: Option<i64>) {
        let change = self.feeds.entry((feed.to_owned(), state_code(state))).or_default();
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

    /// Those of some lists of notes that are not known to be stored.
    pub(super) fn unknown_notes<'n>(&self, lists: BTreeMap<Digest, &'n str>) -> BTreeMap<Digest, &'n str> {
        let caches = self.caches.lock();
        lists.into_iter().filter(|(digest, _)| !caches.notes.contains(digest)).collect()
    }

    /// Remembers lists of notes as stored, once the transaction is.
    pub(super) fn notes_stored(&mut self, digests: impl IntoIterator<Item = Digest>) {
        self.notes.extend(digests);
    }

    /// Writes what was added up. Gives the head of the audit, if lines were written. From here on the transaction holds
    /// the lock every other one needs at its end: it is kept for as short as can be, and taken in the same order by all,
    /// so that counters cause no deadlock.
    pub(super) fn finish(&mut self) -> Result<Option<Head>> {
        self.domains.retain(|_, change| *change != 0);
        if self.lines.is_empty() && self.feeds.is_empty() && self.domains.is_empty() {
            return Ok(None);
        }
        audit::write_out(&self.lines, &mut self.texts)?;
        let (lines, texts) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.texts));
        let head = Head::lock(self.session)?;
        self.write_sums()?;
        if lines.is_empty() {
            return Ok(None);
        }
        audit::append(self.session, head, &lines, &texts).map(Some)
    }

    /// What holds after the transaction is committed.
    pub(super) fn committed(self) {
        let mut caches = self.caches.lock();
        if caches.notes.len().saturating_add(self.notes.len()) > NOTES_MAX {
            caches.notes.clear();
        }
        caches.notes.extend(self.notes);
    }

    fn write_sums(&mut self) -> Result<()> {
        if !self.feeds.is_empty() {
            let names: Vec<&str> = self.feeds.keys().map(|(feed, _)| feed.as_str()).collect();
            let states: Vec<i64> = self.feeds.keys().map(|(_, state)| *state).collect();
            let counts: Vec<i64> = self.feeds.values().map(|change| change.count).collect();
            let lasts: Vec<Option<i64>> = self.feeds.values().map(|change| change.last_received_at).collect();
            self.session.execute(
                "INSERT INTO feed_count (feed, state, count, last_received_at) \
                 SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[]) \
                 ON CONFLICT (feed, state) DO UPDATE SET count = feed_count.count + excluded.count, \
                 last_received_at = greatest(feed_count.last_received_at, excluded.last_received_at)",
                &[&names, &states, &counts, &lasts],
            )?;
        }
        if !self.domains.is_empty() {
            let codes: Vec<&str> = self.domains.keys().map(|domain| domain.code()).collect();
            let counts: Vec<i64> = self.domains.values().copied().collect();
            self.session.execute(
                "INSERT INTO record_count (domain, count) SELECT * FROM unnest($1::text[], $2::int8[]) \
                 ON CONFLICT (domain) DO UPDATE SET count = record_count.count + excluded.count",
                &[&codes, &counts],
            )?;
        }
        self.write_unmapped()
    }

    fn write_unmapped(&mut self) -> Result<()> {
        if self.unmapped.is_empty() {
            return Ok(());
        }
        let keys = || self.unmapped.keys();
        let feeds: Vec<&str> = keys().map(|key| key.0.as_str()).collect();
        let domains: Vec<&str> = keys().map(|key| key.1).collect();
        let fields: Vec<&str> = keys().map(|key| key.2.as_str()).collect();
        let systems: Vec<&str> = keys().map(|key| key.3.as_str()).collect();
        let codes: Vec<&str> = keys().map(|key| key.4.as_str()).collect();
        let displays: Vec<&str> = self.unmapped.values().map(|sum| sum.display.as_str()).collect();
        let counts: Vec<i64> = self.unmapped.values().map(|sum| sum.count).collect();
        let lasts: Vec<i64> = self.unmapped.values().map(|sum| sum.last_seen).collect();
        self.session.execute(
            "INSERT INTO unmapped_code (feed, domain, field, system, code, display, count, last_seen) \
             SELECT n.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], \
             $8::int8[]) AS n (feed, domain, field, system, code, display, count, last_seen) \
             WHERE EXISTS (SELECT 1 FROM unmapped_code AS k WHERE (k.feed, k.domain, k.field, k.system, k.code) = \
             (n.feed, n.domain, n.field, n.system, n.code)) \
             OR (SELECT count(*) FROM unmapped_code AS c WHERE c.feed = n.feed) < $9 \
             ON CONFLICT (feed, domain, field, system, code) DO UPDATE SET \
             count = unmapped_code.count + excluded.count, \
             last_seen = greatest(unmapped_code.last_seen, excluded.last_seen), display = excluded.display",
            &[&feeds, &domains, &fields, &systems, &codes, &displays, &counts, &lasts, &i64::from(UNMAPPED_FEED_MAX)],
        )?;
        Ok(())
    }
}
