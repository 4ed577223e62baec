//! AllergyIntolerance, which three kinds of segment speak of: AL1, IAM, and OBX in the dialect of the public hospitals.

use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::context::{Context, Version};
use super::identity::Subject;
use super::segment::pv1::Visit;
use crate::codes;
use crate::fhir::{Json, Object, concept, text_concept};

/// The system of the clinical status.
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
/// The system of the verification status.
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

/// An allergy or adverse reaction, read. Empty parts are left out of the resource.
#[derive(Debug, Default)]
pub(crate) struct Allergy {
    /// The sender's own identifiers of the entry.
    pub(crate) identifier: Object,
    /// `active`, `inactive`; empty for an entry made in error.
    pub(crate) clinical: &'static str,
    /// `confirmed`, `unconfirmed`, `entered-in-error` …
    pub(crate) verification: &'static str,
    /// `allergy` or `intolerance`.
    pub(crate) kind: &'static str,
    /// `food`, `medication`, `environment`, `biologic`.
    pub(crate) category: &'static str,
    /// `low` or `high`.
    pub(crate) criticality: &'static str,
    /// The allergen, or that there is none.
    pub(crate) code: Object,
    /// When it was found first.
    pub(crate) onset: Option<String>,
    /// The same in words.
    pub(crate) onset_text: String,
    /// When it was recorded.
    pub(crate) recorded: Option<String>,
    /// Manifestations, as CodeableConcepts.
    pub(crate) manifestations: Vec<Json>,
    /// `mild`, `moderate`, `severe`.
    pub(crate) severity: &'static str,
}

/// What AL1-4 and IAM-4 say, in the place R4 has for it: the severity of a reaction, or without a reaction the
/// criticality.
pub(crate) fn severity(code: &str, has_reaction: bool) -> Option<(&'static str, &'static str)> {
    let [_, severity, criticality] = codes::ALLERGY_SEVERITY.row(code)?;
    Some(if has_reaction { (*severity, "") } else { ("", *criticality) })
}

/// The key of an entry without a number of its own: the same patient's same allergen is the same allergy.
pub(crate) fn natural_key(context: &Context<'_>, subject: &Subject, parts: &[&str]) -> RecordKey {
    let [authority, number] = &subject.parts;
    let mut all: Vec<&str> = vec![authority, number];
    all.extend(parts);
    context.key("AllergyIntolerance", &all)
}

/// A text as part of a key: neither case nor the number of blanks matters.
pub(crate) fn folded(text: &str) -> String {
    if has_single_blanks(text.as_bytes()) {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded.to_lowercase()
}

/// Whether a text is printable ASCII with no blank at its ends or beside another: most are.
fn has_single_blanks(text: &[u8]) -> bool {
    let mut after_blank = true;
    let are_single = text.iter().all(|byte| {
        let is_blank = *byte == b' ';
        let is_good = byte.is_ascii_graphic() || (is_blank && !after_blank);
        after_blank = is_blank;
        is_good
    });
    are_single && !after_blank
}

/// The record of an entry.
pub(crate) fn record(
    context: &Context<'_>,
    (subject, visit): (&Subject, Option<&Visit>),
    (domain, key): (Domain, RecordKey),
    version: Version,
    allergy: Allergy,
) -> Record {
    let reaction = match allergy.manifestations.is_empty() {
        true => Object::new(),
        false => Object::sized(2).list("manifestation", allergy.manifestations).fixed("severity", allergy.severity),
    };
    let onset_text = if allergy.onset.is_none() { allergy.onset_text } else { String::new() };
    let resource = context
        .resource("AllergyIntolerance", &key.resource_id())
        .one("identifier", allergy.identifier)
        .put("clinicalStatus", concept(CLINICAL, allergy.clinical, ""))
        .put("verificationStatus", concept(VERIFICATION, allergy.verification, ""))
        .fixed("type", allergy.kind)
        .one("category", Json::Fixed(allergy.category))
        .fixed("criticality", allergy.criticality)
        .put("code", allergy.code)
        .put("patient", subject.reference())
        .maybe("encounter", visit.map(Visit::reference))
        .maybe("onsetDateTime", allergy.onset)
        .text("onsetString", &onset_text)
        .maybe("recordedDate", allergy.recorded)
        .one("reaction", reaction);
    context.record(domain, key, version, resource)
}

/// A manifestation in words.
pub(crate) fn manifestation(text: &str) -> Json {
    text_concept(text).into()
}
