//! Registration and consent: recording events, and the standing they add up to.

use causeway_core::consent::{ConsentEvent, ConsentEventKind, Standing};
use causeway_core::person::PersonId;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, NewEvent};
use causeway_core::provider::ProviderId;

use super::session::{Session, get};
use super::text::{put, take};
use super::unit::Unit;
use super::{persons, providers, tickets};
use crate::repository::codec::small;
use crate::repository::error::Result;
use crate::repository::{consent, seal};

/// Records an event, if the state machine allows it. One recorded already changes nothing.
pub(super) fn record(unit: &mut Unit<'_>, new: &NewEvent, actor: &Actor) -> Result<Standing> {
    consent::check(new)?;
    let mut participant = persons::load(unit, new.person)?;
    let former = events(unit.session, new.person)?;
    let Some(event) = consent::numbered(new, &former)? else { return Ok(participant.standing) };
    let standing = participant.standing;
    participant.standing = consent::after(standing, former, &event, |id| providers::find(unit.session, id))?;
    insert(unit, &event, actor)?;
    persons::save(unit, &participant)?;
    unit.audit(consent::audit_entry(&event, actor));
    tickets::open_for_persons(unit, &[new.person])?;
    Ok(participant.standing)
}

/// A person's events, oldest first.
pub(super) fn events(session: &mut Session, person: PersonId) -> Result<Vec<ConsentEvent>> {
    let rows = session.query(
        "SELECT seq, kind, provider, at, policy, given_by, channel, actor, seal FROM consent_event WHERE person = $1",
        &[&person.0],
    )?;
    let mut events = Vec::new();
    for row in &rows {
        let (kind, at, policy): (&str, &str, &str) = (get(row, 1)?, get(row, 3)?, get(row, 4)?);
        let event = ConsentEvent {
            seq: small(get(row, 0)?)?,
            kind: ConsentEventKind::parse(kind).ok_or_else(|| consent::unreadable(person))?,
            person,
            provider: get::<Option<String>>(row, 2)?.map(|id| ProviderId(take(id))),
            at: at.parse().ok().ok_or_else(|| consent::unreadable(person))?,
            policy: PolicyVersion::parse(policy).ok_or_else(|| consent::unreadable(person))?,
            by: take(get(row, 5)?),
            channel: take(get(row, 6)?),
        };
        let actor = take(get(row, 7)?);
        seal::check(get(row, 8)?, consent::seal_of(&event, &actor), || {
            format!("event {} of person {person}", event.seq)
        })?;
        events.push(event);
    }
    events.sort_by_key(|event| (event.at, event.seq));
    Ok(events)
}

fn insert(unit: &mut Unit<'_>, event: &ConsentEvent, actor: &Actor) -> Result<()> {
    unit.execute(
        "INSERT INTO consent_event (person, seq, kind, provider, at, policy, given_by, channel, actor, seal) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &event.person.0,
            &i64::from(event.seq),
            &event.kind.as_str(),
            &event.provider.as_ref().map(|id| put(&id.0)),
            &event.at.to_string(),
            &event.policy.as_str(),
            &put(&event.by),
            &put(&event.channel),
            &put(&actor.0),
            &consent::seal_of(event, &actor.0).as_slice(),
        ],
    )?;
    Ok(())
}
