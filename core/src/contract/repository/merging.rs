//! No two numbers of a patient replace each other: a merge that goes round is held, whoever stores it and whenever it comes.

use serde_json::json;

use super::world::{
    accepted, add, clock, commit, facts, fresh, hospital, message, messages, place, place_in, records, redo, try_commit,
};
use super::{New, Store};
use crate::envelope::{Offset, Position};
use crate::outcome::{Outcome, State};
use crate::person::PersonId;
use crate::port::{RecordQuery, RedoMode};
use crate::reason::Reason;
use crate::record::{Record, RecordKey, VersionClock};
use crate::scope::{Domain, Level};

fn key(number: &str) -> RecordKey {
    RecordKey::new("Patient", &hospital().0, &["HHH", number])
}

/// What is said of a number at a second: that another replaces it, or that it is (again) one of its own.
fn said(number: &str, second: u32, replaced_by: Option<&str>) -> Record {
    let key = key(number);
    let link = replaced_by.map(|other| {
        let reference = format!("Patient/{}", RecordKey::resource_id(&self::key(other)));
        json!([{"other": {"reference": reference}, "type": "replaced-by"}])
    });
    let rank = if link.is_some() { VersionClock::RETIRES } else { VersionClock::LIFTS };
    let mut resource = json!({"resourceType": "Patient", "id": key.resource_id(), "active": link.is_none()});
    if let (Some(link), Some(object)) = (link, resource.as_object_mut()) {
        object.insert("link".to_owned(), link);
    }
    Record {
        domain: Domain::Identification,
        key,
        clock: clock(rank, second, u64::from(second)),
        clinical_date: None,
        level: Level::Structured,
        lacks: None,
        retracted: false,
        resource: resource.into(),
    }
}

/// A merge of `old` into `new`.
fn merge(offset: u64, person: PersonId, second: u32, old: &str, new: &str) -> Outcome {
    accepted(offset, person, vec![said(old, second, Some(new))])
}

/// The merge is taken back: the number is one of its own.
fn lift(offset: u64, person: PersonId, second: u32, number: &str) -> Outcome {
    accepted(offset, person, vec![said(number, second, None)])
}

/// What became of the message at a place of partition 0.
fn ended(store: &Store, offset: u64) -> (State, Option<Reason>) {
    let row = message(store, offset);
    (row.state, row.reason)
}

const ROUND: (State, Option<Reason>) = (State::Held, Some(Reason::MergeLoop));
const WELL: (State, Option<Reason>) = (State::Accepted, None);

/// The numbers that are replaced, of a person.
fn replaced(store: &Store, person: PersonId) -> Vec<RecordKey> {
    let query = RecordQuery { person: Some(person), ..RecordQuery::default() };
    let rows = records(store, &query).into_iter().filter(|row| row.resource["active"] == false);
    let mut keys: Vec<_> = rows.map(|row| row.key).collect();
    keys.sort();
    keys
}

/// A into B and B into C; then C into A goes round, whether it comes later or in the same batch, and nothing of it is stored.
pub fn a_merge_that_goes_round_is_held(new: New) {
    for in_one_batch in [false, true] {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let story = [
            merge(0, person, 1, "A", "B"),
            merge(1, person, 2, "B", "C"),
            merge(2, person, 3, "C", "A"),
            merge(3, person, 4, "D", "A"),
            merge(4, person, 5, "B", "A"),
        ];
        if in_one_batch {
            commit(&store, story.to_vec());
        } else {
            story.into_iter().for_each(|outcome| drop(commit(&store, vec![outcome])));
        }
        assert_eq!([0, 1, 2, 3, 4].map(|offset| ended(&store, offset)), [WELL, WELL, ROUND, WELL, ROUND]);
        assert_eq!(message(&store, 2).place, "MRG-1");
        assert_eq!(replaced(&store, person), ["A", "B", "D"].map(key), "one number is left to stand for the patient");
    }
}

/// Numbers of another person are no part of a road.
pub fn merges_of_two_persons_do_not_meet(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![merge(0, one, 1, "A", "B"), merge(1, two, 2, "B", "A")]);
    assert_eq!([0, 1].map(|offset| ended(&store, offset)), [WELL, WELL]);
}

/// A into B, taken back, then B into A: whatever the order of arrival, the same numbers are replaced once what was held
/// meanwhile is done again; and a merge taken back that comes late replaces nobody.
pub fn a_merge_the_other_way_stands_once_the_first_is_taken_back_in_any_order_of_arrival(new: New) {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let story = |at: u64| match at {
            0 => merge(0, person, 1, "A", "B"),
            1 => lift(1, person, 2, "A"),
            _ => merge(2, person, 3, "B", "A"),
        };
        let told: Vec<Outcome> =
            (0..).zip(order).map(|(offset, at)| Outcome { facts: facts(place(offset)), ..story(at) }).collect();
        told.iter().for_each(|outcome| drop(commit(&store, vec![outcome.clone()])));
        let held: Vec<Position> =
            messages(&store).iter().filter(|row| row.state == State::Held).map(|row| row.facts.position).collect();
        let again: Vec<Outcome> = told.into_iter().filter(|outcome| held.contains(&outcome.facts.position)).collect();
        assert!(again.len() <= 1, "{order:?}");
        if !again.is_empty() {
            redo(&store, RedoMode::Commit, 9, again);
        }
        assert_eq!(replaced(&store, person), [key("B")], "{order:?}");
        assert!(messages(&store).iter().all(|row| row.state == State::Accepted), "{order:?}");
    }
}

/// Two processes store A into B and B into A at the same moment: one of them is held.
pub fn of_two_merges_that_meet_one_is_held(new: New) {
    for _ in 0..8 {
        let subject = new();
        let store = subject.open();
        let person = add(&store, 1).person.id;
        let partners = [("A", "B", 0), ("B", "A", 1)].map(|(old, new, partition)| {
            let store = subject.open();
            let position = Position { offset: Offset(0), ..place_in(partition) };
            (store, Outcome { facts: facts(position), ..merge(0, person, 1, old, new) })
        });
        std::thread::scope(|scope| {
            for (store, outcome) in partners {
                scope.spawn(move || try_commit(&store, vec![outcome]).expect("stored"));
            }
        });
        let rows = messages(&store);
        let held = rows.iter().filter(|row| (row.state, row.reason) == ROUND).count();
        assert_eq!((rows.len(), held, replaced(&store, person).len()), (2, 1, 1));
    }
}
