//! Take-up and replay.

use std::sync::Arc;

use causeway_core::consent::ConsentEventKind;
use causeway_core::feed::CharsetRule;
use causeway_core::outcome::State;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{
    AuditQuery, Clock as _, Log as _, MessageQuery, ReadLimit, RedoMode, Registry as _, Repository as _,
};
use causeway_core::provider::ProviderStatus;
use causeway_core::reason::Reason;

use super::hub::{Hub, Plain, actor, at, lab, number};
use crate::{ReplayReport, Selection, TakenUp};

#[test]
fn what_was_withheld_is_taken_up_when_the_person_joins() {
    let mut hub = Hub::new();
    let person = hub.person("A1234563");
    let first = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    let stranger = hub.receive(&lab("L1234563", "F-2", 2, 0, "6.1"));
    hub.process();
    assert_eq!(hub.ended(first), (State::Withheld, Some(Reason::NotRegistered)));
    assert_eq!(hub.values(person), []);
    assert_eq!(hub.router.take_up().expect("done"), TakenUp::default(), "nobody joined");

    hub.clock.forward(60);
    hub.event(person, ConsentEventKind::RegisterInPerson, PolicyVersion::V2025);
    let taken = hub.router.take_up().expect("done");
    assert_eq!((taken.tickets, taken.report.messages, taken.report.new), (1, 1, 1));
    assert_eq!(hub.ended(first), (State::Accepted, None));
    assert_eq!(hub.ended(stranger), (State::Withheld, Some(Reason::NotRegistered)));
    assert_eq!(hub.values(person).len(), 1);
    assert_eq!(hub.router.take_up().expect("done"), TakenUp::default(), "once");
}

#[test]
fn under_2019_it_is_taken_up_when_sharing_consent_is_given_and_not_before() {
    let mut hub = Hub::new();
    let person = hub.person("A1234563");
    let message = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    hub.process();
    hub.event(person, ConsentEventKind::RegisterInPerson, PolicyVersion::V2019);
    assert_eq!(hub.router.take_up().expect("done").report.states, [(State::Withheld, 1)].into());
    assert_eq!(hub.ended(message), (State::Withheld, Some(Reason::NoSharingConsent)));
    assert_eq!(hub.router.take_up().expect("done"), TakenUp::default(), "what stays withheld is not tried for ever");
    hub.event(person, ConsentEventKind::GiveIndefinite, PolicyVersion::V2019);
    hub.router.take_up().expect("done");
    assert_eq!(hub.ended(message), (State::Accepted, None));

    hub.event(person, ConsentEventKind::Revoke, PolicyVersion::V2019);
    let later = hub.receive(&lab("A1234563", "F-2", 2, 0, "6.6"));
    hub.process();
    hub.router.take_up().expect("done");
    assert_eq!(hub.ended(later), (State::Withheld, Some(Reason::NoSharingConsent)));
    assert_eq!(hub.values(person).len(), 1, "what was deposited before the revocation stays");
}

#[test]
fn a_take_up_never_overwrites_what_came_later() {
    let mut hub = Hub::new();
    let person = hub.person("A1234563");
    hub.receive(&lab("A1234563", "F-1", 2, 1, "old"));
    hub.process();
    hub.event(person, ConsentEventKind::RegisterInPerson, PolicyVersion::V2025);
    hub.receive(&lab("A1234563", "F-1", 3, 2, "corrected"));
    hub.process();
    let taken = hub.router.take_up().expect("done");
    assert_eq!((taken.report.new, taken.report.updated, taken.report.late), (0, 0, 1));
    assert_eq!(hub.values(person), [("Observation/1000000001/F-1".to_owned(), "corrected".to_owned())]);
}

