//! Reports sent by pointer: what is known of their documents, and one try to fetch those of a message.
//!
//! Mapping stays pure: the documents are given to it as data, the same ones whenever the message is mapped again. Nothing
//! withheld is kept outside the log: only a message that is permitted waits for its document, whether it still is gets
//! asked before each try, and what came stays in memory until the transaction that stores its records ([`crate::keep`]).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::envelope::{Digest, Position};
use causeway_core::fetch::{Document, FetchPlace, place, pointer_digest};
use causeway_core::mapped::Pending;
use causeway_core::metric;
use causeway_core::outcome::State;
use causeway_core::phi::Phi;
use causeway_core::port::{Actor, BlobError, Entry, Fetch, FetchError, FetchRow, Lookup, RedoMode, RepositoryError};
use causeway_core::reason::Reason;

use crate::error::RouterError;
use crate::message::{Door, Message};
use crate::redo::ReplayReport;
use crate::resent::Sorted;
use crate::router::Router;

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_hours(1);
/// Bytes of a stored document read at once.
const STEP: usize = 1 << 20;

/// What a try did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// The message waits for no document any more; whatever it waits for now was found out.
    NotWaiting,
    /// Another process tries.
    Elsewhere,
    /// It did not come; it is tried again.
    Later,
    /// Every document came, or will not: the message has its outcome.
    Settled,
}

/// What is known of the documents of one message beyond what the repository remembers.
#[derive(Debug, Default)]
pub(crate) struct Came {
    documents: Vec<Document>,
    failed: Vec<(Digest, Reason, String)>,
}

impl Router {
    /// Messages whose documents may be fetched now, oldest first.
    ///
    /// # Errors
    /// Those of the repository.
    pub fn fetches_due(&self, limit: u32) -> Result<Vec<Position>, RouterError> {
        Ok(self.repository.fetches_due(self.clock.now(), limit)?)
    }

    /// Tries once to fetch the documents of a message, and decides it anew when all came or one never will.
    ///
    /// # Errors
    /// Those of the log and the repository; then the try counts, and is made again after its pause.
    pub fn fetch(&self, position: Position, fetcher: &dyn Fetch) -> Result<Fetched, RouterError> {
        let Some((entry, pending)) = self.waits(position)? else { return Ok(Fetched::NotWaiting) };
        let places = self.feeds.get(&entry.envelope.feed).map(|feed| Arc::clone(&feed.fetch)).unwrap_or_default();
        let known = self.repository.fetches(position)?;
        let (mut came, mut seen) = (Came::default(), BTreeSet::new());
        for pointer in &pending {
            let digest = pointer_digest(pointer.url.expose());
            let Some(place) = place(&places, pointer.url.expose()).filter(|_| seen.insert(digest)) else { continue };
            let before = known.iter().find(|row| row.pointer == digest).map_or(0, |row| row.tries);
            let Some(tries) = self.lease(position, digest, place, before)? else { return Ok(Fetched::Elsewhere) };
            let result = fetcher.fetch(place, &pointer.url, pointer.bytes);
            self.count_try(&entry, tries, &result);
            if let Err(error) = &result {
                self.repository.fetch_failed(position, digest, &error.to_string())?;
            }
            match result {
                Ok(bytes) => came.add(digest, bytes),
                Err(error) if error.may_pass() && tries < place.tries => return Ok(Fetched::Later),
                Err(error) => came.failed.push((digest, error.reason(), error.to_string())),
            }
        }
        for document in &came.documents {
            self.repository.fetch_done(position, document.pointer, document.digest)?;
        }
        self.redo(&[position], RedoMode::Commit, &actor(), &came)?;
        Ok(Fetched::Settled)
    }

    /// Maps an entry with the documents that are known.
    pub(crate) fn prepared(&self, entry: &Entry, door: Door, came: &Came) -> Result<Message, RouterError> {
        let prepare = |documents: &[Document]| Message::prepare(entry, self.map.as_ref(), documents, &self.feeds, door);
        let message = prepare(&[]);
        if message.pending().is_empty() {
            return Ok(message);
        }
        let documents = self.documents(entry.position, came)?;
        let mut message = if documents.is_empty() { message } else { prepare(&documents) };
        let places = self.feeds.get(&entry.envelope.feed).map(|feed| feed.fetch.as_ref()).unwrap_or_default();
        message.pending_mut().iter_mut().for_each(|pending| explain(pending, places, came));
        Ok(message)
    }

