//! May this provider see this now? What registration and consent decide: rows 3, 4, 6, 8 and 14 of the table for `obtain`
//! requests, here O3, O4, O6, O8 and O14, first match decides.
//!
//! Consent is necessary and not sufficient. Account and second factor (1), profession (2), purpose (5), role (7), care
//! evidence (9), restricted items (10 to 12) and emergency access (13) are asked beside it, in modules of their own
//! next to this one; a reader is shown something only when every one of them permits.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{PolicyVersion, Rules};
use crate::consent::Standing;
use crate::decision::{Decision, Verdict};
use crate::provider::{Provider, ProviderStatus};
use crate::reason::Reason;
use crate::scope::Domain;

/// Decides one domain at one instant by the default rules, under which nothing crosses between Chinese and western medicine.
pub fn access(question: &Access<'_>) -> Decision {
    access_under(question, Rules::default())
}

/// Decides one domain at one instant. Whatever is missing withholds.
pub fn access_under(question: &Access<'_>, rules: Rules) -> Decision {
    let Access { standing, domain, at, .. } = *question;
    let joined_under = standing.and_then(|standing| standing.policy).unwrap_or_else(|| PolicyVersion::in_force(at));
    let answered = |rule, verdict, policy| Decision { domain, verdict, rule: Cow::Borrowed(rule), policy, at };
    match first_obstacle(question, rules) {
        Ok(policy) => answered("O8", Verdict::Permit, policy),
        Err((rule, reason)) => answered(rule, Verdict::Withhold(reason), joined_under),
    }
}

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The provider at which the reader works; `None` when the registry does not know it.
    pub provider: Option<&'a Provider>,
    /// Where the person stands; `None` when the registry does not know the person.
    pub standing: Option<&'a Standing>,
    /// What is to be read.
    pub domain: Domain,
    /// When: the instant of the reading, not of the request.
    pub at: Timestamp,
}

/// The policy of the consent that permits, or the first row that withholds. An unknown person and one who left get the
/// same answer.
fn first_obstacle(question: &Access<'_>, rules: Rules) -> Result<PolicyVersion, (&'static str, Reason)> {
    let Access { provider, standing, domain, at } = *question;
    let provider = provider
        .filter(|provider| provider.status == ProviderStatus::Registered)
        .ok_or(("O3", Reason::ProviderStatus))?;
    let standing = standing.filter(|standing| standing.participates(at)).ok_or(("O4", Reason::NotRegistered))?;
    rules.chinese_medicine.access(provider.kind, domain, at).map_err(|reason| ("O6", reason))?;
    standing.sharing_with(provider, at).holds().ok_or(("O14", Reason::NoSharingConsent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Registration;
    use crate::provider::{ProviderId, ProviderKind};

    #[test]
    fn the_provider_comes_first_then_the_person_then_the_consent() {
        let at: Timestamp = "2026-06-01T00:00:00+08:00".parse().expect("a time");
        let provider = |status| Provider {
            id: ProviderId("HA".to_owned()),
            name: String::new(),
            name_zh: String::new(),
            kind: ProviderKind::Hospital,
            status,
            implied_since: Some(at),
            domains: std::collections::BTreeMap::new(),
            locations: std::collections::BTreeMap::new(),
        };
        let registered = provider(ProviderStatus::Registered);
        let active = Standing {
            registration: Registration::Active,
            policy: Some(PolicyVersion::V2019),
            joined_at: Some(at),
            changed_at: Some(at),
            ..Standing::default()
        };
        let ask = |provider: Option<&Provider>, standing: Option<&Standing>| {
            let decision = access(&Access { provider, standing, domain: Domain::Allergy, at });
            (decision.rule.into_owned(), decision.verdict, decision.policy)
        };
        let (v2019, v2025) = (PolicyVersion::V2019, PolicyVersion::V2025);
        let withheld = |rule: &str, reason, policy| (rule.to_owned(), Verdict::Withhold(reason), policy);
        assert_eq!(ask(None, None), withheld("O3", Reason::ProviderStatus, v2025));
        for status in [ProviderStatus::Suspended, ProviderStatus::Withdrawn] {
            assert_eq!(ask(Some(&provider(status)), Some(&active)), withheld("O3", Reason::ProviderStatus, v2019));
        }
        assert_eq!(ask(Some(&registered), None), withheld("O4", Reason::NotRegistered, v2025));
        assert_eq!(ask(Some(&registered), Some(&active)), ("O8".to_owned(), Verdict::Permit, v2019));
        let clinic = Provider { id: ProviderId("1000000001".to_owned()), implied_since: None, ..registered };
        assert_eq!(ask(Some(&clinic), Some(&active)), withheld("O14", Reason::NoSharingConsent, v2019));
        let herbalist = Provider { kind: ProviderKind::ChineseMedicine, ..clinic };
        let consented = Standing { registration: Registration::Active, ..active };
        assert_eq!(ask(Some(&herbalist), Some(&consented)), withheld("O14", Reason::NoSharingConsent, v2019));
        let images = |rules| {
            let domain = Domain::RadiologyImage;
            let question = Access { provider: Some(&herbalist), standing: Some(&consented), domain, at };
            access_under(&question, rules).rule.into_owned()
        };
        assert_eq!(images(Rules::default()), "O6", "what crosses nowhere is told before the consent is asked");
        let mut rules = Rules::default();
        rules.chinese_medicine.from_western_since = Some(jiff::civil::date(2026, 6, 1));
        assert_eq!(images(rules), "O14");
    }
}
