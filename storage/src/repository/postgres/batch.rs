//! The messages of a batch: judged one after the other in memory, written column by column.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::envelope::Digest;
use causeway_core::outcome::{Outcome, State};
use causeway_core::port::{Actor, AuditEntry, Committed, Effects};
use causeway_core::scope::Domain;
use jiff::Timestamp;

use super::messages::{self, Stored};
use super::session::get;
use super::unit::Unit;
use super::versions::{Ledger, Source};
use super::{message, steps};
use crate::repository::chain::{DEPOSIT, IMAGE_CONFLICT};
use crate::repository::codec::{micros, write_notes};
use crate::repository::error::{Result, StoreError};
use crate::repository::plan::{deposit, doubt};

/// What became of a message's records. The versions written are those of the message between the two, if any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settled {
    pub(super) effects: Effects,
    pub(super) first_version: i64,
    pub(super) last_version: i64,
}

/// A message about to be written.
pub(super) struct Entry<'o> {
    pub(super) id: i64,
    pub(super) outcome: &'o Outcome,
    pub(super) settled: Settled,
    /// The digest of its list of notes.
    pub(super) notes: Option<Digest>,
    pub(super) steps: i32,
}

/// What adds up over a batch.
pub(super) struct Batch {
    actor: Actor,
    now: Timestamp,
    by_domain: BTreeMap<Domain, Effects>,
    outcomes: Vec<(Outcome, Effects)>,
}

impl Batch {
    pub(super) const fn new(actor: Actor, now: Timestamp) -> Self {
        Self { actor, now, by_domain: BTreeMap::new(), outcomes: Vec::new() }
    }

    /// Stores messages seen for the first time.
    pub(super) fn add_new(&mut self, unit: &mut Unit<'_>, outcomes: Vec<Outcome>) -> Result<()> {
        let (ids, versions) = numbers(unit, outcomes.len(), &outcomes)?;
        let mut ledger = Ledger::load(unit, &outcomes, versions)?;
        let mut entries = Vec::with_capacity(outcomes.len());
        for (id, outcome) in ids.into_iter().zip(&outcomes) {
            let settled = self.store_records(unit, &mut ledger, id, outcome)?;
            entries.push(Entry { id, outcome, settled, notes: None, steps: 1 });
            self.audit_deposit(unit, outcome);
        }
        let notes = store_notes(unit, &mut entries)?;
        let messages = message::load(&entries, self.now)?;
        ledger.write_after(unit, &messages)?;
        wait(unit, &entries)?;
        unit.notes_stored(notes);
        for entry in &entries {
            let facts = &entry.outcome.facts;
            unit.count_message(facts.feed.as_str(), entry.outcome.state, 1, Some(micros(facts.received_at)));
            unit.count_unmapped(entry.outcome);
        }
        let effects: Vec<Effects> = entries.iter().map(|entry| entry.settled.effects).collect();
        self.outcomes.extend(outcomes.into_iter().zip(effects));
        Ok(())
    }

    /// Stores messages again: what is known of each stays what was seen first, its step is kept.
    pub(super) fn add_known(&mut self, unit: &mut Unit<'_>, mut outcomes: Vec<Outcome>) -> Result<()> {
        let known = find_known(unit, &outcomes)?;
        let mut kept = Vec::with_capacity(outcomes.len());
        for (outcome, known) in outcomes.iter_mut().zip(&known) {
            self.audit_deposit(unit, outcome);
            kept.push(keep(known, outcome));
        }
        let (_, versions) = numbers(unit, 0, &outcomes)?;
        let mut ledger = Ledger::load(unit, &outcomes, versions)?;
        let (mut entries, mut former, mut effects) = (Vec::new(), Vec::new(), Vec::new());
        for ((outcome, known), kept) in outcomes.iter().zip(&known).zip(kept) {
            if kept {
                effects.push(Effects::default());
                continue;
            }
            let settled = self.store_records(unit, &mut ledger, known.row.row, outcome)?;
            effects.push(settled.effects);
            entries.push(Entry { id: known.row.row, outcome, settled, notes: None, steps: known.next_step() });
            former.push(known);
            recount(unit, known, outcome.state);
            if known.row.state != State::Accepted {
                unit.count_unmapped(outcome);
            }
        }
        let notes = store_notes(unit, &mut entries)?;
        steps::insert(unit, &entries, &former, &self.actor, self.now)?;
        message::update(unit, &entries, self.now)?;
        ledger.write(unit)?;
        forget_waiting(unit, &entries.iter().map(|entry| entry.id).collect::<Vec<_>>())?;
        wait(unit, &entries)?;
        unit.notes_stored(notes);
        self.outcomes.extend(outcomes.into_iter().zip(effects));
        Ok(())
    }

