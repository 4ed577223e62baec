//! Of every record the latest version is current, whatever the order of arrival, and none is lost.

use std::collections::BTreeMap;

use super::New;
use super::world::{accepted, add, at, clock, commit, fresh, history, records, result, value};
use crate::person::PersonId;
use crate::port::{Effects, RecordQuery};
use crate::record::{Record, VersionClock};
use crate::scope::Domain;

/// A resend or a replay changes nothing.
pub fn the_same_content_again_makes_no_version(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result("LAB1", clock(2, 5, 0), "13.5")])]);
    let again = commit(&store, vec![accepted(1, person, vec![result("LAB1", clock(2, 5, 1), "13.5")])]);
    assert_eq!(again.outcomes[0].1, Effects { unchanged: 1, ..Effects::default() });
    let versions = history(&store, person);
    assert_eq!(versions.len(), 1);
    assert_eq!((versions[0].version, versions[0].current, versions[0].source.offset.0), (1, true, 0));
}

/// Both versions can be read, the newer one is current.
pub fn a_newer_version_becomes_current_and_the_former_is_kept(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let first = accepted(0, person, vec![result("LAB1", clock(1, 5, 0), "preliminary")]);
    let second = accepted(1, person, vec![result("LAB1", clock(2, 5, 1), "final")]);
    let committed = commit(&store, vec![first.clone(), second.clone()]);
    assert_eq!(committed.outcomes[1].1, Effects { updated: 1, ..Effects::default() });
    let both = Effects { created: 1, updated: 1, ..Effects::default() };
    assert_eq!(committed.by_domain.get(&Domain::Laboratory), Some(&both));
    let versions = history(&store, person);
    let said: Vec<_> = versions.iter().map(|row| (row.version, row.current, value(row))).collect();
    assert_eq!(said, vec![(2, true, "final"), (1, false, "preliminary")]);
    let newest = &versions[0];
    assert_eq!((newest.trace, &newest.feed), (second.facts.trace, &second.facts.feed));
    assert_eq!((newest.clock, newest.stored_at), (clock(2, 5, 1), at(0)));
    assert_eq!((&newest.key, newest.domain), (&second.records[0].key, Domain::Laboratory));
    let current = records(&store, &of(person));
    assert_eq!(current.iter().map(value).collect::<Vec<_>>(), vec!["final"]);
    assert_eq!(store.repository.count_records().expect("counts"), vec![(Domain::Laboratory, 1)]);
}

/// The original that arrives after its correction is kept as history.
pub fn a_late_version_joins_the_history_only(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result("LAB1", clock(3, 5, 0), "corrected")])]);
    let late = commit(&store, vec![accepted(1, person, vec![result("LAB1", clock(2, 9, 1), "original")])]);
    assert_eq!(late.outcomes[0].1, Effects { late: 1, ..Effects::default() });
    let said: Vec<_> = history(&store, person).iter().map(|row| (row.version, row.current)).collect();
    assert_eq!(said, vec![(2, false), (1, true)]);
    assert_eq!(records(&store, &of(person)).iter().map(value).collect::<Vec<_>>(), vec!["corrected"]);
}

/// A value said at one, another at two, the first again at three: when two arrives last, it is still three that holds.
pub fn what_was_said_again_is_not_undone_by_what_was_said_between(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    for (offset, second, said) in [(0, 1, "A"), (1, 3, "A"), (2, 2, "B")] {
        commit(&store, vec![accepted(offset, person, vec![result("LAB1", clock(2, second, offset), said)])]);
    }
    assert_eq!(records(&store, &of(person)).iter().map(value).collect::<Vec<_>>(), vec!["A"]);
}

/// Every order of four versions with every way of repeating contents among them: what the last one says is current.
pub fn any_order_of_arrival_gives_the_same_current_content(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut expected = Vec::new();
    let mut messages: Vec<Vec<Record>> = vec![Vec::new(); 4];
    for (number, order) in orders().into_iter().enumerate() {
        for contents in 0..16_u8 {
            let name = format!("LAB{number}x{contents}");
            for (message, version) in messages.iter_mut().zip(&order) {
                message.push(result(&name, numbered(*version), said(contents, *version)));
            }
            expected.push((name, said(contents, 3)));
        }
    }
    for (offset, records) in (0..).zip(messages) {
        commit(&store, vec![accepted(offset, person, records)]);
    }
    let current = records(&store, &of(person));
    assert_eq!(current.len(), expected.len());
    for (name, content) in expected {
        let key = result(&name, numbered(0), "").key;
        let row = current.iter().find(|row| row.key == key).expect("the record is there");
        assert_eq!(value(row), content, "{name}");
    }
}

/// Ranks of a patient's statements in the order made, and the place of the one that stands: a merge stands against all but
/// what adds the number anew.
const STORIES: [([u8; 5], u32); 5] = [
    ([VersionClock::LIFTS, 1, VersionClock::RETIRES, 1, 0], 2),
    ([1, VersionClock::RETIRES, 1, VersionClock::LIFTS, 1], 4),
    ([VersionClock::LIFTS, VersionClock::RETIRES, VersionClock::LIFTS, VersionClock::RETIRES, 1], 3),
    ([1, VersionClock::RETIRES, 1, 0, VersionClock::LIFTS], 4),
    ([VersionClock::RETIRES, VersionClock::LIFTS, 1, 0, 0], 2),
];

