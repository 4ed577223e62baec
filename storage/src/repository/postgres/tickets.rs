//! Tickets: what a change of the registry may let in is taken up again from the log.
//!
//! A commit that is under way when the change is made did not see it, and its messages are not there yet when the ticket is
//! opened. Every commit therefore shares a lock ([`super::under_way`]) by which it is seen to be under way; those that are when a
//! ticket is opened are noted with it, and it is dealt with once none of them is any more. From the opening of a ticket
//! until the change is there no commit begins: it waits, and then sees the change. A ticket is opened only where something
//! waits or a commit is under way: an import of a million persons into an idle hub opens none.

use causeway_core::identity::{document_key, local_number_key};
use causeway_core::outcome::State;
use causeway_core::person::PersonId;
use causeway_core::port::TakeUp;
use causeway_core::provider::ProviderId;
use causeway_core::reason::{Class, Reason};
use postgres::Row;

use super::persons;
use super::session::{Session, get};
use super::under_way::{OPENING, OTHERS};
use super::unit::Unit;
use crate::repository::codec::{position_of, state_code};
use crate::repository::error::{Result, StoreError};

/// Tickets looked at in one call, so that a call is short however many there are.
const LOOKED_AT_MAX: i64 = 1000;

/// Opens tickets for persons, where something waits for them or may come to wait. The last thing a transaction does
/// before it ends: no commit begins from here on.
pub(super) fn open_for_persons(unit: &mut Unit<'_>, persons: &[PersonId]) -> Result<()> {
    let persons: Vec<i64> = persons.iter().map(|person| person.0).collect();
    if persons.is_empty() {
        return Ok(());
    }
    unit.query(OPENING, &[])?;
    // One that was not handed out yet serves for this change too; it stays locked, so that nobody closes it before the
    // change is there.
    let sql =
        format!("UPDATE ticket SET beside = {OTHERS} WHERE person = ANY ($1::int8[]) AND given = 0 RETURNING person");
    let rows = unit.query(&sql, &[&persons])?;
    let have: Vec<i64> = rows.iter().map(|row| get(row, 0)).collect::<Result<_>>()?;
    let sql = format!(
        "WITH others AS MATERIALIZED (SELECT {OTHERS} AS beside) \
         INSERT INTO ticket (person, done, given, beside) SELECT p.person, 0, 0, o.beside \
           FROM unnest($1::int8[]) AS p (person), others AS o WHERE p.person <> ALL ($2::int8[]) \
            AND (o.beside <> '{{}}' OR EXISTS (SELECT 1 FROM subject AS s JOIN waiting AS w ON w.subject = s.key \
                 JOIN message AS m ON m.id = w.message WHERE s.person = p.person AND s.sort < 2 AND {WAITS})) \
          ORDER BY p.person",
        WAITS = waits()
    );
    unit.execute(&sql, &[&persons, &have])?;
    Ok(())
}

/// Opens a ticket for a provider, as [`open_for_persons`] does.
pub(super) fn open_for_provider(unit: &mut Unit<'_>, provider: &ProviderId) -> Result<()> {
    unit.query(OPENING, &[])?;
    let sql = format!("UPDATE ticket SET beside = {OTHERS} WHERE provider = $1 AND given = 0");
    if unit.execute(&sql, &[&provider.0])? > 0 {
        return Ok(());
    }
    let waits = !waiting_of(unit, &provider.0, 0)?.is_empty();
    let sql = format!(
        "INSERT INTO ticket (provider, done, given, beside) SELECT $1, 0, 0, o.beside \
         FROM (SELECT {OTHERS} AS beside) AS o WHERE $2 OR o.beside <> '{{}}'"
    );
    unit.execute(&sql, &[&provider.0, &waits])?;
    Ok(())
}

/// A ticket as stored.
struct Ticket {
    id: i64,
    person: Option<PersonId>,
    provider: Option<String>,
    done: i64,
}

impl Ticket {
    fn read(row: &Row) -> Result<Self> {
        let person: Option<i64> = get(row, 1)?;
        Ok(Self { id: get(row, 0)?, person: person.map(PersonId), provider: get(row, 2)?, done: get(row, 3)? })
    }
}

/// Hands out the next part of the oldest tickets. Those with nothing left are closed.
pub(super) fn take_ups(unit: &mut Unit<'_>, limit: u32) -> Result<Vec<TakeUp>> {
    let mut found = Vec::new();
    for ticket in settled(unit)? {
        if found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
        let part = part_of(unit, &ticket)?;
        let Some((last, _, _)) = part.last() else {
            close(unit, ticket.id)?;
            continue;
        };
        unit.execute("UPDATE ticket SET given = $2 WHERE id = $1", &[&ticket.id, last])?;
        let positions = part.iter().map(|(_, partition, offset)| position_of((*partition).into(), *offset));
        let positions = positions.collect::<Result<_>>()?;
        found.push(TakeUp { ticket: ticket.id, person: ticket.person, positions });
    }
    Ok(found)
}

/// Whether there is any ticket at all: asked often, answered without a writing transaction.
pub(super) fn any(session: &mut Session) -> Result<bool> {
    Ok(session.first("SELECT 1 FROM ticket LIMIT 1", &[])?.is_some())
}

