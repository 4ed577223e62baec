//! The audit: one line for whatever counts, chained.

use super::New;
use super::world::{
    accepted, add, at, clock, commit, feed, fresh, history, join, operator, permit, place, redo, refused, result,
    withheld,
};
use crate::decision::{Decision, Verdict};
use crate::mapped::Identity;
use crate::outcome::State;
use crate::port::{Actor, AuditEntry, AuditQuery, RedoMode};
use crate::reason::Reason;
use crate::scope::Domain;

/// Numbers from 1, a hash each, and a chain that holds.
pub fn audit_lines_are_numbered_without_a_gap_and_hold(new: New) {
    let store = fresh(new);
    assert_eq!(store.repository.verify_audit().expect("checked").head, None);
    let entry = |second| AuditEntry {
        at: at(second),
        actor: operator(),
        action: "note".to_owned(),
        person: None,
        detail: [("text".to_owned(), "\"quoted\" 陳 \u{0}".to_owned())].into(),
    };
    for second in 1..=5 {
        assert_eq!(store.repository.audit(&entry(second)).expect("written"), u64::from(second));
    }
    let lines = store.repository.audit_lines(&AuditQuery { limit: 10, ..AuditQuery::default() }).expect("lines");
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), vec![5, 4, 3, 2, 1]);
    assert_eq!(lines[4].entry, entry(1));
    let report = store.repository.verify_audit().expect("checked");
    assert_eq!((report.lines, report.head, report.first_bad), (5, Some(lines[0].hash), None));
}

/// Every decision is recorded with what gave it, permit or not, in the transaction that acts on it.
pub fn every_decided_message_leaves_one_line_with_its_rule(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut stored = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    let denied = Decision {
        verdict: Verdict::Withhold(Reason::OutOfScope),
        rule: "D7".into(),
        ..permit(Domain::RadiologyReport, 0)
    };
    stored.decisions.push(denied.clone());
    let mut not_stored = withheld(1, &Identity::default());
    not_stored.decisions = vec![denied];
    let undecided = refused(2, State::Held, Reason::Undecodable, &Identity::default());
    commit(&store, vec![stored.clone(), not_stored, undecided]);
    redo(&store, RedoMode::Commit, 9, vec![stored]);
    let query = AuditQuery { action: Some("deposit".to_owned()), limit: 10, ..AuditQuery::default() };
    let lines = store.repository.audit_lines(&query).expect("lines");
    assert_eq!(lines.len(), 3, "{lines:?}");
    let first = &lines[2].entry;
    assert_eq!((first.person, first.actor.0.as_str(), first.at), (Some(person), "router", at(0)));
    let said = |name: &str| first.detail.get(name).map_or("", String::as_str);
    for word in ["D9", "2025", "LABR"] {
        assert!(said("permit").contains(word), "{first:?}");
    }
    for word in ["D7", "2025", "RADR", "OUT_OF_SCOPE"] {
        assert!(said("withhold").contains(word), "{first:?}");
    }
    assert_eq!(said("message"), "0:0");
    assert_eq!(lines[0].entry.actor, operator());
    let replays = AuditQuery { action: Some("replay".to_owned()), limit: 10, ..AuditQuery::default() };
    assert_eq!(store.repository.audit_lines(&replays).expect("lines").len(), 1);
}

/// Promise 4: the line is there when the records are.
pub fn reading_records_is_audited_first(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    history(&store, person);
    let query = AuditQuery { person: Some(person), action: Some("read-records".to_owned()), limit: 10, since: None };
    let lines = store.repository.audit_lines(&query).expect("lines");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].entry.actor, operator());
    assert_eq!(lines[0].entry.detail.get("purpose").map(String::as_str), Some("test"));
}

/// Each leaves one line that says who did it.
pub fn every_operation_by_hand_is_audited(new: New) {
    let store = fresh(new);
    commit(&store, vec![refused(0, State::Held, Reason::Undecodable, &Identity::default())]);
    store.repository.pause_feed(&feed("lab"), true, &operator(), at(1)).expect("paused");
    store.repository.pause_feed(&feed("lab"), false, &operator(), at(2)).expect("resumed");
    store.repository.discard(place(0), "given up", &Actor("cli:root".to_owned()), at(3)).expect("discarded");
    let lines = store.repository.audit_lines(&AuditQuery { limit: 10, ..AuditQuery::default() }).expect("lines");
    let said: Vec<_> = lines.iter().map(|line| (line.entry.action.as_str(), line.entry.actor.0.as_str())).collect();
    assert_eq!(said, vec![("discard", "cli:root"), ("resume-feed", "operator"), ("pause-feed", "operator")]);
}

/// Each condition alone and together.
pub fn audit_lines_are_found_by_person_action_and_time(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    join(&store, one);
    let visit = |offset, person| accepted(offset, person, vec![result("LAB1", clock(2, 0, offset), "1")]);
    commit(&store, vec![visit(0, one), visit(1, two), visit(2, two)]);
    let count =
        |query: AuditQuery| store.repository.audit_lines(&AuditQuery { limit: 100, ..query }).expect("lines").len();
    let (all, action) = (AuditQuery::default(), |name: &str| Some(name.to_owned()));
    assert_eq!(count(all.clone()), 6);
    assert_eq!(count(AuditQuery { person: Some(one), ..all.clone() }), 3);
    assert_eq!(count(AuditQuery { person: Some(two), ..all.clone() }), 3);
    assert_eq!(count(AuditQuery { action: action("deposit"), ..all.clone() }), 3);
    assert_eq!(count(AuditQuery { action: action("consent"), ..all.clone() }), 1);
    assert_eq!(count(AuditQuery { action: action("nothing"), ..all.clone() }), 0);
    assert_eq!(count(AuditQuery { person: Some(two), action: action("deposit"), ..all.clone() }), 2);
    assert_eq!(count(AuditQuery { since: Some(at(1)), ..all.clone() }), 1);
    assert_eq!(store.repository.audit_lines(&AuditQuery { limit: 2, ..all }).expect("lines").len(), 2);
}
