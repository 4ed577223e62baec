//! Records that grow: what comes is joined with what stands, inside the transaction that stores it.
//!
//! An imaging study comes instance by instance, in any order and more than once. Each brings the study with itself alone;
//! the join ([`causeway_core::dicom::study`]) makes one study of them. A batch makes one version of a study, carried by the
//! last of its messages: a thousand slices make some versions, not a thousand.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::study::{grows, join};
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::RecordQuery;
use causeway_core::port::RecordRow;
use causeway_core::record::{Record, RecordKey, Resource};
use serde_json::Value;

use super::error::Result;
use super::seal::Half;

/// Joins the growing records of a batch. `standing` reads the current version of each, in the order of their keys, and keeps
/// others from changing it until the transaction ends.
pub(in crate::repository) fn grow(
    outcomes: &mut [Outcome],
    mut standing: impl FnMut(PersonId, &RecordKey) -> Result<Option<RecordRow>>,
) -> Result<()> {
    let mut wanted: BTreeSet<(PersonId, RecordKey)> = BTreeSet::new();
    for outcome in outcomes.iter() {
        let Some(person) = outcome.person else { continue };
        let growing = outcome.records.iter().filter(|record| grows(record.key.resource_type()));
        wanted.extend(growing.map(|record| (person, record.key.clone())));
    }
    let mut studies = BTreeMap::new();
    for (person, key) in wanted {
        let row = standing(person, &key)?;
        studies.insert((person, key), Study { row, record: None, carrier: 0, tree: Value::Null });
    }
    if studies.is_empty() {
        return Ok(());
    }
    for (place, outcome) in outcomes.iter_mut().enumerate() {
        let Some(person) = outcome.person else { continue };
        let (growing, others): (Vec<Record>, Vec<Record>) =
            outcome.records.drain(..).partition(|record| grows(record.key.resource_type()));
        outcome.records = others;
        for record in growing {
            if let Some(study) = studies.get_mut(&(person, record.key.clone())) {
                study.take(record, place);
            }
        }
    }
    for study in studies.into_values() {
        let Study { record: Some(record), carrier, tree, .. } = study else { continue };
        if let Some(outcome) = outcomes.get_mut(carrier) {
            outcome.records.push(Record { resource: Resource::of(&tree), ..record });
        }
    }
    Ok(())
}

/// The query for the version that stands.
pub(in crate::repository) fn query(person: PersonId, key: &RecordKey) -> RecordQuery {
    RecordQuery { person: Some(person), key: Some(key.clone()), retracted: true, ..RecordQuery::default() }
}

/// Which of the contents a record has had count as its history, when two repositories are compared: of one that grows the
/// current one alone. What it was in between depends on how its instances fell into batches.
pub(in crate::repository) fn compared(key: &RecordKey, current: Half, history: &mut BTreeSet<Half>) {
    if grows(key.resource_type()) {
        history.retain(|content| *content == current);
    }
}

/// A study of a batch.
struct Study {
    row: Option<RecordRow>,
    record: Option<Record>,
    /// The last message of the batch that brought something of it.
    carrier: usize,
    tree: Value,
}

impl Study {
    fn take(&mut self, record: Record, place: usize) {
        let came = record.resource.value();
        let (tree, clock) = match (&self.record, &self.row) {
            (Some(before), _) => (join(&self.tree, &came), before.clock.max(record.clock)),
            (None, Some(row)) => (join(&row.resource, &came), row.clock.max(record.clock)),
            (None, None) => (came, record.clock),
        };
        self.tree = tree;
        self.carrier = place;
        self.record = Some(Record { clock, ..record });
    }
}
