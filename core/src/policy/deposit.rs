//! May this provider put this record in? Rows D2, D3, D5, D6, D8 and D11 of the deposit table, first match decides.
//!
//! The others stand elsewhere: D1 (is this the provider's connection) at the door, D4 (is it this person) in
//! [`crate::identity::identify`], D9 (unknown codes lower the level) in the mappers, D10 (an older version is kept as
//! history) in [`crate::record::effect`]. D7 (other people named in free text) marks nothing yet.

use std::borrow::Cow;

use jiff::{Timestamp, civil};

use super::{PolicyVersion, Rules};
use crate::consent::Standing;
use crate::decision::{Decision, Verdict};
use crate::provider::{Provider, ProviderStatus};
use crate::reason::Reason;
use crate::record::Lack;
use crate::scope::{Domain, Level};

/// Decides one record. Whatever is missing withholds.
pub fn deposit(question: &Deposit<'_>, rules: Rules) -> Decision {
    let Deposit { standing, domain, at, .. } = *question;
    let joined_under = standing.and_then(|standing| standing.policy).unwrap_or_else(|| PolicyVersion::in_force(at));
    let answered = |rule, verdict, policy| Decision { domain, verdict, rule: Cow::Borrowed(rule), policy, at };
    match first_obstacle(question, rules, joined_under) {
        Ok(policy) => answered("D11", Verdict::Permit, policy),
        Err((rule, reason)) => answered(rule, Verdict::Withhold(reason), joined_under),
    }
}

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Deposit<'a> {
    /// The provider whose feed it came by; `None` when the registry does not know it.
    pub provider: Option<&'a Provider>,
    /// Where the person stands; `None` when the registry does not know the person.
    pub standing: Option<&'a Standing>,
    /// The record's domain.
    pub domain: Domain,
    /// The service location it was made at, as [`Provider::locations`] names it; empty when none is known.
    pub location: &'a str,
    /// What the record is dated: when the thing happened, else when this version of it was made.
    pub date: civil::Date,
    /// How structured it is.
    pub level: Level,
    /// What it lacks of what its domain asks of structured records.
    pub lacks: Option<Lack>,
    /// When it is decided: inside the transaction that stores it.
    pub at: Timestamp,
}

