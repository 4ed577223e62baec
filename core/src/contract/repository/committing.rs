//! A batch is one transaction behind a fence.

use super::world::{
    accepted, add, at, audit_lines, by_document, clock, commit, facts, feed, fresh, history, hospital, messages,
    operator, permit, place, place_in, refused, result, try_commit, withheld,
};
use super::{New, Store};
use crate::decision::{Decision, Verdict};
use crate::disposition::Disposition;
use crate::envelope::{Digest, Offset, PartitionId};
use crate::mapped::{Identity, Note};
use crate::outcome::{Outcome, State};
use crate::port::{BlobError, Effects, Fence, Lookup, MessageQuery, RedoMode, RepositoryError, Resolved, Sequence};
use crate::reason::Reason;
use crate::scope::Domain;

/// Nothing is processed at first.
pub fn a_new_repository_begins_at_offset_zero(new: New) {
    let store = fresh(new);
    assert_eq!(store.repository.next_offset(PartitionId(3)).expect("an offset"), Offset(0));
    assert!(messages(&store).is_empty());
    assert!(store.repository.count_records().expect("counts").is_empty());
}

/// What is decided is what is stored and given back.
pub fn a_commit_moves_the_offset_and_stores_what_was_decided(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut first =
        accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "13.5"), result("LAB2", clock(2, 0, 0), "7")]);
    first.notes = vec![note("PID-13", "not used")];
    let kept_out = Decision { verdict: Verdict::Withhold(Reason::OutOfScope), ..permit(Domain::RadiologyReport, 0) };
    first.decisions.push(kept_out);
    first.reason = Some(Reason::OutOfScope);
    let second = refused(1, State::Held, Reason::NoDocument, &by_document(2));
    let committed = commit(&store, vec![first.clone(), second.clone()]);

    let two = Effects { created: 2, ..Effects::default() };
    assert_eq!(committed.outcomes, vec![(first.clone(), two), (second.clone(), Effects::default())]);
    assert_eq!(committed.by_domain.get(&Domain::Laboratory), Some(&two));
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(2));
    let trace = store.repository.trace("0:0").expect("a trace");
    let detail = trace.first().expect("the message is known");
    assert_eq!(detail.row.facts, first.facts);
    assert_eq!((detail.row.state, detail.row.reason), (State::Accepted, Some(Reason::OutOfScope)));
    assert_eq!((detail.row.person, detail.row.effects, detail.row.settled_at), (Some(person), two, at(0)));
    assert_eq!(detail.decisions, first.decisions);
    assert_eq!(detail.notes, first.notes);
    let mut written: Vec<_> = detail.records.iter().map(|row| row.key.clone()).collect();
    written.sort();
    assert_eq!(written, vec![first.records[0].key.clone(), first.records[1].key.clone()]);
    assert!(detail.records.iter().all(|row| row.resource.is_null()), "content is read with a grant");
    assert_eq!(detail.transitions.len(), 1);
    assert_eq!(store.repository.count_records().expect("counts"), vec![(Domain::Laboratory, 2)]);
}

/// Promise P8: a worker that has been overtaken writes nothing and learns where the partition stands.
pub fn a_zombies_commit_touches_nothing(new: New) {
    let subject = new();
    let (alive, zombie) = (subject.open(), subject.open());
    let person = add(&alive, 1).person.id;
    let stale = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "stale")]);
    commit(&alive, vec![accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "alive")])]);
    let before = (messages(&alive), audit_lines(&alive), history(&alive, person));
    let error = try_commit(&zombie, vec![stale.clone()]).expect_err("fenced");
    match &error {
        RepositoryError::Fenced { fence, found } => {
            assert_eq!((fence.expect, fence.next, *found), (Offset(0), Offset(1), Offset(1)));
        }
        other => panic!("{other}"),
    }
    assert_eq!(error.disposition(), Disposition::Halt);
    let reads = 1; // `history` above is audited too.
    let after = (messages(&alive), audit_lines(&alive) - reads, history(&alive, person));
    assert_eq!(before, after);
    let error = try_commit(&zombie, vec![Outcome { facts: facts(place(5)), ..stale }]).expect_err("a gap");
    assert!(matches!(error, RepositoryError::Fenced { found: Offset(1), .. }), "{error}");
}

