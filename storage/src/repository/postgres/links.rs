//! Links between persons and the numbers providers know them by.

use std::collections::HashSet;

use causeway_core::identity::local_number_key;
use causeway_core::outcome::Outcome;
use causeway_core::person::{LocalNumber, Person, PersonId};
use causeway_core::port::{Actor, AuditEntry, Effects};
use jiff::Timestamp;

use super::session::get;
use super::text::put;
use super::unit::Unit;
use super::{persons, tickets};
use crate::repository::error::{Result, StoreError};
use crate::repository::person::{TEXT_BYTES_MAX, fold_number};
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
    if link_loaded(unit, id, number, actor, at)? { tickets::open_for_persons(unit, &[id]) } else { Ok(()) }
}

/// Whether the number was not linked yet.
fn link_loaded(unit: &mut Unit<'_>, id: PersonId, number: &LocalNumber, actor: &Actor, at: Timestamp) -> Result<bool> {
    let mut participant = persons::load(unit, id)?;
    if !link_to(unit, &mut participant.person, number, actor, at)? {
        return Ok(false);
    }
    persons::save(unit, &participant)?;
    persons::tell(unit, id, "link", actor, at, [("provider", &number.provider.0)]);
    Ok(true)
}

/// Links the numbers seen with confirmed matches. One that is someone else's stays theirs, and the audit says so: no link
/// is worth holding a batch up.
pub(super) fn link_seen(
    unit: &mut Unit<'_>,
    outcomes: &[(Outcome, Effects)],
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut seen = Vec::new();
    for (outcome, _) in outcomes {
        let Some(person) = outcome.person else { continue };
        seen.extend(outcome.links.iter().map(|number| (local_number_key(number).0, person, number)));
    }
    // In the order of persons, as every batch locks them.
    seen.sort_by_key(|(key, person, _)| (*person, *key));
    seen.dedup_by_key(|(key, person, _)| (*person, *key));
    if seen.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = seen.iter().map(|(key, ..)| *key).collect();
    // Most are linked already, and that is told by one query.
    let sql = "SELECT key, person FROM subject WHERE sort = 1 AND key = ANY ($1::int8[])";
    let rows = unit.query(sql, &[&keys])?;
    let linked: HashSet<(i64, i64)> = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect::<Result<_>>()?;
    let mut changed = Vec::new();
    for (key, person, number) in seen {
        if !linked.contains(&(key, person.0)) && link_one_seen(unit, person, number, actor, at)? {
            changed.push(person);
        }
    }
    changed.dedup();
    tickets::open_for_persons(unit, &changed)
}

fn link_one_seen(
    unit: &mut Unit<'_>,
    id: PersonId,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<bool> {
    let why = match link_loaded(unit, id, number, actor, at) {
        Ok(linked) => return Ok(linked),
        Err(StoreError::Taken { owner, .. }) => format!("linked to person {owner}"),
        Err(StoreError::Invalid(why)) => why,
        Err(error) => return Err(error),
    };
    let detail = [("provider", number.provider.0.clone()), ("why", why)];
    unit.audit(AuditEntry {
        at,
        actor: actor.clone(),
        action: "link-refused".to_owned(),
        person: Some(id),
        detail: detail.map(|(name, value)| (name.to_owned(), value)).into(),
    });
    Ok(false)
}

/// Takes a link back.
pub(super) fn unlink(
    unit: &mut Unit<'_>,
    id: PersonId,
    number: &LocalNumber,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut participant = persons::load(unit, id)?;
    let key = local_number_key(number);
    let place = participant.person.local_numbers.iter().position(|linked| local_number_key(linked) == key);
    let Some(place) = place else {
        return Err(StoreError::NotFound(format!("such a number linked to person {id}")));
    };
    let linked = participant.person.local_numbers.remove(place);
    persons::remove_key(unit, id, LOCAL_NUMBER, key.0)?;
    let folded = fold_number(linked.number.expose());
    let others = &participant.person.local_numbers;
    // The same figures may be linked under another provider.
    if !others.iter().any(|other| fold_number(other.number.expose()) == folded) {
        let sql = "DELETE FROM person_number WHERE folded = $1 AND sort = $2::int8 AND person = $3";
        unit.execute(sql, &[&put(&folded), &LOCAL_NUMBER, &id.0])?;
    }
    persons::keep_number(unit, id, "unlink", &linked, actor, at)?;
    persons::save(unit, &participant)?;
    persons::tell(unit, id, "unlink", actor, at, [("provider", &number.provider.0)]);
    Ok(())
}

/// Links a number to a person who is being written. Whether it was not linked yet.
pub(super) fn link_to(
    unit: &mut Unit<'_>,
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
    match persons::owner(unit, LOCAL_NUMBER, key)? {
        Some(owner) if owner == person.id => return Ok(false),
        Some(owner) => return Err(StoreError::Taken { what: "local number", owner }),
        None => {}
    }
    if person.local_numbers.len() >= LOCAL_NUMBERS_MAX {
        return Err(StoreError::Invalid(format!("a person has at most {LOCAL_NUMBERS_MAX} linked numbers")));
    }
    persons::add_key(unit, person.id, LOCAL_NUMBER, key)?;
    persons::add_number(unit, person.id, LOCAL_NUMBER, text)?;
    persons::keep_number(unit, person.id, "link", number, actor, at)?;
    person.local_numbers.push(number.clone());
    Ok(true)
}
