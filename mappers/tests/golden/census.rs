//! There are cases enough: at least six folders for each domain that HL7 v2 carries, and Chinese in three encodings for each.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::scope::Domain;

use crate::case::{Case, cases};

/// The encodings, as the names of cases end.
const ENCODINGS: [&str; 3] = ["utf8", "big5", "gb18030"];

/// Whether HL7 v2 carries a domain; images come by DICOM, and the rest of Chinese medicine by its own connector.
fn is_carried(domain: Domain) -> bool {
    match domain {
        Domain::RadiologyImage | Domain::ChineseMedicineDiagnosis | Domain::ChineseMedicineProcedure => false,
        Domain::Identification
        | Domain::Allergy
        | Domain::AdverseReaction
        | Domain::Alert
        | Domain::Problem
        | Domain::Procedure
        | Domain::MedicationPrescribed
        | Domain::MedicationDispensed
        | Domain::Immunisation
        | Domain::Encounter
        | Domain::Appointment
        | Domain::ClinicalNote
        | Domain::Birth
        | Domain::Laboratory
        | Domain::RadiologyReport
        | Domain::Investigation
        | Domain::Referral
        | Domain::ChineseMedicinePrescription => true,
    }
}

/// The cases that make a record of each domain.
fn census() -> BTreeMap<Domain, BTreeSet<String>> {
    let mut census: BTreeMap<Domain, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        for record in case.map().iter().flat_map(|mapped| &mapped.records) {
            census.entry(record.domain).or_default().insert(case.name.clone());
        }
    }
    census
}

/// The name of a case without its encoding.
fn in_three<'n>(name: &'n str, encoding: &str) -> Option<&'n str> {
    name.strip_suffix(encoding)?.strip_suffix('-')
}

#[test]
fn every_domain_has_six_cases_and_one_in_three_encodings() {
    let census = census();
    for domain in Domain::ALL.iter().copied().filter(|domain| is_carried(*domain)) {
        let of = census.get(&domain).cloned().unwrap_or_default();
        assert!(of.len() >= 6, "{domain} has {} cases: {of:?}", of.len());
        let whole = |name: &&str| ENCODINGS.iter().all(|encoding| of.contains(&format!("{name}-{encoding}")));
        let tripled = of.iter().filter_map(|name| in_three(name, "utf8")).any(|name| whole(&name));
        assert!(tripled, "{domain} has no case in {ENCODINGS:?}");
    }
    let strange: Vec<_> = census.keys().filter(|domain| !is_carried(**domain)).collect();
    assert!(strange.is_empty(), "HL7 v2 carries {strange:?} after all");
}

#[test]
fn the_three_encodings_of_every_case_give_the_same_records() {
    let mut tried = 0;
    for case in cases() {
        let Some(name) = in_three(&case.name, "utf8") else { continue };
        let has_chinese = case.messages().iter().any(|message| !message.is_ascii());
        assert!(has_chinese, "{name} has no Chinese");
        for other in ["big5", "gb18030"] {
            let other = Case::named(&format!("{name}-{other}"));
            for (utf8, other) in case.map().iter().zip(other.map()) {
                assert_eq!((&utf8.records, &utf8.identity), (&other.records, &other.identity), "{name}");
            }
            assert_eq!(case.messages().len(), other.messages().len(), "{name}");
        }
        tried += 1;
    }
    assert!(tried >= 12, "only {tried} cases are in three encodings");
}