/// The part handed out is done; the ticket is closed by [`take_ups`] when nothing follows, at once when nothing can.
pub(super) fn done(unit: &mut Unit<'_>, id: i64) -> Result<()> {
    let sql = "UPDATE ticket SET done = given WHERE id = $1 RETURNING id, person, provider, done";
    let Some(row) = unit.session.first(sql, &[&id])? else { return Ok(()) };
    let ticket = Ticket::read(&row)?;
    if part_of(unit, &ticket)?.is_empty() { close(unit, id) } else { Ok(()) }
}

/// The oldest tickets beside which no commit is under way any more. Those of persons for whom nothing waits are closed
/// here, all in one go: of an import of many persons there is nothing else to do.
fn settled(unit: &mut Unit<'_>) -> Result<Vec<Ticket>> {
    let sql = "SELECT id FROM ticket ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED";
    let rows = unit.query(sql, &[&LOOKED_AT_MAX])?;
    let ids: Vec<i64> = rows.iter().map(|row| get(row, 0)).collect::<Result<_>>()?;
    // A statement of its own: the messages of a commit that it finds ended are seen by the ones after.
    let sql = format!("SELECT id FROM ticket WHERE id = ANY ($1::int8[]) AND NOT beside && {OTHERS}");
    let rows = unit.query(&sql, &[&ids])?;
    let ids: Vec<i64> = rows.iter().map(|row| get(row, 0)).collect::<Result<_>>()?;
    let sql = "DELETE FROM ticket AS t WHERE t.id = ANY ($1::int8[]) AND t.person IS NOT NULL AND NOT EXISTS (\
               SELECT 1 FROM subject AS s JOIN waiting AS w ON w.subject = s.key AND w.message > t.done \
               WHERE s.person = t.person AND s.sort < 2)";
    unit.execute(sql, &[&ids])?;
    let sql = "SELECT id, person, provider, done FROM ticket WHERE id = ANY ($1::int8[]) ORDER BY id";
    unit.query(sql, &[&ids])?.iter().map(Ticket::read).collect()
}

fn close(unit: &mut Unit<'_>, id: i64) -> Result<()> {
    unit.execute("DELETE FROM ticket WHERE id = $1", &[&id])?;
    Ok(())
}

/// Message, partition, offset.
type Waiting = (i64, i32, i64);

fn part_of(unit: &mut Unit<'_>, ticket: &Ticket) -> Result<Vec<Waiting>> {
    match (ticket.person, &ticket.provider) {
        (Some(person), _) => waiting_for(unit, person, ticket.done),
        (None, Some(provider)) => waiting_of(unit, provider, ticket.done),
        (None, None) => Ok(Vec::new()),
    }
}

/// What waits for a person: withheld, or held because it was in doubt whom it is about. Oldest first.
fn waiting_for(unit: &mut Unit<'_>, person: PersonId, after: i64) -> Result<Vec<Waiting>> {
    let Some(found) = persons::find(unit.session, person)? else {
        return Err(StoreError::NotFound(format!("person {person}")));
    };
    let documents = found.person.documents.iter().map(|document| document_key(document).0);
    let numbers = found.person.local_numbers.iter().map(|number| local_number_key(number).0);
    let keys: Vec<i64> = documents.chain(numbers).collect();
    let sql = format!(
        "SELECT DISTINCT m.id, m.partition_id, m.log_offset FROM unnest($1::int8[]) AS k (key) \
         JOIN waiting AS w ON w.subject = k.key AND w.message > $2 JOIN message AS m ON m.id = w.message \
         WHERE {} ORDER BY m.id LIMIT $3",
        waits(),
    );
    let limit = i64::from(unit.settings.take_up_messages);
    unit.query(&sql, &[&keys, &after, &limit])?.iter().map(waiting).collect()
}

/// Which messages `m` wait for a person.
fn waits() -> String {
    format!(
        "(m.state = {} OR (m.state = {} AND m.reason IN ({})))",
        state_code(State::Withheld),
        state_code(State::Held),
        codes(|reason| reason.class() == Class::Identity),
    )
}

/// What waits for a provider or its scope, whole messages and those of which a part was withheld. Oldest first.
fn waiting_of(unit: &mut Unit<'_>, provider: &str, after: i64) -> Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT id, partition_id, log_offset FROM message \
          WHERE provider = $1 AND id > $2 AND reason IN ({}) AND state IN ({}, {}) ORDER BY id LIMIT $3",
        codes(|reason| matches!(reason.class(), Class::Consent | Class::Scope)),
        state_code(State::Withheld),
        state_code(State::Accepted),
    );
    let limit = i64::from(unit.settings.take_up_messages);
    unit.query(&sql, &[&provider, &after, &limit])?.iter().map(waiting).collect()
}

fn waiting(row: &Row) -> Result<Waiting> {
    Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?))
}

/// Reason codes as an SQL list. They are our own constants, letters and underscores.
fn codes(which: impl Fn(Reason) -> bool) -> String {
    let quoted = Reason::ALL.iter().filter(|reason| which(**reason)).map(|reason| format!("'{}'", reason.code()));
    quoted.collect::<Vec<_>>().join(", ")
}
