//! Persons and providers as they are stored: JSON under a seal, the same on every engine.

use causeway_core::person::PersonId;
use causeway_core::port::Participant;
use causeway_core::provider::{Provider, ProviderId};

use super::error::{Result, damaged};
use super::seal::{self, Half, Sealer};

/// The person of a snapshot, if the seal holds.
pub(super) fn read_participant(id: PersonId, snapshot: &str, stored: &[u8]) -> Result<Participant> {
    seal::check(stored, participant_seal(id, snapshot), || format!("person {id}"))?;
    let read = serde_json::from_str::<Participant>(snapshot).ok();
    read.filter(|read| read.person.id == id).ok_or_else(|| damaged(format!("person {id} cannot be read")))
}

/// The seal of a person.
pub(super) fn participant_seal(id: PersonId, snapshot: &str) -> Half {
    Sealer::default().number(id.0).text(snapshot).finish()
}

/// The provider of a snapshot, if the seal holds.
pub(super) fn read_provider(id: &ProviderId, snapshot: &str, stored: &[u8]) -> Result<Provider> {
    seal::check(stored, provider_seal(id, snapshot), || format!("provider {id}"))?;
    let read = serde_json::from_str::<Provider>(snapshot).ok();
    read.filter(|read| read.id == *id).ok_or_else(|| damaged(format!("provider {id} cannot be read")))
}

/// The seal of a provider.
pub(super) fn provider_seal(id: &ProviderId, snapshot: &str) -> Half {
    Sealer::default().text(&id.0).text(snapshot).finish()
}
