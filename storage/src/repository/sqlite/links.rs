//! Links between persons and the numbers providers know them by.

use causeway_core::identity::local_number_key;
use causeway_core::person::{LocalNumber, Person, PersonId};
use causeway_core::port::{Actor, AuditEntry};
use jiff::Timestamp;
use rusqlite::params;

use super::error::{Result, StoreError};
use super::persons::{self, TEXT_BYTES_MAX};
use super::tickets;
use super::unit::Unit;
use crate::repository::wanted::LOCAL_NUMBER;

/// At most so many numbers linked to one person.
const LOCAL_NUMBERS_MAX: usize = 256;

/// Links a number by hand. One that is linked already changes nothing.
pub(super) fn link(
    unit: &mut Unit<'_>,
    id: PersonId,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut participant = persons::load(&unit.tx, id)?;
    if !link_to(unit, &mut participant.person, number, actor, at)? {
        return Ok(());
    }
    persons::save(unit, &participant)?;
    persons::tell(unit, id, "link", actor, at, [("provider", &number.provider.0)])?;
    tickets::open_for_person(unit, &participant.person)
}

/// Links a number seen with a confirmed match. A number that is someone else's stays theirs, and the audit says so: no
/// link is worth holding a batch up.
pub(super) fn link_seen(
    unit: &mut Unit<'_>,
    id: PersonId,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let why = match link(unit, id, number, actor, at) {
        Ok(()) => return Ok(()),
        Err(StoreError::Taken { owner, .. }) => format!("linked to person {owner}"),
        Err(StoreError::Invalid(why)) => why,
        Err(error) => return Err(error),
    };
    let detail = [("provider", number.provider.0.clone()), ("why", why)];
    unit.audit(&AuditEntry {
        at,
        actor: actor.clone(),
        action: "link-refused".to_owned(),
        person: Some(id),
        detail: detail.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

/// Takes a link back.
pub(super) fn unlink(
    unit: &mut Unit<'_>,
    id: PersonId,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut participant = persons::load(&unit.tx, id)?;
    let key = local_number_key(number);
    let place = participant.person.local_numbers.iter().position(|linked| local_number_key(linked) == key);
    let Some(place) = place else {
        return Err(StoreError::NotFound(format!("such a number linked to person {id}")));
    };
    let linked = participant.person.local_numbers.remove(place);
    persons::remove_key(&unit.tx, id, LOCAL_NUMBER, key.0)?;
    let folded = persons::fold_number(linked.number.expose());
    let others = &participant.person.local_numbers;
    // The same figures may be linked under another provider.
    if !others.iter().any(|other| persons::fold_number(other.number.expose()) == folded) {
        let sql = "DELETE FROM person_number WHERE folded = ?1 AND sort = ?2 AND person = ?3";
        unit.tx.prepare_cached(sql)?.execute(params![folded, LOCAL_NUMBER, id.0])?;
    }
    persons::keep_number(&unit.tx, id, "unlink", &linked, actor, at)?;
    persons::save(unit, &participant)?;
    persons::tell(unit, id, "unlink", actor, at, [("provider", &number.provider.0)])
}

/// Links a number to a person who is being written. Whether it was not linked yet.
pub(super) fn link_to(
    unit: &Unit<'_>,
    person: &mut Person,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<bool> {
    let text = number.number.expose();
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX || number.authority.len() > TEXT_BYTES_MAX {
        return Err(StoreError::Invalid(format!("a local number has 1 to {TEXT_BYTES_MAX} bytes")));
    }
    let key = local_number_key(number).0;
    match persons::owner(&unit.tx, LOCAL_NUMBER, key)? {
        Some(owner) if owner == person.id => return Ok(false),
        Some(owner) => return Err(StoreError::Taken { what: "local number", owner }),
        None => {}
    }
    if person.local_numbers.len() >= LOCAL_NUMBERS_MAX {
        return Err(StoreError::Invalid(format!("a person has at most {LOCAL_NUMBERS_MAX} linked numbers")));
    }
    persons::add_key(&unit.tx, person.id, LOCAL_NUMBER, key)?;
    let sql = "INSERT OR IGNORE INTO person_number (folded, sort, person) VALUES (?1, ?2, ?3)";
    unit.tx.prepare_cached(sql)?.execute(params![persons::fold_number(text), LOCAL_NUMBER, person.id.0])?;
    persons::keep_number(&unit.tx, person.id, "link", number, actor, at)?;
    person.local_numbers.push(number.clone());
    Ok(true)
}
