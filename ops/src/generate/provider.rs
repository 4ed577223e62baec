//! The providers of the synthetic world: a public one to which joining implies consent, a private laboratory, a private
//! clinic, two of Chinese medicine, and one for whatever a newcomer sends.

use std::collections::BTreeMap;

use causeway_core::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use causeway_core::scope::Domain;
use jiff::{Timestamp, civil};

/// The public hospitals.
pub(crate) const HOSPITAL: &str = "HA";
/// The private laboratory.
pub(crate) const LABORATORY: &str = "9265486345";
/// The private clinic.
pub(crate) const CLINIC: &str = "1000000001";
/// The Chinese-medicine clinic that has a system.
pub(crate) const HERBAL_CLINIC: &str = "1000000002";
/// The Chinese-medicine practitioner who keeps a spreadsheet.
pub(crate) const PRACTITIONER: &str = "1000000003";
/// Whoever sends something to the catch-all feed.
pub(crate) const NEWCOMER: &str = "9000000009";

/// When the synthetic providers began to share: the start of the real system, so that any plausible date is later.
const SINCE: civil::Date = civil::date(2016, 3, 13);

/// The providers.
pub(crate) fn all() -> Vec<Provider> {
    let joined = Some(Timestamp::from_second(1_457_798_400).unwrap_or_default());
    vec![
        provider(HOSPITAL, "Public hospitals (synthetic)", "公立醫院（模擬）", ProviderKind::Hospital, joined),
        provider(LABORATORY, "Harbour Diagnostic Laboratory", "海港化驗所", ProviderKind::Laboratory, None),
        provider(CLINIC, "Lion Rock Family Clinic", "獅子山家庭診所", ProviderKind::Clinic, None),
        provider(HERBAL_CLINIC, "Bamboo Grove Chinese Medicine", "竹林中醫診所", ProviderKind::ChineseMedicine, None),
        provider(
            PRACTITIONER,
            "Lee Tai Ming, Chinese Medicine Practitioner",
            "李大明中醫師",
            ProviderKind::Clinic,
            None,
        ),
        newcomer(),
    ]
}

/// The provider whose data a catch-all feed carries. Its domains count from long ago, since test files hold old dates.
pub(crate) fn newcomer() -> Provider {
    let mut newcomer =
        provider(NEWCOMER, "Newcomer (catch-all feed)", "新來者（接收一切）", ProviderKind::Hospital, None);
    for since in newcomer.domains.values_mut() {
        *since = civil::date(1900, 1, 1);
    }
    newcomer
}

fn provider(id: &str, name: &str, name_zh: &str, kind: ProviderKind, implied_since: Option<Timestamp>) -> Provider {
    let domains: BTreeMap<Domain, civil::Date> = Domain::ALL.iter().map(|domain| (*domain, SINCE)).collect();
    Provider {
        id: ProviderId(id.to_owned()),
        name: name.to_owned(),
        name_zh: name_zh.to_owned(),
        kind,
        status: ProviderStatus::Registered,
        implied_since,
        domains,
        locations: BTreeMap::new(),
    }
}
