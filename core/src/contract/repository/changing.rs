//! Instances that change others: rejection notes, corrections, conflicts.

use serde_json::json;

use super::imaging::{instance, studies, uid};
use super::world::{ALL, accepted, add, clock, commit, fresh, hospital, message, place, records, redo};
use super::{New, Store};
use crate::dicom::change::{Conflict, Hidden, Rejection};
use crate::dicom::instance::{ConflictQuery, Instance, InstanceQuery, StudyQuery};
use crate::envelope::Digest;
use crate::outcome::{Outcome, State};
use crate::person::PersonId;
use crate::port::{AuditQuery, RecordQuery, RedoMode};
use crate::reason::Reason;
use crate::record::{Record, RecordKey, Resource};
use crate::scope::{Domain, Level};
use jiff::Timestamp;

/// An instance with the ImagingStudy it alone makes.
pub(super) fn brings(offset: u64, person: PersonId, instance: Instance) -> Outcome {
    let key = RecordKey::new("ImagingStudy", &hospital().0, &[instance.study.as_str()]);
    let tree = json!({
        "resourceType": "ImagingStudy", "id": key.resource_id(), "status": "available",
        "numberOfSeries": 1, "numberOfInstances": 1, "description": format!("as {} says", instance.instance),
        "series": [{
            "uid": instance.series.as_str(), "numberOfInstances": 1,
            "instance": [{ "uid": instance.instance.as_str(), "number": instance.search.number }],
        }],
    });
    let record = Record {
        domain: Domain::RadiologyImage,
        key,
        clock: clock(0, 0, offset),
        clinical_date: None,
        level: Level::Coded,
        lacks: None,
        retracted: false,
        resource: Resource::of(&tree),
    };
    Outcome { instance: Some(Box::new(instance)), ..accepted(offset, person, vec![record]) }
}

/// Slice `number` of study 1.2, received at this second.
pub(super) fn slice(number: u32, second: i64) -> Instance {
    let mut slice = instance("1.2", 1, number);
    slice.change.received_at = Timestamp::from_second(second).ok();
    slice
}

/// The same slice with other bytes.
pub(super) fn other(number: u32, second: i64, content: &str) -> Instance {
    Instance { blob: Digest::of(content.as_bytes()), ..slice(number, second) }
}

/// A note that rejects slices of study 1.2, or other notes.
pub(super) fn note(number: u32, second: i64, rejected: &[u32]) -> Instance {
    let named = rejected.iter().map(|number| (uid("1.2.1"), uid(&format!("1.2.1.{number}")))).collect();
    let mut note = slice(number, second);
    note.change.rejects = Some(Rejection { code: "113001".to_owned(), instances: named });
    note
}

/// What readers find of study 1.2, what is kept beside it, and its record.
pub(super) fn seen(store: &Store, person: PersonId) -> (Vec<String>, Vec<(String, Hidden)>, Option<serde_json::Value>) {
    let query = InstanceQuery::of(uid("1.2"), ALL);
    let rows = |hidden| store.images.instances(&InstanceQuery { hidden, ..query.clone() }).expect("instances");
    let shown = rows(false).iter().map(|row| format!("{} {}", row.instance.instance, row.instance.blob)).collect();
    let kept = rows(true).iter().filter_map(|row| Some((row.instance.instance.to_string(), row.hidden?))).collect();
    let mut found = records(store, &RecordQuery { person: Some(person), ..RecordQuery::default() });
    (shown, kept, found.pop().map(|row| row.resource))
}

/// Every order of so many.
fn orders(length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let longer = |order: Vec<usize>| {
        (0..length).map(move |at| {
            let mut order = order.clone();
            order.insert(at, length - 1);
            order
        })
    };
    orders(length - 1).into_iter().flat_map(longer).collect()
}