/// What the plan needs could not be made durable: the engine gives that error back, nothing of the batch is there, and
/// the same batch may come again. The same when messages are done again.
pub fn a_plan_that_cannot_be_made_leaves_nothing_behind(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let good = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    let provider = hospital();
    let lookups = [Lookup { provider: &provider, identity: None, message: None }];
    let fence = Fence { partition: PartitionId(0), expect: Offset(0), next: Offset(1) };
    let down = |_: &Resolved| Err(BlobError::Unavailable { cause: "down".to_owned() });
    let lines = audit_lines(&store);
    let error = store.repository.commit(fence, &lookups, at(0), &mut { down }).expect_err("not decided");
    assert!(matches!(&error, RepositoryError::Blobs(BlobError::Unavailable { cause }) if cause == "down"), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(0));
    assert!(messages(&store).is_empty() && audit_lines(&store) == lines);
    commit(&store, vec![good]);
    let before = (messages(&store), audit_lines(&store));
    let redone = store.repository.redo(&operator(), RedoMode::Commit, &lookups, at(9), &mut { down });
    assert!(matches!(redone, Err(RepositoryError::Blobs(_))), "{redone:?}");
    assert_eq!((messages(&store), audit_lines(&store)), before);
}

/// One partition's fence is nobody else's.
pub fn partitions_go_on_independently(new: New) {
    let store = fresh(new);
    let none = Identity::default();
    commit(&store, vec![withheld(0, &none), withheld(1, &none)]);
    let other = Outcome { facts: facts(place_in(1)), ..withheld(0, &none) };
    commit(&store, vec![other]);
    let next = |partition| store.repository.next_offset(PartitionId(partition)).expect("an offset");
    assert_eq!((next(0), next(1), next(2)), (Offset(2), Offset(1), Offset(0)));
}

/// A fence that goes back is a fault of the caller.
pub fn an_offset_never_goes_back(new: New) {
    let store = fresh(new);
    commit(&store, vec![withheld(0, &Identity::default())]);
    let fence = Fence { partition: PartitionId(0), expect: Offset(1), next: Offset(0) };
    assert!(store.repository.commit(fence, &[], at(9), &mut |_| Ok(Vec::new())).is_err());
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(1));
}

/// A message stands where the fence says, or the batch is refused.
pub fn a_message_of_another_place_is_refused(new: New) {
    let store = fresh(new);
    let none = Identity::default();
    let stray = Outcome { facts: facts(place_in(1)), ..withheld(0, &none) };
    assert!(try_commit(&store, vec![withheld(0, &none), stray, withheld(1, &none)]).is_err());
    assert!(messages(&store).is_empty());
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(0));
}

/// Promise 3, held by the store as well: no permit for its domain, no record.
pub fn a_record_without_a_permit_is_refused(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let good = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    let undecided = Outcome { decisions: Vec::new(), ..good.clone() };
    let withhold = Decision { verdict: Verdict::Withhold(Reason::OutOfScope), ..permit(Domain::Laboratory, 0) };
    let denied = Outcome { decisions: vec![withhold], ..good.clone() };
    let other = Outcome { decisions: vec![permit(Domain::Encounter, 0)], ..good.clone() };
    let nobodys = Outcome { person: None, ..good.clone() };
    let held = Outcome { state: State::Held, reason: Some(Reason::NoDocument), ..good.clone() };
    let silent = Outcome { reason: None, ..withheld(0, &Identity::default()) };
    for bad in [undecided, denied, other, nobodys, held, silent] {
        let error = try_commit(&store, vec![bad.clone()]).expect_err("refused");
        assert_eq!(error.disposition(), Disposition::Reject, "{error}");
        assert!(history(&store, person).is_empty(), "{bad:?}");
    }
    commit(&store, vec![good]);
}

/// A batch with one outcome that cannot be stored leaves no trace of the others.
pub fn a_batch_is_stored_whole_or_not_at_all(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let lines = audit_lines(&store);
    let good = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    let bad = Outcome { decisions: Vec::new(), ..accepted(1, person, vec![result("LAB2", clock(2, 1, 1), "2")]) };
    assert!(try_commit(&store, vec![good.clone(), bad]).is_err());
    assert!(messages(&store).is_empty());
    assert_eq!(audit_lines(&store), lines);
    assert!(store.repository.feed_counts().expect("counts").is_empty());
    assert!(store.repository.count_records().expect("counts").is_empty());
    let committed = commit(&store, vec![good]);
    assert_eq!(committed.outcomes[0].1.created, 1, "nothing of the failed batch was left");
}

/// Of a withheld message only what finds it again is kept.
pub fn nothing_clinical_is_kept_of_what_is_withheld(new: New) {
    let store = fresh(new);
    let mut outcome = withheld(0, &by_document(1));
    outcome.notes = vec![note("OBX[1]-5", "said in words")];
    commit(&store, vec![outcome]);
    let detail = store.repository.trace("0:0").expect("a trace").remove(0);
    assert!(detail.records.is_empty());
    assert!(detail.notes.iter().all(|note| note.text.is_empty()), "{:?}", detail.notes);
    assert!(store.repository.count_records().expect("counts").is_empty());
}

