//! Registration and consent: recording events, and the standing they add up to.

use std::collections::BTreeMap;

use causeway_core::consent::{ConsentEvent, ConsentEventKind, Standing, replay};
use causeway_core::person::PersonId;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, AuditEntry, NewEvent};
use causeway_core::provider::{Provider, ProviderId};

use super::session::{Session, get};
use super::text::{put, take};
use super::unit::Unit;
use super::{persons, providers, tickets};
use crate::repository::codec::small;
use crate::repository::error::{Result, StoreError, damaged};
use crate::repository::person::TEXT_BYTES_MAX;
use crate::repository::seal::{self, Half, Sealer};

/// At most so many events of one person: more is a fault of the sender, and each late one goes through them all.
const EVENTS_MAX: usize = 10_000;

/// Records an event, if the state machine allows it. One recorded already changes nothing.
pub(super) fn record(unit: &mut Unit<'_>, new: &NewEvent, actor: &Actor) -> Result<Standing> {
    if new.by.len() > TEXT_BYTES_MAX || new.channel.len() > TEXT_BYTES_MAX {
        return Err(StoreError::Invalid(format!("who gave it and how have at most {TEXT_BYTES_MAX} bytes")));
    }
    let mut participant = persons::load(unit, new.person)?;
    let former = events(unit.session, new.person)?;
    if former.iter().any(|event| same(event, new)) {
        return Ok(participant.standing);
    }
    if former.len() >= EVENTS_MAX {
        return Err(StoreError::Refused(format!("a person has at most {EVENTS_MAX} events")));
    }
    let seq = former.iter().map(|event| event.seq).max().unwrap_or(0).saturating_add(1);
    let event = ConsentEvent {
        seq,
        kind: new.kind,
        person: new.person,
        provider: new.provider.clone(),
        at: new.at,
        policy: new.policy,
        by: new.by.clone(),
        channel: new.channel.clone(),
    };
    participant.standing = after(unit.session, participant.standing, former, &event)?;
    insert(unit, &event, actor)?;
    persons::save(unit, &participant)?;
    tell(unit, &event, actor);
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
            kind: ConsentEventKind::parse(kind).ok_or_else(|| unreadable(person))?,
            person,
            provider: get::<Option<String>>(row, 2)?.map(|id| ProviderId(take(id))),
            at: at.parse().ok().ok_or_else(|| unreadable(person))?,
            policy: PolicyVersion::parse(policy).ok_or_else(|| unreadable(person))?,
            by: take(get(row, 5)?),
            channel: take(get(row, 6)?),
        };
        let actor = take(get(row, 7)?);
        seal::check(get(row, 8)?, seal_of(&event, &actor), || format!("event {} of person {person}", event.seq))?;
        events.push(event);
    }
    events.sort_by_key(|event| (event.at, event.seq));
    Ok(events)
}

/// The standing with one more event. One that comes late takes its place among the others, and what follows from that
/// is worked out anew.
fn after(
    session: &mut Session,
    mut standing: Standing,
    mut events: Vec<ConsentEvent>,
    event: &ConsentEvent,
) -> Result<Standing> {
    let provider = match &event.provider {
        Some(id) => Some(providers::find(session, id)?.ok_or_else(|| StoreError::NotFound(format!("provider {id}")))?),
        None => None,
    };
    // Later than all that is recorded, and not only than what counted: an event that was not possible in its place
    // becomes possible when another one is put before it.
    if events.iter().all(|former| former.at <= event.at) {
        return match standing.apply(event, provider.as_ref()) {
            Ok(()) => Ok(standing),
            Err(error) => Err(StoreError::Refused(error.to_string())),
        };
    }
    events.push(event.clone());
    let mut known: BTreeMap<ProviderId, Provider> = BTreeMap::new();
    for id in events.iter().filter_map(|event| event.provider.as_ref()) {
        if !known.contains_key(id)
            && let Some(provider) = providers::find(session, id)?
        {
            known.insert(id.clone(), provider);
        }
    }
    let replayed = replay(&events, |id| known.get(id));
    match replayed.refused.into_iter().find(|(seq, _)| *seq == event.seq) {
        Some((_, error)) => Err(StoreError::Refused(error.to_string())),
        None => Ok(replayed.standing),
    }
}

fn same(event: &ConsentEvent, new: &NewEvent) -> bool {
    event.kind == new.kind && event.provider == new.provider && event.at == new.at && event.policy == new.policy
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
            &seal_of(event, &actor.0).as_slice(),
        ],
    )?;
    Ok(())
}

fn seal_of(event: &ConsentEvent, actor: &str) -> Half {
    Sealer::default()
        .number(event.person.0)
        .number(i64::from(event.seq))
        .text(event.kind.as_str())
        .optional_text(event.provider.as_ref().map(|id| id.0.as_str()))
        .text(&event.at.to_string())
        .text(event.policy.as_str())
        .text(&event.by)
        .text(&event.channel)
        .text(actor)
        .finish()
}

fn tell(unit: &mut Unit<'_>, event: &ConsentEvent, actor: &Actor) {
    let mut detail = BTreeMap::from([
        ("event".to_owned(), event.kind.as_str().to_owned()),
        ("policy".to_owned(), event.policy.as_str().to_owned()),
        ("by".to_owned(), event.by.clone()),
        ("channel".to_owned(), event.channel.clone()),
        ("seq".to_owned(), event.seq.to_string()),
    ]);
    if let Some(provider) = &event.provider {
        detail.insert("provider".to_owned(), provider.0.clone());
    }
    let (actor, action) = (actor.clone(), "consent".to_owned());
    unit.audit(AuditEntry { at: event.at, actor, action, person: Some(event.person), detail });
}

fn unreadable(person: PersonId) -> StoreError {
    damaged(format!("an event of person {person} cannot be read"))
}
