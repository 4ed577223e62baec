//! The rows of messages: written once, changed by replay, take-up and discard, each step kept.

use causeway_core::dicom::ruling::{REASON_BYTES_MAX, Ruling};
use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::{MessageFacts, Outcome, State};
use causeway_core::port::{Actor, AuditEntry, Effects};
use causeway_core::reason::Reason;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::codec::{first_eight, int, micros, state_code, write_decisions, write_notes};
use super::error::{Result, StoreError, damaged};
use super::messages::{self, Stored};
use super::posting::{self, Posting, Sort};
use super::seal::{Half, Sealer};
use super::unit::{CACHED_MAX, Unit};
use crate::repository::plan::check_comment;

/// What became of a message's records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) at: Timestamp,
    pub(super) effects: Effects,
    pub(super) first_version: i64,
    pub(super) versions: i64,
}

/// What a message's seal covers: the whole row.
pub(super) struct Contents<'a> {
    pub(super) id: i64,
    pub(super) facts: &'a MessageFacts,
    pub(super) state: State,
    pub(super) reason: Option<Reason>,
    pub(super) place: &'a str,
    pub(super) person: Option<i64>,
    pub(super) settled: Settled,
    pub(super) decisions: &'a str,
    pub(super) notes: i64,
    pub(super) steps: i64,
}

impl Contents<'_> {
    /// The seal.
    pub(super) fn seal(&self) -> Result<Half> {
        let Self { facts, settled, .. } = self;
        let Effects { created, updated, unchanged, late } = settled.effects;
        Ok(Sealer::default()
            .number(self.id)
            .number(i64::from(facts.position.partition.0))
            .number(int(facts.position.offset.0)?)
            .bytes(facts.trace.0.as_bytes())
            .text(facts.feed.as_str())
            .text(&facts.provider.0)
            .text(facts.format.as_str())
            .text(&facts.sender)
            .text(&facts.control_id)
            .text(&facts.kind)
            .number(micros(facts.received_at))
            .bytes(&facts.digest.0)
            .number(int(facts.bytes)?)
            .number(i64::from(facts.control_id_reused))
            .number(state_code(self.state))
            .optional_text(self.reason.map(Reason::code))
            .text(self.place)
            .optional_number(self.person)
            .number(micros(settled.at))
            .number(int(created)?)
            .number(int(updated)?)
            .number(int(unchanged)?)
            .number(int(late)?)
            .number(settled.first_version)
            .number(settled.versions)
            .text(self.decisions)
            .number(self.notes)
            .number(self.steps)
            .finish())
    }
}

/// Stores a message seen for the first time.
pub(super) fn insert(unit: &mut Unit<'_>, id: i64, outcome: &Outcome, settled: &Settled) -> Result<()> {
    let facts = &outcome.facts;
    let (feed, provider) = (unit.word(facts.feed.as_str())?, unit.word(&facts.provider.0)?);
    let decisions = write_decisions(&outcome.decisions, settled.at);
    let notes = note_list(unit, outcome)?;
    let contents = contents(id, facts, outcome, settled, &decisions, notes, 1);
    let mut statement = unit.tx.prepare_cached(
        "INSERT INTO message (id, partition_id, log_offset, trace, feed, provider, format, sender, control_id, kind, \
         received_at, digest, bytes, reused, state, reason, place, person, settled_at, created, updated, unchanged, \
         late, first_version, versions, decisions, notes, steps, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
         ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, 1, ?28)",
    )?;
    statement.execute(params![
        id,
        facts.position.partition.0,
        int(facts.position.offset.0)?,
        facts.trace.0.as_bytes(),
        feed,
        provider,
        facts.format.as_str(),
        facts.sender,
        facts.control_id,
        facts.kind,
        micros(facts.received_at),
        facts.digest.0,
        int(facts.bytes)?,
        facts.control_id_reused,
        state_code(outcome.state),
        outcome.reason.map(Reason::code),
        outcome.place,
        contents.person,
        micros(settled.at),
        int(settled.effects.created)?,
        int(settled.effects.updated)?,
        int(settled.effects.unchanged)?,
        int(settled.effects.late)?,
        settled.first_version,
        settled.versions,
        decisions,
        notes,
        contents.seal()?,
    ])?;
    drop(statement);
    let postings = posting::of_message(id, &facts.control_id, facts.trace.0.as_bytes(), contents.person);
    unit.post_message(postings.into_iter().flatten());
    unit.count_message(feed, outcome.state, 1, Some(micros(facts.received_at)));
    wait(&unit.tx, id, outcome)
}