    /// The result, and when it is.
    pub(super) fn into_committed(self) -> (Committed, Timestamp) {
        (Committed { outcomes: self.outcomes, by_domain: self.by_domain }, self.now)
    }

    fn store_records<'o>(
        &mut self,
        unit: &mut Unit<'_>,
        ledger: &mut Ledger<'o>,
        message: i64,
        outcome: &'o Outcome,
    ) -> Result<Settled> {
        let mut settled = Settled::default();
        let Some(person) = outcome.person else { return Ok(settled) };
        let source = Source { message, person, now: self.now };
        for record in &outcome.records {
            let (effect, version) = ledger.store(unit, source, record)?;
            self.by_domain.entry(record.domain).or_default().count(effect);
            settled.effects.count(effect);
            if let Some(version) = version {
                settled.last_version = version;
                if settled.first_version == 0 {
                    settled.first_version = version;
                }
            }
        }
        Ok(settled)
    }

    /// One line for each message that was decided.
    fn audit_deposit(&self, unit: &mut Unit<'_>, outcome: &Outcome) {
        if let Some(detail) = doubt(outcome) {
            let (actor, action) = (self.actor.clone(), IMAGE_CONFLICT.to_owned());
            unit.audit(AuditEntry { at: self.now, actor, action, person: None, detail });
        }
        if outcome.decisions.is_empty() {
            return;
        }
        unit.audit(AuditEntry {
            at: self.now,
            actor: self.actor.clone(),
            action: DEPOSIT.to_owned(),
            person: outcome.person,
            detail: deposit(outcome),
        });
    }

    /// One line for the whole of a replay or take-up.
    pub(super) fn audit_redo(&self, unit: &mut Unit<'_>) {
        let mut states: BTreeMap<String, String> = BTreeMap::new();
        for state in State::ALL {
            let count = self.outcomes.iter().filter(|(outcome, _)| outcome.state == *state).count();
            if count > 0 {
                states.insert(state.as_str().to_owned(), count.to_string());
            }
        }
        let (actor, action) = (self.actor.clone(), "replay".to_owned());
        unit.audit(AuditEntry { at: self.now, actor, action, person: None, detail: states });
    }
}

/// How many numbers a value of the sequences stands for, of which it is the last: their increment.
const BLOCK: i64 = 64;

/// Numbers for messages and for as many versions as the records may make, each growing. Those not used are lost, which
/// is no harm.
fn numbers(unit: &mut Unit<'_>, messages: usize, outcomes: &[Outcome]) -> Result<(Vec<i64>, Vec<i64>)> {
    let versions: usize = outcomes.iter().map(|outcome| outcome.records.len()).sum();
    let blocks = |count: usize| i64::try_from(count).unwrap_or(i64::MAX).saturating_add(BLOCK - 1) / BLOCK;
    let rows = unit.query(
        "SELECT FALSE, nextval('message_id') FROM generate_series(1, $1::int8) UNION ALL \
         SELECT TRUE, nextval('version_id') FROM generate_series(1, $2::int8) ORDER BY 1, 2",
        &[&blocks(messages), &blocks(versions)],
    )?;
    let (mut ids, mut numbers) = (Vec::with_capacity(messages), Vec::with_capacity(versions));
    for row in &rows {
        let list = if get(row, 0)? { &mut numbers } else { &mut ids };
        let last: i64 = get(row, 1)?;
        list.extend(last.saturating_sub(BLOCK - 1)..=last);
    }
    Ok((ids, numbers))
}

