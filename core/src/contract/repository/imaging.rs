//! The index of instances.

use super::world::{ALL, accepted, add, clock, commit, fresh, hospital, place, redo, refused, result, try_commit};
use super::{New, Store};
use crate::dicom::change::Change;
use crate::dicom::instance::{Instance, InstanceQuery, InstanceRow, Search, StudyQuery, StudyRow};
use crate::dicom::uid::Uid;
use crate::envelope::Digest;
use crate::mapped::Identity;
use crate::outcome::{Outcome, State};
use crate::person::PersonId;
use crate::phi::Phi;
use crate::port::RedoMode;
use crate::reason::Reason;

pub(super) fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

/// Instance `number` of a series of a study.
pub(super) fn instance(study: &str, series: u32, number: u32) -> Instance {
    Instance {
        study: uid(study),
        series: uid(&format!("{study}.{series}")),
        instance: uid(&format!("{study}.{series}.{number}")),
        class: uid("1.2.840.10008.5.1.4.1.1.2"),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        blob: Digest::of(&number.to_be_bytes()),
        bytes: 1000,
        data_set_at: 300,
        pixels: None,
        search: Search {
            study_date: format!("202611{series:02}"),
            modality: if series == 1 { "CT".to_owned() } else { "SR".to_owned() },
            accession: Phi::new(format!("A{study}")),
            patient_id: Phi::new("H1".to_owned()),
            number: Some(number),
            frames: 0,
        },
        change: Change::default(),
        cut: false,
        metadata: Phi::new(format!(
            "{{\"00200013\":{{\"vr\":\"IS\",\"Value\":[{number}]}},\"00100010\":\"陳大文\\u0000\"}}"
        )),
    }
}

pub(super) fn brings(offset: u64, person: PersonId, instance: Instance) -> Outcome {
    let record = result(&format!("R{offset}"), clock(0, 0, offset), "1");
    Outcome { instance: Some(Box::new(instance)), ..accepted(offset, person, vec![record]) }
}

pub(super) fn studies(store: &Store, query: &StudyQuery) -> Vec<StudyRow> {
    store.images.studies(&StudyQuery { limit: ALL, ..query.clone() }).expect("studies")
}

fn uids(rows: &[StudyRow]) -> Vec<&str> {
    rows.iter().map(|row| row.study.as_str()).collect()
}

fn instances(store: &Store, query: &InstanceQuery) -> Vec<InstanceRow> {
    store.images.instances(query).expect("instances")
}

/// By the place of its message in the log, which says no more than that; nothing is found where nothing may be kept.
pub fn an_instance_is_found_by_its_message(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let one = instance("1.2", 1, 1);
    let withheld = refused(1, State::Withheld, Reason::NotRegistered, &Identity::default());
    commit(&store, vec![brings(0, person, one.clone()), withheld]);
    let found = store.images.instance_of(place(0)).expect("asked").expect("an instance");
    assert_eq!((found.position, found.person, &found.provider), (place(0), person, &hospital()));
    assert_eq!(found.instance, Instance { metadata: Phi::default(), ..one });
    assert_eq!(store.images.instance_of(place(1)).expect("asked"), None);
    assert_eq!(store.images.instance_of(place(9)).expect("asked"), None);
}

/// By their study, series and UID, page by page, with metadata where they are asked for.
pub fn instances_are_found_with_their_metadata(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let all = [instance("1.2", 2, 1), instance("1.2", 1, 2), instance("1.2", 1, 1), instance("1.3", 1, 1)];
    commit(&store, (0..).zip(&all).map(|(offset, one)| brings(offset, person, one.clone())).collect());
    let query = InstanceQuery::of(uid("1.2"), ALL);
    let bare = instances(&store, &query);
    let found: Vec<&str> = bare.iter().map(|row| row.instance.instance.as_str()).collect();
    assert_eq!(found, ["1.2.1.1", "1.2.1.2", "1.2.2.1"]);
    let first = &bare[0];
    assert_eq!((first.position, first.person, &first.provider), (place(2), person, &hospital()));
    assert_eq!(first.instance, Instance { metadata: Phi::default(), ..all[2].clone() });
    let whole = instances(&store, &InstanceQuery { metadata: true, instance: Some(uid("1.2.2.1")), ..query.clone() });
    assert_eq!(whole.iter().map(|row| &row.instance).collect::<Vec<_>>(), [&all[0]]);
    let mut paged = Vec::new();
    let mut after = None;
    while let Some(row) = instances(&store, &InstanceQuery { after, limit: 1, ..query.clone() }).pop() {
        after = Some((row.instance.series.clone(), row.instance.instance.clone(), row.position));
        paged.push(row);
    }
    assert_eq!(paged, bare);
    let series = InstanceQuery { series: Some(uid("1.2.1")), ..query.clone() };
    assert_eq!(instances(&store, &series).len(), 2);
    assert_eq!(instances(&store, &InstanceQuery { person: Some(PersonId(99)), ..query }), []);
}