/// Puts a message into its new state and keeps the step. What is known of it stays what was seen first.
pub(super) fn replace(
    unit: &mut Unit<'_>,
    known: &Stored,
    outcome: &Outcome,
    settled: &Settled,
    actor: &Actor,
) -> Result<()> {
    let id = known.row.row;
    let notes = note_list(unit, outcome)?;
    let step = Step { number: next_step(&unit.tx, known)?, actor, comment: "" };
    step.insert(&unit.tx, id, outcome.state, outcome.reason, settled)?;
    let decisions = write_decisions(&outcome.decisions, settled.at);
    let contents = contents(id, &known.row.facts, outcome, settled, &decisions, notes, step.number);
    update(&unit.tx, &contents)?;
    if let Some(person) = outcome.person.filter(|person| Some(*person) != known.row.person) {
        // The sweep may have passed the message when it was nobody's.
        posting::add(&unit.tx, Posting::new(Sort::MessagePerson, person.0, id))?;
    }
    recount(unit, known, outcome.state);
    forget_waiting(&unit.tx, id)?;
    wait(&unit.tx, id, outcome)
}

/// Makes an outcome say what stays: an accepted message is not turned back.
pub(super) fn keep(known: &Stored, outcome: &mut Outcome) {
    outcome.state = known.row.state;
    outcome.reason = known.row.reason;
    outcome.place.clone_from(&known.row.place);
    outcome.person = known.row.person;
    outcome.records.clear();
    outcome.links.clear();
}

/// Gives a message up.
pub(super) fn discard(
    unit: &mut Unit<'_>,
    position: Position,
    comment: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    check_comment(comment, REASON_BYTES_MAX)?;
    let known = messages::find(&unit.tx, position)?
        .ok_or_else(|| StoreError::Refused(format!("no message stands at {position}")))?;
    match known.row.state {
        State::Held | State::Rejected => {}
        State::Accepted | State::Withheld | State::Discarded => {
            return Err(StoreError::Refused(format!(
                "message {position} is {}; only what is held or rejected can be discarded",
                known.row.state.as_str()
            )));
        }
    }
    end(unit, &known, known.row.reason, now, (actor, comment))?;
    let detail = [("message".to_owned(), position.to_string()), ("comment".to_owned(), comment.to_owned())];
    let (actor, action) = (actor.clone(), "discard".to_owned());
    unit.audit(&AuditEntry { at: now, actor, action, person: known.row.person, detail: detail.into() })
}

/// Gives a message up that had been accepted, because of a ruling.
pub(super) fn give_up(unit: &mut Unit<'_>, position: Position, reason: Reason, ruling: &Ruling) -> Result<()> {
    let known = messages::find(&unit.tx, position)?.ok_or_else(|| damaged("an instance has no message"))?;
    end(unit, &known, Some(reason), ruling.at, (&ruling.by, &ruling.reason))
}

/// A message's last step: it is discarded by somebody who says why.
fn end(
    unit: &mut Unit<'_>,
    known: &Stored,
    reason: Option<Reason>,
    now: Timestamp,
    (actor, comment): (&Actor, &str),
) -> Result<()> {
    let step = Step { number: next_step(&unit.tx, known)?, actor, comment };
    let nothing = Settled { at: now, effects: Effects::default(), first_version: 0, versions: 0 };
    step.insert(&unit.tx, known.row.row, State::Discarded, reason, &nothing)?;
    let settled = Settled { at: now, ..known.settled() };
    let contents = Contents { state: State::Discarded, reason, settled, steps: step.number, ..known.contents() };
    update(&unit.tx, &contents)?;
    forget_waiting(&unit.tx, known.row.row)?;
    recount(unit, known, State::Discarded);
    Ok(())
}

fn contents<'a>(
    id: i64,
    facts: &'a MessageFacts,
    outcome: &'a Outcome,
    settled: &Settled,
    decisions: &'a str,
    notes: i64,
    steps: i64,
) -> Contents<'a> {
    Contents {
        id,
        facts,
        state: outcome.state,
        reason: outcome.reason,
        place: &outcome.place,
        person: outcome.person.map(|person| person.0),
        settled: *settled,
        decisions,
        notes,
        steps,
    }
}

fn update(connection: &Connection, contents: &Contents<'_>) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE message SET state = ?2, reason = ?3, place = ?4, person = ?5, settled_at = ?6, created = ?7, \
         updated = ?8, unchanged = ?9, late = ?10, first_version = ?11, versions = ?12, decisions = ?13, notes = ?14, \
         steps = ?15, seal = ?16 WHERE id = ?1",
    )?;
    let settled = contents.settled;
    statement.execute(params![
        contents.id,
        state_code(contents.state),
        contents.reason.map(Reason::code),
        contents.place,
        contents.person,
        micros(settled.at),
        int(settled.effects.created)?,
        int(settled.effects.updated)?,
        int(settled.effects.unchanged)?,
        int(settled.effects.late)?,
        settled.first_version,
        settled.versions,
        contents.decisions,
        contents.notes,
        contents.steps,
        contents.seal()?,
    ])?;
    Ok(())
}

