//! Tickets: what a change of the registry may let in is taken up again from the log.
//!
//! Writers follow one another, so a message is either stored before a change, and then it is waiting when the ticket is
//! opened, or it is decided after it. A ticket is opened only where something waits: an import of a million persons
//! into an empty hub opens none.

use causeway_core::identity::{document_key, local_number_key};
use causeway_core::outcome::State;
use causeway_core::person::{Person, PersonId};
use causeway_core::port::TakeUp;
use causeway_core::provider::ProviderId;
use causeway_core::reason::{Class, Reason};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::codec::{position_of, state_code};
use super::error::Result;
use super::unit::Unit;

/// Tickets looked at in one call, so that a call is short however many there are.
const LOOKED_AT_MAX: u32 = 1000;

/// Opens a ticket for a person, if something waits for any of the person's numbers.
pub(super) fn open_for_person(unit: &Unit<'_>, person: &Person) -> Result<()> {
    if waiting_for(&unit.tx, person, 0, 1)?.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO ticket (person, provider, done, given) SELECT ?1, NULL, 0, 0 \
               WHERE NOT EXISTS (SELECT 1 FROM ticket WHERE person = ?1 AND given = 0)";
    unit.tx.prepare_cached(sql)?.execute([person.id.0])?;
    Ok(())
}

/// Opens a ticket for a provider, if something of it waits.
pub(super) fn open_for_provider(unit: &Unit<'_>, provider: &ProviderId) -> Result<()> {
    let Some(word) = word_of(&unit.tx, &provider.0)? else { return Ok(()) };
    if waiting_of(&unit.tx, word, 0, 1)?.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO ticket (person, provider, done, given) SELECT NULL, ?1, 0, 0 \
               WHERE NOT EXISTS (SELECT 1 FROM ticket WHERE provider = ?1 AND given = 0)";
    unit.tx.prepare_cached(sql)?.execute([word])?;
    Ok(())
}

/// A ticket as stored.
struct Ticket {
    id: i64,
    person: Option<PersonId>,
    provider: Option<i64>,
    done: i64,
}

/// Hands out the next part of the oldest tickets. Those with nothing left are closed.
pub(super) fn take_ups(unit: &Unit<'_>, limit: u32) -> Result<Vec<TakeUp>> {
    let mut found = Vec::new();
    for ticket in oldest(&unit.tx)? {
        if found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
        let part = part_of(unit, &ticket)?;
        let Some((last, _, _)) = part.last() else {
            close(&unit.tx, ticket.id)?;
            continue;
        };
        unit.tx.prepare_cached("UPDATE ticket SET given = ?2 WHERE id = ?1")?.execute([ticket.id, *last])?;
        let positions = part.iter().map(|(_, partition, offset)| position_of(*partition, *offset));
        let positions = positions.collect::<Result<_>>()?;
        found.push(TakeUp { ticket: ticket.id, person: ticket.person, positions });
    }
    Ok(found)
}

/// Whether there is any ticket at all: asked often, answered without a writing transaction.
pub(super) fn any(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM ticket LIMIT 1")?.exists([])?)
}

/// The part handed out is done; the ticket is closed by [`take_ups`] when nothing follows, at once when nothing can.
pub(super) fn done(unit: &Unit<'_>, id: i64) -> Result<()> {
    unit.tx.prepare_cached("UPDATE ticket SET done = given WHERE id = ?1")?.execute([id])?;
    let sql = "SELECT id, person, provider, done FROM ticket WHERE id = ?1";
    let ticket = unit.tx.prepare_cached(sql)?.query_row([id], read).optional()?;
    match ticket {
        Some(ticket) if part_of(unit, &ticket)?.is_empty() => close(&unit.tx, id),
        Some(_) | None => Ok(()),
    }
}

fn oldest(connection: &Connection) -> Result<Vec<Ticket>> {
    let mut statement =
        connection.prepare_cached("SELECT id, person, provider, done FROM ticket ORDER BY id LIMIT ?1")?;
    let rows = statement.query_map([LOOKED_AT_MAX], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Ticket> {
    let person: Option<i64> = row.get(1)?;
    Ok(Ticket { id: row.get(0)?, person: person.map(PersonId), provider: row.get(2)?, done: row.get(3)? })
}

fn close(connection: &Connection, id: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM ticket WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Message, partition, offset.
type Waiting = (i64, i64, i64);

fn part_of(unit: &Unit<'_>, ticket: &Ticket) -> Result<Vec<Waiting>> {
    let limit = unit.settings.take_up_messages;
    match (ticket.person, ticket.provider) {
        (Some(person), _) => {
            let participant = super::persons::load(&unit.tx, person)?;
            waiting_for(&unit.tx, &participant.person, ticket.done, limit)
        }
        (None, Some(provider)) => waiting_of(&unit.tx, provider, ticket.done, limit),
        (None, None) => Ok(Vec::new()),
    }
}

/// What waits for a person: withheld, or held because it was in doubt whom it is about. Oldest first.
fn waiting_for(connection: &Connection, person: &Person, after: i64, limit: u32) -> Result<Vec<Waiting>> {
    let documents = person.documents.iter().map(|document| document_key(document).0);
    let numbers = person.local_numbers.iter().map(|number| local_number_key(number).0);
    let keys: Vec<i64> = documents.chain(numbers).collect();
    let sql = format!(
        "SELECT DISTINCT m.id, m.partition_id, m.log_offset \
           FROM json_each(?1) AS k CROSS JOIN waiting AS w ON w.subject = k.value AND w.message > ?2 \
           CROSS JOIN message AS m ON m.id = w.message \
          WHERE m.state = {} OR (m.state = {} AND m.reason IN ({})) ORDER BY m.id LIMIT ?3",
        state_code(State::Withheld),
        state_code(State::Held),
        codes(|reason| reason.class() == Class::Identity),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![serde_json::json!(keys).to_string(), after, limit], waiting)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What waits for a provider or its scope, whole messages and those of which a part was withheld. Oldest first.
fn waiting_of(connection: &Connection, provider: i64, after: i64, limit: u32) -> Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT id, partition_id, log_offset FROM message \
          WHERE provider = ?1 AND id > ?2 AND reason IN ({}) AND state IN ({}, {}) ORDER BY id LIMIT ?3",
        codes(|reason| matches!(reason.class(), Class::Consent | Class::Scope)),
        state_code(State::Withheld),
        state_code(State::Accepted),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![provider, after, limit], waiting)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// Reason codes as an SQL list. They are our own constants, letters and underscores.
fn codes(which: impl Fn(Reason) -> bool) -> String {
    let quoted = Reason::ALL.iter().filter(|reason| which(**reason)).map(|reason| format!("'{}'", reason.code()));
    quoted.collect::<Vec<_>>().join(", ")
}

fn word_of(connection: &Connection, text: &str) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM word WHERE text = ?1")?;
    Ok(statement.query_row([text], |row| row.get(0)).optional()?)
}
