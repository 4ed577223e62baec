//! What senders correct, change, cancel and delete, told by the golden messages of each domain, through the real mappers and engines:
//! however the messages of a story arrive, the same records are current in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_mappers::Mappers;
use proptest::prelude::*;
use serde_json::Value;

use super::hub::Hub;

macro_rules! stories {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../tests/golden/hl7v2/", $name, "/input.hl7")))),+]
    };
}

/// Golden cases that tell a story in several messages.
const STORIES: &[(&str, &str)] = stories![
    "alert-deleted",
    "appointment-rescheduled-and-cancelled",
    "diagnosis-identified-and-deleted",
    "dispense-cancelled",
    "document-lifecycle",
    "encounter-leave-of-absence",
    "herbal-changed-and-stopped",
    "immunization-corrected-and-deleted",
    "investigation-cancelled",
    "lab-correction-deleted",
    "lab-correction-twice",
    "medication-life-of-an-order",
    "order-orm-changed-and-cancelled",
    "order-status-by-the-filler",
    "problem-ppr-update-and-resolve",
    "procedure-deleted",
    "radiology-amended-and-cancelled",
    "referral-modified-and-cancelled",
];

/// The person of the golden cases.
const PERSON: &str = "A1234563";

/// The messages of a case, each made a minute after the one before, all of the person.
fn golden(text: &str) -> Vec<String> {
    let mut messages: Vec<Vec<String>> = Vec::new();
    for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
        if line.starts_with("MSH|") {
            messages.push(Vec::new());
        }
        messages.last_mut().expect("a header first").push(line.to_owned());
    }
    let stamped = messages.iter().zip(0..).map(|(lines, minute)| stamp(lines, minute));
    stamped.collect()
}

/// A message as if made in a minute: MSH-7, EVN-2 and OBR-22 say when.
fn stamp(lines: &[String], minute: u8) -> String {
    let time = format!("2026030110{minute:02}00+0800");
    let mut stamped = String::new();
    for line in lines {
        let mut fields: Vec<&str> = line.split('|').collect();
        // MSH-1 is the separator itself, so that its fields stand one place further to the left.
        let place = match fields[0] {
            "MSH" => Some(6),
            "EVN" => Some(2),
            "OBR" => Some(22),
            _ => None,
        };
        if let Some(field) = place.and_then(|place| fields.get_mut(place)).filter(|field| !field.is_empty()) {
            *field = &time;
        }
        let hkid = format!("H2001^^^QMH^MR~{PERSON}^^^HKSAR^HKID");
        if fields[0] == "PID" && fields.get(3).is_some_and(|number| *number == "H2001^^^QMH^MR") {
            fields[3] = &hkid;
        }
        stamped.push_str(&fields.join("|"));
        stamped.push('\r');
    }
    stamped
}

/// A result on every rung of the ladder of its status, with a late original and one that is verified again.
fn ladder() -> Vec<String> {
    let rungs = [("R", "1"), ("P", "2"), ("F", "3"), ("P", "4"), ("C", "5"), ("F", "6"), ("C", "7")];
    let oru = |(minute, (status, value)): (u8, (&str, &str))| {
        let time = format!("2026030110{minute:02}00+0800");
        format!(
            "MSH|^~\\&|LIS|QMH|HUB|EHR|{time}||ORU^R01^ORU_R01|L{minute}|P|2.5.1\r\
             PID|1||H2001^^^QMH^MR~{PERSON}^^^HKSAR^HKID||CHAN^TAI MAN||19830114|M\r\
             OBR|1|P-1|F-1|2345-7^Glucose^LN|||20260301083000+0800|||||||||||||||{time}||CH|{status}\r\
             OBX|1|NM|2345-7^Glucose^LN||{value}|mmol/L|||||{status}|||20260301083000+0800\r"
        )
    };
    (0..).zip(rungs).map(oru).collect()
}

fn story(number: usize) -> Vec<String> {
    STORIES.get(number).map_or_else(ladder, |(_, text)| golden(text))
}

/// The current records after the messages came in this order, taken back or not.
fn delivered(messages: &[String], batch: usize) -> BTreeMap<String, (bool, Value)> {
    let mut hub = Hub::new();
    let feed = hub.router.feeds.values().next().expect("one").clone();
    hub.router.map = Arc::new(Mappers::new(vec![feed]));
    hub.router.settings.batch.count_max = batch;
    let person = hub.participant(PERSON);
    for message in messages {
        hub.receive_bytes(message.clone().into_bytes());
    }
    hub.process();
    hub.router.take_up().expect("done");
    let rows = hub.records_and_retracted(person);
    rows.into_iter().map(|row| (row.key.0, (row.retracted, row.resource))).collect()
}

#[test]
fn every_story_leaves_something_and_the_ladder_its_last_correction() {
    for (name, text) in STORIES {
        let messages = golden(text);
        assert!(messages.len() > 1, "{name} tells no story");
        assert!(delivered(&messages, 500).len() > 1, "{name} leaves nothing");
    }
    let records = delivered(&story(STORIES.len()), 500);
    let (_, observation) = records.iter().find(|(key, _)| key.starts_with("Observation/")).expect("the result").1;
    assert_eq!((&observation["status"], &observation["valueQuantity"]["value"]), (&"corrected".into(), &7.into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_story_comes_to_the_same_records_whatever_the_order_of_arrival(
        (number, shuffled) in (0..=STORIES.len()).prop_flat_map(|number| (Just(number), Just(story(number)).prop_shuffle())),
        batch in 1_usize..5,
    ) {
        let name = STORIES.get(number).map_or("the ladder", |(name, _)| name);
        prop_assert_eq!(delivered(&shuffled, batch), delivered(&story(number), 500), "{}", name);
    }
}
