//! Merges and updates in flight, through the real mappers and engines: whatever the order of delivery, the same records
//! are current (docs/decisions/0007).

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::outcome::State;
use causeway_core::person::PersonId;
use causeway_core::port::Registry as _;
use causeway_core::reason::Reason;
use causeway_mappers::Mappers;
use proptest::prelude::*;
use serde_json::Value;

use super::hub::{Hub, actor, number};

/// A hub that maps as the real one does.
fn hub() -> Hub {
    let mut hub = Hub::new();
    let feed = hub.router.feeds.values().next().expect("one").clone();
    hub.router.map = Arc::new(Mappers::new(vec![feed]));
    hub
}

/// An event of the registration desk in a minute: PID with a number, and what comes behind it.
fn adt(event: &str, minute: u8, pid: &str, further: &[&str]) -> String {
    let time = format!("2026030110{minute:02}00+0800");
    let mut lines = vec![
        format!("MSH|^~\\&|PAS|QMH|HUB|EHR|{time}||ADT^{event}|{event}-{minute}|P|2.5.1"),
        format!("EVN|{event}|{time}"),
        pid.to_owned(),
    ];
    lines.extend(further.iter().map(|line| (*line).to_owned()));
    lines.join("\r") + "\r"
}

/// A patient under a number, with or without the HKID.
fn pid(number: &str, address: &str, with_hkid: bool) -> String {
    let hkid = if with_hkid { "~A1234563^^^HKSAR^HKID" } else { "" };
    format!("PID|1||{number}^^^QMH^MR{hkid}||CHAN^TAI MAN||19830114|M|||{address}")
}

/// A result under a number, whose laboratory knows no more than the number and the name.
fn oru(minute: u8, number: &str) -> String {
    let (time, pid) = (format!("2026030110{minute:02}00+0800"), pid(number, "copy", false));
    format!(
        "MSH|^~\\&|LIS|QMH|HUB|EHR|{time}||ORU^R01|R-{minute}|P|2.5.1\r{pid}\rOBR|1|P-1|F-1|2345-7^Glucose^LN|||{time}|||||||||||||||{time}|||F\rOBX|1|NM|2345-7^Glucose^LN||5.8|mmol/L|||||F\r"
    )
}

const MRG: &str = "MRG|H1999^^^QMH^MR";

/// A merge, with what is still sent under the old number before, during and after it.
fn merge() -> Vec<String> {
    vec![
        adt("A28", 1, &pid("H1999", "first", true), &[]),
        oru(2, "H1999"),
        adt("A40", 3, &pid("H2001", "merged", true), &[MRG]),
        adt("A31", 4, &pid("H1999", "in flight", false), &[]),
        adt("A08", 5, &pid("H1999", "late", false), &[]),
        adt("A08", 6, &pid("H2001", "moved", true), &[]),
    ]
}

/// A merge that is taken back, with updates of the old number all the time.
fn unmerge() -> Vec<String> {
    let second = pid("H1999", "separate", false).replacen("PID|1", "PID|2", 1);
    vec![
        adt("A08", 1, &pid("H1999", "before", true), &[]),
        adt("A40", 2, &pid("H2001", "merged", true), &[MRG]),
        adt("A31", 3, &pid("H1999", "in flight", false), &[]),
        adt("A37", 4, &pid("H2001", "alone", true), &[&second]),
        oru(5, "H1999"),
        adt("A08", 6, &pid("H1999", "after", false), &[]),
    ]
}

/// The current records after the messages came in this order.
fn delivered(messages: &[String], batch: usize) -> BTreeMap<String, Value> {
    let mut hub = hub();
    hub.router.settings.batch.count_max = batch;
    let person = hub.participant("A1234563");
    for message in messages {
        hub.receive_bytes(message.clone().into_bytes());
    }
    hub.process();
    hub.router.take_up().expect("done");
    for row in hub.messages() {
        assert_eq!((row.state, row.reason), (State::Accepted, None), "{}", row.facts.kind);
    }
    current(&hub, person)
}

