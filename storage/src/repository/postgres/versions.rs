//! Record versions: all that a batch touches is read in one query, judged in memory, and written in one statement a table.

use std::collections::BTreeMap;

use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::record::{Effect, Record, VersionClock, effect, standing};
use causeway_core::scope::Domain;
use jiff::Timestamp;

pub(super) use super::clock::Clock;
use super::copying::Load;
use super::pointers;
use super::record_rows::{new_records, update_records, versions};
use super::session::get;
use super::unit::Unit;
use crate::repository::codec::domain_of;
use crate::repository::error::{Result, damaged};
use crate::repository::place::{content, place};
use crate::repository::seal::Half;

/// The message a version comes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) message: i64,
    pub(super) person: PersonId,
    pub(super) now: Timestamp,
}

/// Person and place.
pub(super) type Key = (i64, Half);

/// A record as it will stand after the batch.
pub(super) struct Current {
    pub(super) domain: Domain,
    pub(super) current: i64,
    pub(super) latest: i64,
    pub(super) versions: i64,
    pub(super) retracted: bool,
    pub(super) clock: Clock,
    pub(super) content: Half,
    /// What the history holds, as far as a late version may be among it, or a version may change which one stands.
    history: Vec<Past>,
    written: Written,
}

/// A version of a history.
#[derive(Debug, Clone, Copy)]
struct Past {
    id: i64,
    clock: Clock,
    domain: Domain,
    retracted: bool,
    content: Half,
}

/// What is asked of a record: the earliest version that comes, and whether one may change which of the history stands.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    earliest: Clock,
    asks: bool,
}

/// What is to be written of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    AsStored,
    Changed,
    New,
}

/// A version to be written.
pub(super) struct Version<'r> {
    pub(super) id: i64,
    pub(super) source: Source,
    pub(super) record: &'r Record,
    pub(super) number: i64,
    pub(super) former: Option<i64>,
    pub(super) clock: Clock,
    pub(super) content: Half,
}

/// The records a batch touches.
pub(super) struct Ledger<'r> {
    records: BTreeMap<Key, Current>,
    versions: Vec<Version<'r>>,
    numbers: std::vec::IntoIter<i64>,
}

impl<'r> Ledger<'r> {
    /// Reads the records that the outcomes touch. `numbers` are those of the versions to come.
    pub(super) fn load(unit: &mut Unit<'_>, outcomes: &[Outcome], numbers: Vec<i64>) -> Result<Self> {
        let mut wanted: BTreeMap<Key, Wanted> = BTreeMap::new();
        for outcome in outcomes {
            let Some(person) = outcome.person else { continue };
            for record in &outcome.records {
                let clock = Clock::of(&record.clock);
                let first = Wanted { earliest: clock, asks: false };
                let known = wanted.entry((person.0, place(&record.key))).or_insert(first);
                known.earliest = clock.min(known.earliest);
                known.asks |= VersionClock::asks_the_history(clock.rank, record.domain);
            }
        }
        let mut ledger = Self { records: BTreeMap::new(), versions: Vec::new(), numbers: numbers.into_iter() };
        if !wanted.is_empty() {
            ledger.read_records(unit, &wanted)?;
            ledger.read_histories(unit, &wanted)?;
        }
        Ok(ledger)
    }

    /// Locks them in the order of their keys, as every batch does. Records that stand together are looked for together:
    /// most are new, and one look says so of all that a message brings.
    fn read_records(&mut self, unit: &mut Unit<'_>, wanted: &BTreeMap<Key, Wanted>) -> Result<()> {
        let groups = groups(wanted.keys());
        let persons: Vec<i64> = groups.iter().map(|group| group.person).collect();
        let lowest: Vec<&[u8]> = groups.iter().map(|group| group.lowest.as_slice()).collect();
        let highest: Vec<&[u8]> = groups.iter().map(|group| group.highest.as_slice()).collect();
        let places: Vec<&[u8]> = groups.iter().map(|group| group.places.as_slice()).collect();
        let rows = unit.query(
            "SELECT r.person, r.place, r.domain, r.current, r.latest, r.versions, r.retracted, r.rank, r.at, \
             r.log_offset, r.content FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::bytea[]) \
             AS k (person, lowest, highest, places) \
             JOIN record AS r ON r.person = k.person AND r.place >= k.lowest AND r.place <= k.highest \
             WHERE position(r.place IN k.places) > 0 ORDER BY r.person, r.place FOR NO KEY UPDATE OF r",
            &[&persons, &lowest, &highest, &places],
        )?;
        for row in &rows {
            let key = (get(row, 0)?, half(get(row, 1)?)?);
            if !wanted.contains_key(&key) {
                // Its bytes stand across two of the places asked for.
                continue;
            }
            let current = Current {
                domain: domain_of(get(row, 2)?)?,
                current: get(row, 3)?,
                latest: get(row, 4)?,
                versions: get(row, 5)?,
                retracted: get(row, 6)?,
                clock: Clock::read(row, 7)?,
                content: half(get(row, 10)?)?,
                history: Vec::new(),
                written: Written::AsStored,
            };
            self.records.insert(key, current);
        }
        Ok(())
    }

