//! Imports persons: rows of a CSV or JSON-lines file, or the patients of HL7 messages. One bad row never stops the
//! others; each is told by its place, with cause and fix. docs/importing.md tells the forms.

pub(crate) mod hl7;
pub(crate) mod jsonl;
pub(crate) mod table;

use causeway_core::consent::ConsentEventKind;
use causeway_core::from_objects_alone;
use causeway_core::person::PersonId;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, NewEvent, NewPerson, Participant, Registry, RegistryError};
use causeway_core::provider::ProviderId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A person to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where it stands: `line 7`, `message 3`.
    pub(crate) place: String,
    /// The person.
    pub(crate) person: NewPerson,
    /// The joining consent, when there is one.
    pub(crate) join: Option<Join>,
    /// Providers to share with, until revoked.
    pub(crate) share: Vec<ProviderId>,
}

/// A joining consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Join {
    /// The policy under which it was given.
    pub(crate) policy: PolicyVersion,
    /// When; without it, at the time of the import.
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
}

from_objects_alone! { Join }

/// A row that is not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BadRow {
    /// Where it stands.
    pub(crate) place: String,
    /// What is wrong; never a value of the row.
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) fix: String,
}

impl BadRow {
    /// A bad row.
    pub(crate) fn new(place: &str, why: impl Into<String>, fix: &str) -> Self {
        Self { place: place.to_owned(), why: why.into(), fix: fix.to_owned() }
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Tally {
    /// Persons added.
    pub(crate) added: u64,
    /// Persons that were there already.
    pub(crate) known: u64,
    /// Numbers linked to persons that were there already.
    pub(crate) linked: u64,
    /// Persons who joined by this import.
    pub(crate) joined: u64,
    /// Sharing consents given by this import.
    pub(crate) shared: u64,
    /// Rows that were not, or not wholly, imported.
    pub(crate) bad: Vec<BadRow>,
}

/// Imports one row. Doing it again changes nothing.
pub(crate) fn import(registry: &dyn Registry, row: &Row, actor: &Actor, now: Timestamp, tally: &mut Tally) {
    let result = person(registry, row, actor, now, tally)
        .and_then(|participant| consents(registry, row, &participant, actor, now, tally));
    if let Err(error) = result {
        tally.bad.push(BadRow::new(&row.place, error.to_string(), fix(&error)));
    }
}

/// The person of a row: added, or the one that has its numbers already.
fn person(
    registry: &dyn Registry,
    row: &Row,
    actor: &Actor,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<Participant, RegistryError> {
    let owner = match registry.add_person(&row.person, actor, now) {
        Ok(added) => {
            tally.added += 1;
            return Ok(added);
        }
        Err(RegistryError::Taken { owner, .. }) => owner,
        Err(error) => return Err(error),
    };
    let known = known(registry, owner)?;
    let same = row.person.documents.iter().any(|document| known.person.documents.contains(document));
    if !same {
        // A local number alone makes nobody the same person.
        return Err(RegistryError::Taken { what: "local number", owner });
    }
    tally.known += 1;
    for number in &row.person.local_numbers {
        if !known.person.local_numbers.contains(number) {
            registry.link(owner, number, actor, now)?;
            tally.linked += 1;
        }
    }
    Ok(known)
}

fn known(registry: &dyn Registry, owner: PersonId) -> Result<Participant, RegistryError> {
    let found = registry.person(owner)?;
    found.map(|person| (*person).clone()).ok_or_else(|| RegistryError::NotFound { what: format!("person {owner}") })
}

/// The consents of a row that do not stand already.
fn consents(
    registry: &dyn Registry,
    row: &Row,
    participant: &Participant,
    actor: &Actor,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<(), RegistryError> {
    let mut standing = participant.standing.clone();
    let event = |kind, provider, at, policy| NewEvent {
        person: participant.person.id,
        kind,
        provider,
        at,
        policy,
        by: "SELF".to_owned(),
        channel: "IMPORT".to_owned(),
    };
    if let Some(join) = row.join
        && !standing.participates(now)
    {
        let at = join.at.unwrap_or(now);
        standing = registry.record_event(&event(ConsentEventKind::RegisterInPerson, None, at, join.policy), actor)?;
        tally.joined += 1;
    }
    for provider in &row.share {
        let holds = standing.sharing.get(provider).is_some_and(|sharing| holds(sharing.state, now));
        if holds {
            continue;
        }
        let policy = standing.policy.unwrap_or_else(|| PolicyVersion::in_force(now));
        // Not before the joining it rests on.
        let at = row.join.and_then(|join| join.at).unwrap_or(now);
        let given = event(ConsentEventKind::GiveIndefinite, Some(provider.clone()), at, policy);
        standing = registry.record_event(&given, actor)?;
        tally.shared += 1;
    }
    Ok(())
}

fn holds(state: causeway_core::consent::SharingState, now: Timestamp) -> bool {
    use causeway_core::consent::SharingState;
    match state {
        SharingState::Indefinite => true,
        SharingState::OneYear { until } => now < until,
        SharingState::Revoked | SharingState::Terminated => false,
    }
}

fn fix(error: &RegistryError) -> &'static str {
    match error {
        RegistryError::Unavailable { .. } => "run the import again: what is there already is left as it is",
        RegistryError::NotFound { .. } => "add the provider first: `causeway provider import`",
        RegistryError::Taken { .. } => "compare the two persons with `causeway person show`",
        RegistryError::NotAllowed(_) => "see where the person stands with `causeway consent list`",
        RegistryError::Invalid(_) => "correct the row; docs/importing.md tells the forms",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of a language in docs/importing.md.
    fn blocks(language: &str) -> Vec<String> {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/importing.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let fence = format!("```{language}\n");
        page.split(&fence).skip(1).map(|block| block.split("```").next().expect("an end").to_owned()).collect()
    }

    #[test]
    fn the_examples_of_the_page_are_taken() {
        for text in blocks("csv") {
            let rows = table::read(&text).expect("a heading");
            assert!(!rows.is_empty() && rows.iter().all(Result::is_ok), "{rows:?}");
        }
        let json = blocks("json");
        let persons: Vec<_> = jsonl::read(&json[0]).collect();
        assert!(!persons.is_empty() && persons.iter().all(Result::is_ok), "{persons:?}");
        serde_json::from_str::<causeway_core::provider::Provider>(&json[1]).expect("a provider");
        let events: Vec<_> = causeway_core::consent::import::read(&json[2]).collect();
        assert!(!events.is_empty() && events.iter().all(Result::is_ok), "{events:?}");
        assert_eq!((blocks("csv").len(), json.len()), (1, 3));
    }
}
