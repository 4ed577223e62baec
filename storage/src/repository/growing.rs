//! Records that grow: what comes is joined with what stands, inside the transaction that stores it.
//!
//! An imaging study comes instance by instance, in any order and more than once. Each brings the study with itself alone;
//! the join ([`causeway_core::dicom::study`]) makes one study of them. A batch makes one version of a study, carried by the
//! last of its messages: a thousand slices make some versions, not a thousand. A study in which instances are hidden is made
//! anew of those that are shown; one without any is taken back, and kept. What says that a study is complete comes without an
//! instance ([`COMPLETE`]): it changes what stands and is shown, and nothing else; a study stays complete when more of it comes.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::instance::InstanceRow;
use causeway_core::dicom::study::{grows, join};
use causeway_core::dicom::uid::Uid;
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::RecordQuery;
use causeway_core::port::RecordRow;
use causeway_core::provider::ProviderId;
use causeway_core::record::{Record, RecordKey, Resource};
use serde_json::Value;

use super::error::Result;
use super::imaging::Touched;
use super::imaging::index::Index;
use super::seal::Half;

/// The status of a study that is complete (FHIR R4, ImagingStudy.status); of two it holds, since it is the lesser.
const COMPLETE: &str = "available";

/// The status of a study whose instances are all rejected: it is not there for readers, and may be again.
const REJECTED: &str = "cancelled";
/// The status of a study whose instances were all deleted: it should never have been there.
const DELETED: &str = "entered-in-error";

/// Joins the growing records of a batch, whose instances are in the index. In the `uneven` studies something is hidden, or was.
pub(in crate::repository) fn grow(outcomes: &mut [Outcome], uneven: &Touched, index: &mut impl Index) -> Result<()> {
    let mut wanted: BTreeSet<(PersonId, RecordKey)> = BTreeSet::new();
    for outcome in outcomes.iter() {
        let Some(person) = outcome.person else { continue };
        let growing = outcome.records.iter().filter(|record| grows(record.key.resource_type()));
        wanted.extend(growing.map(|record| (person, record.key.clone())));
    }
    let mut studies = BTreeMap::new();
    for (person, key) in wanted {
        // In the order of their keys, so that two transactions do not wait for each other crosswise.
        let row = index.standing(person, &key)?;
        studies.insert((person, key), Study { row, record: None, carrier: 0, parts: Vec::new(), named: None });
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
                let named = outcome.instance.as_ref().map(|instance| (instance.study.clone(), person));
                study.named = named.map(|named| (named, outcome.facts.provider.clone()));
            }
        }
    }
    for study in studies.into_values() {
        let Study { row, record: Some(record), carrier, parts, named } = study else { continue };
        if named.is_none() && row.as_ref().is_some_and(|row| row.retracted) {
            continue;
        }
        // What was taken back is no part of what comes then.
        let tree = joined(row.filter(|row| !row.retracted), parts);
        let record = match named.filter(|(named, _)| uneven.contains(named)) {
            Some(((study, person), provider)) => anew(index.of_study(&study, person, true)?, &provider, &tree, record),
            None => Record { resource: Resource::of(&tree), ..record },
        };
        if let Some(outcome) = outcomes.get_mut(carrier) {
            outcome.records.push(record);
        }
    }
    Ok(())
}

/// The query for the version that stands.
pub(in crate::repository) fn query(person: PersonId, key: &RecordKey) -> RecordQuery {
    RecordQuery { person: Some(person), key: Some(key.clone()), retracted: true, ..RecordQuery::default() }
}

/// How a record counts when two repositories are compared: whether at all, by its clock, and by which of the contents it has
/// had. One that grows counts by what it says: how its instances fell into batches, and the time of one that was deleted
/// since, are not told by the log. Taken back it says nothing: its instances tell, or none ever came the second time.
pub(in crate::repository) fn compared(
    key: &RecordKey,
    retracted: bool,
    clock: &mut [i64; 3],
    current: Half,
    history: &mut BTreeSet<Half>,
) -> bool {
    if !grows(key.resource_type()) {
        return true;
    }
    *clock = [0; 3];
    history.retain(|content| *content == current);
    !retracted
}

/// The record of a study that is made of those of its instances that are shown. What was indexed before instances could be
/// hidden does not say what it brought: such a study stays what it was joined to.
pub(in crate::repository) fn anew(
    rows: Vec<(InstanceRow, Option<Value>)>,
    provider: &ProviderId,
    tree: &Value,
    record: Record,
) -> Record {
    let (mut shown, mut all) = (Vec::new(), Vec::new());
    for (row, part) in rows {
        if row.provider != *provider {
            continue;
        }
        let Some(part) = part else { return Record { resource: Resource::of(tree), ..record } };
        if row.hidden.is_none() {
            shown.push(part.clone());
        }
        all.push(part);
    }
    if let Some(mut shown) = together(shown) {
        let complete = tree.get("status").filter(|status| *status == COMPLETE).cloned();
        if let (Some(study), Some(complete)) = (shown.as_object_mut(), complete) {
            study.insert("status".to_owned(), complete);
        }
        let tree = shown;
        return Record { resource: Resource::of(&tree), ..record };
    }
    let (status, mut tree) = match together(all) {
        Some(tree) => (REJECTED, tree),
        None => (DELETED, tree.clone()),
    };
    if let Some(study) = tree.as_object_mut() {
        study.remove("series");
        study.insert("status".to_owned(), status.into());
        study.insert("numberOfSeries".to_owned(), 0.into());
        study.insert("numberOfInstances".to_owned(), 0.into());
    }
    Record { resource: Resource::of(&tree), retracted: true, ..record }
}

/// What stands with all that came: what stands may be long, and is gone through once a batch.
fn joined(row: Option<RecordRow>, mut parts: Vec<Value>) -> Value {
    match (row, parts.len()) {
        (None, 1) => parts.pop().unwrap_or_default(),
        (None, _) => together(parts).unwrap_or_default(),
        (Some(row), _) => match together(parts) {
            Some(came) => join(&row.resource, &came),
            None => row.resource,
        },
    }
}

/// All of them joined, two by two: one after the other would take a long study's length squared.
fn together(mut parts: Vec<Value>) -> Option<Value> {
    while parts.len() > 1 {
        parts = parts
            .chunks(2)
            .map(|pair| match pair {
                [one, other] => join(one, other),
                rest => rest.first().cloned().unwrap_or_default(),
            })
            .collect();
    }
    // In the form that joined ones have.
    parts.pop().map(|tree| join(&tree, &tree))
}

/// A study of a batch.
struct Study {
    row: Option<RecordRow>,
    record: Option<Record>,
    /// The last message of the batch that brought something of it.
    carrier: usize,
    /// What the messages of the batch brought.
    parts: Vec<Value>,
    /// Its place in the index, and who sent it.
    named: Option<((Uid, PersonId), ProviderId)>,
}

impl Study {
    fn take(&mut self, record: Record, place: usize) {
        self.parts.push(record.resource.value());
        let before = self.record.as_ref().map(|record| record.clock).or(self.row.as_ref().map(|row| row.clock));
        let clock = before.map_or(record.clock, |before| before.max(record.clock));
        self.carrier = place;
        self.record = Some(Record { clock, ..record });
    }
}
