//! Studies that may still grow, and what tells that they do not.

use serde_json::json;

use super::changing::brings;
use super::imaging::{instance, uid};
use super::world::{ALL, accepted, add, at, clock, commit, fresh, hospital, place, records, redo};
use super::{New, Store};
use crate::dicom::instance::OpenStudy;
use crate::outcome::Outcome;
use crate::person::PersonId;
use crate::port::{RecordQuery, RedoMode};
use crate::record::{Record, RecordKey, Resource};
use crate::scope::{Domain, Level};

/// Slice `number` of study 1.2, whose study is not complete.
pub(super) fn slice(offset: u64, person: PersonId, number: u32) -> Outcome {
    with_status(brings(offset, person, instance("1.2", 1, number)), "registered")
}

/// What says that the study of a slice is complete.
fn complete(offset: u64, person: PersonId) -> Outcome {
    let mut said = brings(offset, person, instance("1.2", 1, 1));
    said.instance = None;
    for record in &mut said.records {
        record.resource = Resource::of(&json!({ "resourceType": "ImagingStudy", "status": "available" }));
    }
    said
}

fn with_status(mut outcome: Outcome, status: &str) -> Outcome {
    for record in &mut outcome.records {
        let mut tree = record.resource.value();
        tree["status"] = json!(status);
        record.resource = Resource::of(&tree);
    }
    outcome
}

fn report(offset: u64, person: PersonId, status: &str, accession: &str) -> Outcome {
    let key = RecordKey::new("DiagnosticReport", &hospital().0, &["R1"]);
    let system = format!("urn:causeway:{}:accession", hospital().0);
    let tree = json!({
        "resourceType": "DiagnosticReport", "id": key.resource_id(), "status": status,
        "identifier": [{ "system": system, "value": accession }],
    });
    let record = Record {
        domain: Domain::RadiologyReport,
        key,
        clock: clock(0, 0, offset),
        clinical_date: None,
        level: Level::Coded,
        lacks: None,
        retracted: false,
        resource: Resource::of(&tree),
    };
    accepted(offset, person, vec![record])
}

fn open(store: &Store, second: u32) -> Vec<OpenStudy> {
    store.images.open_studies(at(second), ALL).expect("studies")
}

fn count(store: &Store) -> u64 {
    store.images.open_study_count().expect("a number")
}

fn status(store: &Store, person: PersonId) -> Vec<String> {
    let query = RecordQuery { person: Some(person), domain: Some(Domain::RadiologyImage), ..RecordQuery::default() };
    records(store, &query).iter().map(|row| row.resource["status"].as_str().unwrap_or_default().to_owned()).collect()
}

/// From its first instance on, whatever process asks; closed, unless something came meanwhile.
pub fn a_study_is_open_until_it_was_quiet(new: New) {
    let subject = new();
    let store = subject.open();
    let person = add(&store, 1).person.id;
    commit(&store, vec![slice(0, person, 1), slice(1, person, 2)]);
    assert_eq!(open(&store, 1), [], "something came in the last second");
    assert_eq!(count(&store), 1, "and it is open all the same");
    let told = open(&subject.open(), 2);
    let expected = OpenStudy { study: uid("1.2"), person, provider: hospital(), position: place(1), at: at(1) };
    assert_eq!(told, std::slice::from_ref(&expected));
    commit(&store, vec![slice(2, person, 3)]);
    store.images.close_study(&expected).expect("asked");
    let later = open(&store, 3);
    assert_eq!(later.iter().map(|study| (study.position, study.at)).collect::<Vec<_>>(), [(place(2), at(2))]);
    store.images.close_study(&later[0]).expect("closed");
    assert_eq!((open(&store, 1000), count(&store)), (Vec::new(), 0));
    redo(&store, RedoMode::Commit, 60, vec![slice(0, person, 1)]);
    assert_eq!(open(&store, 1), [OpenStudy { position: place(0), at: at(0), ..expected }], "it is looked at once more");
}

/// A final report under the accession number of its images; a preliminary one, or one of other images, says nothing.
pub fn a_final_report_says_that_a_study_is_complete(new: New) {
    let store = fresh(new);
    let (person, other) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![slice(0, person, 1)]);
    commit(&store, vec![report(1, person, "preliminary", "A1.2"), report(2, other, "final", "A1.2")]);
    commit(&store, vec![report(3, person, "final", "A1.3")]);
    assert_eq!(open(&store, 0), []);
    commit(&store, vec![report(4, person, "final", "A1.2")]);
    assert_eq!(open(&store, 0).iter().map(|study| study.study.as_str()).collect::<Vec<_>>(), ["1.2"]);
}

/// It stays complete when more of it comes, and when some of it is rejected; one that is taken back is not brought back.
pub fn a_complete_study_stays_so_and_one_that_was_taken_back_does_too(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![slice(0, person, 1), slice(1, person, 2)]);
    assert_eq!(status(&store, person), ["registered"]);
    redo(&store, RedoMode::Commit, 60, vec![complete(1, person)]);
    assert_eq!(status(&store, person), ["available"]);
    let found = store.images.instance_of(place(1)).expect("asked");
    assert!(found.is_some(), "the step took nothing from the index");
    commit(&store, vec![slice(2, person, 3)]);
    assert_eq!(status(&store, person), ["available"]);
    let note = |offset: u64, number: u32, rejected: &[u32]| {
        let mut note = slice(offset, person, number);
        let named = rejected.iter().map(|number| (uid("1.2.1"), uid(&format!("1.2.1.{number}")))).collect();
        let change = note.instance.as_mut().map(|instance| &mut instance.change).expect("an instance");
        change.rejects = Some(crate::dicom::change::Rejection { code: "113001".to_owned(), instances: named });
        note
    };
    commit(&store, vec![note(3, 8, &[3])]);
    assert_eq!(status(&store, person), ["available"]);
    commit(&store, vec![note(4, 9, &[1, 2])]);
    assert_eq!(status(&store, person), Vec::<String>::new());
    redo(&store, RedoMode::Commit, 61, vec![complete(1, person)]);
    assert_eq!(status(&store, person), Vec::<String>::new());
}
