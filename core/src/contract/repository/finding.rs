//! Finding messages and records.

use super::world::{
    ALL, accepted, add, at, by_document, clock, commit, feed, fresh, history, messages, permit, place, records,
    refused, result, withheld,
};
use super::{New, Store};
use crate::outcome::State;
use crate::person::PersonId;
use crate::port::{HeldGroup, MessageQuery, RecordQuery, RedoMode};
use crate::reason::Reason;
use crate::record::Record;
use crate::scope::Domain;

/// Each condition alone and two together.
pub fn messages_are_found_by_every_condition(new: New) {
    let (store, person) = busy(new);
    let none = MessageQuery { limit: ALL, ..MessageQuery::default() };
    let cases = [
        (none.clone(), vec![5, 4, 3, 2, 1, 0]),
        (MessageQuery { feed: Some(feed("ward")), ..none.clone() }, vec![4, 3]),
        (MessageQuery { feed: Some(feed("unknown")), ..none.clone() }, vec![]),
        (MessageQuery { state: Some(State::Held), ..none.clone() }, vec![4, 2]),
        (MessageQuery { state: Some(State::Accepted), ..none.clone() }, vec![5, 0]),
        (MessageQuery { reason: Some(Reason::NoDocument), ..none.clone() }, vec![4]),
        (MessageQuery { control_id: Some("M0-3".to_owned()), ..none.clone() }, vec![3]),
        (MessageQuery { control_id: Some("m0-3".to_owned()), ..none.clone() }, vec![]),
        (MessageQuery { since: Some(at(4)), ..none.clone() }, vec![5, 4]),
        (MessageQuery { person: Some(person), ..none.clone() }, vec![5, 0]),
        (MessageQuery { feed: Some(feed("ward")), state: Some(State::Held), ..none.clone() }, vec![4]),
        (MessageQuery { person: Some(person), since: Some(at(1)), ..none.clone() }, vec![5]),
        (MessageQuery { limit: 2, ..none.clone() }, vec![5, 4]),
        (MessageQuery { limit: 0, ..none }, vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(offsets(&store, &query), expected, "{query:?}");
    }
}

/// Pages meet without gap or overlap; a tail goes the other way.
pub fn messages_are_paged_newest_first_and_tailed_oldest_first(new: New) {
    let (store, _) = busy(new);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let query = MessageQuery { before_row: before, limit: 4, ..MessageQuery::default() };
        let page = store.repository.messages(&query).expect("a page");
        let Some(last) = page.last() else { break };
        before = Some(last.row);
        seen.extend(page.iter().map(|row| row.facts.position.offset.0));
    }
    assert_eq!(seen, vec![5, 4, 3, 2, 1, 0]);
    let third = messages(&store).into_iter().find(|row| row.facts.position == place(2)).expect("is there");
    let tail = MessageQuery { after_row: Some(third.row), limit: 2, ..MessageQuery::default() };
    assert_eq!(offsets(&store, &tail), vec![3, 4]);
    let all = MessageQuery { after_row: Some(0), state: Some(State::Held), limit: ALL, ..MessageQuery::default() };
    assert_eq!(offsets(&store, &all), vec![2, 4]);
}

/// With and without the help of counters.
pub fn a_count_agrees_with_the_list(new: New) {
    let (store, person) = busy(new);
    let none = MessageQuery { limit: ALL, ..MessageQuery::default() };
    let queries = [
        none.clone(),
        MessageQuery { feed: Some(feed("ward")), ..none.clone() },
        MessageQuery { state: Some(State::Held), ..none.clone() },
        MessageQuery { feed: Some(feed("lab")), state: Some(State::Accepted), ..none.clone() },
        MessageQuery { reason: Some(Reason::NotRegistered), ..none.clone() },
        MessageQuery { person: Some(person), ..none.clone() },
        MessageQuery { since: Some(at(2)), feed: Some(feed("lab")), ..none.clone() },
        MessageQuery { feed: Some(feed("unknown")), ..none },
    ];
    for query in queries {
        let listed = u64::try_from(offsets(&store, &query).len()).expect("few");
        let limited = MessageQuery { limit: 1, ..query.clone() };
        assert_eq!(store.repository.count_messages(&limited).expect("a count"), listed, "{query:?}");
    }
}

