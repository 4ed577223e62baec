//! Registration and consent: the events, and the standing they add up to (docs/decisions/0002-deposit-and-access.md).

#[cfg(test)]
mod golden;
mod history;
pub mod import;
mod sharing;
mod transitions;

pub use history::{Replayed, replay, standing_at};
pub use sharing::SharingView;
pub use transitions::ConsentError;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::person::PersonId;
use crate::policy::PolicyVersion;
use crate::provider::ProviderId;

/// Where a person's registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registration {
    /// Known, but never applied.
    #[default]
    None,
    /// Applied; identity not authenticated yet.
    Applied,
    /// A participant.
    Active,
    /// Suspended by the Commissioner.
    Suspended,
    /// Withdrawn by the person or a substitute decision maker.
    Withdrawn,
    /// Cancelled by the Commissioner.
    Cancelled,
    /// Deceased.
    Deceased,
}

impl Registration {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Applied => "applied",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
            Self::Deceased => "deceased",
        }
    }
}

impl std::fmt::Display for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An explicit sharing consent to one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// Where it stands.
    pub state: SharingState,
    /// The policy under which it was given.
    pub policy: PolicyVersion,
    /// When it was given or last changed.
    pub since: Timestamp,
}

/// Where an explicit sharing consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharingState {
    /// Until revoked.
    Indefinite,
    /// Until this instant, exclusive.
    OneYear {
        /// The first instant at which it no longer holds.
        until: Timestamp,
    },
    /// Taken back by the person.
    Revoked,
    /// Ended with the registration.
    Terminated,
}

/// What all events of one person add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The registration.
    pub registration: Registration,
    /// The policy under which the joining consent was given; `None` before any.
    pub policy: Option<PolicyVersion>,
    /// When the person last joined: registered in person or activated. A suspension in between changes nothing here.
    pub joined_at: Option<Timestamp>,
    /// When the registration last changed.
    pub changed_at: Option<Timestamp>,
    /// Explicit consents. Implied ones are not listed: they follow from [`crate::provider::Provider::implied_since`].
    pub sharing: BTreeMap<ProviderId, Sharing>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConsentEventKind {
    /// Application submitted online, by fax, by mail or dropped in.
    SubmitApplication,
    /// Registered in person: active at once.
    RegisterInPerson,
    /// Identity authenticated after an application.
    Activate,
    /// The application lapsed.
    ExpireApplication,
    /// Suspended by the Commissioner.
    Suspend,
    /// Suspension lifted.
    Reinstate,
    /// The person leaves.
    Withdraw,
    /// The Commissioner ends the registration.
    Cancel,
    /// Death recorded by a trusted source.
    RecordDeath,
    /// Sharing consent until revoked.
    GiveIndefinite,
    /// Sharing consent for one year (policy 2019).
    GiveOneYear,
    /// One more year.
    Renew,
    /// Sharing consent taken back.
    Revoke,
}

impl ConsentEventKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::SubmitApplication,
        Self::RegisterInPerson,
        Self::Activate,
        Self::ExpireApplication,
        Self::Suspend,
        Self::Reinstate,
        Self::Withdraw,
        Self::Cancel,
        Self::RecordDeath,
        Self::GiveIndefinite,
        Self::GiveOneYear,
        Self::Renew,
        Self::Revoke,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubmitApplication => "SubmitApplication",
            Self::RegisterInPerson => "RegisterInPerson",
            Self::Activate => "Activate",
            Self::ExpireApplication => "ExpireApplication",
            Self::Suspend => "Suspend",
            Self::Reinstate => "Reinstate",
            Self::Withdraw => "Withdraw",
            Self::Cancel => "Cancel",
            Self::RecordDeath => "RecordDeath",
            Self::GiveIndefinite => "GiveIndefinite",
            Self::GiveOneYear => "GiveOneYear",
            Self::Renew => "Renew",
            Self::Revoke => "Revoke",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

impl std::fmt::Display for ConsentEventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One event of a person's history. Append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// Its number in the person's history, from 1.
    pub seq: u32,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: ConsentEventKind,
    /// To whom.
    pub person: PersonId,
    /// The provider, for sharing consents.
    #[serde(default)]
    pub provider: Option<ProviderId>,
    /// When it took effect.
    pub at: Timestamp,
    /// The policy under which it was given.
    pub policy: PolicyVersion,
    /// Who gave it: `SELF`, `SDM`, `HCP`, `COMMISSIONER`.
    #[serde(default)]
    pub by: String,
    /// How: `HKIC_READER`, `ACCESS_KEY`, `FORM`, `APP`, `HOTLINE`, `COUNTER`, …
    #[serde(default)]
    pub channel: String,
}
