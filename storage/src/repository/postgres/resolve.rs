//! Whom the messages of a batch are about, and whether they were there before: in one query, and one more for those whom no
//! number finds.
//!
//! Persons and providers are locked against change (`FOR SHARE`) until the batch is committed: a revocation waits for
//! it, or the batch sees the revocation. A person who is *added* meanwhile is not seen; what is withheld for want of it
//! is taken up by the person's ticket, which waits for the commits that were under way ([`super::tickets`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

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
use crate::repository::snapshot::{read_participant, read_provider};
use crate::repository::wanted::{Wanted, add, found_none};

/// At most so many persons who look alike are given for one message; more make it no clearer.
const LOOK_ALIKES_MAX: i64 = 8;

/// Sorts of rows in the first query below, beside those of the keys.
const PROVIDER: i64 = 3;
const MESSAGE: i64 = 4;

/// Persons by document or linked number ($1), providers ($2), messages by control id ($3), sender ($4) and feed ($5) of the
/// lookups numbered $6, without those refused at the door ($7) and images that an operator deleted: they come anew.
///
/// A message is found by its control id alone: on tables without statistics the planner takes the index by feed to be as
/// good and reads every message of the feed for each lookup. An expression has no index.
const QUERY: &str = "\
    WITH numbered AS MATERIALIZED (\
        SELECT s.sort::int8 AS sort, s.key, p.id, p.revision \
          FROM unnest($1::int8[]) AS k (key) JOIN subject AS s ON s.key = k.key AND s.sort < 2 \
          JOIN person AS p ON p.id = s.person FOR SHARE OF p), \
    known AS MATERIALIZED (\
        SELECT p.id, p.revision, p.snapshot, p.seal FROM provider AS p WHERE p.id = ANY ($2::text[]) FOR SHARE) \
    SELECT sort, key, '', revision, '', NULL::bytea, id FROM numbered \
    UNION ALL SELECT 3, 0, id, revision, snapshot, seal, 0 FROM known \
    UNION ALL \
    SELECT 4, k.lookup, coalesce(m.reason, ''), m.state::int8, '', m.digest, m.id \
      FROM unnest($3::text[], $4::text[], $5::text[], $6::int8[]) AS k (control_id, sender, feed, lookup) \
      JOIN message AS m ON m.control_id = k.control_id AND m.sender = k.sender AND m.feed || '' = k.feed AND m.state <> $7 \
       AND m.reason IS DISTINCT FROM 'IMAGE_DELETED' \
    ORDER BY 1, 7";

/// Persons who look alike ($1, at most $2 each). Asked only for those whom no number found: that is a few, and each person
/// found is locked.
const ALIKE: &str = "\
    SELECT 2::int8, k.key, '', p.revision, '', NULL::bytea, p.id \
      FROM unnest($1::int8[]) AS k (key) CROSS JOIN LATERAL (\
           SELECT s.person FROM subject AS s WHERE s.key = k.key AND s.sort = 2 ORDER BY s.person LIMIT $2) AS s \
      JOIN person AS p ON p.id = s.person ORDER BY p.id FOR SHARE OF p";

/// Persons who are not in memory, or changed since. They are locked, so they are as the query above saw them.
const PERSONS: &str = "SELECT id, revision, snapshot, seal FROM person WHERE id = ANY ($1::int8[])";

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
    let providers: Vec<&str> = wanted.providers.iter().map(|id| id.0.as_str()).collect();
    let asked = Asked::of(lookups);
    let rows = unit.query(
        QUERY,
        &[
            &numbers,
            &providers,
            &asked.control_ids,
            &asked.senders,
            &asked.feeds,
            &asked.lookups,
            &i16::try_from(state_code(State::Rejected)).unwrap_or(i16::MAX),
        ],
    )?;
    let persons = persons(unit, &rows)?;
    let mut caches = unit.caches.lock();
    for row in &rows {
        match get::<i64>(row, 0)? {
            MESSAGE => same(&mut resolved.sameness, lookups, row)?,
            PROVIDER => {
                let provider = provider(row, &mut caches)?;
                resolved.providers.insert(provider.id.clone(), provider);
            }
            sort => {
                let asked = wanted.numbers.get(&(sort, get(row, 1)?)).map_or(&[][..], Vec::as_slice);
                for asker in asked {
                    let person = participant(row, &persons)?;
                    add(&mut resolved, asker.index, person, |candidates| asker.list(sort, candidates));
                }
            }
        }
    }
    drop(caches);
    look_alikes(unit, &wanted, &mut resolved)?;
    Ok(resolved)
}

/// Adds the persons who look like those whom no number found.
fn look_alikes(unit: &mut Unit<'_>, wanted: &Wanted<'_>, resolved: &mut Resolved) -> Result<()> {
    let mut open: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (key, asked) in &wanted.look_alikes {
        let asked: Vec<usize> = asked.iter().copied().filter(|index| found_none(resolved, *index)).collect();
        if !asked.is_empty() {
            open.insert(*key, asked);
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = open.keys().copied().collect();
    let rows = unit.query(ALIKE, &[&keys, &LOOK_ALIKES_MAX])?;
    let persons = persons(unit, &rows)?;
    for row in &rows {
        for index in open.get(&get(row, 1)?).map_or(&[][..], Vec::as_slice) {
            let person = participant(row, &persons)?;
            add(resolved, *index, person, |candidates| &mut candidates.look_alikes);
        }
    }
    Ok(())
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

/// The persons of the rows: from memory if the revision is the same, read and decoded otherwise.
fn persons(unit: &mut Unit<'_>, rows: &[Row]) -> Result<HashMap<i64, Arc<Participant>>> {
    let (mut found, mut unknown) = (HashMap::new(), BTreeSet::new());
    {
        let caches = unit.caches.lock();
        for row in rows {
            let (sort, id, revision): (i64, i64, i64) = (get(row, 0)?, get(row, 6)?, get(row, 3)?);
            if matches!(sort, MESSAGE | PROVIDER) {
                continue;
            }
            match caches.persons.get(&PersonId(id)) {
                Some((known, participant)) if *known == revision => found.insert(id, Arc::clone(participant)),
                Some(_) | None => {
                    unknown.insert(id);
                    None
                }
            };
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    let unknown: Vec<i64> = unknown.into_iter().collect();
    let read = unit.session.query(PERSONS, &[&unknown])?;
    let mut caches = unit.caches.lock();
    if caches.persons.len().saturating_add(read.len()) > unit.settings.persons_cached {
        caches.persons.clear();
    }
    for row in &read {
        let (id, revision) = (get(row, 0)?, get(row, 1)?);
        let participant = Arc::new(read_participant(PersonId(id), get(row, 2)?, get(row, 3)?)?);
        caches.persons.insert(PersonId(id), (revision, Arc::clone(&participant)));
        found.insert(id, participant);
    }
    Ok(found)
}

/// The person of a row.
fn participant(row: &Row, persons: &HashMap<i64, Arc<Participant>>) -> Result<Arc<Participant>> {
    persons.get(&get(row, 6)?).map(Arc::clone).ok_or_else(|| damaged("a person who is locked is gone"))
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