/// Whatever comes first; and what is hidden is kept.
pub fn a_rejection_note_hides_what_it_names_in_any_order_of_arrival(new: New) {
    let mut all = Vec::new();
    for order in orders(3) {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let came = [slice(1, 1), slice(2, 2), note(9, 3, &[1])];
        // One by one, and the last two together.
        let mut batches: Vec<Vec<Outcome>> = Vec::new();
        for (offset, which) in (0_u64..).zip(&order) {
            let outcome = brings(offset, person, came[*which].clone());
            match batches.last_mut() {
                Some(last) if offset == 2 => last.push(outcome),
                Some(_) | None => batches.push(vec![outcome]),
            }
        }
        for batch in batches {
            commit(&store, batch);
        }
        let (shown, mut kept, record) = seen(&store, person);
        kept.sort();
        let record = record.unwrap_or_else(|| panic!("{order:?}: no record"));
        assert_eq!((shown.len(), &record["numberOfInstances"]), (1, &json!(1)), "{order:?} {record}");
        assert_eq!(record["description"], "as 1.2.1.2 says", "{order:?}: nothing is left of what was rejected");
        let rows = studies(&store, &StudyQuery::default());
        assert_eq!(rows.iter().map(|row| (row.series, row.instances)).collect::<Vec<_>>(), [(1, 1)], "{order:?}");
        all.push((shown, kept, record.to_string()));
    }
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    let words: Vec<Hidden> = all[0].1.iter().map(|(_, hidden)| *hidden).collect();
    assert_eq!(words, [Hidden::Rejected, Hidden::Note]);
}

/// A study with nothing left is not found, its record is taken back and kept; a note that is rejected itself gives all of it
/// back, as it was.
pub fn a_rejected_study_is_gone_for_readers_and_comes_back_when_its_note_is_rejected(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, slice(2, 2))]);
    let before = seen(&store, person);
    commit(&store, vec![brings(2, person, note(8, 3, &[1, 2]))]);
    let (shown, kept, record) = seen(&store, person);
    assert_eq!((shown.len(), kept.len(), record), (0, 3, None));
    assert_eq!(studies(&store, &StudyQuery::default()), []);
    let text = crate::phi::Phi::new("A1.2".to_owned());
    assert_eq!(studies(&store, &StudyQuery { accession: Some(text), ..StudyQuery::default() }), []);
    let query = RecordQuery { person: Some(person), retracted: true, ..RecordQuery::default() };
    let former = records(&store, &query);
    assert_eq!((former.len(), &former[0].resource["status"]), (1, &json!("cancelled")));
    let history = records(&store, &RecordQuery { history: true, ..query });
    assert_eq!(history.len(), 2, "what stood before is kept");
    commit(&store, vec![brings(3, person, note(9, 4, &[8]))]);
    let after = seen(&store, person);
    assert_eq!((after.0, &after.2), (before.0, &before.2));
    // A replay of the first note changes nothing of that.
    redo(&store, RedoMode::Commit, 60, vec![brings(2, person, note(8, 3, &[1, 2]))]);
    assert_eq!(seen(&store, person).2, after.2);
}

/// The first that came stays, whatever was stored first; each is kept and told.
pub fn another_content_under_a_uid_is_kept_beside_the_first_and_told(new: New) {
    for order in orders(2) {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let came = [slice(1, 1), other(1, 2, "other")];
        for (offset, which) in (0_u64..).zip(order) {
            commit(&store, vec![brings(offset, person, came[which].clone())]);
        }
        let (shown, kept, _) = seen(&store, person);
        assert_eq!(shown, [format!("1.2.1.1 {}", came[0].blob)]);
        assert_eq!(kept, [("1.2.1.1".to_owned(), Hidden::Superseded)]);
        assert_eq!(store.images.conflicting().expect("counted"), 1);
        let query = ConflictQuery { limit: 1, ..ConflictQuery::default() };
        let first = store.images.conflicts(&query).expect("listed");
        assert_eq!(first.iter().map(|row| row.conflict).collect::<Vec<_>>(), [Some(Conflict::Content)]);
        let after = first.first().map(|row| (row.instance.instance.clone(), row.position));
        let rest = ConflictQuery { after, instance: Some(uid("1.2.1.1")), limit: ALL };
        let rest = store.images.conflicts(&rest).expect("listed");
        assert_eq!(rest.len(), 1);
        assert_ne!(rest[0].position, first[0].position);
        // Rejected, both contradict nothing any more.
        commit(&store, vec![brings(2, person, note(9, 3, &[1]))]);
        assert_eq!(store.images.conflicting().expect("counted"), 0);
    }
}

