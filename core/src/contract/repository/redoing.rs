//! Replay, preview and discard.

use super::New;
use super::world::{
    accepted, add, at, audit_lines, by_document, clock, commit, fresh, history, message, messages, operator, place,
    records, redo, refused, result, try_redo, value, withheld,
};
use crate::envelope::{Offset, PartitionId};
use crate::mapped::Identity;
use crate::outcome::{Outcome, State};
use crate::port::{Effects, RecordQuery, RedoMode};
use crate::reason::Reason;

/// What a message became is seen with what it had been, and all it wrote.
pub fn steps_and_versions_of_a_redone_message_are_kept(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![withheld(0, &by_document(1)), withheld(1, &by_document(1))]);
    let held = refused(0, State::Held, Reason::IdentityReview, &by_document(1));
    redo(&store, RedoMode::Commit, 10, vec![held]);
    let stored = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    let committed = redo(&store, RedoMode::Commit, 20, vec![stored]);
    assert_eq!(committed.outcomes[0].1.created, 1);
    let remapped = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1 g/dL")]);
    let committed = redo(&store, RedoMode::Commit, 30, vec![remapped]);
    assert_eq!(committed.outcomes[0].1.updated, 1, "the same message, mapped better");

    let detail = store.repository.trace("0:0").expect("a trace").remove(0);
    let steps: Vec<_> = detail.transitions.iter().map(|step| (step.at, step.state, step.actor.0.as_str())).collect();
    assert_eq!(
        steps,
        vec![
            (at(0), State::Withheld, "router"),
            (at(10), State::Held, "operator"),
            (at(20), State::Accepted, "operator"),
            (at(30), State::Accepted, "operator"),
        ]
    );
    assert_eq!(detail.transitions[0].reason, Some(Reason::NotRegistered));
    assert_eq!((detail.row.state, detail.row.settled_at, detail.row.person), (State::Accepted, at(30), Some(person)));
    let written: Vec<_> = detail.records.iter().map(|row| (row.version, row.current)).collect();
    assert_eq!(written, vec![(1, false), (2, true)]);
    assert_eq!(message(&store, 1).state, State::Withheld, "the other message is as it was");
    let counts = store.repository.feed_counts().expect("counts");
    let sum: u64 = counts.iter().map(|count| count.count).sum();
    assert_eq!(sum, 2, "{counts:?}");
}

/// What was stored lawfully is not unstored by a later withdrawal.
pub fn an_accepted_message_stays_accepted(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")])]);
    let before = message(&store, 0);
    let committed = redo(&store, RedoMode::Commit, 10, vec![withheld(0, &by_document(1))]);
    assert_eq!(committed.outcomes[0].0.state, State::Accepted);
    assert_eq!(committed.outcomes[0].0.person, Some(person));
    assert_eq!(message(&store, 0), before);
    assert_eq!(history(&store, person).len(), 1);
}

/// A second replay of the same messages stores nothing: neither the current versions nor those of the history.
pub fn doing_it_again_adds_nothing(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let first = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "first")]);
    let second = accepted(1, person, vec![result("LAB1", clock(2, 1, 1), "second")]);
    let third = accepted(2, person, vec![result("LAB1", clock(2, 2, 2), "third")]);
    commit(&store, vec![first.clone(), second.clone(), third.clone()]);
    let before = history(&store, person);
    for round in 0..2 {
        let committed = redo(&store, RedoMode::Commit, 10 + round, vec![first.clone(), second.clone(), third.clone()]);
        let unchanged = Effects { unchanged: 1, ..Effects::default() };
        assert!(committed.outcomes.iter().all(|(_, effects)| *effects == unchanged), "{committed:?}");
    }
    assert_eq!(history(&store, person), before);
    assert_eq!(records(&store, &RecordQuery::default()).iter().map(value).collect::<Vec<_>>(), vec!["third"]);
}

/// A preview says what would be new and updated, and leaves no trace of itself.
pub fn a_preview_tells_and_changes_nothing(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let earlier = accepted(0, person, vec![result("LAB1", clock(1, 0, 0), "preliminary")]);
    commit(&store, vec![earlier, withheld(1, &by_document(1))]);
    let mut later =
        accepted(1, person, vec![result("LAB1", clock(2, 1, 1), "final"), result("LAB2", clock(2, 1, 1), "7.2")]);
    later.links = vec![super::world::local(1)];
    later.facts.feed = super::world::feed("not-seen-yet");
    let before = (messages(&store), store.repository.feed_counts().expect("counts"), audit_lines(&store));
    let previewed = redo(&store, RedoMode::Preview, 10, vec![later.clone()]);
    assert_eq!(previewed.outcomes[0].1, Effects { created: 1, updated: 1, ..Effects::default() });
    let after = (messages(&store), store.repository.feed_counts().expect("counts"), audit_lines(&store));
    assert_eq!(before, after);
    assert_eq!(history(&store, person).len(), 1);
    let participant = store.registry.person(person).expect("a person").expect("is there");
    assert!(participant.person.local_numbers.is_empty());
    let done = redo(&store, RedoMode::Commit, 20, vec![later]);
    assert_eq!(done.outcomes[0].1, previewed.outcomes[0].1, "what was told is what happens");
    assert_eq!(history(&store, person).len(), 3);
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

/// Replaying is not processing.
pub fn a_redo_moves_no_offset(new: New) {
    let store = fresh(new);
    commit(&store, vec![withheld(0, &Identity::default())]);
    redo(&store, RedoMode::Commit, 10, vec![withheld(0, &Identity::default())]);
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(1));
}

/// Only messages that are stored can be redone; with one that is not, nothing is done.
pub fn a_message_nobody_knows_is_not_redone(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![withheld(0, &by_document(1))]);
    let known = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    assert!(try_redo(&store, RedoMode::Commit, 10, vec![known, accepted(7, person, Vec::new())]).is_err());
    assert_eq!(message(&store, 0).state, State::Withheld);
    assert!(history(&store, person).is_empty());
}

/// A discard needs a held or rejected message and a reason in words; it is a step like others.
pub fn only_what_is_held_or_rejected_can_be_discarded(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let none = Identity::default();
    commit(
        &store,
        vec![
            accepted(0, person, Vec::new()),
            withheld(1, &none),
            refused(2, State::Held, Reason::Undecodable, &none),
            refused(3, State::Rejected, Reason::BadValue, &none),
        ],
    );
    let discard = |offset, why: &str| store.repository.discard(place(offset), why, &operator(), at(9));
    for (offset, why) in [(0, "accepted"), (1, "withheld"), (9, "unknown"), (2, "  "), (2, "")] {
        assert!(discard(offset, why).is_err(), "{offset} {why}");
    }
    discard(2, "the sender resent it").expect("held");
    discard(3, "a test message").expect("rejected");
    assert!(discard(2, "twice").is_err());
    let detail = store.repository.trace("0:2").expect("a trace").remove(0);
    let last = detail.transitions.last().expect("a step");
    assert_eq!((detail.row.state, detail.row.reason), (State::Discarded, Some(Reason::Undecodable)));
    assert_eq!(
        (last.state, last.comment.as_str(), &last.actor),
        (State::Discarded, "the sender resent it", &operator())
    );
    assert_eq!(detail.transitions.len(), 2);
    assert!(store.repository.held().expect("groups").is_empty());
    let again = Outcome { facts: detail.row.facts, ..accepted(2, person, Vec::new()) };
    redo(&store, RedoMode::Commit, 20, vec![again]);
    assert_eq!(message(&store, 2).state, State::Accepted, "an operator may think better of it");
}
