//! What an event of consent does, before and after it is stored: the same on every engine.

use std::collections::BTreeMap;

use causeway_core::consent::{ConsentEvent, Standing, replay};
use causeway_core::person::PersonId;
use causeway_core::port::{Actor, AuditEntry, NewEvent};
use causeway_core::provider::{Provider, ProviderId};

use super::error::{Result, StoreError, damaged};
use super::person::TEXT_BYTES_MAX;
use super::seal::{Half, Sealer};

/// At most so many events of one person: more is a fault of the sender, and each late one goes through them all.
const EVENTS_MAX: usize = 10_000;

/// Refuses texts that are too long.
pub(super) fn check(new: &NewEvent) -> Result<()> {
    if new.by.len() > TEXT_BYTES_MAX || new.channel.len() > TEXT_BYTES_MAX {
        return Err(StoreError::Invalid(format!("who gave it and how have at most {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The event with its number. `None`: it is among the former ones.
pub(super) fn numbered(new: &NewEvent, former: &[ConsentEvent]) -> Result<Option<ConsentEvent>> {
    if former.iter().any(|event| same(event, new)) {
        return Ok(None);
    }
    if former.len() >= EVENTS_MAX {
        return Err(StoreError::Refused(format!("a person has at most {EVENTS_MAX} events")));
    }
    let seq = former.iter().map(|event| event.seq).max().unwrap_or(0).saturating_add(1);
    Ok(Some(ConsentEvent {
        seq,
        kind: new.kind,
        person: new.person,
        provider: new.provider.clone(),
        at: new.at,
        policy: new.policy,
        by: new.by.clone(),
        channel: new.channel.clone(),
    }))
}

/// The standing with one more event, with providers as `find` gives them. One that comes late takes its place among the
/// others, and what follows from that is worked out anew.
pub(super) fn after(
    mut standing: Standing,
    mut events: Vec<ConsentEvent>,
    event: &ConsentEvent,
    mut find: impl FnMut(&ProviderId) -> Result<Option<Provider>>,
) -> Result<Standing> {
    let provider = match &event.provider {
        Some(id) => Some(find(id)?.ok_or_else(|| StoreError::NotFound(format!("provider {id}")))?),
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
            && let Some(provider) = find(id)?
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

/// The seal of an event.
pub(super) fn seal_of(event: &ConsentEvent, actor: &str) -> Half {
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

/// What the audit says of an event.
pub(super) fn audit_entry(event: &ConsentEvent, actor: &Actor) -> AuditEntry {
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
    AuditEntry { at: event.at, actor: actor.clone(), action: "consent".to_owned(), person: Some(event.person), detail }
}

/// A stored event of a person is none.
pub(super) fn unreadable(person: PersonId) -> StoreError {
    damaged(format!("an event of person {person} cannot be read"))
}