fn recount(unit: &mut Unit<'_>, known: &Stored, to: State) {
    unit.count_message(known.feed, known.row.state, -1, None);
    unit.count_message(known.feed, to, 1, Some(micros(known.row.facts.received_at)));
}

/// Moves the first step out of the message row, if it is still there alone. Gives the number of the step to come.
fn next_step(connection: &Connection, known: &Stored) -> Result<i64> {
    if known.steps == 1 {
        let router = Actor(super::commit::ROUTER.to_owned());
        let first = Step { number: 1, actor: &router, comment: "" };
        first.insert(connection, known.row.row, known.row.state, known.row.reason, &known.settled())?;
    }
    Ok(known.steps.saturating_add(1))
}

/// A step about to be stored.
struct Step<'a> {
    number: i64,
    actor: &'a Actor,
    comment: &'a str,
}

impl Step<'_> {
    fn insert(
        &self,
        connection: &Connection,
        message: i64,
        state: State,
        reason: Option<Reason>,
        settled: &Settled,
    ) -> Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO message_step (message, number, at, state, reason, actor, comment, first_version, versions, \
             seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let (at, state, reason) = (micros(settled.at), state_code(state), reason.map(Reason::code));
        let Settled { first_version, versions, .. } = *settled;
        let seal = step_seal(
            [message, self.number, at, state, first_version, versions],
            [reason, Some(&self.actor.0), Some(self.comment)],
        );
        statement.execute(params![
            message,
            self.number,
            at,
            state,
            reason,
            self.actor.0,
            self.comment,
            first_version,
            versions,
            seal,
        ])?;
        Ok(())
    }
}

/// The seal of a step: message, number, time, state, first version, versions; reason, actor, comment.
pub(super) fn step_seal(numbers: [i64; 6], texts: [Option<&str>; 3]) -> Half {
    let sealer = numbers.into_iter().fold(Sealer::default(), Sealer::number);
    texts.into_iter().fold(sealer, Sealer::optional_text).finish()
}

/// Notes by what a withheld or held message can be found again when its person joins.
fn wait(connection: &Connection, id: i64, outcome: &Outcome) -> Result<()> {
    match outcome.state {
        State::Withheld | State::Held => {}
        State::Accepted | State::Rejected | State::Discarded => return Ok(()),
    }
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO waiting (subject, message) VALUES (?1, ?2)")?;
    for key in &outcome.subject_keys {
        statement.execute([key.0, id])?;
    }
    Ok(())
}

fn forget_waiting(connection: &Connection, id: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM waiting WHERE message = ?1")?.execute([id])?;
    Ok(())
}

/// The number of the message's list of notes, 0 for none. Of a withheld message only codes and places are kept: nothing
/// that was made of its content is.
fn note_list(unit: &mut Unit<'_>, outcome: &Outcome) -> Result<i64> {
    let text = write_notes(&outcome.notes, outcome.state != State::Withheld);
    if text.is_empty() {
        return Ok(0);
    }
    let digest = Digest::of(text.as_bytes());
    if let Some(id) = unit.caches.notes.get(&digest) {
        return Ok(*id);
    }
    let id = store_notes(&unit.tx, first_eight(&digest.0), &text)?;
    if unit.caches.notes.len() >= CACHED_MAX {
        unit.caches.notes.clear();
    }
    unit.caches.notes.insert(digest, id);
    Ok(id)
}

/// Lists that may share a hash.
pub(super) const NOTES_ALIKE_MAX: i64 = 8;

/// Stores a list under its hash, or under one of the numbers after it where another list stands there already.
fn store_notes(connection: &Connection, hash: i64, text: &str) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT notes FROM note_list WHERE id = ?1")?;
    for id in (0..NOTES_ALIKE_MAX).map(|step| hash.wrapping_add(step)).filter(|id| *id != 0) {
        let found: Option<String> = find.query_row([id], |row| row.get(0)).optional()?;
        match found {
            Some(found) if found == text => return Ok(id),
            Some(_) => {}
            None => {
                connection
                    .prepare_cached("INSERT INTO note_list (id, notes) VALUES (?1, ?2)")?
                    .execute(params![id, text])?;
                return Ok(id);
            }
        }
    }
    Err(damaged("the lists of notes collide"))
}
