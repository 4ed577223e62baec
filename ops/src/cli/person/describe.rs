//! Persons as tables and JSON, masked or not.

use causeway_core::consent::SharingState;
use causeway_core::person::LocalNumber;
use causeway_core::port::Participant;
use serde_json::{Value, json};

use crate::output::mask::Sight;

/// A person as JSON.
pub(crate) fn person(participant: &Participant, sight: Sight) -> Value {
    let person = &participant.person;
    let demographics = &person.demographics;
    let standing = &participant.standing;
    json!({
        "person": person.id,
        "ehr_number": person.ehr_number,
        "documents": person.documents.iter().map(|document| json!({
            "kind": document.kind, "issuer": document.issuer, "number": sight.show(&document.number),
        })).collect::<Vec<_>>(),
        "family": sight.show(&demographics.family),
        "given": sight.show(&demographics.given),
        "chinese": sight.show(&demographics.chinese),
        "birth": sight.birth(demographics),
        "sex": demographics.sex,
        "local_numbers": person.local_numbers.iter().map(|number| json!({
            "provider": number.provider, "authority": number.authority, "number": sight.show(&number.number),
        })).collect::<Vec<_>>(),
        "registration": standing.registration,
        "policy": standing.policy,
        "joined_at": standing.joined_at,
        "sharing": standing.sharing,
    })
}

/// A linked number in one line.
pub(crate) fn local_number(number: &LocalNumber, sight: Sight) -> String {
    let authority = if number.authority.is_empty() { "-" } else { &number.authority };
    format!("{} {authority} {}", number.provider, sight.show(&number.number))
}

/// Where an explicit consent stands, in words.
pub(crate) fn sharing(state: SharingState) -> String {
    match state {
        SharingState::Indefinite => "until revoked".to_owned(),
        SharingState::OneYear { until } => format!("until {until}"),
        SharingState::Revoked => "revoked".to_owned(),
        SharingState::Terminated => "ended with the registration".to_owned(),
    }
}
