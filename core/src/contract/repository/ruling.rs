//! What operators rule about images.

use serde_json::json;

use super::changing::{brings, note, other, seen, slice};
use super::imaging::{studies, uid};
use super::world::{
    ALL, add, at, audit_lines, commit, fresh, hospital, image, message, operator, place, records, redo, refused,
};
use super::{New, Store};
use crate::dicom::change::Hidden;
use crate::dicom::instance::{Instance, InstanceQuery, StudyQuery};
use crate::dicom::ruling::{REASON_BYTES_MAX, Ruling, RulingEffect, RulingQuery, Verdict};
use crate::envelope::Digest;
use crate::mapped::Identity;
use crate::outcome::{MessageFacts, State};
use crate::person::PersonId;
use crate::port::{AuditQuery, Lookup, MessageKey, RecordQuery, RedoMode, Resolved, Sameness};
use crate::reason::Reason;

fn ruling(verdict: Verdict, text: &str, second: u32) -> Ruling {
    Ruling { uid: uid(text), verdict, by: operator(), at: at(second), reason: format!("because of {second}") }
}

fn rule(store: &Store, verdict: Verdict, text: &str, second: u32) -> RulingEffect {
    store.images.rule(&ruling(verdict, text, second), RedoMode::Commit).expect("ruled")
}

/// SOP Instance UIDs of study 1.2 that readers find.
fn shown(store: &Store) -> Vec<String> {
    let rows = store.images.instances(&InstanceQuery::of(uid("1.2"), ALL)).expect("instances");
    rows.iter().map(|row| row.instance.instance.to_string()).collect()
}

fn counts(store: &Store) -> Vec<(u64, u64)> {
    studies(store, &StudyQuery::default()).iter().map(|row| (row.series, row.instances)).collect()
}

/// No study is waited for any more.
fn close(store: &Store) {
    for study in store.images.open_studies(at(1000), ALL).expect("asked") {
        store.images.close_study(&study).expect("closed");
    }
}

/// The status of the ImagingStudy, and whether it is taken back.
fn standing(store: &Store, person: PersonId) -> (String, bool) {
    let query = RecordQuery { person: Some(person), retracted: true, ..RecordQuery::default() };
    let row = records(store, &query).pop().expect("a record");
    (row.resource["status"].as_str().unwrap_or_default().to_owned(), row.retracted)
}

/// Instance `number` of series 1.2.2.
fn elsewhere(number: u32, second: i64) -> Instance {
    Instance { series: uid("1.2.2"), instance: uid(&format!("1.2.2.{number}")), ..slice(number, second) }
}

/// By the UID of an image, a series or a study; and found again as before.
pub fn what_is_rejected_by_hand_is_hidden_until_it_is_restored(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, slice(2, 2))]);
    commit(&store, vec![brings(2, person, elsewhere(3, 3))]);
    let before = seen(&store, person);
    close(&store);
    for (text, images, left) in
        [("1.2.1.1", 1, &["1.2.1.2", "1.2.2.3"][..]), ("1.2.1", 2, &["1.2.2.3"]), ("1.2", 3, &[])]
    {
        let effect = rule(&store, Verdict::Rejected, text, 10);
        assert_eq!((effect.made, effect.images, effect.hidden, effect.shown), (true, images, images, 0), "{text}");
        assert_eq!((effect.studies, effect.persons, effect.deleted), ([uid("1.2")].into(), [person].into(), 0));
        assert_eq!(shown(&store), left, "{text}");
        let (_, kept, record) = seen(&store, person);
        assert!(kept.iter().all(|(_, hidden)| *hidden == Hidden::ByHand) && kept.len() as u64 == images, "{kept:?}");
        let found = left.len() as u64;
        match record {
            Some(record) => assert_eq!(record["numberOfInstances"], json!(found), "{text}"),
            None => assert_eq!((found, standing(&store, person)), (0, ("cancelled".to_owned(), true)), "{text}"),
        }
        assert_eq!(counts(&store).iter().map(|(_, instances)| *instances).sum::<u64>(), found, "{text}");
        let effect = rule(&store, Verdict::Restored, text, 11);
        assert_eq!((effect.made, effect.hidden, effect.shown), (true, 0, images), "{text}");
        assert_eq!(seen(&store, person), before, "{text}");
    }
    let query = RecordQuery { person: Some(person), history: true, retracted: true, ..RecordQuery::default() };
    assert!(records(&store, &query).len() > 6, "what stood in between is kept");
    assert_eq!(store.images.open_studies(at(1000), ALL).expect("asked").len(), 1, "and it is looked at once more");
}

