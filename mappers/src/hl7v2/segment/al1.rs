//! AL1, patient allergy information: IG map `AL1[AllergyIntolerance]`.

use causeway_core::record::Record;
use causeway_core::scope::Domain;

use super::pv1::Visit;
use crate::codes;
use crate::hl7v2::allergy::{self, Allergy};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "AL1",
    title: "Patient allergy information",
    ig: "AL1[AllergyIntolerance]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Allergen type code", "AllergyIntolerance.category, AllergyIntolerance.type"),
        required(3, "Allergen code/mnemonic/description", "AllergyIntolerance.code; with patient and AL1-2 the key"),
        used(4, "Allergy severity code", "AllergyIntolerance.reaction.severity; without AL1-5 criticality")
            .but("The IG leaves the choice between the two to the implementer"),
        used(5, "Allergy reaction code", "AllergyIntolerance.reaction.manifestation.text"),
        used(6, "Identification date", "AllergyIntolerance.onsetDateTime"),
    ],
};

/// Maps one; `None`, with a fault, without an allergen.
pub(crate) fn allergy<'m>(
    context: &Context<'m>,
    al1: &Seg<'m>,
    subject: &Subject,
    visit: Option<&Visit>,
    version: Version,
) -> Option<Record> {
    // AL1-2 → category, type
    let kind = al1.first(context, 2);
    let type_code = kind.as_ref().map(|value| value.text(1)).unwrap_or_default();
    let (category, kind) = category(kind.as_ref());
    // AL1-3 → code
    let allergen = al1.first(context, 3).map(|value| cwe::read(&value));
    // AL1-5 → reaction.manifestation.text
    let manifestations: Vec<_> = al1.all(context, 5).map(|value| allergy::manifestation(&value.whole())).collect();
    // AL1-4 → reaction.severity, or criticality
    let (severity, criticality) = severity(context, al1, !manifestations.is_empty());
    // AL1-6 → onsetDateTime
    let onset = ts::field(al1, context, 6);
    let Some(allergen) = allergen.filter(|allergen| !allergen.concept.is_empty()) else {
        context.missing(al1, 3, "the allergen is missing");
        return None;
    };
    let key = allergy::natural_key(context, subject, &[&type_code, &allergy::folded(&allergen.key)]);
    let version = Version { level: allergen.level, date: ts::day(onset).or(version.date), ..version };
    let allergy = Allergy {
        clinical: "active",
        kind,
        category,
        criticality,
        code: allergen.concept,
        onset: onset.map(|time| context.written(time)),
        manifestations,
        severity,
        ..Allergy::default()
    };
    Some(allergy::record(context, (subject, visit), (Domain::Allergy, key), version, allergy))
}

/// Table 0127 to category and type.
pub(crate) fn category(value: Option<&crate::hl7v2::reader::Value<'_, '_>>) -> (&'static str, &'static str) {
    let Some(value) = value else { return ("", "") };
    match codes::ALLERGEN_TYPE.row(&value.text(1)) {
        Some([_, category, kind]) => {
            [2, 3].into_iter().for_each(|component| value.ask(component));
            (*category, *kind)
        }
        None => {
            cwe::unmapped(value);
            ("", "")
        }
    }
}

/// Field 4 of AL1 and IAM.
pub(crate) fn severity<'m>(
    context: &Context<'m>,
    segment: &Seg<'m>,
    has_reaction: bool,
) -> (&'static str, &'static str) {
    let Some(value) = segment.first(context, 4) else { return ("", "") };
    [2, 3].into_iter().for_each(|component| value.ask(component));
    allergy::severity(&value.text(1), has_reaction).unwrap_or_else(|| {
        cwe::unmapped(&value);
        ("", "")
    })
}