/// What the instances say together, in one batch or in several.
pub fn a_study_is_counted_from_its_instances(new: New) {
    let store = fresh(new);
    let (one, other) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![brings(0, one, instance("1.2", 2, 1)), brings(1, one, instance("1.2", 1, 1))]);
    commit(&store, vec![brings(2, one, instance("1.2", 2, 2)), brings(3, other, instance("1.9", 3, 1))]);
    commit(&store, vec![brings(4, one, instance("1.2", 2, 2)), brings(5, other, instance("1.8", 2, 7))]);
    let found = studies(&store, &StudyQuery { person: Some(one), ..StudyQuery::default() });
    let expected = StudyRow {
        study: uid("1.2"),
        person: one,
        date: "20261101".to_owned(),
        modalities: vec!["CT".to_owned(), "SR".to_owned()],
        series: 2,
        instances: 3,
    };
    assert_eq!(found, [expected]);
    let all = studies(&store, &StudyQuery::default());
    let seen: Vec<_> = all.iter().map(|row| (row.date.as_str(), row.study.as_str(), row.person)).collect();
    assert_eq!(seen, [("20261103", "1.9", other), ("20261102", "1.8", other), ("20261101", "1.2", one)]);
    let mut paged = Vec::new();
    let mut after = None;
    while let Some(row) =
        store.images.studies(&StudyQuery { after, limit: 1, ..StudyQuery::default() }).expect("studies").pop()
    {
        after = Some((row.date.clone(), row.study.clone(), row.person));
        paged.push(row);
    }
    assert_eq!(paged, all);
}

/// Every condition narrows the list.
pub fn studies_are_found_by_every_condition(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut undated = instance("1.4", 1, 1);
    undated.search = Search { patient_id: Phi::new("H2".to_owned()), ..Search::default() };
    commit(
        &store,
        vec![
            brings(0, person, instance("1.2", 1, 1)),
            brings(1, person, instance("1.3", 5, 1)),
            brings(2, person, undated),
        ],
    );
    let found = |query: StudyQuery| uids(&studies(&store, &query)).join(" ");
    let date = |text: &str| Some(text.to_owned());
    let text = |text: &str| Some(Phi::new(text.to_owned()));
    assert_eq!(found(StudyQuery::default()), "1.3 1.2 1.4", "without a date comes last");
    assert_eq!(found(StudyQuery { study: Some(uid("1.3")), ..StudyQuery::default() }), "1.3");
    assert_eq!(found(StudyQuery { since: date("20261102"), ..StudyQuery::default() }), "1.3");
    assert_eq!(found(StudyQuery { until: date("20261102"), ..StudyQuery::default() }), "1.2");
    assert_eq!(found(StudyQuery { accession: text("A1.2"), ..StudyQuery::default() }), "1.2");
    assert_eq!(found(StudyQuery { accession: text(""), ..StudyQuery::default() }), "", "nothing is no number");
    assert_eq!(found(StudyQuery { patient_id: text("H1"), ..StudyQuery::default() }), "1.3 1.2");
    assert_eq!(found(StudyQuery { patient_id: text("H2"), since: date("2026"), ..StudyQuery::default() }), "");
    let modality = |text: &str| StudyQuery { modality: Some(text.to_owned()), ..StudyQuery::default() };
    assert_eq!(found(modality("CT")), "1.2");
    assert_eq!(found(modality("SR")), "1.3");
    assert_eq!(found(StudyQuery { patient_id: text("H2"), ..modality("CT") }), "");
    assert_eq!(found(StudyQuery { person: Some(PersonId(99)), ..StudyQuery::default() }), "");
}

/// A replay, after its feed was set right, leaves nothing of what it said before: not even for another person.
pub fn an_instance_run_again_takes_the_place_of_what_it_was(new: New) {
    let store = fresh(new);
    let (one, other) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![brings(0, one, instance("1.2", 1, 1)), brings(1, one, instance("1.2", 2, 1))]);
    let mut right = instance("1.2", 1, 1);
    right.metadata = Phi::new("{}".to_owned());
    redo(&store, RedoMode::Preview, 60, vec![brings(0, other, right.clone())]);
    assert_eq!(studies(&store, &StudyQuery::default()).len(), 1, "a preview changes nothing");
    redo(&store, RedoMode::Commit, 61, vec![brings(0, other, right.clone())]);
    let seen: Vec<_> = studies(&store, &StudyQuery::default()).iter().map(|row| (row.person, row.series)).collect();
    assert_eq!(seen, [(one, 1), (other, 1)], "the older date is that of the one that moved");
    let query = InstanceQuery { metadata: true, person: Some(other), ..InstanceQuery::of(uid("1.2"), ALL) };
    assert_eq!(instances(&store, &query)[0].instance, right);
    redo(&store, RedoMode::Commit, 62, vec![brings(1, other, instance("1.2", 2, 1))]);
    assert_eq!(
        studies(&store, &StudyQuery { person: Some(one), ..StudyQuery::default() }),
        [],
        "nothing is left there"
    );
}

/// No index without a permit.
pub fn an_instance_without_its_study_is_refused(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let alone = Outcome { records: Vec::new(), ..brings(0, person, instance("1.2", 1, 1)) };
    assert!(try_commit(&store, vec![alone]).is_err());
    let withheld = refused(0, State::Withheld, Reason::NotRegistered, &Identity::default());
    let withheld = Outcome { instance: Some(Box::new(instance("1.2", 1, 1))), ..withheld };
    assert!(try_commit(&store, vec![withheld]).is_err());
    assert_eq!(studies(&store, &StudyQuery::default()), []);
}