    /// Of records for which a version older than the current one comes, which may be there already; and of those of which
    /// another version than the latest may come to stand.
    fn read_histories(&mut self, unit: &mut Unit<'_>, wanted: &BTreeMap<Key, Wanted>) -> Result<()> {
        let late = |key: &Key, current: &Current| {
            wanted.get(key).is_some_and(|wanted| wanted.asks || wanted.earliest < current.clock)
        };
        let late: Vec<(&Key, &Current)> = self.records.iter().filter(|(key, current)| late(key, current)).collect();
        if late.is_empty() {
            return Ok(());
        }
        let persons: Vec<i64> = late.iter().map(|((person, _), _)| *person).collect();
        let places: Vec<&[u8]> = late.iter().map(|((_, place), _)| place.as_slice()).collect();
        let latest: Vec<i64> = late.iter().map(|(_, current)| current.latest).collect();
        let rows = unit.query(
            "WITH RECURSIVE history (person, place, id) AS (\
                SELECT * FROM unnest($1::int8[], $2::bytea[], $3::int8[]) UNION ALL \
                SELECT h.person, h.place, v.former FROM history AS h \
                  JOIN record_version AS v ON v.person = h.person AND v.id = h.id WHERE v.former IS NOT NULL) \
             SELECT h.person, h.place, v.rank, v.at, v.log_offset, v.content, v.id, v.domain, v.retracted FROM history AS h \
               JOIN record_version AS v ON v.person = h.person AND v.id = h.id",
            &[&persons, &places, &latest],
        )?;
        for row in &rows {
            let key = (get(row, 0)?, half(get(row, 1)?)?);
            let (clock, content, domain) = (Clock::read(row, 2)?, half(get(row, 5)?)?, domain_of(get(row, 7)?)?);
            let version = Past { id: get(row, 6)?, clock, domain, retracted: get(row, 8)?, content };
            if let Some(current) = self.records.get_mut(&key) {
                current.history.push(version);
            }
        }
        Ok(())
    }

    /// Judges one record. Gives the number of its version, if it makes one.
    pub(super) fn store(
        &mut self,
        unit: &mut Unit<'_>,
        source: Source,
        record: &'r Record,
    ) -> Result<(Effect, Option<i64>)> {
        let (clock, text) = (Clock::of(&record.clock), record.resource.text());
        let content = content(record.domain.code(), record.retracted, text);
        let key = (source.person.0, place(&record.key));
        let Some(current) = self.records.get_mut(&key) else {
            let id = next(&mut self.numbers)?;
            self.records.insert(key, Current::new(record, id, clock, content));
            self.versions.push(Version { id, source, record, number: 1, former: None, clock, content });
            unit.count_record(record.domain, i64::from(!record.retracted));
            return Ok((Effect::Created, Some(id)));
        };
        let among = VersionClock::asks_the_history(clock.rank, record.domain);
        let same = current.content == content && !among;
        let effect = effect(Some(current.clock.public()?), clock.public()?, same);
        match effect {
            _ if among && current.holds(clock, content) => return Ok((Effect::Unchanged, None)),
            Effect::Created => return Err(damaged("a record was created twice")),
            Effect::Unchanged => {
                current.confirm(clock);
                return Ok((effect, None));
            }
            // A replay of an old message adds nothing.
            Effect::Late if current.holds(clock, content) => return Ok((Effect::Unchanged, None)),
            Effect::Late | Effect::Updated => {}
        }
        let id = next(&mut self.numbers)?;
        let version = Past { id, clock, domain: record.domain, retracted: record.retracted, content };
        let (number, former) = current.add(version);
        let stands = match effect {
            _ if among => current.standing()?,
            Effect::Updated => Some(version),
            Effect::Created | Effect::Unchanged | Effect::Late => None,
        };
        let effect = if stands.is_some() { Effect::Updated } else { Effect::Late };
        if let Some(stands) = stands {
            unit.count_record(current.domain, -i64::from(!current.retracted));
            unit.count_record(stands.domain, i64::from(!stands.retracted));
            current.replace(stands);
        }
        self.versions.push(Version { id, source, record, number, former: Some(former), clock, content });
        Ok((effect, Some(id)))
    }

