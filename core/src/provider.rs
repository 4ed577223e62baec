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
    /// The dates of single service locations, by their code as feeds send it (HL7 v2: PV1-3.4, else MSH-4). At most
    /// [`Self::LOCATIONS_MAX`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locations: BTreeMap<String, BTreeMap<Domain, civil::Date>>,
}

impl Provider {
    /// The most service locations with dates of their own.
    pub const LOCATIONS_MAX: usize = 10_000;

    /// From which day on records of a domain are shared that were made at a location; `None` when they are not. The date
    /// of the location counts where it has one for the domain, else that of the provider. A location may be empty or
    /// unknown: then nothing of its own counts.
    pub fn effective(&self, domain: Domain, location: &str) -> Option<civil::Date> {
        let own = self.locations.get(location).and_then(|domains| domains.get(&domain));
        own.or_else(|| self.domains.get(&domain)).copied()
    }

    /// Sets from which day on a domain is shared, `None` for no longer: of the provider, or of one location.
    pub fn share(&mut self, domain: Domain, location: Option<&str>, from: Option<civil::Date>) {
        let domains = match location {
            Some(location) => self.locations.entry(location.to_owned()).or_default(),
            None => &mut self.domains,
        };
        match from {
            Some(from) => domains.insert(domain, from),
            None => domains.remove(&domain),
        };
        self.locations.retain(|_, domains| !domains.is_empty());
    }
}
