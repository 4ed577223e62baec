//! Merges that go round: A was merged into B, and then B is merged into A. The second one is held, inside the transaction that
//! would store it, so that no two patients replace each other (docs/decisions/0007).
//!
//! Each patient's number that is no more says which one replaces it. A merge goes round when that road, followed from the
//! number that is to remain, comes back to the one that is to go. A merge that was taken back is no part of a road, and a
//! merge that comes late and was taken back since replaces nobody.

use std::collections::BTreeMap;

use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::port::{RecordQuery, RecordRow};
use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey, VersionClock, standing};
use causeway_core::scope::Domain;
use serde_json::Value;

use super::error::Result;

/// Where the number stands that is to be replaced.
const PLACE: &str = "MRG-1";
/// The FHIR type of the records concerned.
const PATIENT: &str = "Patient";
/// Numbers of one person, and versions of one, that are looked at; and how long a road may be.
const NUMBERS_MAX: u32 = 1_000;
const VERSIONS_MAX: u32 = 1_000;
const ROAD_MAX: usize = 64;

/// Holds the merges of a batch that go round. `alone` keeps others from merging numbers of a person until the transaction
/// ends; `read` reads records inside it.
pub(in crate::repository) fn hold_loops<C>(
    outcomes: &mut [Outcome],
    context: &mut C,
    mut alone: impl FnMut(&mut C, PersonId) -> Result<()>,
    mut read: impl FnMut(&mut C, &RecordQuery, u32) -> Result<Vec<RecordRow>>,
) -> Result<()> {
    for place in 0..outcomes.len() {
        let Some((before, [outcome, ..])) = outcomes.split_at_mut_checked(place) else { continue };
        let Some(person) = outcome.person.filter(|_| outcome.records.iter().any(is_merge)) else { continue };
        alone(context, person)?;
        let own = before.iter().filter(|one| one.person == Some(person)).chain([&*outcome]);
        let batch: Vec<&Record> = own.flat_map(|one| &one.records).filter(|record| is_patient(&record.key)).collect();
        let mut read = |query: &RecordQuery, limit| read(context, query, limit);
        let mut roads = Roads { person, keys: BTreeMap::new(), batch, read: &mut read };
        if roads.go_round(&outcome.records)? {
            hold(outcome);
        }
    }
    Ok(())
}

/// The numbers of one person, and which of them are replaced.
struct Roads<'a> {
    person: PersonId,
    /// By the id of the resource.
    keys: BTreeMap<String, RecordKey>,
    /// What the batch says of them, up to and with the message in question.
    batch: Vec<&'a Record>,
    read: &'a mut dyn FnMut(&RecordQuery, u32) -> Result<Vec<RecordRow>>,
}

impl Roads<'_> {
    fn go_round(&mut self, records: &[Record]) -> Result<bool> {
        self.name_all()?;
        for merge in records.iter().filter(|record| is_merge(record)) {
            if self.comes_back(&merge.key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn name_all(&mut self) -> Result<()> {
        let (person, domain) = (Some(self.person), Some(Domain::Identification));
        let query = RecordQuery { person, domain, retracted: true, ..RecordQuery::default() };
        let stored = (self.read)(&query, NUMBERS_MAX)?.into_iter().map(|row| row.key).filter(is_patient);
        let said = self.batch.iter().map(|record| record.key.clone());
        self.keys = stored.chain(said).map(|key| (key.resource_id(), key)).collect();
        Ok(())
    }

    /// Whether the road from a number leads to it again.
    fn comes_back(&mut self, from: &RecordKey) -> Result<bool> {
        let (begin, mut at) = (from.resource_id(), from.clone());
        for _ in 0..ROAD_MAX {
            match self.next(&at)? {
                None => return Ok(false),
                Some(next) if next == begin => return Ok(true),
                Some(next) => match self.keys.get(&next) {
                    Some(key) => at.clone_from(key),
                    None => return Ok(false),
                },
            }
        }
        // So long a road is none that a sender means.
        Ok(true)
    }

    /// The id of the number that replaces one, as its versions stand with what the batch adds.
    fn next(&mut self, key: &RecordKey) -> Result<Option<String>> {
        let query = RecordQuery {
            person: Some(self.person),
            key: Some(key.clone()),
            history: true,
            retracted: true,
            ..RecordQuery::default()
        };
        let rows = (self.read)(&query, VERSIONS_MAX)?;
        let stored = rows.iter().map(|row| (row.clock, replaced_by(row.clock, &row.resource)));
        let said = self.batch.iter().filter(|record| record.key == *key);
        let said = said.map(|record| (record.clock, replaced_by(record.clock, &record.resource.value())));
        let versions: Vec<(VersionClock, Option<String>)> = stored.chain(said).collect();
        Ok(standing(versions.iter().map(|(clock, next)| (*clock, next))).and_then(Clone::clone))
    }
}

fn is_patient(key: &RecordKey) -> bool {
    key.resource_type() == PATIENT
}

/// Whether a record says that a patient's number is replaced by another.
fn is_merge(record: &Record) -> bool {
    is_patient(&record.key)
        && record.clock.rank == VersionClock::RETIRES
        && replaced_by(record.clock, &record.resource.value()).is_some()
}

/// The id of the patient that a version says it is replaced by.
fn replaced_by(clock: VersionClock, patient: &Value) -> Option<String> {
    let links = patient.get("link").filter(|_| clock.rank == VersionClock::RETIRES)?.as_array()?;
    let link = links.iter().find(|link| link.get("type").and_then(Value::as_str) == Some("replaced-by"))?;
    let reference = link.get("other")?.get("reference")?.as_str()?;
    reference.strip_prefix("Patient/").map(str::to_owned)
}

/// The message waits for a person, and nothing of it is stored.
fn hold(outcome: &mut Outcome) {
    outcome.state = State::Held;
    outcome.reason = Some(Reason::MergeLoop);
    PLACE.clone_into(&mut outcome.place);
    outcome.decisions.clear();
    outcome.records.clear();
    outcome.links.clear();
    outcome.unmapped.clear();
    outcome.instance = None;
}