    /// Writes what was judged.
    pub(super) fn write(self, unit: &mut Unit<'_>) -> Result<()> {
        let versions = versions(&self.versions)?;
        self.write_records(unit, &versions)
    }

    /// Writes what was judged after some other rows: each is encoded while the server stores those before.
    pub(super) fn write_after(self, unit: &mut Unit<'_>, others: &Load) -> Result<()> {
        let versions = unit.copy(others, || versions(&self.versions))?;
        self.write_records(unit, &versions)
    }

    fn write_records(self, unit: &mut Unit<'_>, versions: &Load) -> Result<()> {
        pointers::note(unit, &self.versions)?;
        let written = |how: Written| self.records.iter().filter(move |(_, record)| record.written == how);
        let new = unit.copy(versions, || new_records(written(Written::New)))?;
        let changed: Vec<_> = written(Written::Changed).collect();
        unit.copy(&new, || Ok(()))?;
        if changed.is_empty() { Ok(()) } else { update_records(unit, &changed) }
    }
}

impl Current {
    fn new(record: &Record, id: i64, clock: Clock, content: Half) -> Self {
        Self {
            domain: record.domain,
            current: id,
            latest: id,
            versions: 1,
            retracted: record.retracted,
            clock,
            content,
            history: vec![Past { id, clock, domain: record.domain, retracted: record.retracted, content }],
            written: Written::New,
        }
    }

    fn change(&mut self) {
        if self.written == Written::AsStored {
            self.written = Written::Changed;
        }
    }

    /// The sender says the same at a later time: a version made in between and arriving later must not win.
    fn confirm(&mut self, clock: Clock) {
        if clock > self.clock {
            self.clock = clock;
            self.change();
        }
    }

    /// One more version joins the history. Gives its number and the one before.
    fn add(&mut self, version: Past) -> (i64, i64) {
        let former = self.latest;
        self.latest = version.id;
        self.versions = self.versions.saturating_add(1);
        self.history.push(version);
        self.change();
        (self.versions, former)
    }

    /// It becomes the current one.
    fn replace(&mut self, version: Past) {
        let Past { id, clock, domain, retracted, content } = version;
        self.domain = domain;
        self.current = id;
        self.retracted = retracted;
        self.clock = clock;
        self.content = content;
    }

    /// Whether the history holds this very version.
    fn holds(&self, clock: Clock, content: Half) -> bool {
        self.history.iter().any(|past| past.clock == clock && past.content == content)
    }

    /// The version of the history that stands; `None` when it is the current one.
    fn standing(&self) -> Result<Option<Past>> {
        // What was said again later counts from then.
        let current = self.history.iter().find(|past| past.id == self.current);
        let said_again = current.map(|past| Past { clock: self.clock, ..*past });
        let history: Vec<(VersionClock, Past)> = self
            .history
            .iter()
            .copied()
            .chain(said_again)
            .map(|past| Ok((past.clock.public()?, past)))
            .collect::<Result<_>>()?;
        let stands = standing(history.into_iter()).ok_or_else(|| damaged("a record has no versions"))?;
        Ok((stands.id != self.current).then_some(stands))
    }
}

/// Places of one person that stand together: the lowest, the highest, and all of them one after the other.
struct Group {
    person: i64,
    lowest: Half,
    highest: Half,
    places: Vec<u8>,
}

/// Keys in their order, put together as far as the first half of their places is the same ([`place`]).
fn groups<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (person, place) in keys {
        match groups.last_mut().filter(|last| last.person == *person && near(&last.lowest) == near(place)) {
            Some(last) => {
                last.highest = *place;
                last.places.extend_from_slice(place);
            }
            None => {
                groups.push(Group { person: *person, lowest: *place, highest: *place, places: place.to_vec() });
            }
        }
    }
    groups
}

fn near(place: &Half) -> Option<&[u8; 8]> {
    place.first_chunk()
}

fn next(numbers: &mut std::vec::IntoIter<i64>) -> Result<i64> {
    numbers.next().ok_or_else(|| damaged("there are more versions than records"))
}

/// A digest of a column.
pub(super) fn half(bytes: &[u8]) -> Result<Half> {
    Half::try_from(bytes).ok().ok_or_else(|| damaged("a stored digest has another length"))
}