/// Where the feed sends corrections, the newest is shown and the former ones are kept; that is no alarm.
pub fn a_correction_takes_the_place_of_what_it_corrects(new: New) {
    for order in orders(3) {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let mut came = [slice(1, 1), other(1, 2, "second"), other(1, 3, "third")];
        came.iter_mut().for_each(|one| one.change.corrects = true);
        for (offset, which) in (0_u64..).zip(&order) {
            commit(&store, vec![brings(offset, person, came[*which].clone())]);
        }
        let (shown, kept, record) = seen(&store, person);
        assert_eq!(shown, [format!("1.2.1.1 {}", came[2].blob)], "{order:?}");
        assert_eq!(kept.len(), 2);
        assert_eq!(record.expect("a record")["numberOfInstances"], 1);
        assert_eq!(store.images.conflicting().expect("counted"), 0);
        let listed = store.images.conflicts(&ConflictQuery { limit: ALL, ..ConflictQuery::default() });
        assert!(listed.expect("listed").iter().all(|row| row.conflict == Some(Conflict::Corrected)));
    }
}

/// Both are found where they are, and both are told.
pub fn one_uid_in_two_studies_is_kept_in_both_and_told(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let elsewhere = Instance { study: uid("1.3"), series: uid("1.3.1"), ..other(1, 2, "elsewhere") };
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, elsewhere)]);
    let all = studies(&store, &StudyQuery::default());
    assert_eq!(all.iter().map(|row| row.instances).collect::<Vec<_>>(), [1, 1]);
    let listed = store.images.conflicts(&ConflictQuery { limit: ALL, ..ConflictQuery::default() }).expect("listed");
    assert_eq!(listed.iter().map(|row| row.conflict).collect::<Vec<_>>(), [Some(Conflict::Study); 2]);
    assert_eq!(store.images.conflicting().expect("counted"), 1);
}

/// Study or SOP Instance UID: what stands for one person is not shown as another's. It waits, and is told; it can be run again
/// when the other images were rejected.
pub fn images_of_a_study_of_another_person_wait_in_one_batch_or_two(new: New) {
    for together in [true, false] {
        let store = fresh(new);
        let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
        let foreign = Instance { study: uid("1.7"), series: uid("1.7.1"), ..other(1, 3, "theirs") };
        let came = vec![brings(0, one, slice(1, 1)), brings(1, two, slice(2, 2)), brings(2, two, foreign)];
        let batches = if together { vec![came] } else { came.into_iter().map(|outcome| vec![outcome]).collect() };
        for batch in batches {
            commit(&store, batch);
        }
        for (offset, tag) in [(1, "(0020,000D)"), (2, "(0008,0018)")] {
            let held = message(&store, offset);
            assert_eq!((held.state, held.reason), (State::Held, Some(Reason::ImageOfTwoPersons)));
            assert_eq!(held.place, tag);
        }
        assert_eq!(studies(&store, &StudyQuery::default()).iter().map(|row| row.person).collect::<Vec<_>>(), [one]);
        assert_eq!(seen(&store, two).2, None);
        let query = AuditQuery { action: Some("image-conflict".to_owned()), limit: ALL, ..AuditQuery::default() };
        assert_eq!(store.repository.audit_lines(&query).expect("lines").len(), 2);
        // Nothing changed: it goes on waiting.
        redo(&store, RedoMode::Commit, 60, vec![brings(1, two, slice(2, 2))]);
        assert_eq!(message(&store, 1).state, State::Held);
        commit(&store, vec![brings(3, one, note(9, 4, &[1]))]);
        redo(&store, RedoMode::Commit, 61, vec![brings(1, two, slice(2, 2))]);
        assert_eq!(message(&store, 1).state, State::Accepted);
        let rows = store.images.instances(&InstanceQuery::of(uid("1.2"), ALL)).expect("instances");
        assert_eq!(rows.iter().map(|row| (row.person, row.position)).collect::<Vec<_>>(), [(two, place(1))]);
    }
}