/// The first time, again, by a replay, and in a batch with others.
pub fn what_comes_under_a_uid_that_is_rejected_is_hidden_too(new: New) {
    for text in ["1.2", "1.2.1", "1.2.1.2"] {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        commit(&store, vec![brings(0, person, slice(2, 1)), brings(1, person, elsewhere(3, 2))]);
        rule(&store, Verdict::Rejected, text, 10);
        let left: &[&str] = if text == "1.2" { &[] } else { &["1.2.2.3"] };
        assert_eq!(shown(&store), left, "{text}");
        commit(&store, vec![brings(2, person, other(2, 3, "other"))]);
        commit(&store, vec![brings(3, person, other(2, 4, "another")), brings(4, person, slice(2, 5))]);
        redo(&store, RedoMode::Commit, 60, vec![brings(0, person, slice(2, 1)), brings(1, person, elsewhere(3, 2))]);
        assert_eq!(shown(&store), left, "{text}");
        let (_, kept, record) = seen(&store, person);
        let by_hand = kept.iter().filter(|(_, hidden)| *hidden == Hidden::ByHand).count();
        assert_eq!(by_hand, if text == "1.2" { 5 } else { 4 }, "{text}: {kept:?}");
        assert_eq!(record.map(|record| record["numberOfInstances"].clone()), (text != "1.2").then(|| json!(1)));
        assert_eq!(store.images.conflicting().expect("counted"), 0, "what is rejected contradicts nothing");
        rule(&store, Verdict::Restored, text, 11);
        assert_eq!(shown(&store), ["1.2.1.2", "1.2.2.3"], "{text}: the first of them stands");
        assert_eq!(store.images.conflicting().expect("counted"), 1);
    }
}

/// In a study of which nothing is hidden, as when a repository is built again.
pub fn what_comes_in_another_study_under_a_uid_that_is_rejected_is_hidden_too(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1))]);
    rule(&store, Verdict::Rejected, "1.2.1", 10);
    let moved = Instance { study: uid("1.3"), ..slice(2, 2) };
    commit(&store, vec![brings(1, person, moved)]);
    assert_eq!((counts(&store), shown(&store)), (vec![], vec![]));
    assert_eq!(store.images.instances(&InstanceQuery::of(uid("1.3"), ALL)).expect("instances"), []);
    rule(&store, Verdict::Restored, "1.2.1", 11);
    assert_eq!(counts(&store), [(1, 1), (1, 1)]);
}

/// The effect tells why: it stands, what is deleted is not there, or nobody knows the UID.
pub fn a_ruling_that_changes_nothing_is_not_made_and_a_preview_neither(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, slice(2, 2))]);
    let before = seen(&store, person);
    let lines = audit_lines(&store);
    let preview = |verdict| store.images.rule(&ruling(verdict, "1.2.1", 10), RedoMode::Preview).expect("told");
    assert_eq!((preview(Verdict::Rejected).made, preview(Verdict::Rejected).hidden), (true, 2));
    assert_eq!((preview(Verdict::Deleted).made, preview(Verdict::Deleted).deleted), (true, 2));
    for verdict in Verdict::ALL {
        let unknown = rule(&store, verdict, "1.9", 11);
        assert!(!unknown.made && !unknown.is_known(), "{unknown:?}");
    }
    let restored = rule(&store, Verdict::Restored, "1.2.1", 12);
    assert_eq!((restored.made, restored.is_known(), restored.former), (false, true, None));
    assert_eq!(audit_lines(&store), lines);
    assert_eq!(seen(&store, person), before);
    assert_eq!(store.images.rulings(&RulingQuery { limit: ALL, ..RulingQuery::default() }).expect("listed"), []);

    assert!(rule(&store, Verdict::Rejected, "1.2.1", 13).made);
    let again = rule(&store, Verdict::Rejected, "1.2.1", 14);
    assert_eq!((again.made, again.former), (false, Some(ruling(Verdict::Rejected, "1.2.1", 13))));
    let narrower = rule(&store, Verdict::Rejected, "1.2.1.1", 15);
    assert_eq!((narrower.made, narrower.hidden, narrower.others), (true, 0, [uid("1.2.1")].into()));
    let back = rule(&store, Verdict::Restored, "1.2.1", 16);
    assert_eq!((back.shown, back.others), (1, [uid("1.2.1.1")].into()), "the other one still stands");

    for reason in ["", " \n", &"x".repeat(REASON_BYTES_MAX + 1)] {
        let wordless = Ruling { reason: reason.to_owned(), ..ruling(Verdict::Rejected, "1.2", 17) };
        assert!(store.images.rule(&wordless, RedoMode::Commit).is_err());
    }
    assert_eq!(shown(&store), ["1.2.1.2"]);
}

