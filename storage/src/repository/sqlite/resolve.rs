//! Whom the messages of a batch are about: identity, registration and consent of all of them in one query.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::person::PersonId;
use causeway_core::port::{Candidates, Lookup, Participant, Resolved};
use causeway_core::provider::{Provider, ProviderId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::error::Result;
use super::sameness;
use super::settings::SqliteSettings;
use super::unit::Caches;
use crate::repository::snapshot;
use crate::repository::wanted::{LOOK_ALIKE, Wanted, add, found_none};

/// At most so many persons who look alike are given for one message; more make it no clearer.
const LOOK_ALIKES_MAX: u32 = 8;

/// The sort of rows of providers in the query below; the others are those of the keys.
const PROVIDER: i64 = 3;

/// Persons by document or linked number (?1), persons who look alike (?2), providers (?3).
const QUERY: &str = "\
    SELECT s.sort, s.key, p.id, p.revision, p.snapshot, p.seal \
      FROM json_each(?1) AS k CROSS JOIN subject AS s ON s.key = k.value AND s.sort < 2 \
      CROSS JOIN person AS p ON p.id = s.person \
    UNION ALL \
    SELECT 2, k.value, p.id, p.revision, p.snapshot, p.seal \
      FROM json_each(?2) AS k CROSS JOIN person AS p ON p.id IN (\
           SELECT s.person FROM subject AS s WHERE s.key = k.value AND s.sort = 2 ORDER BY s.person LIMIT ?4) \
    UNION ALL \
    SELECT 3, 0, p.id, p.revision, p.snapshot, p.seal \
      FROM json_each(?3) AS k CROSS JOIN provider AS p ON p.id = k.value";

/// Resolves all lookups.
pub(super) fn resolve(
    connection: &Connection,
    caches: &mut Caches,
    settings: &SqliteSettings,
    lookups: &[Lookup<'_>],
) -> Result<Resolved> {
    let wanted = Wanted::of(lookups);
    let mut resolved = Resolved {
        providers: BTreeMap::new(),
        candidates: vec![Candidates::default(); lookups.len()],
        sameness: sameness::of(connection, lookups)?,
    };
    let mut statement = connection.prepare_cached(QUERY)?;
    let mut rows = statement.query((
        list(wanted.numbers.keys().map(|(_, key)| key)),
        list(wanted.look_alikes.keys()),
        serde_json::json!(wanted.providers).to_string(),
        LOOK_ALIKES_MAX,
    ))?;
    while let Some(row) = rows.next()? {
        match row.get(0)? {
            PROVIDER => {
                let provider = provider(row, caches)?;
                resolved.providers.insert(provider.id.clone(), provider);
            }
            LOOK_ALIKE => {
                let asked = wanted.look_alikes.get(&row.get(1)?).map_or(&[][..], Vec::as_slice);
                // Most are the person found by number already: those need not be decoded.
                let open = asked.iter().filter(|index| found_none(&resolved, **index));
                for index in open.copied().collect::<Vec<_>>() {
                    let person = participant(row, caches, settings)?;
                    add(&mut resolved, index, person, |candidates| &mut candidates.look_alikes);
                }
            }
            sort => {
                let asked = wanted.numbers.get(&(sort, row.get(1)?)).map_or(&[][..], Vec::as_slice);
                for asker in asked {
                    let person = participant(row, caches, settings)?;
                    add(&mut resolved, asker.index, person, |candidates| asker.list(sort, candidates));
                }
            }
        }
    }
    for candidates in &mut resolved.candidates {
        if !(candidates.by_document.is_empty() && candidates.by_local_number.is_empty()) {
            candidates.look_alikes.clear();
        }
    }
    Ok(resolved)
}

/// Keys as a JSON list.
fn list<'k>(keys: impl Iterator<Item = &'k i64>) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("[");
    for key in keys {
        let blank = if text.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        if write!(text, "{blank}{key}").is_err() {
            break;
        }
    }
    text.push(']');
    text
}

/// The person of a row: from memory if the revision is the same, decoded otherwise.
fn participant(row: &Row<'_>, caches: &mut Caches, settings: &SqliteSettings) -> Result<Arc<Participant>> {
    let (id, revision) = (PersonId(row.get(2)?), row.get(3)?);
    if let Some((known, participant)) = caches.persons.get(&id)
        && *known == revision
    {
        return Ok(Arc::clone(participant));
    }
    let participant = Arc::new(read_participant(id, row.get_ref(4)?, row.get_ref(5)?)?);
    if caches.persons.len() >= settings.persons_cached {
        caches.persons.clear();
    }
    caches.persons.insert(id, (revision, Arc::clone(&participant)));
    Ok(participant)
}

/// The person of a snapshot, if the seal holds.
pub(super) fn read_participant(id: PersonId, snapshot: ValueRef<'_>, seal: ValueRef<'_>) -> Result<Participant> {
    snapshot::read_participant(id, snapshot.as_str().unwrap_or_default(), seal.as_blob().unwrap_or_default())
}

fn provider(row: &Row<'_>, caches: &mut Caches) -> Result<Provider> {
    let (id, revision) = (ProviderId(row.get(2)?), row.get(3)?);
    if let Some((known, provider)) = caches.providers.get(&id)
        && *known == revision
    {
        return Ok(provider.clone());
    }
    let provider = read_provider(&id, row.get_ref(4)?, row.get_ref(5)?)?;
    caches.providers.insert(id, (revision, provider.clone()));
    Ok(provider)
}

/// The provider of a snapshot, if the seal holds.
pub(super) fn read_provider(id: &ProviderId, snapshot: ValueRef<'_>, seal: ValueRef<'_>) -> Result<Provider> {
    snapshot::read_provider(id, snapshot.as_str().unwrap_or_default(), seal.as_blob().unwrap_or_default())
}