#[test]
fn a_held_message_is_released_when_the_registry_is_put_right() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    let by_number_only = serde_json::json!({ "mrn": "H1", "key": "F-1", "rank": 2, "second": 0, "value": "5.8" });
    let message = hub.receive(&by_number_only);
    hub.process();
    assert_eq!(hub.ended(message), (State::Held, Some(Reason::NoDocument)), "a participant looks alike");
    let number = number("1000000001", "H1");
    hub.store.link(person, &number, &actor(), hub.clock.now()).expect("linked");
    hub.router.take_up().expect("done");
    assert_eq!(hub.ended(message), (State::Accepted, None));
}

#[test]
fn a_confirmed_match_links_the_senders_number_so_that_it_is_enough_from_then_on() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    hub.process();
    let mut later = lab("A1234563", "F-2", 2, 0, "6.0");
    later["hkid"] = serde_json::Value::Null;
    let later = hub.receive(&later);
    hub.process();
    assert_eq!(hub.ended(later), (State::Accepted, None));
    assert_eq!(hub.values(person).len(), 2);
}

#[test]
fn a_feed_links_no_number_of_another_provider() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    let mut message = lab("A1234563", "F-1", 2, 0, "5.8");
    message["foreign"] = "H1".into();
    hub.receive(&message);
    hub.process();
    let linked = hub.store.person(person).expect("readable").expect("there").person.local_numbers.clone();
    assert_eq!(linked, [number("1000000001", "MRN-A1234563")]);
}

#[test]
fn a_replay_keeps_to_the_bounds_of_a_batch() {
    let mut hub = Hub::new();
    let positions = hub.receive_all((0..5).map(|i| lab("A1234563", &format!("F-{i}"), 2, 0, "5.8")));
    hub.process();
    let mut former = 0;
    for (count_max, bytes_max, transactions) in [(2, 16 << 20, 3), (500, 1, 5), (500, 16 << 20, 1)] {
        hub.router.settings.batch = ReadLimit { count_max, bytes_max };
        let replayed = hub.router.replay(Selection::Positions(positions.clone()), RedoMode::Commit, &actor());
        assert_eq!(replayed.expect("done").messages, 5);
        let query = AuditQuery { action: Some("replay".to_owned()), limit: 100, ..AuditQuery::default() };
        let lines = hub.store.audit_lines(&query).expect("readable").len();
        assert_eq!(lines - former, transactions, "{count_max} messages or {bytes_max} bytes at once");
        former = lines;
    }
}

#[test]
fn a_preview_tells_what_a_replay_does_and_stores_nothing() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    let current = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    let mut big5 = lab("A1234563", "F-2", 2, 0, "6.1");
    big5["charset"] = "BIG-5".into();
    let held = hub.receive_refused(&big5, Reason::Undecodable);
    hub.process();
    assert_eq!(hub.ended(held), (State::Held, Some(Reason::Undecodable)));
    let everything = || Selection::Positions(vec![held, current, held]);
    let report = |new, states: &[(State, u64)]| ReplayReport {
        messages: 2,
        new,
        unchanged: 1,
        states: states.iter().copied().collect(),
        ..ReplayReport::default()
    };

    let again = hub.router.replay(everything(), RedoMode::Commit, &actor()).expect("done");
    assert_eq!(again, report(0, &[(State::Accepted, 1), (State::Held, 1)]), "nothing was repaired yet");

    // The operator sets the feed's character set; what the door could not read is judged anew.
    let mut feed = hub.router.feeds.values().next().expect("one").clone();
    feed.charset = CharsetRule::Force("BIG-5".to_owned());
    hub.router.map = Arc::new(Plain(feed.clone()));
    hub.router.feeds = Arc::new([(feed.name.clone(), feed)].into());

    let before = hub.store.canonical_dump_hash().expect("readable");
    let preview = hub.router.replay(everything(), RedoMode::Preview, &actor()).expect("done");
    assert_eq!(preview, report(1, &[(State::Accepted, 2)]));
    assert_eq!(hub.ended(held), (State::Held, Some(Reason::Undecodable)));
    assert_eq!(hub.store.canonical_dump_hash().expect("readable"), before);

    assert_eq!(hub.router.replay(everything(), RedoMode::Commit, &actor()).expect("done"), preview);
    assert_eq!(hub.ended(held), (State::Accepted, None));
    assert_eq!(hub.values(person).len(), 2);
    assert_eq!(hub.told.0.lock().expect("no panic").len(), 2, "senders are told once");
}