/// Three ways in; a control id that was used again gives both.
pub fn messages_are_traced_by_trace_control_id_and_position(new: New) {
    let (store, person) = busy(new);
    let mut reused = accepted(6, person, Vec::new());
    reused.facts.control_id = "M0-3".to_owned();
    reused.facts.control_id_reused = true;
    // A control id may look like a position.
    let mut misleading = withheld(7, &by_document(1));
    misleading.facts.control_id = "0:1".to_owned();
    commit(&store, vec![reused, misleading]);
    let traced = |id: &str| -> Vec<u64> {
        let mut found: Vec<u64> = store
            .repository
            .trace(id)
            .expect("a trace")
            .iter()
            .map(|detail| detail.row.facts.position.offset.0)
            .collect();
        found.sort_unstable();
        found
    };
    let known = messages(&store).into_iter().find(|row| row.facts.position == place(2)).expect("is there");
    assert_eq!(traced(&known.facts.trace.to_string()), vec![2]);
    assert_eq!(traced("M0-2"), vec![2]);
    assert_eq!(traced("0:2"), vec![2]);
    assert_eq!(traced("M0-3"), vec![3, 6]);
    assert_eq!(traced("0:1"), vec![1, 7]);
    for unknown in ["", "0:99", "9:0", "nothing", "00000000-0000-0000-0000-000000000000", "0:99999999999999999999"] {
        assert_eq!(traced(unknown), Vec::<u64>::new(), "{unknown}");
    }
}

/// The operators' queue.
pub fn held_messages_are_grouped_by_reason_and_feed(new: New) {
    let (store, _) = busy(new);
    commit(&store, vec![refused(6, State::Held, Reason::Undecodable, &by_document(1))]);
    let group = |reason, name, count, first, last| HeldGroup {
        reason,
        feed: feed(name),
        count,
        first: at(first),
        last: at(last),
    };
    assert_eq!(
        store.repository.held().expect("groups"),
        vec![group(Reason::Undecodable, "lab", 2, 2, 6), group(Reason::NoDocument, "ward", 1, 4, 4)]
    );
}

/// Records by person, domain and key, current or with their history.
pub fn records_are_found_by_person_domain_and_key(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    let visit = Record { domain: Domain::Encounter, ..result("V1", clock(0, 0, 0), "ward") };
    let mut first = accepted(0, one, vec![result("LAB1", clock(1, 0, 0), "1"), visit]);
    first.decisions.push(permit(Domain::Encounter, 0));
    commit(&store, vec![first, accepted(1, one, vec![result("LAB1", clock(2, 1, 1), "2")])]);
    commit(&store, vec![accepted(2, two, vec![result("LAB2", clock(2, 2, 2), "3")])]);
    let none = RecordQuery::default();
    let key = Some(result("LAB1", clock(0, 0, 0), "").key);
    let cases = [
        (none.clone(), 3),
        (RecordQuery { person: Some(one), ..none.clone() }, 2),
        (RecordQuery { person: Some(one), history: true, ..none.clone() }, 3),
        (RecordQuery { domain: Some(Domain::Encounter), ..none.clone() }, 1),
        (RecordQuery { person: Some(two), domain: Some(Domain::Encounter), ..none.clone() }, 0),
        (RecordQuery { key: key.clone(), ..none.clone() }, 1),
        (RecordQuery { key: key.clone(), history: true, ..none.clone() }, 2),
        (RecordQuery { key: key.clone(), person: Some(two), ..none.clone() }, 0),
        (RecordQuery { person: Some(PersonId(999)), ..none }, 0),
    ];
    for (query, expected) in cases {
        assert_eq!(records(&store, &query).len(), expected, "{query:?}");
    }
    let limited = RecordQuery { person: Some(one), history: true, limit: 1, ..RecordQuery::default() };
    let grant = crate::port::AccessGrant::operator(super::world::operator(), "test".to_owned());
    let newest = store.repository.records(&grant, &limited, at(0)).expect("records");
    assert_eq!(newest.iter().map(|row| row.version).collect::<Vec<_>>(), vec![2]);
    assert!(history(&store, two).iter().all(|row| row.person == two));
    assert_eq!(
        store.repository.count_records().expect("counts"),
        vec![(Domain::Encounter, 1), (Domain::Laboratory, 2)]
    );
}

/// Six messages of two feeds in several states; the first and the last are about the person. The last one got there by a
/// redo.
fn busy(new: New) -> (Store, PersonId) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut ward = [withheld(3, &by_document(2)), refused(4, State::Held, Reason::NoDocument, &by_document(3))];
    for outcome in &mut ward {
        outcome.facts.feed = feed("ward");
    }
    let [third, fourth] = ward;
    commit(
        &store,
        vec![
            accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]),
            withheld(1, &by_document(4)),
            refused(2, State::Held, Reason::Undecodable, &by_document(5)),
            third,
            fourth,
            withheld(5, &by_document(1)),
        ],
    );
    super::world::redo(&store, RedoMode::Commit, 9, vec![accepted(5, person, Vec::new())]);
    (store, person)
}

fn offsets(store: &Store, query: &MessageQuery) -> Vec<u64> {
    store.repository.messages(query).expect("a list").iter().map(|row| row.facts.position.offset.0).collect()
}