fn current(hub: &Hub, person: PersonId) -> BTreeMap<String, Value> {
    hub.records(person).into_iter().map(|row| (row.key.0, row.resource)).collect()
}

fn patient<'r>(records: &'r BTreeMap<String, Value>, number: &str) -> &'r Value {
    &records[&format!("Patient/1000000001/QMH|{number}")]
}

fn orders(story: fn() -> Vec<String>) -> impl Strategy<Value = (Vec<String>, usize)> {
    (Just(story()).prop_shuffle(), 1_usize..7)
}

#[test]
fn a_retired_number_stays_retired_and_its_results_stay_readable() {
    let records = delivered(&merge(), 500);
    let (retired, survivor) = (patient(&records, "H1999"), patient(&records, "H2001"));
    assert_eq!((&retired["active"], &retired["link"][0]["type"]), (&Value::from(false), &Value::from("replaced-by")));
    let other = format!("Patient/{}", survivor["id"].as_str().expect("an id"));
    assert_eq!(retired["link"][0]["other"]["reference"], Value::from(other));
    assert_eq!((&survivor["active"], &survivor["address"][0]["line"][0]), (&Value::from(true), &Value::from("moved")));
    let observations = records.keys().filter(|key| key.starts_with("Observation/")).count();
    assert_eq!(observations, 1);
}

#[test]
fn a_merge_taken_back_gives_the_number_its_latest_update() {
    let records = delivered(&unmerge(), 500);
    let back = patient(&records, "H1999");
    assert_eq!((&back["active"], &back["address"][0]["line"][0]), (&Value::from(true), &Value::from("after")));
    assert!(back["link"].is_null() && patient(&records, "H2001")["link"].is_null());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_and_updates_in_flight_converge_whatever_the_order((messages, batch) in orders(merge)) {
        prop_assert_eq!(delivered(&messages, batch), delivered(&merge(), 500));
    }

    #[test]
    fn a_merge_taken_back_converges_whatever_the_order((messages, batch) in orders(unmerge)) {
        prop_assert_eq!(delivered(&messages, batch), delivered(&unmerge(), 500));
    }
}

#[test]
fn a_number_added_anew_after_its_merge_is_active_again_and_the_merge_is_kept() {
    let mut messages = merge();
    messages.push(adt("A28", 7, &pid("H1999", "anew", true), &[]));
    let expected = delivered(&messages, 500);
    let anew = patient(&expected, "H1999");
    assert_eq!((&anew["active"], &anew["address"][0]["line"][0]), (&Value::from(true), &Value::from("anew")));
    messages.rotate_right(1);
    assert_eq!(delivered(&messages, 1), expected, "also when it comes first");
}

#[test]
fn a_merge_with_another_persons_number_is_held_until_staff_move_it() {
    let mut hub = hub();
    let (person, other) = (hub.participant("A1234563"), hub.participant("L1234563"));
    let old = number("1000000001", "H1999");
    let now = causeway_core::port::Clock::now(&*hub.clock);
    hub.store.link(other, &old, &actor(), now).expect("linked");
    let merge = adt("A40", 3, &pid("H2001", "merged", true), &[MRG]);
    let position = hub.receive_bytes(merge.into_bytes());
    hub.process();
    assert_eq!(hub.ended(position), (State::Held, Some(Reason::MergeOfTwoPersons)));
    assert_eq!((hub.records(person), hub.records(other)), (Vec::new(), Vec::new()), "nothing is guessed");

    hub.store.unlink(other, &old, &actor(), now).expect("unlinked");
    let all = crate::Selection::Positions(vec![position]);
    hub.router.replay(all, causeway_core::port::RedoMode::Commit, &actor()).expect("done");
    assert_eq!(hub.ended(position), (State::Accepted, None));
    let linked = &hub.store.person(person).expect("readable").expect("there").person.local_numbers;
    assert!(linked.contains(&old), "the retired number is the survivor's from now on");
}
