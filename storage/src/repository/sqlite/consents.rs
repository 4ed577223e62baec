//! Registration and consent: recording events, and the standing they add up to.

use causeway_core::consent::{ConsentEvent, ConsentEventKind, Standing};
use causeway_core::person::PersonId;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, NewEvent};
use causeway_core::provider::ProviderId;
use rusqlite::{Connection, params};

use super::error::Result;
use super::unit::Unit;
use super::{persons, providers, seal, tickets};
use crate::repository::consent;

/// Records an event, if the state machine allows it. One recorded already changes nothing.
pub(super) fn record(unit: &mut Unit<'_>, new: &NewEvent, actor: &Actor) -> Result<Standing> {
    consent::check(new)?;
    let mut participant = persons::load(&unit.tx, new.person)?;
    let former = events(&unit.tx, new.person)?;
    let Some(event) = consent::numbered(new, &former)? else { return Ok(participant.standing) };
    let standing = participant.standing;
    participant.standing = consent::after(standing, former, &event, |id| providers::find(&unit.tx, id))?;
    insert(unit, &event, actor)?;
    persons::save(unit, &participant)?;
    unit.audit(&consent::audit_entry(&event, actor))?;
    tickets::open_for_person(unit, &participant.person)?;
    Ok(participant.standing)
}

/// A person's events, oldest first.
pub(super) fn events(connection: &Connection, person: PersonId) -> Result<Vec<ConsentEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, kind, provider, at, policy, given_by, channel, actor, seal FROM consent_event WHERE person = ?1",
    )?;
    let mut rows = statement.query([person.0])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, at, policy): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
        let event = ConsentEvent {
            seq: row.get(0)?,
            kind: ConsentEventKind::parse(&kind).ok_or_else(|| consent::unreadable(person))?,
            person,
            provider: row.get::<_, Option<String>>(2)?.map(ProviderId),
            at: at.parse().ok().ok_or_else(|| consent::unreadable(person))?,
            policy: PolicyVersion::parse(&policy).ok_or_else(|| consent::unreadable(person))?,
            by: row.get(5)?,
            channel: row.get(6)?,
        };
        let actor: String = row.get(7)?;
        seal::check(row.get_ref(8)?.as_blob().unwrap_or_default(), consent::seal_of(&event, &actor), || {
            format!("event {} of person {person}", event.seq)
        })?;
        events.push(event);
    }
    events.sort_by_key(|event| (event.at, event.seq));
    Ok(events)
}

fn insert(unit: &Unit<'_>, event: &ConsentEvent, actor: &Actor) -> Result<()> {
    let sql = "INSERT INTO consent_event (person, seq, kind, provider, at, policy, given_by, channel, actor, \
               seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    unit.tx.prepare_cached(sql)?.execute(params![
        event.person.0,
        event.seq,
        event.kind.as_str(),
        event.provider.as_ref().map(|id| &id.0),
        event.at.to_string(),
        event.policy.as_str(),
        event.by,
        event.channel,
        actor.0,
        consent::seal_of(event, &actor.0),
    ])?;
    Ok(())
}
