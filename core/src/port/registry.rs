//! The registry: persons, providers, consents with their history.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::consent::{ConsentEvent, ConsentEventKind, Standing};
use crate::disposition::Disposition;
use crate::person::{Demographics, Document, LocalNumber, Person, PersonId};
use crate::phi::Phi;
use crate::policy::PolicyVersion;
use crate::provider::{Provider, ProviderId};

/// Who does something, for the audit: `cli:root`, `demo`, an account later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor(pub String);

/// A person with where the registration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The person.
    pub person: Person,
    /// Registration and consents.
    pub standing: Standing,
}

/// A person to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Identity documents, at least one; each number belongs to one person only.
    pub documents: Vec<Document>,
    /// Names, birth date, sex.
    pub demographics: Demographics,
    /// Numbers to link at once.
    #[serde(default)]
    pub local_numbers: Vec<LocalNumber>,
}

/// An event to record. Its number is given by the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// To whom.
    pub person: PersonId,
    /// What happened.
    pub kind: ConsentEventKind,
    /// The provider, for sharing consents.
    pub provider: Option<ProviderId>,
    /// When it took effect.
    pub at: Timestamp,
    /// The policy under which it is given.
    pub policy: PolicyVersion,
    /// Who gave it.
    pub by: String,
    /// How.
    pub channel: String,
}

/// Which persons. All conditions given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonQuery {
    /// With this document number, in any kind.
    pub document_number: Option<Phi<String>>,
    /// With this eHR number.
    pub ehr_number: Option<String>,
    /// With this linked number, of any provider.
    pub local_number: Option<Phi<String>>,
    /// Whose English or Chinese name contains this.
    pub name: Option<Phi<String>>,
    /// After this one, for paging.
    pub after: Option<PersonId>,
    /// At most so many.
    pub limit: u32,
}

/// What can go wrong with the registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The engine failed or is busy.
    #[error("the registry is unavailable: {cause}")]
    Unavailable {
        /// What the engine said.
        cause: String,
    },
    /// No such person or provider.
    #[error("there is no {what}")]
    NotFound {
        /// What was looked for, without protected text.
        what: String,
    },
    /// The number already belongs to someone else.
    #[error("that {what} already belongs to person {owner}")]
    Taken {
        /// `document` or `local number`.
        what: &'static str,
        /// To whom.
        owner: PersonId,
    },
    /// The state machine does not allow it.
    #[error("{0}")]
    NotAllowed(String),
    /// The data is not well formed.
    #[error("{0}")]
    Invalid(String),
}

impl RegistryError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unavailable { .. } => Disposition::Retry,
            Self::NotFound { .. } | Self::Taken { .. } | Self::NotAllowed(_) | Self::Invalid(_) => Disposition::Reject,
        }
    }
}

/// The registry. Every change writes its history and an audit line in the same transaction, and asks the router to take
/// up what was withheld for want of it. Its contract suite is `core::contract::registry`.
pub trait Registry: Send + Sync {
    /// Adds a person.
    fn add_person(&self, new: &NewPerson, actor: &Actor, at: Timestamp) -> Result<Participant, RegistryError>;

    /// Corrects names, birth date or sex; the former ones are kept in the history.
    fn correct_person(
        &self,
        id: PersonId,
        to: &Demographics,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), RegistryError>;

    /// Adds a document.
    fn add_document(
        &self,
        id: PersonId,
        document: &Document,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), RegistryError>;

    /// Links a provider's own number to a person.
    fn link(&self, id: PersonId, number: &LocalNumber, actor: &Actor, at: Timestamp) -> Result<(), RegistryError>;

    /// Takes a link back.
    fn unlink(&self, id: PersonId, number: &LocalNumber, actor: &Actor, at: Timestamp) -> Result<(), RegistryError>;

    /// One person.
    fn person(&self, id: PersonId) -> Result<Option<Arc<Participant>>, RegistryError>;

    /// Some persons, by number.
    fn persons(&self, query: &PersonQuery) -> Result<Vec<Arc<Participant>>, RegistryError>;

    /// Adds or changes a provider.
    fn put_provider(&self, provider: &Provider, actor: &Actor, at: Timestamp) -> Result<(), RegistryError>;

    /// One provider.
    fn provider(&self, id: &ProviderId) -> Result<Option<Provider>, RegistryError>;

    /// All providers, by number.
    fn providers(&self) -> Result<Vec<Provider>, RegistryError>;

    /// Records an event of registration or consent, if the state machine allows it, and gives the new standing.
    fn record_event(&self, event: &NewEvent, actor: &Actor) -> Result<Standing, RegistryError>;

    /// A person's events, oldest first.
    fn events(&self, person: PersonId) -> Result<Vec<ConsentEvent>, RegistryError>;
}