/// Every order of every story, each statement in a batch of its own and all in one.
pub fn a_merge_stands_until_it_is_lifted_in_any_order_of_arrival(new: New) {
    for batches in [[1; 5].as_slice(), &[5]] {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let mut expected = Vec::new();
        let mut messages: Vec<Vec<Record>> = vec![Vec::new(); 5];
        for (story, (ranks, stands)) in STORIES.iter().enumerate() {
            for (number, order) in orders_of_five().into_iter().enumerate() {
                let name = format!("P{story}x{number}");
                for (message, at) in messages.iter_mut().zip(order) {
                    let clock = clock(ranks[at as usize], at, u64::from(at));
                    let record = result(&name, clock, &at.to_string());
                    message.push(Record { domain: Domain::Identification, ..record });
                }
                expected.push((result(&name, clock(0, 0, 0), "").key, stands.to_string()));
            }
        }
        let outcomes = (0..).zip(messages).map(|(offset, records)| accepted(offset, person, records));
        let mut outcomes = outcomes.collect::<Vec<_>>().into_iter();
        for count in batches {
            commit(&store, outcomes.by_ref().take(*count).collect());
        }
        let found: BTreeMap<_, _> =
            records(&store, &of(person)).iter().map(|row| (row.key.clone(), value(row).to_owned())).collect();
        assert_eq!(found, expected.into_iter().collect());
        let of_one = RecordQuery { key: found.keys().next().cloned(), history: true, ..of(person) };
        assert_eq!(records(&store, &of_one).len(), 5, "every statement is kept");
        let counted = u64::try_from(found.len()).expect("few");
        assert_eq!(store.repository.count_records().expect("counts"), vec![(Domain::Identification, counted)]);
    }
}

/// A retraction is a version: the record is no longer listed or counted, and nothing is erased.
pub fn a_record_taken_back_is_hidden_and_kept(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let stored = result("LAB1", clock(2, 1, 0), "13.5");
    let taken_back = Record { retracted: true, clock: clock(3, 2, 1), ..stored.clone() };
    commit(&store, vec![accepted(0, person, vec![stored.clone()])]);
    let committed = commit(&store, vec![accepted(1, person, vec![taken_back])]);
    assert_eq!(committed.outcomes[0].1.updated, 1, "the content is the same, taking it back is not");
    assert!(records(&store, &of(person)).is_empty());
    assert!(store.repository.count_records().expect("counts").is_empty());
    let with_retracted = RecordQuery { retracted: true, ..of(person) };
    assert_eq!(records(&store, &with_retracted).len(), 1);
    assert_eq!(history(&store, person).len(), 2);
    let given_back = Record { clock: clock(3, 3, 2), ..stored };
    commit(&store, vec![accepted(2, person, vec![given_back])]);
    assert_eq!(records(&store, &of(person)).len(), 1);
    assert_eq!(store.repository.count_records().expect("counts"), vec![(Domain::Laboratory, 1)]);
}

/// The person belongs to the key: a number linked to the wrong person before makes no mixed history.
pub fn one_key_of_two_persons_is_two_records(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    commit(&store, vec![accepted(0, one, vec![result("LAB1", clock(2, 1, 0), "hers")])]);
    let second = commit(&store, vec![accepted(1, two, vec![result("LAB1", clock(2, 2, 1), "his")])]);
    assert_eq!(second.outcomes[0].1.created, 1);
    assert_eq!(records(&store, &of(one)).iter().map(value).collect::<Vec<_>>(), vec!["hers"]);
    let key = Some(result("LAB1", clock(0, 0, 0), "").key);
    assert_eq!(records(&store, &RecordQuery { key, ..RecordQuery::default() }).len(), 2);
}

fn of(person: PersonId) -> RecordQuery {
    RecordQuery { person: Some(person), ..RecordQuery::default() }
}

fn numbered(version: u8) -> VersionClock {
    clock(2, u32::from(version), u64::from(version))
}

/// What a version says when the bits of `contents` say which of two contents each has.
const fn said(contents: u8, version: u8) -> &'static str {
    if contents & (1 << version) == 0 { "A" } else { "B" }
}

/// All orders of five versions.
fn orders_of_five() -> Vec<[u32; 5]> {
    let with_last = orders().into_iter().flat_map(|four| {
        let [a, b, c, d] = four.map(u32::from);
        [[4, a, b, c, d], [a, 4, b, c, d], [a, b, 4, c, d], [a, b, c, 4, d], [a, b, c, d, 4]]
    });
    with_last.collect()
}

/// All orders of four versions.
fn orders() -> Vec<[u8; 4]> {
    let all = (0..4_u8).flat_map(|a| (0..4_u8).flat_map(move |b| (0..4_u8).map(move |c| [a, b, c])));
    let complete = |[a, b, c]: [u8; 3]| {
        let rest = (0..4_u8).find(|version| ![a, b, c].contains(version))?;
        (a != b && b != c && a != c).then_some([a, b, c, rest])
    };
    all.filter_map(complete).collect()
}
