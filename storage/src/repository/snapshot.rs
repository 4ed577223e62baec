//! Persons and providers as they are stored: JSON under a seal, the same on every engine.

use causeway_core::person::PersonId;
use causeway_core::port::Participant;
use causeway_core::provider::{Provider, ProviderId};

use super::error::{Result, StoreError, damaged};
use super::person::TEXT_BYTES_MAX;
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

/// Refuses a provider that cannot be stored.
pub(super) fn check_provider(provider: &Provider) -> Result<()> {
    let invalid = |text: String| Err(StoreError::Invalid(text));
    let texts = [&provider.id.0, &provider.name, &provider.name_zh].into_iter().chain(provider.locations.keys());
    if provider.id.0.trim().is_empty() || texts.map(String::len).any(|bytes| bytes > TEXT_BYTES_MAX) {
        return invalid(format!("a provider's number, names and locations have at most {TEXT_BYTES_MAX} bytes"));
    }
    if provider.locations.len() > Provider::LOCATIONS_MAX {
        return invalid(format!(
            "a provider has at most {} locations with dates of their own",
            Provider::LOCATIONS_MAX
        ));
    }
    if provider.locations.keys().any(|code| code.trim() != code || code.is_empty()) {
        return invalid("a location's code is not empty and has no blanks around it".to_owned());
    }
    Ok(())
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