    /// What came just now, and what is remembered and stored.
    fn documents(&self, position: Position, came: &Came) -> Result<Vec<Document>, RouterError> {
        let mut documents = came.documents.clone();
        for row in self.repository.fetches(position)? {
            let known = documents.iter().any(|document| document.pointer == row.pointer);
            let Some(digest) = row.document.filter(|_| !known) else { continue };
            if let Some(bytes) = self.stored(&digest)? {
                documents.push(Document { pointer: row.pointer, digest, bytes: Phi::new(bytes.into()) });
            }
        }
        Ok(documents)
    }

    /// The bytes of a document; `None` when the store does not have them whole: then they are fetched again.
    fn stored(&self, digest: &Digest) -> Result<Option<Vec<u8>>, RouterError> {
        let mut bytes = Vec::new();
        loop {
            let from = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            match self.blobs.read(digest, from, STEP) {
                Ok(part) if part.is_empty() => return Ok(Some(bytes)),
                Ok(part) => bytes.extend(part),
                Err(BlobError::Missing { .. } | BlobError::Damaged { .. }) => return Ok(None),
                Err(error) => return Err(RepositoryError::Blobs(error).into()),
            }
        }
    }

    /// The pointers a message waits for, when it still would if it came now: nothing is fetched of somebody who withdrew
    /// meanwhile. Otherwise it is decided anew here.
    fn waits(&self, position: Position) -> Result<Option<(Entry, Vec<Pending>)>, RouterError> {
        let came = Came::default();
        let mut unused = ReplayReport::default();
        let (messages, _) = self.load(&[position], RedoMode::Preview, &came, &mut unused)?;
        let lookups: Vec<Lookup<'_>> = messages.iter().map(Message::lookup).collect();
        let mut decide =
            |resolved: &_| self.decide(&messages, resolved, &Sorted::of(&lookups, resolved), RedoMode::Preview);
        let preview = self.repository.redo(&actor(), RedoMode::Preview, &lookups, self.clock.now(), &mut decide)?;
        let held = |state, reason| state == State::Held && reason == Some(Reason::DocumentPending);
        let waits = preview.outcomes.first().is_some_and(|(outcome, _)| held(outcome.state, outcome.reason));
        match messages.first() {
            Some(message) if waits => Ok(Some((self.log.entry(position)?, message.pending().to_vec()))),
            Some(_) | None => {
                self.redo(&[position], RedoMode::Commit, &actor(), &came)?;
                Ok(None)
            }
        }
    }

    /// Leases a pointer for one try; which try of this round it is. An operator who replays a message that was given up
    /// begins a new round.
    fn lease(
        &self,
        position: Position,
        pointer: Digest,
        place: &FetchPlace,
        before: u32,
    ) -> Result<Option<u32>, RouterError> {
        let tries = if before >= place.tries { 1 } else { before.saturating_add(1) };
        let now = self.clock.now();
        let pause = place.pause.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX));
        let next_at = now.saturating_add(place.timeout.saturating_add(pause.min(PAUSE_MAX)));
        let row = FetchRow { pointer, tries, next_at: next_at.unwrap_or(now), document: None, failure: None };
        let leased = self.repository.fetch_begin(position, before, &row, now)?;
        Ok(leased.then_some(tries))
    }

    fn count_try(&self, entry: &Entry, tries: u32, result: &Result<Vec<u8>, FetchError>) {
        let feed = entry.envelope.feed.as_str();
        let word = match result {
            Ok(_) => "fetched",
            Err(error) => {
                // Its text never names the pointer.
                tracing::warn!(trace = %entry.envelope.trace, feed, tries, %error, "a report could not be fetched");
                error.word()
            }
        };
        self.metrics.add(&metric::DOCUMENT_FETCHES, &[feed, word], 1);
    }
}

impl Came {
    fn add(&mut self, pointer: Digest, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        self.documents.push(Document { pointer, digest, bytes: Phi::new(bytes.into()) });
    }
}

/// Says why a document is not there: nobody may fetch it, nobody could, or it is still to come.
fn explain(pending: &mut Pending, places: &[FetchPlace], came: &Came) {
    let digest = pointer_digest(pending.url.expose());
    if let Some((_, reason, text)) = came.failed.iter().find(|(failed, _, _)| *failed == digest) {
        (pending.reason, pending.text) = (*reason, text.clone());
    } else if place(places, pending.url.expose()).is_none() {
        pending.reason = Reason::DocumentNotListed;
        "the pointer leads to no place listed for the feed: it was not followed".clone_into(&mut pending.text);
    }
}

fn actor() -> Actor {
    Actor("fetcher".to_owned())
}
