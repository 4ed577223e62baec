//! IAM, patient adverse reaction information: IG map `IAM[AllergyIntolerance]`.

use causeway_core::record::Record;
use causeway_core::scope::Domain;

use super::al1;
use super::pv1::Visit;
use crate::codes;
use crate::fhir::Object;
use crate::hl7v2::allergy::{self, Allergy};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ei, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "IAM",
    title: "Patient adverse reaction information",
    ig: "IAM[AllergyIntolerance]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Allergen type code", "AllergyIntolerance.category, AllergyIntolerance.type"),
        required(3, "Allergen code/mnemonic/description", "AllergyIntolerance.code; the key where IAM-7 is not sent"),
        used(4, "Allergy severity code", "AllergyIntolerance.reaction.severity; without IAM-5 criticality"),
        used(5, "Allergy reaction code", "AllergyIntolerance.reaction.manifestation.text"),
        used(6, "Allergy action code", "D: AllergyIntolerance.verificationStatus entered-in-error")
            .but("The IG does not map it"),
        used(7, "Allergy unique identifier", "AllergyIntolerance.identifier; the key"),
        used(9, "Sensitivity to causative agent code", "AllergyIntolerance.type; AD: the domain ADR")
            .but("The IG does not map it"),
        used(11, "Onset date", "AllergyIntolerance.onsetDateTime"),
        used(12, "Onset date text", "AllergyIntolerance.onsetString, without IAM-11"),
        used(13, "Reported date/time", "AllergyIntolerance.recordedDate"),
        used(17, "Allergy clinical status code", "AllergyIntolerance.clinicalStatus, verificationStatus")
            .but("The IG has no concept map for table 0438: codes/allergy_clinical_status.csv"),
    ],
};

/// Maps one; `None`, with a fault, without an allergen.
pub(crate) fn allergy<'m>(
    context: &Context<'m>,
    iam: &Seg<'m>,
    subject: &Subject,
    visit: Option<&Visit>,
    version: Version,
) -> Option<Record> {
    // IAM-2 → category, type
    let type_value = iam.first(context, 2);
    let type_code = type_value.as_ref().map(|value| value.text(1)).unwrap_or_default();
    let (category, kind) = al1::category(type_value.as_ref());
    // IAM-3 → code
    let allergen = iam.first(context, 3).map(|value| cwe::read(&value));
    // IAM-5 → reaction.manifestation.text
    let manifestations: Vec<_> = iam.all(context, 5).map(|value| allergy::manifestation(&value.whole())).collect();
    // IAM-4 → reaction.severity, or criticality
    let (severity, criticality) = al1::severity(context, iam, !manifestations.is_empty());
    // IAM-7 → identifier
    let number = ei::field(iam, context, 7);
    // IAM-9 → type, and the domain
    let sensitivity = iam.first(context, 9).map(|value| {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        value.text(1)
    });
    let (domain, kind) = match sensitivity.as_deref() {
        Some("AD") => (Domain::AdverseReaction, "intolerance"),
        Some("IN" | "SE") => (Domain::Allergy, "intolerance"),
        Some("AL") => (Domain::Allergy, "allergy"),
        Some(_) | None => (Domain::Allergy, kind),
    };
    // IAM-11, IAM-12 → onset[x]; IAM-13 → recordedDate
    let (onset, onset_text) = (ts::field(iam, context, 11), iam.text(context, 12));
    let reported = ts::field(iam, context, 13);
    let (clinical, verification) = status(context, iam);
    let Some(allergen) = allergen.filter(|allergen| !allergen.concept.is_empty()) else {
        context.missing(iam, 3, "the allergen is missing");
        return None;
    };
    let key = match &number {
        Some(number) => context.key("AllergyIntolerance", &[&number.key()]),
        None => allergy::natural_key(context, subject, &[&type_code, &allergy::folded(&allergen.key)]),
    };
    let date = ts::day(onset).or_else(|| ts::day(reported)).or(version.date);
    let retracted = verification == "entered-in-error";
    let version = Version { level: allergen.level, date, retracted, ..version };
    let written = |time| context.written(time);
    let allergy = Allergy {
        identifier: number.map_or_else(Object::new, |number| number.identifier(context, "allergy", "")),
        clinical,
        verification,
        kind,
        category,
        criticality,
        code: allergen.concept,
        onset: onset.map(written),
        onset_text: onset_text.into_owned(),
        recorded: reported.map(written),
        manifestations,
        severity,
    };
    Some(allergy::record(context, (subject, visit), (domain, key), version, allergy))
}

/// IAM-6 and IAM-17 → clinicalStatus and verificationStatus. An entry made in error has no clinical status (R4's ait-2).
fn status<'m>(context: &Context<'m>, iam: &Seg<'m>) -> (&'static str, &'static str) {
    let status = iam.first(context, 17).and_then(|value| {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        let row = codes::ALLERGY_CLINICAL_STATUS.row(&value.text(1));
        if row.is_none() {
            cwe::unmapped(&value);
        }
        row.map(|[_, clinical, verification]| (*clinical, *verification))
    });
    let action = iam.first(context, 6).map(|value| {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        value.text(1)
    });
    if action.as_deref() == Some("D") { ("", "entered-in-error") } else { status.unwrap_or(("active", "")) }
}
