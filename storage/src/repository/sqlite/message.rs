//! The rows of messages: written once, changed by replay, take-up and discard, each step kept.

use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::port::{Actor, AuditEntry, Effects};
use causeway_core::reason::Reason;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::codec::{first_eight, int, micros, reason_of, state_code, state_of, write_decisions, write_notes};
use super::error::{Result, StoreError, damaged};
use super::posting::{self, Sort};
use super::unit::{CACHED_MAX, Unit};

/// The longest reason an operator may give.
const COMMENT_BYTES_MAX: usize = 2000;

/// What became of a message's records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) at: Timestamp,
    pub(super) effects: Effects,
    pub(super) first_version: i64,
    pub(super) versions: i64,
}

/// A message as it stands.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) state: State,
    feed: i64,
    received_at: i64,
    reason: Option<Reason>,
    place: String,
    person: Option<i64>,
    steps: i64,
}

/// The message at a position.
pub(super) fn find(connection: &Connection, position: Position) -> Result<Option<Known>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, state, feed, reason, place, person, steps, received_at FROM message WHERE partition_id = ?1 AND log_offset = ?2",
    )?;
    let mut rows = statement.query(params![position.partition.0, int(position.offset.0)?])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Known {
        id: row.get(0)?,
        state: state_of(row.get(1)?)?,
        feed: row.get(2)?,
        reason: reason_of(row.get(3)?)?,
        place: row.get(4)?,
        person: row.get(5)?,
        steps: row.get(6)?,
        received_at: row.get(7)?,
    }))
}

/// Stores a message seen for the first time.
pub(super) fn insert(unit: &mut Unit<'_>, id: i64, outcome: &Outcome, settled: &Settled) -> Result<()> {
    let facts = &outcome.facts;
    let (feed, provider) = (unit.word(facts.feed.as_str())?, unit.word(&facts.provider.0)?);
    let notes = note_list(unit, outcome)?;
    let mut statement = unit.tx.prepare_cached(
        "INSERT INTO message (id, partition_id, log_offset, trace, feed, provider, format, sender, control_id, kind, \
         received_at, digest, bytes, reused, state, reason, place, person, settled_at, created, updated, unchanged, \
         late, first_version, versions, decisions, notes, steps) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
         ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, 1)",
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
        outcome.person.map(|person| person.0),
        micros(settled.at),
        int(settled.effects.created)?,
        int(settled.effects.updated)?,
        int(settled.effects.unchanged)?,
        int(settled.effects.late)?,
        settled.first_version,
        settled.versions,
        write_decisions(&outcome.decisions, settled.at),
        notes,
    ])?;
    drop(statement);
    unit.count_message(feed, outcome.state, 1, Some(micros(facts.received_at)));
    wait(&unit.tx, id, outcome)
}

/// Puts a message into its new state and keeps the step.
pub(super) fn replace(
    unit: &mut Unit<'_>,
    known: &Known,
    outcome: &Outcome,
    settled: &Settled,
    actor: &Actor,
) -> Result<()> {
    let notes = note_list(unit, outcome)?;
    let number = first_step(&unit.tx, known)?;
    add_step(&unit.tx, known.id, number, outcome.state, outcome.reason, settled, actor, "")?;
    let mut statement = unit.tx.prepare_cached(
        "UPDATE message SET state = ?2, reason = ?3, place = ?4, person = ?5, settled_at = ?6, created = ?7, \
         updated = ?8, unchanged = ?9, late = ?10, first_version = ?11, versions = ?12, decisions = ?13, notes = ?14, \
         steps = ?15 WHERE id = ?1",
    )?;
    let person = outcome.person.map(|person| person.0);
    statement.execute(params![
        known.id,
        state_code(outcome.state),
        outcome.reason.map(Reason::code),
        outcome.place,
        person,
        micros(settled.at),
        int(settled.effects.created)?,
        int(settled.effects.updated)?,
        int(settled.effects.unchanged)?,
        int(settled.effects.late)?,
        settled.first_version,
        settled.versions,
        write_decisions(&outcome.decisions, settled.at),
        notes,
        number,
    ])?;
    drop(statement);
    if let Some(person) = person.filter(|person| Some(*person) != known.person) {
        // The sweep may have passed the message when it was nobody's.
        posting::add(&unit.tx, Sort::MessagePerson, person, known.id)?;
    }
    unit.count_message(known.feed, known.state, -1, None);
    unit.count_message(known.feed, outcome.state, 1, Some(known.received_at));
    unit.tx.prepare_cached("DELETE FROM waiting WHERE message = ?1")?.execute([known.id])?;
    wait(&unit.tx, known.id, outcome)
}

