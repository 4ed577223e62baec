//! Whom the messages of a batch are about, and whether they were there before: all of it in one query.
//!
//! Persons and providers are locked against change (`FOR SHARE`) until the batch is committed: a revocation waits for
//! it, or the batch sees the revocation. A person who is *added* meanwhile is not seen; what is withheld for want of it
//! is taken up by the person's ticket, which waits for the commits that were under way ([`super::tickets`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use causeway_core::identity::{document_key, local_number_key, look_alike_key};
use causeway_core::outcome::State;
use causeway_core::person::PersonId;
use causeway_core::port::{Candidates, Lookup, Participant, Resolved, Sameness};
use causeway_core::provider::{Provider, ProviderId};
use postgres::Row;

use super::session::get;
use super::text::put;
use super::unit::{Caches, Unit};
use crate::repository::codec::{digest_of, reason_of, state_code, state_of};
use crate::repository::error::{Result, damaged};
use crate::repository::seal::{self, Half, Sealer};

/// At most so many persons who look alike are given for one message; more make it no clearer.
const LOOK_ALIKES_MAX: i64 = 8;

/// Sorts of subject keys, as in the table `subject`, and of rows in the query below.
pub(super) const DOCUMENT: i64 = 0;
pub(super) const LOCAL_NUMBER: i64 = 1;
pub(super) const LOOK_ALIKE: i64 = 2;
const PROVIDER: i64 = 3;
const MESSAGE: i64 = 4;

/// Persons by document or linked number ($1), persons who look alike ($2, at most $3 each), providers ($4), messages by
/// control id ($5), sender ($6) and feed ($7) of the lookups numbered $8, without those refused at the door ($9).
///
/// A message is found by its control id alone: on tables without statistics the planner takes the index by feed to be as
/// good and reads every message of the feed for each lookup. An expression has no index.
const QUERY: &str = "\
    WITH numbered AS MATERIALIZED (\
        SELECT s.sort::int8 AS sort, s.key, p.id, p.revision, p.snapshot, p.seal \
          FROM unnest($1::int8[]) AS k (key) JOIN subject AS s ON s.key = k.key AND s.sort < 2 \
          JOIN person AS p ON p.id = s.person FOR SHARE OF p), \
    alike AS MATERIALIZED (\
        SELECT k.key, p.id, p.revision, p.snapshot, p.seal \
          FROM unnest($2::int8[]) AS k (key) CROSS JOIN LATERAL (\
               SELECT s.person FROM subject AS s WHERE s.key = k.key AND s.sort = 2 ORDER BY s.person LIMIT $3) AS s \
          JOIN person AS p ON p.id = s.person FOR SHARE OF p), \
    known AS MATERIALIZED (\
        SELECT p.id, p.revision, p.snapshot, p.seal FROM provider AS p WHERE p.id = ANY ($4::text[]) FOR SHARE) \
    SELECT sort, key, id::text, revision, snapshot, seal, 0::int8 FROM numbered \
    UNION ALL SELECT 2, key, id::text, revision, snapshot, seal, id FROM alike \
    UNION ALL SELECT 3, 0, id, revision, snapshot, seal, 0 FROM known \
    UNION ALL \
    SELECT 4, k.lookup, coalesce(m.reason, ''), m.state::int8, '', m.digest, m.id \
      FROM unnest($5::text[], $6::text[], $7::text[], $8::int8[]) AS k (control_id, sender, feed, lookup) \
      JOIN message AS m ON m.control_id = k.control_id AND m.sender = k.sender AND m.feed || '' = k.feed AND m.state <> $9 \
    ORDER BY 1, 7";

