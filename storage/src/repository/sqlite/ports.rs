//! The two ports, each call handed to the module that knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::consent::{ConsentEvent, Standing};
use causeway_core::envelope::{Digest, FeedName, Offset, PartitionId, Position};
use causeway_core::person::{Demographics, Document, LocalNumber, PersonId};
use causeway_core::port::{
    AccessGrant, Actor, AuditEntry, AuditLine, AuditQuery, AuditReport, Committed, Decide, FeedCount, Fence, FetchRow,
    HeldGroup, Lookup, MessageDetail, MessageQuery, MessageRow, NewEvent, NewPerson, Participant, PersonQuery,
    RecordQuery, RecordRow, RedoMode, Registry, RegistryError, Repository, RepositoryError, Sequence, TakeUp,
    UnmappedCount,
};
use causeway_core::provider::{Provider, ProviderId};
use causeway_core::scope::Domain;
use jiff::Timestamp;

use super::codec::feed_of;
use super::error::Result;
use super::unit::Unit;
use super::{
    Ending, SqliteRepository, audit, commit, consents, fetches, head, links, message, messages, persons, providers,
    records, sequences, tickets,
};

impl Repository for SqliteRepository {
    fn next_offset(&self, partition: PartitionId) -> std::result::Result<Offset, RepositoryError> {
        Ok(self.read(|connection| commit::next_offset(connection, partition.0)).map(Offset)?)
    }

    fn commit(
        &self,
        fence: Fence,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> std::result::Result<Committed, RepositoryError> {
        Ok(self.write(|unit| commit::commit(unit, fence, lookups, now, decide))?)
    }

    fn redo(
        &self,
        actor: &Actor,
        mode: RedoMode,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> std::result::Result<Committed, RepositoryError> {
        Ok(self.write_or_not(Ending::of(mode), |unit| commit::redo(unit, actor, lookups, now, decide))?)
    }

    fn discard(
        &self,
        position: Position,
        comment: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| message::discard(unit, position, comment, actor, now))?)
    }

    fn messages(&self, query: &MessageQuery) -> std::result::Result<Vec<MessageRow>, RepositoryError> {
        Ok(self.read(|connection| messages::list(connection, query, self.bounded(query.limit)))?)
    }

    fn count_messages(&self, query: &MessageQuery) -> std::result::Result<u64, RepositoryError> {
        Ok(self.read(|connection| messages::count_all(connection, query))?)
    }

    fn trace(&self, id: &str) -> std::result::Result<Vec<MessageDetail>, RepositoryError> {
        Ok(self.read(|connection| messages::trace(connection, id))?)
    }

    fn feed_counts(&self) -> std::result::Result<Vec<FeedCount>, RepositoryError> {
        Ok(self.read(messages::feed_counts)?)
    }

    fn unmapped_codes(
        &self,
        feed: Option<&FeedName>,
        limit: u32,
    ) -> std::result::Result<Vec<UnmappedCount>, RepositoryError> {
        Ok(self.read(|connection| messages::unmapped_codes(connection, feed, self.bounded(limit)))?)
    }

    fn held(&self) -> std::result::Result<Vec<HeldGroup>, RepositoryError> {
        Ok(self.read(|connection| messages::held(connection, self.settings.rows_max))?)
    }

    fn records(
        &self,
        grant: &AccessGrant,
        query: &RecordQuery,
        now: Timestamp,
    ) -> std::result::Result<Vec<RecordRow>, RepositoryError> {
        // Durable before anything is read (promise 4).
        self.write(|unit| audit_reading(unit, grant, query, now))?;
        Ok(self.read(|connection| records::list(connection, query, self.bounded(query.limit)))?)
    }

    fn count_records(&self) -> std::result::Result<Vec<(Domain, u64)>, RepositoryError> {
        Ok(self.read(records::count_by_domain)?)
    }

    fn take_ups(&self, limit: u32) -> std::result::Result<Vec<TakeUp>, RepositoryError> {
        if !self.read(tickets::any)? {
            return Ok(Vec::new());
        }
        Ok(self.write(|unit| tickets::take_ups(unit, self.bounded(limit)))?)
    }