/// Makes an outcome say what stays: an accepted message is not turned back.
pub(super) fn keep(known: &Known, outcome: &mut Outcome) {
    outcome.state = known.state;
    outcome.reason = known.reason;
    outcome.place.clone_from(&known.place);
    outcome.person = known.person.map(PersonId);
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
    if comment.trim().is_empty() || comment.len() > COMMENT_BYTES_MAX {
        let why = format!("a discard needs a reason in words, of at most {COMMENT_BYTES_MAX} bytes");
        return Err(StoreError::Refused(why));
    }
    let known =
        find(&unit.tx, position)?.ok_or_else(|| StoreError::Refused(format!("no message stands at {position}")))?;
    match known.state {
        State::Held | State::Rejected => {}
        State::Accepted | State::Withheld | State::Discarded => {
            let state = known.state.as_str();
            return Err(StoreError::Refused(format!(
                "message {position} is {state}; only what is held can be discarded"
            )));
        }
    }
    let number = first_step(&unit.tx, &known)?;
    let settled = Settled { at: now, effects: Effects::default(), first_version: 0, versions: 0 };
    add_step(&unit.tx, known.id, number, State::Discarded, known.reason, &settled, actor, comment)?;
    unit.tx
        .prepare_cached("UPDATE message SET state = ?2, settled_at = ?3, steps = ?4 WHERE id = ?1")?
        .execute(params![known.id, state_code(State::Discarded), micros(now), number])?;
    unit.tx.prepare_cached("DELETE FROM waiting WHERE message = ?1")?.execute([known.id])?;
    unit.count_message(known.feed, known.state, -1, None);
    unit.count_message(known.feed, State::Discarded, 1, Some(known.received_at));
    let detail = [("message".to_owned(), position.to_string()), ("comment".to_owned(), comment.to_owned())];
    unit.audit(&AuditEntry {
        at: now,
        actor: actor.clone(),
        action: "discard".to_owned(),
        person: known.person.map(PersonId),
        detail: detail.into(),
    })
}

/// Moves the first step out of the message row, if it is still there alone. Gives the number of the step to come.
fn first_step(connection: &Connection, known: &Known) -> Result<i64> {
    if known.steps == 1 {
        connection
            .prepare_cached(
                "INSERT INTO message_step (message, number, at, state, reason, actor, comment, first_version, versions) \
                 SELECT id, 1, settled_at, state, reason, 'router', '', first_version, versions FROM message \
                 WHERE id = ?1",
            )?
            .execute([known.id])?;
    }
    Ok(known.steps.saturating_add(1))
}

#[expect(clippy::too_many_arguments, reason = "one for each column of the step")]
fn add_step(
    connection: &Connection,
    message: i64,
    number: i64,
    state: State,
    reason: Option<Reason>,
    settled: &Settled,
    actor: &Actor,
    comment: &str,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO message_step (message, number, at, state, reason, actor, comment, first_version, versions) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            message,
            number,
            micros(settled.at),
            state_code(state),
            reason.map(Reason::code),
            actor.0,
            comment,
            settled.first_version,
            settled.versions,
        ])?;
    Ok(())
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

/// Stores a list under its hash, or under one of the numbers after it where another list stands there already.
fn store_notes(connection: &Connection, hash: i64, text: &str) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT notes FROM note_list WHERE id = ?1")?;
    for id in (0..8).map(|step| hash.wrapping_add(step)).filter(|id| *id != 0) {
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
