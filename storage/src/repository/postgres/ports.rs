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

use super::session::get;
use super::unit::Unit;
use super::{
    Ending, PostgresRepository, audit, commit, consents, fetches, links, messages, persons, providers, records,
    sequences, steps, tickets,
};
use crate::repository::codec::feed_of;
use crate::repository::error::{Result, damaged};

impl Repository for PostgresRepository {
    fn next_offset(&self, partition: PartitionId) -> std::result::Result<Offset, RepositoryError> {
        Ok(self.read(|session| commit::next_offset(session, partition)).map(Offset)?)
    }

    fn commit(
        &self,
        fence: Fence,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> std::result::Result<Committed, RepositoryError> {
        Ok(self.commit_batch(fence, lookups, now, decide)?)
    }

    fn redo(
        &self,
        actor: &Actor,
        mode: RedoMode,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> std::result::Result<Committed, RepositoryError> {
        Ok(self.redo_batch(actor, mode, lookups, now, decide)?)
    }

    fn discard(
        &self,
        position: Position,
        comment: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> std::result::Result<(), RepositoryError> {
        Ok(self.write(|unit| steps::discard(unit, position, comment, actor, now))?)
    }

    fn messages(&self, query: &MessageQuery) -> std::result::Result<Vec<MessageRow>, RepositoryError> {
        Ok(self.read(|session| messages::list(session, query, self.bounded(query.limit)))?)
    }

    fn count_messages(&self, query: &MessageQuery) -> std::result::Result<u64, RepositoryError> {
        Ok(self.read(|session| messages::count_all(session, query))?)
    }

    fn trace(&self, id: &str) -> std::result::Result<Vec<MessageDetail>, RepositoryError> {
        Ok(self.read_at_once(|session| messages::trace(session, id))?)
    }

    fn feed_counts(&self) -> std::result::Result<Vec<FeedCount>, RepositoryError> {
        Ok(self.read(messages::feed_counts)?)
    }

    fn unmapped_codes(
        &self,
        feed: Option<&FeedName>,
        limit: u32,
    ) -> std::result::Result<Vec<UnmappedCount>, RepositoryError> {
        Ok(self.read(|session| messages::unmapped_codes(session, feed, self.bounded(limit)))?)
    }

    fn held(&self) -> std::result::Result<Vec<HeldGroup>, RepositoryError> {
        Ok(self.read(|session| messages::held(session, self.settings.rows_max))?)
    }

    fn records(
        &self,
        grant: &AccessGrant,
        query: &RecordQuery,
        now: Timestamp,
    ) -> std::result::Result<Vec<RecordRow>, RepositoryError> {
        // Durable before anything is read (promise 4).
        self.write(|unit| {
            audit_reading(unit, grant, query, now);
            Ok(())
        })?;
        Ok(self.read(|session| records::list(session, query, self.bounded(query.limit)))?)
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
        Ok(self.read(|session| fetches::due(session, now, self.bounded(limit)))?)
    }

    fn fetches(&self, position: Position) -> std::result::Result<Vec<FetchRow>, RepositoryError> {
        Ok(self.read(|session| fetches::of(session, position))?)
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
        Ok(self.read(|session| sequences::of(session, feed.as_str()))?)
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
        let sql = "SELECT feed FROM paused_feed ORDER BY feed COLLATE \"C\"";
        let rows = self.read(|session| session.query(sql, &[]))?;
        Ok(rows.iter().map(|row| feed_of(get(row, 0)?)).collect::<Result<_>>()?)
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
        let (_, head) = self.write_or_not(Ending::Commit, |unit| {
            unit.audit(entry.clone());
            Ok(())
        })?;
        Ok(head.map(|head| head.seq).ok_or_else(|| damaged("an audit line got no number"))?)
    }

    fn audit_lines(&self, query: &AuditQuery) -> std::result::Result<Vec<AuditLine>, RepositoryError> {
        Ok(self.read(|session| audit::lines(session, query, self.bounded(query.limit)))?)
    }

    fn verify_audit(&self) -> std::result::Result<AuditReport, RepositoryError> {
        Ok(self.read_at_once(|session| audit::verify(session, None))?)
    }
}

impl Registry for PostgresRepository {
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
        Ok(self.read(|session| persons::find(session, id))?.map(Arc::new))
    }

    fn persons(&self, query: &PersonQuery) -> std::result::Result<Vec<Arc<Participant>>, RegistryError> {
        Ok(self.read(|session| persons::query(session, query, self.bounded(query.limit)))?)
    }

    fn put_provider(
        &self,
        provider: &Provider,
        actor: &Actor,
        at: Timestamp,
    ) -> std::result::Result<(), RegistryError> {
        Ok(self.write(|unit| providers::put_provider(unit, provider, actor, at))?)
    }

    fn provider(&self, id: &ProviderId) -> std::result::Result<Option<Provider>, RegistryError> {
        Ok(self.read(|session| providers::find(session, id))?)
    }

    fn providers(&self) -> std::result::Result<Vec<Provider>, RegistryError> {
        Ok(self.read(|session| providers::all(session, self.settings.rows_max))?)
    }

    fn record_event(&self, event: &NewEvent, actor: &Actor) -> std::result::Result<Standing, RegistryError> {
        Ok(self.write(|unit| consents::record(unit, event, actor))?)
    }

    fn events(&self, person: PersonId) -> std::result::Result<Vec<ConsentEvent>, RegistryError> {
        Ok(self.read(|session| consents::events(session, person))?)
    }
}

fn audit_reading(unit: &mut Unit<'_>, grant: &AccessGrant, query: &RecordQuery, now: Timestamp) {
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
    unit.audit(AuditEntry { at: now, actor, action, person: query.person, detail });
}

fn pause(unit: &mut Unit<'_>, feed: &FeedName, paused: bool, actor: &Actor, now: Timestamp) -> Result<()> {
    let (sql, action) = match paused {
        true => ("INSERT INTO paused_feed (feed) VALUES ($1) ON CONFLICT DO NOTHING", "pause-feed"),
        false => ("DELETE FROM paused_feed WHERE feed = $1", "resume-feed"),
    };
    if unit.execute(sql, &[&feed.as_str()])? == 0 {
        return Ok(());
    }
    let detail = BTreeMap::from([("feed".to_owned(), feed.as_str().to_owned())]);
    unit.audit(AuditEntry { at: now, actor: actor.clone(), action: action.to_owned(), person: None, detail });
    Ok(())
}
