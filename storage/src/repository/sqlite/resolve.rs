//! Whom the messages of a batch are about: identity, registration and consent of all of them in one query.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use causeway_core::identity::{document_key, local_number_key, look_alike_key};
use causeway_core::person::PersonId;
use causeway_core::port::{Candidates, Lookup, Participant, Resolved};
use causeway_core::provider::{Provider, ProviderId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::error::{Result, damaged};
use super::sameness;
use super::seal::{self, Half, Sealer};
use super::settings::SqliteSettings;
use super::unit::Caches;

/// At most so many persons who look alike are given for one message; more make it no clearer.
const LOOK_ALIKES_MAX: u32 = 8;

/// Sorts of subject keys, as in the table `subject`, and of rows in the query below.
pub(super) const DOCUMENT: i64 = 0;
pub(super) const LOCAL_NUMBER: i64 = 1;
pub(super) const LOOK_ALIKE: i64 = 2;
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
                for index in asked {
                    let person = participant(row, caches, settings)?;
                    add(&mut resolved, *index, person, |candidates| match sort {
                        DOCUMENT => &mut candidates.by_document,
                        _ => &mut candidates.by_local_number,
                    });
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

/// The keys of a batch, each with the lookups that ask for it.
#[derive(Default)]
struct Wanted<'a> {
    numbers: HashMap<(i64, i64), Vec<usize>>,
    look_alikes: HashMap<i64, Vec<usize>>,
    providers: BTreeSet<&'a ProviderId>,
}

impl<'a> Wanted<'a> {
    fn of(lookups: &[Lookup<'a>]) -> Self {
        let mut wanted = Self::default();
        for (index, lookup) in lookups.iter().enumerate() {
            wanted.providers.insert(lookup.provider);
            let Some(identity) = lookup.identity else { continue };
            // A feed speaks for its own provider's numbers only, as in `identity::subject_keys`.
            let own = identity.local_numbers.iter().filter(|number| number.provider == *lookup.provider);
            let documents = identity.documents.iter().map(|document| (DOCUMENT, document_key(document).0));
            for key in documents.chain(own.map(|number| (LOCAL_NUMBER, local_number_key(number).0))) {
                wanted.numbers.entry(key).or_default().push(index);
            }
            if let Some(key) = look_alike_key(&identity.demographics) {
                wanted.look_alikes.entry(key).or_default().push(index);
            }
        }
        wanted
    }
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

fn found_none(resolved: &Resolved, index: usize) -> bool {
    let candidates = resolved.candidates.get(index);
    candidates.is_some_and(|found| found.by_document.is_empty() && found.by_local_number.is_empty())
}

/// Adds a person to one list of a lookup, once.
fn add(
    resolved: &mut Resolved,
    index: usize,
    person: Arc<Participant>,
    list: impl Fn(&mut Candidates) -> &mut Vec<Arc<Participant>>,
) {
    let Some(candidates) = resolved.candidates.get_mut(index) else { return };
    let list = list(candidates);
    if !list.iter().any(|known| known.person.id == person.person.id) {
        list.push(person);
    }
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
    let text = snapshot.as_str().unwrap_or_default();
    seal::check(seal.as_blob().unwrap_or_default(), participant_seal(id, text), || format!("person {id}"))?;
    let read = serde_json::from_str::<Participant>(text).ok();
    read.filter(|read| read.person.id == id).ok_or_else(|| damaged(format!("person {id} cannot be read")))
}

/// The seal of a person.
pub(super) fn participant_seal(id: PersonId, snapshot: &str) -> Half {
    Sealer::default().number(id.0).text(snapshot).finish()
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
    let text = snapshot.as_str().unwrap_or_default();
    seal::check(seal.as_blob().unwrap_or_default(), provider_seal(id, text), || format!("provider {id}"))?;
    let read = serde_json::from_str::<Provider>(text).ok();
    read.filter(|read| read.id == *id).ok_or_else(|| damaged(format!("provider {id} cannot be read")))
}

/// The seal of a provider.
pub(super) fn provider_seal(id: &ProviderId, snapshot: &str) -> Half {
    Sealer::default().text(&id.0).text(snapshot).finish()
}
