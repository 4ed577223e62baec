//! Records that grow: imaging studies, instance by instance.

use serde_json::{Value, json};

use super::New;
use super::world::{accepted, add, clock, commit, fresh, message, records, redo};
use crate::outcome::Outcome;
use crate::person::PersonId;
use crate::port::{RecordQuery, RedoMode};
use crate::record::{Record, RecordKey, Resource};
use crate::scope::{Domain, Level};

/// The study "1.2" as one of its instances tells it.
fn slice(offset: u64, person: PersonId, instance: u64) -> Outcome {
    let key = RecordKey::new("ImagingStudy", "1000000001", &["1.2"]);
    let uid = format!("1.2.1.{instance}");
    let tree = json!({
        "resourceType": "ImagingStudy", "id": key.resource_id(), "status": "available",
        "numberOfSeries": 1, "numberOfInstances": 1,
        "series": [{
            "uid": "1.2.1", "numberOfInstances": 1, "instance": [{ "uid": uid, "number": instance }],
        }],
    });
    let record = Record {
        domain: Domain::RadiologyImage,
        key,
        clock: clock(0, u32::try_from(instance).unwrap_or(0), offset),
        clinical_date: None,
        level: Level::Coded,
        lacks: None,
        retracted: false,
        resource: Resource::of(&tree),
    };
    accepted(offset, person, vec![record])
}

fn numbers(study: &Value) -> Vec<u64> {
    let instances = study["series"][0]["instance"].as_array().cloned().unwrap_or_default();
    instances.iter().filter_map(|instance| instance["number"].as_u64()).collect()
}

fn study(store: &super::Store, person: PersonId) -> (u32, Value) {
    let found = records(store, &RecordQuery { person: Some(person), ..RecordQuery::default() });
    assert_eq!(found.len(), 1, "one study");
    (found[0].version, found[0].resource.clone())
}

/// Whatever the order of arrival, and however often an instance comes.
pub fn a_study_grows_with_its_instances_in_any_order_of_arrival(new: New) {
    let mut seen = Vec::new();
    for order in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]] {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        for (offset, instance) in (0_u64..).zip(order) {
            commit(&store, vec![slice(offset, person, instance)]);
        }
        commit(&store, vec![slice(4, person, 2)]);
        let (version, study) = study(&store, person);
        assert_eq!((version, numbers(&study)), (4, vec![1, 2, 3, 4]), "what came again made no version");
        assert_eq!(study["numberOfInstances"], 4);
        seen.push(study.to_string());
    }
    assert!(seen.iter().all(|study| *study == seen[0]));
}

/// A thousand slices in one batch are no thousand versions.
pub fn a_batch_makes_one_version_of_a_study(new: New) {
    let store = fresh(new);
    let (one, other) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![slice(0, one, 1), slice(1, other, 9), slice(2, one, 2), slice(3, one, 3)]);
    let (version, mine) = study(&store, one);
    assert_eq!((version, numbers(&mine)), (1, vec![1, 2, 3]));
    let (version, theirs) = study(&store, other);
    assert_eq!((version, numbers(&theirs)), (1, vec![9]), "of another person it is another record");
    assert_eq!(message(&store, 0).state, crate::outcome::State::Accepted, "also what carried no version");
}

/// A replay adds nothing, and takes nothing that came later away.
pub fn an_instance_run_again_leaves_its_study_as_it_is(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![slice(0, person, 1), slice(1, person, 2)]);
    let before = study(&store, person);
    redo(&store, RedoMode::Commit, 60, vec![slice(0, person, 1)]);
    assert_eq!(study(&store, person), before);
}

/// What was taken up late belongs to the study, though a resend said since that the study stands.
pub fn a_study_grows_by_what_comes_late_after_a_resend(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![slice(0, person, 1)]);
    let mut resent = slice(1, person, 1);
    resent.records.iter_mut().for_each(|record| record.clock = clock(0, 9, 1));
    commit(&store, vec![resent]);
    commit(&store, vec![slice(2, person, 2)]);
    assert_eq!(numbers(&study(&store, person).1), [1, 2]);
}