#[test]
fn a_refusal_that_no_setting_could_have_spared_stays_one() {
    let mut hub = Hub::new();
    hub.participant("A1234563");
    let body = lab("A1234563", "F-1", 2, 0, "5.8");
    let unreadable = hub.receive_refused(&body, Reason::BadSegment);
    let unexpected = hub.receive_refused(&body, Reason::ProcessingId);
    hub.process();
    let both = Selection::Positions(vec![unreadable, unexpected]);
    hub.router.replay(both, RedoMode::Commit, &actor()).expect("done");
    assert_eq!(hub.ended(unreadable), (State::Rejected, Some(Reason::BadSegment)));
    assert_eq!(hub.ended(unexpected), (State::Accepted, None));
}

#[test]
fn a_replay_by_query_takes_what_the_query_finds_and_leaves_discarded_ones_alone() {
    let mut hub = Hub::new();
    let faulty = serde_json::json!({ "fault": true });
    let positions: Vec<_> = (0..5).map(|_| hub.receive(&faulty)).collect();
    let other = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    hub.process();
    hub.store.discard(positions[0], "a test message", &actor(), hub.clock.now()).expect("held");
    let held = MessageQuery { reason: Some(Reason::Unmappable), ..MessageQuery::default() };
    let replay = |query| hub.router.replay(Selection::Query(query), RedoMode::Preview, &actor()).expect("done");
    assert_eq!(replay(held.clone()).states, [(State::Held, 4)].into());
    assert_eq!(replay(MessageQuery { limit: 2, ..held }).messages, 2);
    let withheld = MessageQuery { state: Some(State::Withheld), ..MessageQuery::default() };
    assert_eq!(replay(withheld).states, [(State::Withheld, 1)].into());
    assert_eq!(hub.ended(other).0, State::Withheld);
    assert_eq!(hub.ended(positions[0]).0, State::Discarded);
}

#[test]
fn what_the_log_does_not_hold_any_more_says_so_where_somebody_waits_for_it() {
    let mut hub = Hub::new();
    let held = hub.receive(&serde_json::json!({ "fault": true }));
    let withheld = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    hub.process();
    hub.clock.forward(3_600);
    let next = at(hub.store.next_offset(held.partition).expect("readable").0);
    assert_eq!(hub.log.prune(hub.clock.now(), &[next]).expect("pruned"), 2);

    hub.participant("A1234563");
    let taken = hub.router.take_up().expect("done");
    assert_eq!((taken.tickets, taken.report.gone), (1, 1));
    assert_eq!(hub.ended(withheld), (State::Withheld, Some(Reason::NotRegistered)));

    let all = || Selection::Positions(vec![held, withheld, at(99)]);
    let preview = hub.router.replay(all(), RedoMode::Preview, &actor()).expect("done");
    assert_eq!((preview.gone, preview.unknown, preview.messages), (2, 1, 0));
    assert_eq!(hub.ended(held), (State::Held, Some(Reason::Unmappable)));
    hub.router.replay(all(), RedoMode::Commit, &actor()).expect("done");
    assert_eq!(hub.ended(held), (State::Held, Some(Reason::LogEntryGone)));
    let again = hub.router.replay(all(), RedoMode::Commit, &actor()).expect("done");
    assert_eq!((again.gone, again.messages), (2, 0), "said once");
}

#[test]
fn what_a_suspended_provider_sent_is_taken_up_when_it_is_reinstated() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    hub.provider(ProviderStatus::Suspended);
    let message = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    hub.process();
    assert_eq!(hub.ended(message), (State::Withheld, Some(Reason::ProviderStatus)));
    hub.provider(ProviderStatus::Registered);
    hub.router.take_up().expect("done");
    assert_eq!(hub.ended(message), (State::Accepted, None));
    assert_eq!(hub.values(person).len(), 1);
}