/// The policy of the consent that permits, or the first row that withholds.
fn first_obstacle(
    question: &Deposit<'_>,
    rules: Rules,
    joined_under: PolicyVersion,
) -> Result<PolicyVersion, (&'static str, Reason)> {
    let Deposit { provider, standing, domain, location, date, level, lacks, at } = *question;
    let provider = provider
        .filter(|provider| provider.status == ProviderStatus::Registered)
        .ok_or(("D2", Reason::ProviderStatus))?;
    let effective = provider.effective(domain, location).ok_or(("D3", Reason::OutOfScope))?;
    if date < effective {
        return Err(("D3", Reason::BeforeEffectiveDate));
    }
    rules.chinese_medicine.deposit(domain, date).map_err(|reason| ("D3", reason))?;
    let standing = standing.filter(|standing| standing.participates(at)).ok_or(("D5", Reason::NotRegistered))?;
    let in_force = PolicyVersion::in_force(at);
    let policy = match joined_under {
        PolicyVersion::V2025 => joined_under,
        PolicyVersion::V2019 if rules.legacy_join_allows_deposit && in_force == PolicyVersion::V2025 => joined_under,
        PolicyVersion::V2019 => standing.sharing_with(provider, at).holds().ok_or(("D6", Reason::NoSharingConsent))?,
    };
    let least = rules.minimum_levels.of(domain);
    let least = if lacks == Some(Lack::Numbers) { least.max(rules.laboratory_numbers) } else { least };
    if level < least {
        return Err(("D8", Reason::LevelTooLow));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::consent::{Registration, Sharing, SharingState};
    use crate::policy::MinimumLevels;
    use crate::provider::{ProviderId, ProviderKind};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn clinic() -> Provider {
        Provider {
            id: ProviderId("1000000001".to_owned()),
            name: String::new(),
            name_zh: String::new(),
            kind: ProviderKind::Clinic,
            status: ProviderStatus::Registered,
            implied_since: None,
            domains: BTreeMap::from([
                (Domain::Laboratory, civil::date(2023, 9, 18)),
                (Domain::Problem, civil::date(2023, 9, 18)),
            ]),
            locations: BTreeMap::new(),
        }
    }

    fn joined(policy: PolicyVersion, sharing: Option<SharingState>) -> Standing {
        let since = at("2024-01-01T00:00:00+08:00");
        let sharing = sharing.map(|state| (clinic().id, Sharing { state, policy, since }));
        Standing {
            registration: Registration::Active,
            policy: Some(policy),
            joined_at: Some(since),
            changed_at: Some(since),
            sharing: sharing.into_iter().collect(),
        }
    }

    /// The rule with the verdict, for a laboratory record of 18 September 2023 asked about on 1 June 2026.
    fn answer(
        change: impl FnOnce(&mut Deposit<'_>),
        provider: Option<&Provider>,
        standing: Option<&Standing>,
    ) -> String {
        answer_under(Rules::default(), change, provider, standing)
    }

    fn answer_under(
        rules: Rules,
        change: impl FnOnce(&mut Deposit<'_>),
        provider: Option<&Provider>,
        standing: Option<&Standing>,
    ) -> String {
        let mut question = Deposit {
            provider,
            standing,
            domain: Domain::Laboratory,
            location: "",
            date: civil::date(2023, 9, 18),
            level: Level::Document,
            lacks: None,
            at: at("2026-06-01T00:00:00+08:00"),
        };
        change(&mut question);
        let decision = deposit(&question, rules);
        let verdict = match decision.verdict {
            Verdict::Permit => "PERMIT",
            Verdict::Withhold(reason) => reason.code(),
        };
        format!("{} {verdict} {}", decision.rule, decision.policy.as_str())
    }

    #[test]
    fn the_provider_has_to_be_registered() {
        let standing = joined(PolicyVersion::V2025, None);
        assert_eq!(answer(|_| (), None, Some(&standing)), "D2 PROVIDER_STATUS 2025");
        for status in [ProviderStatus::Suspended, ProviderStatus::Withdrawn] {
            let provider = Provider { status, ..clinic() };
            assert_eq!(answer(|_| (), Some(&provider), Some(&standing)), "D2 PROVIDER_STATUS 2025");
        }
    }

    #[test]
    fn the_domain_has_to_be_enabled_from_the_date_of_the_record_on() {
        let (clinic, standing) = (clinic(), joined(PolicyVersion::V2025, None));
        let ask = |change: fn(&mut Deposit<'_>)| answer(change, Some(&clinic), Some(&standing));
        assert_eq!(ask(|q| q.domain = Domain::Immunisation), "D3 OUT_OF_SCOPE 2025");
        assert_eq!(ask(|q| q.date = civil::date(2023, 9, 17)), "D3 SCOPE_DATE 2025");
        assert_eq!(ask(|q| q.date = civil::date(2023, 9, 18)), "D11 PERMIT 2025");
    }

    #[test]
    fn a_record_of_chinese_medicine_is_not_taken_before_the_day_of_the_rules() {
        let mut clinic = clinic();
        clinic.domains.insert(Domain::ChineseMedicinePrescription, civil::date(2023, 9, 18));
        let standing = joined(PolicyVersion::V2025, None);
        let ask = |since| {
            let mut rules = Rules::default();
            rules.chinese_medicine.since = since;
            let change = |question: &mut Deposit<'_>| {
                (question.domain, question.level) = (Domain::ChineseMedicinePrescription, Level::Structured);
            };
            answer_under(rules, change, Some(&clinic), Some(&standing))
        };
        assert_eq!(ask(None), "D11 PERMIT 2025");
        assert_eq!(ask(Some(civil::date(2023, 9, 18))), "D11 PERMIT 2025");
        assert_eq!(ask(Some(civil::date(2023, 9, 19))), "D3 SCOPE_DATE 2025");
    }

    #[test]
    fn a_location_has_dates_of_its_own_and_others_have_those_of_the_provider() {
        let standing = joined(PolicyVersion::V2025, None);
        let mut clinic = clinic();
        clinic.share(Domain::Laboratory, Some("EAST"), Some(civil::date(2024, 1, 1)));
        clinic.share(Domain::Immunisation, Some("EAST"), Some(civil::date(2023, 9, 18)));
        let ask = |provider: &Provider, location: &'static str, domain: Domain, date: civil::Date| {
            let change = |question: &mut Deposit<'_>| {
                (question.location, question.domain, question.date) = (location, domain, date);
                question.level = Level::Structured;
            };
            answer(change, Some(provider), Some(&standing))
        };
        let (before, on) = (civil::date(2023, 12, 31), civil::date(2024, 1, 1));
        assert_eq!(ask(&clinic, "EAST", Domain::Laboratory, before), "D3 SCOPE_DATE 2025");
        assert_eq!(ask(&clinic, "EAST", Domain::Laboratory, on), "D11 PERMIT 2025");
        assert_eq!(ask(&clinic, "WEST", Domain::Laboratory, before), "D11 PERMIT 2025", "the provider's date");
        assert_eq!(ask(&clinic, "", Domain::Laboratory, before), "D11 PERMIT 2025", "no location is known");
        assert_eq!(ask(&clinic, "EAST", Domain::Immunisation, before), "D11 PERMIT 2025");
        for elsewhere in ["WEST", "", "east", "EAST "] {
            assert_eq!(ask(&clinic, elsewhere, Domain::Immunisation, on), "D3 OUT_OF_SCOPE 2025", "{elsewhere:?}");
        }
        clinic.share(Domain::Immunisation, Some("EAST"), None);
        assert_eq!(ask(&clinic, "EAST", Domain::Immunisation, on), "D3 OUT_OF_SCOPE 2025");
        clinic.share(Domain::Laboratory, Some("EAST"), None);
        assert!(clinic.locations.is_empty(), "a location without dates is none");
        assert_eq!(ask(&clinic, "EAST", Domain::Laboratory, before), "D11 PERMIT 2025", "as the provider again");
    }

    #[test]
    fn the_person_has_to_take_part() {
        let clinic = clinic();
        assert_eq!(answer(|_| (), Some(&clinic), None), "D5 NOT_REGISTERED 2025");
        let earlier = |question: &mut Deposit<'_>| question.at = at("2025-11-30T23:59:59+08:00");
        assert_eq!(answer(earlier, Some(&clinic), None), "D5 NOT_REGISTERED 2019");
        for registration in [
            Registration::None,
            Registration::Applied,
            Registration::Suspended,
            Registration::Withdrawn,
            Registration::Cancelled,
            Registration::Deceased,
        ] {
            let standing = Standing { registration, ..joined(PolicyVersion::V2025, None) };
            assert_eq!(answer(|_| (), Some(&clinic), Some(&standing)), "D5 NOT_REGISTERED 2025", "{registration}");
        }
        let before = |question: &mut Deposit<'_>| question.at = at("2023-12-31T23:59:59+08:00");
        let standing = joined(PolicyVersion::V2025, None);
        assert_eq!(answer(before, Some(&clinic), Some(&standing)), "D5 NOT_REGISTERED 2025", "not before joining");
    }

    #[test]
    fn under_2019_deposit_needs_a_live_sharing_consent() {
        let clinic = clinic();
        let ask = |sharing| answer(|_| (), Some(&clinic), Some(&joined(PolicyVersion::V2019, sharing)));
        let (past, future) = (at("2026-06-01T00:00:00+08:00"), at("2026-06-01T00:00:01+08:00"));
        assert_eq!(ask(None), "D6 NO_SHARING_CONSENT 2019");
        assert_eq!(ask(Some(SharingState::Indefinite)), "D11 PERMIT 2019");
        assert_eq!(ask(Some(SharingState::OneYear { until: future })), "D11 PERMIT 2019");
        assert_eq!(ask(Some(SharingState::OneYear { until: past })), "D6 NO_SHARING_CONSENT 2019");
        assert_eq!(ask(Some(SharingState::Revoked)), "D6 NO_SHARING_CONSENT 2019");
        assert_eq!(ask(Some(SharingState::Terminated)), "D6 NO_SHARING_CONSENT 2019");
        let implied = Provider { implied_since: Some(at("2016-03-13T00:00:00+08:00")), ..clinic.clone() };
        let standing = joined(PolicyVersion::V2019, None);
        assert_eq!(answer(|_| (), Some(&implied), Some(&standing)), "D11 PERMIT 2019");
    }

    #[test]
    fn a_sharing_consent_given_under_2025_permits_deposit_for_one_who_joined_under_2019() {
        let mut standing = joined(PolicyVersion::V2019, Some(SharingState::Indefinite));
        standing.sharing.values_mut().for_each(|sharing| sharing.policy = PolicyVersion::V2025);
        assert_eq!(answer(|_| (), Some(&clinic()), Some(&standing)), "D11 PERMIT 2025");
    }

    #[test]
    fn under_2025_joining_is_enough_and_for_earlier_joiners_only_by_the_switch() {
        let (clinic, earlier) = (clinic(), joined(PolicyVersion::V2019, None));
        let later = joined(PolicyVersion::V2025, None);
        assert_eq!(answer(|_| (), Some(&clinic), Some(&later)), "D11 PERMIT 2025");
        let rules = Rules { legacy_join_allows_deposit: true, ..Rules::default() };
        let before = |question: &mut Deposit<'_>| question.at = at("2025-11-30T23:59:59+08:00");
        assert_eq!(answer_under(rules, |_| (), Some(&clinic), Some(&earlier)), "D11 PERMIT 2019");
        assert_eq!(answer_under(rules, before, Some(&clinic), Some(&earlier)), "D6 NO_SHARING_CONSENT 2019");
    }

    #[test]
    fn a_record_has_to_be_as_structured_as_its_domain_requires() {
        let (clinic, standing) = (clinic(), joined(PolicyVersion::V2025, None));
        let ask = |level| {
            let change = |question: &mut Deposit<'_>| (question.domain, question.level) = (Domain::Problem, level);
            answer(change, Some(&clinic), Some(&standing))
        };
        assert_eq!(ask(Level::Document), "D8 LEVEL 2025");
        assert_eq!(ask(Level::Structured), "D11 PERMIT 2025");
        assert_eq!(ask(Level::Coded), "D11 PERMIT 2025");
    }

    #[test]
    fn a_document_in_place_of_the_numbers_of_a_laboratory_is_less_than_a_general_report() {
        let (clinic, standing) = (clinic(), joined(PolicyVersion::V2025, None));
        let numbers = |question: &mut Deposit<'_>| question.lacks = Some(Lack::Numbers);
        let element = |question: &mut Deposit<'_>| question.lacks = Some(Lack::Element("Observation.value"));
        assert_eq!(answer(|_| (), Some(&clinic), Some(&standing)), "D11 PERMIT 2025");
        assert_eq!(answer(numbers, Some(&clinic), Some(&standing)), "D8 LEVEL 2025");
        assert_eq!(answer(element, Some(&clinic), Some(&standing)), "D11 PERMIT 2025", "its level tells");
        let rules = Rules { laboratory_numbers: Level::Document, ..Rules::default() };
        assert_eq!(answer_under(rules, numbers, Some(&clinic), Some(&standing)), "D11 PERMIT 2025");
    }

    #[test]
    fn the_least_level_of_a_domain_is_that_of_the_rules() {
        let (clinic, standing) = (clinic(), joined(PolicyVersion::V2025, None));
        let ask = |least, level| {
            let minimum_levels = MinimumLevels::default().with(Domain::Laboratory, least);
            let rules = Rules { minimum_levels, ..Rules::default() };
            answer_under(rules, |question| question.level = level, Some(&clinic), Some(&standing))
        };
        assert_eq!(ask(Level::Structured, Level::Document), "D8 LEVEL 2025");
        assert_eq!(ask(Level::Structured, Level::Structured), "D11 PERMIT 2025");
        assert_eq!(ask(Level::Coded, Level::Structured), "D8 LEVEL 2025");
        assert_eq!(ask(Level::Coded, Level::Coded), "D11 PERMIT 2025");
    }

    #[test]
    fn the_first_row_that_matches_decides() {
        let suspended = Provider { status: ProviderStatus::Suspended, domains: BTreeMap::new(), ..clinic() };
        assert_eq!(answer(|_| (), Some(&suspended), None), "D2 PROVIDER_STATUS 2025");
        let empty = Provider { domains: BTreeMap::new(), ..clinic() };
        assert_eq!(answer(|_| (), Some(&empty), None), "D3 OUT_OF_SCOPE 2025");
        let low = |question: &mut Deposit<'_>| (question.domain, question.level) = (Domain::Problem, Level::Document);
        let standing = joined(PolicyVersion::V2019, None);
        assert_eq!(answer(low, Some(&clinic()), Some(&standing)), "D6 NO_SHARING_CONSENT 2019");
    }
}