    fn take_up_done(&self, ticket: i64) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| tickets::done(unit, ticket))?)
    }

    fn fetches_due(&self, now: Timestamp, limit: u32) -> std::result::Result<Vec<Position>, RepositoryError> {
        Ok(self.read(|connection| fetches::due(connection, now, self.bounded(limit)))?)
    }

    fn fetches(&self, position: Position) -> std::result::Result<Vec<FetchRow>, RepositoryError> {
        Ok(self.read(|connection| fetches::of(connection, position))?)
    }

    fn fetch_begin(
        &self,
        position: Position,
        expect: u32,
        row: &FetchRow,
        now: Timestamp,
    ) -> std::result::Result<bool, RepositoryError> {
        Ok(self.write(|unit| fetches::begin(unit, position, expect, row, now))?)
    }

    fn fetch_done(
        &self,
        position: Position,
        pointer: Digest,
        document: Digest,
    ) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| fetches::done(unit, position, pointer, document))?)
    }

    fn fetch_failed(
        &self,
        position: Position,
        pointer: Digest,
        failure: &str,
    ) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| fetches::failed(unit, position, pointer, failure))?)
    }

    fn sequence(&self, feed: &FeedName) -> std::result::Result<Option<Sequence>, RepositoryError> {
        Ok(self.read(|connection| sequences::of(connection, feed))?)
    }

    fn set_sequence(
        &self,
        feed: &FeedName,
        expect: Option<&Sequence>,
        sequence: Option<&Sequence>,
    ) -> std::result::Result<bool, RepositoryError> {
        Ok(self.write(|unit| sequences::set(unit, feed, expect, sequence))?)
    }

    fn paused_feeds(&self) -> std::result::Result<Vec<FeedName>, RepositoryError> {
        Ok(self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT feed FROM paused_feed ORDER BY feed")?;
            let mut rows = statement.query([])?;
            let mut feeds = Vec::new();
            while let Some(row) = rows.next()? {
                feeds.push(feed_of(&row.get::<_, String>(0)?)?);
            }
            Ok(feeds)
        })?)
    }

    fn pause_feed(
        &self,
        feed: &FeedName,
        paused: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| pause(unit, feed, paused, actor, now))?)
    }

    fn audit(&self, entry: &AuditEntry) -> std::result::Result<u64, RepositoryError> {
        Ok(self.write(|unit| unit.audit(entry).map(|()| unit.audit_seq()))?)
    }

    fn audit_lines(&self, query: &AuditQuery) -> std::result::Result<Vec<AuditLine>, RepositoryError> {
        Ok(self.read(|connection| audit::lines(connection, query, self.bounded(query.limit)))?)
    }

    fn verify_audit(&self) -> std::result::Result<AuditReport, RepositoryError> {
        // The note is read first, so that the chain is at least as long.
        let noted = head::noted(&self.path)?;
        Ok(self.read(|connection| audit::verify(connection, noted))?)
    }
}

impl Registry for SqliteRepository {
    fn add_person(
        &self,
        new: &NewPerson,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<Participant, RegistryError> {
        Ok(self.write(|unit| persons::add(unit, new, actor, at))?)
    }

    fn correct_person(
        &self,
        id: PersonId,
        to: &Demographics,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| persons::correct(unit, id, to, actor, at))?)
    }

    fn add_document(
        &self,
        id: PersonId,
        document: &Document,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| persons::add_document(unit, id, document, actor, at))?)
    }

    fn link(
        &self,
        id: PersonId,
        number: &LocalNumber,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| links::link(unit, id, number, actor, at))?)
    }

    fn unlink(
        &self,
        id: PersonId,
        number: &LocalNumber,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| links::unlink(unit, id, number, actor, at))?)
    }

    fn person(&self, id: PersonId) -> std::result::Result<Option<Arc<Participant>>, RegistryError> {
        Ok(self.read(|connection| persons::find(connection, id))?.map(Arc::new))
    }

    fn persons(&self, query: &PersonQuery) -> std::result::Result<Vec<Arc<Participant>>, RegistryError> {
        Ok(self.read(|connection| persons::query(connection, query, self.bounded(query.limit)))?)
    }

    fn put_provider(
        &self,
        provider: &Provider,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| providers::put(unit, provider, actor, at))?)
    }

    fn provider(&self, id: &ProviderId) -> std::result::Result<Option<Provider>, RegistryError> {
        Ok(self.read(|connection| providers::find(connection, id))?)
    }

    fn providers(&self) -> std::result::Result<Vec<Provider>, RegistryError> {
        Ok(self.read(|connection| providers::all(connection, self.settings.rows_max))?)
    }

    fn record_event(&self, event: &NewEvent, actor: &Actor) -> std::result::Result<Standing, RegistryError> {
        Ok(self.write(|unit| consents::record(unit, event, actor))?)
    }

    fn events(&self, person: PersonId) -> std::result::Result<Vec<ConsentEvent>, RegistryError> {
        Ok(self.read(|connection| consents::events(connection, person))?)
    }
}

fn audit_reading(unit: &mut Unit<'_>, grant: &AccessGrant, query: &RecordQuery, now: Timestamp) -> Result<()> {
    let mut detail = BTreeMap::from([("purpose".to_owned(), grant.purpose().to_owned())]);
    if let Some(domain) = query.domain {
        detail.insert("domain".to_owned(), domain.code().to_owned());
    }
    if let Some(key) = &query.key {
        // A key holds the sender's numbers: the resource id stands for it.
        detail.insert("resource".to_owned(), key.resource_id());
    }
    if query.history {
        detail.insert("history".to_owned(), "yes".to_owned());
    }
    let (actor, action) = (grant.actor().clone(), "read-records".to_owned());
    unit.audit(&AuditEntry { at: now, actor, action, person: query.person, detail })
}

fn pause(unit: &mut Unit<'_>, feed: &FeedName, paused: bool, actor: &Actor, now: Timestamp) -> Result<()> {
    let (sql, action) = match paused {
        true => ("INSERT OR IGNORE INTO paused_feed (feed) VALUES (?1)", "pause-feed"),
        false => ("DELETE FROM paused_feed WHERE feed = ?1", "resume-feed"),
    };
    if unit.tx.prepare_cached(sql)?.execute([feed.as_str()])? == 0 {
        return Ok(());
    }
    let detail = BTreeMap::from([("feed".to_owned(), feed.as_str().to_owned())]);
    unit.audit(&AuditEntry { at: now, actor: actor.clone(), action: action.to_owned(), person: None, detail })
}