/// The messages as stored, in the order of the outcomes, locked against other steps.
fn find_known(unit: &mut Unit<'_>, outcomes: &[Outcome]) -> Result<Vec<Stored>> {
    let positions: Vec<_> = outcomes.iter().map(|outcome| outcome.facts.position).collect();
    if positions.iter().collect::<BTreeSet<_>>().len() != positions.len() {
        return Err(StoreError::Refused("a message stands twice in one batch".to_owned()));
    }
    let mut found = messages::lock(unit.session, &positions)?;
    let take = |position| {
        found.remove(position).ok_or_else(|| StoreError::Refused(format!("no message stands at {position}")))
    };
    positions.iter().map(take).collect()
}

/// Makes an outcome say what stays, where it would turn an accepted message back: what was permitted once was stored
/// lawfully. Whether it did.
fn keep(known: &Stored, outcome: &mut Outcome) -> bool {
    if known.row.state != State::Accepted || outcome.state == State::Accepted {
        return false;
    }
    outcome.state = known.row.state;
    outcome.reason = known.row.reason;
    outcome.place.clone_from(&known.row.place);
    outcome.person = known.row.person;
    outcome.records.clear();
    outcome.links.clear();
    true
}

/// Moves a message from one state to another in the counts.
pub(super) fn recount(unit: &mut Unit<'_>, known: &Stored, to: State) {
    let feed = known.row.facts.feed.as_str();
    unit.count_message(feed, known.row.state, -1, None);
    unit.count_message(feed, to, 1, Some(micros(known.row.facts.received_at)));
}

/// Stores the lists of notes that are new, and puts their digests into the entries. Of a withheld message only codes and
/// places are kept: nothing that was made of its content is.
fn store_notes(unit: &mut Unit<'_>, entries: &mut [Entry<'_>]) -> Result<Vec<Digest>> {
    let mut lists: BTreeMap<Digest, String> = BTreeMap::new();
    for entry in entries {
        let text = write_notes(&entry.outcome.notes, entry.outcome.state != State::Withheld);
        if text.is_empty() {
            continue;
        }
        let digest = Digest::of(text.as_bytes());
        entry.notes = Some(digest);
        lists.insert(digest, text);
    }
    let lists = lists.iter().map(|(digest, text)| (*digest, text.as_str())).collect();
    let unknown = unit.unknown_notes(lists);
    if !unknown.is_empty() {
        // In order, so that two transactions with the same new lists do not wait for each other crosswise.
        let digests: Vec<&[u8]> = unknown.keys().map(|digest| digest.0.as_slice()).collect();
        let texts: Vec<&str> = unknown.values().copied().collect();
        unit.execute(
            "INSERT INTO note_list (digest, notes) SELECT * FROM unnest($1::bytea[], $2::text[]) ON CONFLICT DO NOTHING",
            &[&digests, &texts],
        )?;
    }
    Ok(unknown.into_keys().collect())
}

/// Notes by what withheld and held messages can be found again when their persons join.
fn wait(unit: &mut Unit<'_>, entries: &[Entry<'_>]) -> Result<()> {
    let (mut subjects, mut messages) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.outcome.state {
            State::Withheld | State::Held => {}
            State::Accepted | State::Rejected | State::Discarded => continue,
        }
        for key in &entry.outcome.subject_keys {
            subjects.push(key.0);
            messages.push(entry.id);
        }
    }
    if subjects.is_empty() {
        return Ok(());
    }
    unit.execute(
        "INSERT INTO waiting (subject, message) SELECT * FROM unnest($1::int8[], $2::int8[]) ON CONFLICT DO NOTHING",
        &[&subjects, &messages],
    )?;
    Ok(())
}

/// These messages wait no more.
pub(super) fn forget_waiting(unit: &mut Unit<'_>, messages: &[i64]) -> Result<()> {
    if !messages.is_empty() {
        unit.execute("DELETE FROM waiting WHERE message = ANY ($1::int8[])", &[&messages])?;
    }
    Ok(())
}