/// However messages move between states, the counts of a feed add up to its messages.
pub fn counters_of_states_add_up_to_the_messages(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let none = Identity::default();
    let mut other = withheld(3, &none);
    other.facts.feed = feed("ward");
    commit(
        &store,
        vec![
            accepted(0, person, Vec::new()),
            refused(1, State::Held, Reason::NoDocument, &none),
            refused(2, State::Rejected, Reason::BadValue, &none),
            other,
            accepted(4, person, Vec::new()),
        ],
    );
    store.repository.discard(place(1), "sent by mistake", &operator(), at(9)).expect("discarded");
    let counts = store.repository.feed_counts().expect("counts");
    let of = |name: &str, state| {
        let found = counts.iter().find(|count| count.feed == feed(name) && count.state == state);
        found.map_or((0, None), |count| (count.count, count.last_received_at))
    };
    assert_eq!(of("lab", State::Accepted), (2, Some(at(4))));
    assert_eq!(of("lab", State::Held).0, 0);
    assert_eq!(of("lab", State::Discarded), (1, Some(at(1))));
    assert_eq!(of("lab", State::Rejected).0, 1);
    assert_eq!(of("ward", State::Withheld).0, 1);
    let sum: u64 = counts.iter().map(|count| count.count).sum();
    assert_eq!(sum, store.repository.count_messages(&MessageQuery::default()).expect("a count"));
}

/// A feed stays paused until it is resumed.
pub fn paused_feeds_are_kept(new: New) {
    let subject = new();
    let store = subject.open();
    store.repository.pause_feed(&feed("ward"), true, &operator(), at(1)).expect("paused");
    store.repository.pause_feed(&feed("lab"), true, &operator(), at(1)).expect("paused");
    store.repository.pause_feed(&feed("lab"), true, &operator(), at(2)).expect("paused already");
    assert_eq!(subject.open().repository.paused_feeds().expect("feeds"), vec![feed("lab"), feed("ward")]);
    store.repository.pause_feed(&feed("lab"), false, &operator(), at(3)).expect("resumed");
    assert_eq!(store.repository.paused_feeds().expect("feeds"), vec![feed("ward")]);
}

fn note(place: &str, text: &str) -> Note {
    Note { code: "unused-field".to_owned(), place: place.to_owned(), text: text.to_owned() }
}

/// A feed's sequence number stays until another is taken or it is forgotten.
pub fn sequence_numbers_are_kept_and_forgotten(new: New) {
    let subject = new();
    let store = subject.open();
    let known = |name: &str| subject.open().repository.sequence(&feed(name)).expect("read");
    assert_eq!(known("lab"), None);
    let first = Sequence { number: 7, digest: Some(Digest([1; 32])) };
    assert!(store.repository.set_sequence(&feed("lab"), None, Some(&first)).expect("kept"));
    assert_eq!((known("lab"), known("ward")), (Some(first), None));
    let second = Sequence { number: 999_999_999_999_999, digest: None };
    assert!(store.repository.set_sequence(&feed("lab"), Some(&first), Some(&second)).expect("kept"));
    assert_eq!(known("lab"), Some(second));
    assert!(store.repository.set_sequence(&feed("lab"), Some(&second), None).expect("forgotten"));
    assert_eq!(known("lab"), None);
}

/// Of several that take a number on the same ground, as two processes with one feed do, one gets it: the first number, the
/// next one, and the same one corrected.
pub fn a_sequence_number_is_taken_once(new: New) {
    let subject = new();
    let lab = feed("lab");
    let number = |number: u64, said: u8| Sequence { number, digest: Some(Digest([said; 32])) };
    let refused = Sequence { number: 9, digest: None };
    let mut before = None;
    for (taken, other) in [(number(7, 1), number(7, 2)), (number(8, 1), number(8, 1)), (refused, number(9, 3))] {
        let (one, two) = (subject.open(), subject.open());
        let got = std::thread::scope(|scope| {
            let take = |store: &Store, sequence: Sequence| {
                store.repository.set_sequence(&feed("lab"), before.as_ref(), Some(&sequence)).expect("an answer")
            };
            let first = scope.spawn(move || take(&one, taken));
            let second = scope.spawn(move || take(&two, other));
            (first.join().expect("no panic"), second.join().expect("no panic"))
        });
        assert!(got.0 != got.1, "one of two: {got:?}");
        let known = subject.open().repository.sequence(&lab).expect("read");
        assert_eq!(known, Some(if got.0 { taken } else { other }));
        before = known;
    }
    let store = subject.open().repository;
    let stale = number(7, 1);
    assert!(!store.set_sequence(&lab, Some(&stale), Some(&number(10, 1))).expect("an answer"), "overtaken");
    assert!(!store.set_sequence(&lab, Some(&stale), None).expect("an answer"), "what is not there is not forgotten");
    assert!(!store.set_sequence(&lab, None, Some(&number(10, 1))).expect("an answer"), "something is there");
    assert_eq!(store.sequence(&lab).expect("read"), before);
}