/// Resolves all lookups.
pub(super) fn resolve(unit: &mut Unit<'_>, lookups: &[Lookup<'_>]) -> Result<Resolved> {
    let wanted = Wanted::of(lookups);
    let mut resolved = Resolved {
        providers: BTreeMap::new(),
        candidates: vec![Candidates::default(); lookups.len()],
        sameness: vec![Sameness::New; lookups.len()],
    };
    let numbers: BTreeSet<i64> = wanted.numbers.keys().map(|(_, key)| *key).collect();
    let numbers: Vec<i64> = numbers.into_iter().collect();
    let alike: Vec<i64> = wanted.look_alikes.keys().copied().collect();
    let providers: Vec<&str> = wanted.providers.iter().map(|id| id.0.as_str()).collect();
    let asked = Asked::of(lookups);
    let rows = unit.query(
        QUERY,
        &[
            &numbers,
            &alike,
            &LOOK_ALIKES_MAX,
            &providers,
            &asked.control_ids,
            &asked.senders,
            &asked.feeds,
            &asked.lookups,
            &i16::try_from(state_code(State::Rejected)).unwrap_or(i16::MAX),
        ],
    )?;
    let max = unit.settings.persons_cached;
    let mut caches = unit.caches.lock();
    for row in &rows {
        match get(row, 0)? {
            MESSAGE => same(&mut resolved.sameness, lookups, row)?,
            PROVIDER => {
                let provider = provider(row, &mut caches)?;
                resolved.providers.insert(provider.id.clone(), provider);
            }
            LOOK_ALIKE => {
                let asked = wanted.look_alikes.get(&get(row, 1)?).map_or(&[][..], Vec::as_slice);
                // Most are the person found by number already: those need not be decoded.
                let open: Vec<usize> = asked.iter().copied().filter(|index| found_none(&resolved, *index)).collect();
                for index in open {
                    let person = participant(row, &mut caches, max)?;
                    add(&mut resolved, index, person, |candidates| &mut candidates.look_alikes);
                }
            }
            sort => {
                let asked = wanted.numbers.get(&(sort, get(row, 1)?)).map_or(&[][..], Vec::as_slice);
                for index in asked {
                    let person = participant(row, &mut caches, max)?;
                    add(&mut resolved, *index, person, |candidates| match sort {
                        DOCUMENT => &mut candidates.by_document,
                        _ => &mut candidates.by_local_number,
                    });
                }
            }
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

/// The messages asked for, with the numbers of their lookups.
#[derive(Default)]
struct Asked<'a> {
    control_ids: Vec<std::borrow::Cow<'a, str>>,
    senders: Vec<std::borrow::Cow<'a, str>>,
    feeds: Vec<&'a str>,
    lookups: Vec<i64>,
}

impl<'a> Asked<'a> {
    fn of(lookups: &[Lookup<'a>]) -> Self {
        let mut asked = Self::default();
        for (number, lookup) in (0_i64..).zip(lookups) {
            let Some(key) = lookup.message else { continue };
            asked.control_ids.push(put(key.control_id));
            asked.senders.push(put(key.sender));
            asked.feeds.push(key.feed.as_str());
            asked.lookups.push(number);
        }
        asked
    }
}

/// Rows come oldest first: of several messages with these bytes the first one counts.
fn same(sameness: &mut [Sameness], lookups: &[Lookup<'_>], row: &Row) -> Result<()> {
    let number = usize::try_from(get::<i64>(row, 1)?).ok();
    let asked = number.and_then(|number| lookups.get(number)).and_then(|lookup| lookup.message);
    let slot = number.and_then(|number| sameness.get_mut(number));
    let (Some(asked), Some(slot)) = (asked, slot) else { return Ok(()) };
    if matches!(slot, Sameness::Resent { .. }) {
        return Ok(());
    }
    *slot = if digest_of(get(row, 5)?)? == asked.digest {
        let reason = get::<Option<String>>(row, 2)?.filter(|reason| !reason.is_empty());
        Sameness::Resent { state: state_of(get(row, 3)?)?, reason: reason_of(reason)? }
    } else {
        Sameness::ControlIdReused
    };
    Ok(())
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
fn participant(row: &Row, caches: &mut Caches, max: usize) -> Result<Arc<Participant>> {
    let id = get::<&str>(row, 2)?.parse().ok().map(PersonId).ok_or_else(|| damaged("a person has no number"))?;
    let revision = get(row, 3)?;
    if let Some((known, participant)) = caches.persons.get(&id)
        && *known == revision
    {
        return Ok(Arc::clone(participant));
    }
    let participant = Arc::new(read_participant(id, get(row, 4)?, get(row, 5)?)?);
    if caches.persons.len() >= max {
        caches.persons.clear();
    }
    caches.persons.insert(id, (revision, Arc::clone(&participant)));
    Ok(participant)
}

/// The person of a snapshot, if the seal holds.
pub(super) fn read_participant(id: PersonId, snapshot: &str, stored: &[u8]) -> Result<Participant> {
    seal::check(stored, participant_seal(id, snapshot), || format!("person {id}"))?;
    let read = serde_json::from_str::<Participant>(snapshot).ok();
    read.filter(|read| read.person.id == id).ok_or_else(|| damaged(format!("person {id} cannot be read")))
}

/// The seal of a person.
pub(super) fn participant_seal(id: PersonId, snapshot: &str) -> Half {
    Sealer::default().number(id.0).text(snapshot).finish()
}

fn provider(row: &Row, caches: &mut Caches) -> Result<Provider> {
    let (id, revision) = (ProviderId(get(row, 2)?), get(row, 3)?);
    if let Some((known, provider)) = caches.providers.get(&id)
        && *known == revision
    {
        return Ok(provider.clone());
    }
    let provider = read_provider(&id, get(row, 4)?, get(row, 5)?)?;
    caches.providers.insert(id, (revision, provider.clone()));
    Ok(provider)
}

/// The provider of a snapshot, if the seal holds.
pub(super) fn read_provider(id: &ProviderId, snapshot: &str, stored: &[u8]) -> Result<Provider> {
    seal::check(stored, provider_seal(id, snapshot), || format!("provider {id}"))?;
    let read = serde_json::from_str::<Provider>(snapshot).ok();
    read.filter(|read| read.id == *id).ok_or_else(|| damaged(format!("provider {id} cannot be read")))
}

/// The seal of a provider.
pub(super) fn provider_seal(id: &ProviderId, snapshot: &str) -> Half {
    Sealer::default().text(&id.0).text(snapshot).finish()
}
