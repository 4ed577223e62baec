//! The fixtures of the Hong Kong dialects, through the real mappers, to what must become of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_core::consent::ConsentEventKind;
use causeway_core::feed::{FeedSettings, Profile};
use causeway_core::outcome::State;
use causeway_core::policy::PolicyVersion;
use causeway_core::reason::Reason;
use causeway_mappers::Mappers;
use serde_json::Value;

use super::hub::Hub;

const ALLERGY: &str = include_str!("../../../tests/golden/hl7v2/allergy-ha-letter-trap/input.hl7");
pub(super) const POINTER: &str = include_str!("../../../tests/golden/hl7v2/pointer-report/input.hl7");
const LABORATORY: &str = include_str!("../../../tests/golden/hl7v2/lab-correction/input.hl7");
const MERGE: &str = include_str!("../../../tests/golden/hl7v2/merge-a40/input.hl7");
const PROBLEMS: &str = include_str!("../../../tests/golden/hl7v2/problem-ppr-levels/input.hl7");

/// A hub that maps as the real one does.
pub(super) fn hub(profile: Profile) -> Hub {
    let mut hub = Hub::new();
    let feed = FeedSettings { profile, ..hub.router.feeds.values().next().expect("one").clone() };
    hub.router.map = Arc::new(Mappers::new(vec![feed.clone()]));
    hub.router.feeds = Arc::new([(feed.name.clone(), feed)].into());
    hub
}

/// The messages of a file with a line a segment.
pub(super) fn messages(text: &str) -> Vec<Vec<u8>> {
    let mut messages: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with("MSH") {
            messages.push(String::new());
        }
        let message = messages.last_mut().expect("MSH comes first");
        message.push_str(line);
        message.push('\r');
    }
    messages.into_iter().map(String::into_bytes).collect()
}

#[test]
fn the_allergy_dialect_is_accepted_from_a_participant_and_withheld_from_anybody_else() {
    let mut hub = hub(Profile::HkPublicHospital);
    let message = hub.receive_bytes(messages(ALLERGY).remove(0));
    hub.process();
    assert_eq!(hub.ended(message), (State::Withheld, Some(Reason::NotRegistered)));
    let person = hub.participant("A1234563");
    hub.router.take_up().expect("done");
    assert_eq!(hub.ended(message), (State::Accepted, None));
    let allergies = hub.records(person).into_iter().filter(|row| row.resource["resourceType"] == "AllergyIntolerance");
    assert_eq!(allergies.count(), 2);
}

#[test]
fn a_report_by_pointer_is_held_while_its_place_is_on_no_list() {
    let mut hub = hub(Profile::HkPublicHospital);
    let person = hub.participant("A1234563");
    let message = hub.receive_bytes(messages(POINTER).remove(0));
    hub.process();
    assert_eq!(hub.ended(message), (State::Held, Some(Reason::DocumentNotListed)));
    assert_eq!(hub.message(message).place, "OBX-5");
    assert_eq!(hub.records(person), []);
}

#[test]
fn a_corrected_result_stays_current_in_either_order() {
    let [final_result, correction] = <[_; 2]>::try_from(messages(LABORATORY)).expect("two messages");
    for order in [[&final_result, &correction], [&correction, &final_result]] {
        let mut hub = hub(Profile::Generic);
        let person = hub.participant("A1234563");
        for message in order {
            let message = hub.receive_bytes(message.clone());
            hub.process();
            assert_eq!(hub.ended(message), (State::Accepted, None));
        }
        let rows = hub.records(person);
        let values: Vec<&Value> = rows.iter().map(|row| &row.resource["valueQuantity"]["value"]).collect();
        let values: Vec<String> = values.into_iter().filter(|value| !value.is_null()).map(Value::to_string).collect();
        assert_eq!(values, ["8.5"]);
    }
}

#[test]
fn a_merge_is_accepted_for_the_person_its_documents_name() {
    let mut hub = hub(Profile::Generic);
    let person = hub.person("A1234563");
    hub.event(person, ConsentEventKind::RegisterInPerson, PolicyVersion::V2025);
    let message = hub.receive_bytes(messages(MERGE).remove(0));
    hub.process();
    assert_eq!(hub.ended(message), (State::Accepted, None));
    let patients = hub.records(person).into_iter().filter(|row| row.resource["resourceType"] == "Patient").count();
    assert_eq!(patients, 2, "the survivor and the one it replaces");
}

#[test]
fn a_problem_in_words_alone_is_refused_by_its_level_and_the_coded_ones_beside_it_are_taken() {
    let mut hub = hub(Profile::Generic);
    let person = hub.participant("A1234563");
    let message = hub.receive_bytes(messages(&PROBLEMS.replace('\r', "\n")).remove(0));
    hub.process();
    assert_eq!(hub.ended(message), (State::Accepted, Some(Reason::LevelTooLow)));
    let keys = hub.records(person).into_iter().map(|row| row.key.0).filter(|key| key.starts_with("Condition/"));
    let taken = ["Condition/1000000001/PB-1", "Condition/1000000001/PB-2"];
    assert_eq!(keys.collect::<BTreeSet<_>>(), taken.map(str::to_owned).into());
}