/// Who, when and why, the newest first; and in the audit, a line for each person.
pub fn rulings_are_kept_with_who_made_them_when_and_why(new: New) {
    let subject = new();
    let store = subject.open();
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, slice(2, 2))]);
    let made = [
        ruling(Verdict::Rejected, "1.2.1.1", 10),
        ruling(Verdict::Restored, "1.2.1.1", 11),
        ruling(Verdict::Deleted, "1.2.1.2", 12),
    ];
    made.iter().for_each(|one| drop(store.images.rule(one, RedoMode::Commit).expect("ruled")));
    let list = |query: RulingQuery| subject.open().images.rulings(&query).expect("listed");
    let all = list(RulingQuery { limit: ALL, ..RulingQuery::default() });
    assert_eq!(all.iter().rev().map(|row| &row.ruling).collect::<Vec<_>>(), made.each_ref());
    let of_one = list(RulingQuery { uid: Some(uid("1.2.1.1")), limit: ALL, ..RulingQuery::default() });
    assert_eq!(of_one, all[1..]);
    let paged = list(RulingQuery { before: Some(all[0].row), limit: 1, ..RulingQuery::default() });
    assert_eq!(paged, all[1..2]);
    for (action, second) in [("image-reject", 10), ("image-restore", 11), ("image-delete", 12)] {
        let query = AuditQuery { action: Some(action.to_owned()), limit: ALL, ..AuditQuery::default() };
        let lines = store.repository.audit_lines(&query).expect("lines");
        assert_eq!(lines.len(), 1, "{action}");
        let entry = &lines[0].entry;
        assert_eq!((&entry.actor, entry.at, entry.person), (&operator(), at(second), Some(person)));
        assert_eq!(entry.detail["reason"], format!("because of {second}"));
        assert!(entry.detail["uid"].starts_with("1.2.1."), "{entry:?}");
    }
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

/// A note that an operator rejects rejects nothing any more.
pub fn a_rejection_note_that_is_rejected_by_hand_gives_back_what_it_hid(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![brings(0, person, slice(1, 1)), brings(1, person, note(9, 2, &[1]))]);
    assert_eq!(shown(&store), Vec::<String>::new());
    let effect = rule(&store, Verdict::Rejected, "1.2.1.9", 10);
    assert_eq!((effect.images, effect.hidden, effect.shown), (1, 0, 1));
    assert_eq!((shown(&store), standing(&store, person).1), (vec!["1.2.1.1".to_owned()], false));
    rule(&store, Verdict::Restored, "1.2.1.9", 11);
    assert_eq!(shown(&store), Vec::<String>::new());
}

/// Else a restore would show one study, or one UID, for two persons.
pub fn what_is_rejected_by_hand_still_stands_for_its_person(new: New) {
    for text in ["1.2", "1.2.1.1"] {
        let store = fresh(new);
        let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
        commit(&store, vec![brings(0, one, slice(1, 1))]);
        rule(&store, Verdict::Rejected, text, 10);
        let foreign = Instance { study: uid("1.7"), series: uid("1.7.1"), ..other(1, 3, "theirs") };
        commit(&store, vec![brings(1, two, slice(2, 2)), brings(2, two, foreign)]);
        for offset in [1, 2] {
            let held = message(&store, offset);
            assert_eq!((held.state, held.reason), (State::Held, Some(Reason::ImageOfTwoPersons)), "{text}");
        }
        // Deleted, and that taken back: it is nobody's.
        rule(&store, Verdict::Deleted, text, 11);
        rule(&store, Verdict::Restored, text, 12);
        redo(&store, RedoMode::Commit, 60, vec![brings(1, two, slice(2, 2))]);
        assert_eq!(message(&store, 1).state, State::Accepted, "{text}");
    }
}

