//! What is shared between Chinese and western medicine, and from when on: practitioner to practitioner first, and each way
//! across by a switch with its day. Deposit and access ask the same rules.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::provider::ProviderKind;
use crate::reason::Reason;
use crate::scope::Domain;

/// The days from which something is shared. A day counts from its midnight in Hong Kong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChineseMedicineRules {
    /// Records of Chinese medicine that are dated earlier are not taken. `None`: all are.
    pub since: Option<Date>,
    /// Providers of western medicine see them from then on. `None`: they do not.
    pub to_western_since: Option<Date>,
    /// Chinese-medicine clinics see records of western medicine from then on. `None`: they do not.
    pub from_western_since: Option<Date>,
}

/// On which side a domain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Chinese,
    Western,
    /// Of the patient rather than of a medicine: both see it.
    Common,
}

impl ChineseMedicineRules {
    /// Whether a record so dated may be put in.
    ///
    /// # Errors
    /// It is of Chinese medicine and dated before its day.
    pub fn deposit(&self, domain: Domain, date: Date) -> Result<(), Reason> {
        let early = side(domain) == Side::Chinese && self.since.is_some_and(|since| date < since);
        if early { Err(Reason::BeforeEffectiveDate) } else { Ok(()) }
    }

    /// Whether a provider of this kind sees the domain at this instant.
    ///
    /// # Errors
    /// It stands on the other side, and nothing crosses yet.
    pub fn access(&self, reader: ProviderKind, domain: Domain, at: Timestamp) -> Result<(), Reason> {
        let is_chinese = reader == ProviderKind::ChineseMedicine;
        let since = match (side(domain), is_chinese) {
            (Side::Common, _) | (Side::Chinese, true) | (Side::Western, false) => return Ok(()),
            (Side::Chinese, false) => self.to_western_since,
            (Side::Western, true) => self.from_western_since,
        };
        let today = at.to_zoned(TimeZone::fixed(Offset::constant(8))).date();
        if since.is_some_and(|since| since <= today) { Ok(()) } else { Err(Reason::OutOfScope) }
    }
}

const fn side(domain: Domain) -> Side {
    match domain {
        Domain::ChineseMedicineDiagnosis | Domain::ChineseMedicinePrescription | Domain::ChineseMedicineProcedure => {
            Side::Chinese
        }
        Domain::Identification
        | Domain::Allergy
        | Domain::AdverseReaction
        | Domain::Alert
        | Domain::Encounter
        | Domain::Appointment => Side::Common,
        Domain::Problem
        | Domain::Procedure
        | Domain::MedicationPrescribed
        | Domain::MedicationDispensed
        | Domain::Immunisation
        | Domain::ClinicalNote
        | Domain::Birth
        | Domain::Laboratory
        | Domain::RadiologyReport
        | Domain::RadiologyImage
        | Domain::Investigation
        | Domain::Referral => Side::Western,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const RULES: ChineseMedicineRules = ChineseMedicineRules {
        since: Some(date(2025, 1, 1)),
        to_western_since: Some(date(2026, 3, 1)),
        from_western_since: Some(date(2026, 6, 1)),
    };

    /// Every way, before and after its day: the table of docs/decisions/0002-deposit-and-access.md.
    #[test]
    fn the_decision_table_of_chinese_and_western_medicine() {
        let (chinese, western) = (ProviderKind::ChineseMedicine, ProviderKind::Hospital);
        let (cm, med, allergy) = (Domain::ChineseMedicinePrescription, Domain::MedicationPrescribed, Domain::Allergy);
        let none = ChineseMedicineRules::default();
        let cases = [
            (none, chinese, cm, "2026-01-01T00:00:00+08:00", true),
            (none, western, med, "2026-01-01T00:00:00+08:00", true),
            (none, western, cm, "2099-01-01T00:00:00+08:00", false),
            (none, chinese, med, "2099-01-01T00:00:00+08:00", false),
            (none, chinese, allergy, "2026-01-01T00:00:00+08:00", true),
            (none, western, allergy, "2026-01-01T00:00:00+08:00", true),
            (RULES, western, cm, "2026-02-28T23:59:59+08:00", false),
            (RULES, western, cm, "2026-03-01T00:00:00+08:00", true),
            (RULES, chinese, med, "2026-05-31T23:59:59+08:00", false),
            (RULES, chinese, med, "2026-06-01T00:00:00+08:00", true),
            (RULES, chinese, cm, "2020-01-01T00:00:00+08:00", true),
        ];
        for (rules, reader, domain, at, sees) in cases {
            let answer = rules.access(reader, domain, at.parse().expect("a time"));
            assert_eq!(answer, if sees { Ok(()) } else { Err(Reason::OutOfScope) }, "{reader:?} {domain} {at}");
        }
        for (rules, domain, day, taken) in [
            (none, cm, date(1990, 1, 1), true),
            (RULES, cm, date(2024, 12, 31), false),
            (RULES, cm, date(2025, 1, 1), true),
            (RULES, med, date(2024, 12, 31), true),
            (RULES, allergy, date(2024, 12, 31), true),
        ] {
            let answer = rules.deposit(domain, day);
            assert_eq!(answer, if taken { Ok(()) } else { Err(Reason::BeforeEffectiveDate) }, "{domain} {day}");
        }
    }
}
