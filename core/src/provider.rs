//! A registered healthcare provider, and what it may share from when.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use crate::scope::Domain;

/// A provider's number: ten digits, e.g. `9265486345`, or one of the short names of the public providers, `HA`, `DH`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderId(pub String);

impl std::fmt::Display for ProviderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// Hospital, public or private.
    Hospital,
    /// Clinic of western medicine.
    Clinic,
    /// Laboratory.
    Laboratory,
    /// Radiology centre.
    Radiology,
    /// Chinese-medicine clinic.
    ChineseMedicine,
    /// Elderly home or welfare organisation.
    Welfare,
    /// Government department or public body.
    Public,
}

/// Whether the provider takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderStatus {
    /// Registered.
    Registered,
    /// Suspended by the Commissioner: nothing in, nothing out, consents untouched.
    Suspended,
    /// Registration ended.
    Withdrawn,
}

/// A provider of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its number.
    pub id: ProviderId,
    /// English name.
    pub name: String,
    /// Chinese name.
    #[serde(default)]
    pub name_zh: String,
    /// What sort.
    pub kind: ProviderKind,
    /// Whether it takes part.
    pub status: ProviderStatus,
    /// Since when joining implies sharing consent to this provider; `None` when it does not. A dated fact of the
    /// registry, not a constant: the list was widened on 1 December 2025.
    #[serde(default)]
    pub implied_since: Option<Timestamp>,
    /// The domains it may share, each from its effective date on. A domain not listed is not enabled.
    #[serde(default)]
    pub domains: BTreeMap<Domain, civil::Date>,
}