/// The index and the study have it no more, nothing points to it, its message says who gave it up and why; it comes again only
/// after that was taken back.
pub fn an_image_that_is_deleted_stays_away_until_it_is_restored(new: New) {
    for text in ["1.2.1.1", "1.2.3"] {
        let store = fresh(new);
        let person = add(&store, 1).person.id;
        let first = Instance { series: uid("1.2.3"), ..slice(1, 1) };
        commit(&store, vec![brings(0, person, first.clone()), brings(1, person, slice(2, 2))]);
        close(&store);
        let effect = rule(&store, Verdict::Deleted, text, 10);
        let open = store.images.open_studies(at(1000), ALL).expect("asked");
        assert_eq!(
            open.iter().map(|study| study.position).collect::<Vec<_>>(),
            [place(1)],
            "what is left completes it"
        );
        assert_eq!((effect.made, effect.images, effect.deleted, effect.hidden), (true, 1, 1, 0));
        let gone = |offsets: &[u64]| {
            let all = store.images.instances(&InstanceQuery { hidden: true, ..InstanceQuery::of(uid("1.2"), ALL) });
            assert_eq!(all.expect("instances").len(), 1);
            assert_eq!((shown(&store), counts(&store)), (vec!["1.2.1.2".to_owned()], vec![(1, 1)]));
            assert_eq!(seen(&store, person).2.expect("a record")["numberOfInstances"], 1);
            assert_eq!(store.pointers.pointed_to(&[first.blob]).expect("asked"), [].into());
            for offset in offsets {
                let row = message(&store, *offset);
                assert_eq!((row.state, row.reason), (State::Discarded, Some(Reason::ImageDeleted)), "{offset}");
                assert_eq!(store.images.instance_of(place(*offset)).expect("asked"), None);
            }
        };
        gone(&[0]);
        let detail = store.repository.trace("0:0").expect("a trace").remove(0);
        let last = detail.transitions.last().expect("a step");
        assert_eq!((&last.actor, last.comment.as_str(), last.at), (&operator(), "because of 10", at(10)));
        // Replayed, sent again, or sent otherwise.
        redo(&store, RedoMode::Commit, 60, vec![brings(0, person, first.clone())]);
        let otherwise = Instance { blob: Digest::of(b"otherwise"), ..first.clone() };
        commit(&store, vec![brings(2, person, first.clone()), brings(3, person, otherwise)]);
        gone(&[0, 2, 3]);
        let again = rule(&store, Verdict::Deleted, text, 11);
        assert_eq!((again.made, again.former), (false, Some(ruling(Verdict::Deleted, text, 10))));
        assert!(!rule(&store, Verdict::Rejected, text, 12).made, "there is nothing to reject");
        // A sender that says it again is not told that it is there.
        let facts = message(&store, 0).facts;
        assert_eq!(sameness(&store, &facts), Sameness::New);
        let back = rule(&store, Verdict::Restored, text, 13);
        assert_eq!((back.made, back.images, back.shown), (true, 0, 0));
        redo(&store, RedoMode::Commit, 61, vec![brings(0, person, first.clone())]);
        assert_eq!((message(&store, 0).state, shown(&store).len()), (State::Accepted, 2), "{text}");
        assert_eq!(seen(&store, person).2.expect("a record")["numberOfInstances"], 2);
    }
}

/// What the repository knows of a message with this control id and these bytes.
fn sameness(store: &Store, facts: &MessageFacts) -> Sameness {
    let provider = hospital();
    let key =
        MessageKey { feed: &facts.feed, sender: &facts.sender, control_id: &facts.control_id, digest: facts.digest };
    let lookups = [Lookup { provider: &provider, identity: None, message: Some(key) }];
    let mut seen = None;
    let replay = refused(2, State::Discarded, Reason::ImageDeleted, &Identity::default());
    let mut decide = |resolved: &Resolved| {
        seen = resolved.sameness.first().copied();
        Ok(vec![replay.clone()])
    };
    store.repository.redo(&operator(), RedoMode::Preview, &lookups, at(0), &mut decide).expect("asked");
    seen.expect("asked")
}

/// Nothing is left of it for readers; its history is.
pub fn a_study_that_is_deleted_is_entered_in_error_and_begins_anew_after_a_restore(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![image(0, person, 1), image(1, person, 2)]);
    let before = seen(&store, person).2;
    rule(&store, Verdict::Rejected, "1.2.1.1", 9);
    assert_eq!(rule(&store, Verdict::Deleted, "1.2", 10).deleted, 2, "rejected ones, too");
    assert_eq!((seen(&store, person).2, counts(&store)), (None, Vec::new()));
    assert_eq!(standing(&store, person), ("entered-in-error".to_owned(), true));
    assert_eq!(store.images.open_studies(at(1000), ALL).expect("asked"), []);
    let query = RecordQuery { person: Some(person), history: true, retracted: true, ..RecordQuery::default() };
    let history = records(&store, &query);
    assert!(history.iter().any(|row| Some(&row.resource) == before.as_ref()), "what stood before is kept");
    rule(&store, Verdict::Restored, "1.2", 11);
    rule(&store, Verdict::Restored, "1.2.1.1", 12);
    redo(&store, RedoMode::Commit, 60, vec![image(1, person, 2), image(0, person, 1)]);
    let (after, before) = (seen(&store, person).2.expect("a study"), before.expect("a study"));
    assert_eq!((&after, &after["status"]), (&before, &json!("registered")), "nothing is left of how it ended");
    assert_eq!(counts(&store), [(1, 2)]);
}
