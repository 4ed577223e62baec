//! DG1, diagnosis: IG maps `DG1[Condition]` and `DG1[Encounter]`.

use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use crate::codes;
use crate::fhir::{Object, concept, reference};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ei, ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

use super::pv1::Visit;
use crate::hl7v2::note::NoteCode;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "DG1",
    title: "Diagnosis",
    ig: "DG1[Condition], DG1[Encounter]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Diagnosis coding method", "The system of DG1-3 where it names none").but("The IG does not map it"),
        used(3, "Diagnosis code", "Condition.code; the key where DG1-20 is not sent"),
        used(4, "Diagnosis description", "Condition.code.text"),
        used(5, "Diagnosis date/time", "Condition.onsetDateTime"),
        used(6, "Diagnosis type", "Encounter.diagnosis.use; Condition.verificationStatus")
            .but("Admitting and working diagnoses are provisional, final ones confirmed: the IG sets no status"),
        used(15, "Diagnosis priority", "Encounter.diagnosis.rank"),
        used(16, "Diagnosing clinician", "Condition.asserter").but("A reference by identifier and name"),
        used(19, "Attestation date/time", "Condition.recordedDate"),
        used(20, "Diagnosis identifier", "Condition.identifier; the key of the Condition"),
        used(21, "Diagnosis action code", "D: Condition.verificationStatus entered-in-error"),
    ],
};

/// A diagnosis: its record, and its place in the Encounter.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// The Condition.
    pub(crate) record: Record,
    /// Encounter.diagnosis.
    pub(crate) of_encounter: Object,
    /// Whether it is confirmed: then it stands above a provisional one of the same key.
    pub(crate) is_confirmed: bool,
}

/// Maps one; `None`, with a fault, when it names no diagnosis.
pub(crate) fn diagnosis<'m>(
    context: &Context<'m>,
    dg1: &Seg<'m>,
    subject: &Subject,
    visit: Option<&Visit>,
    version: Version,
) -> Option<Diagnosis> {
    // DG1-2 → the system of DG1-3 in old versions; DG1-3 → code; DG1-4 → code.text
    let method = dg1.text(context, 2);
    let system = if method.is_empty() { "L" } else { &*method };
    let coded = dg1.first(context, 3).map(|value| cwe::with_default(&value, system));
    let description = dg1.text(context, 4);
    // DG1-20 → identifier
    let number = ei::field(dg1, context, 20);
    let (code, level, code_key) = match coded {
        Some(coded) => (coded.concept.text("text", &description), coded.level, coded.key),
        None => (Object::sized(1).text("text", &description), Level::Document, description.to_string()),
    };
    // DG1-6 → diagnosis.use and verificationStatus
    let kind = dg1.first(context, 6);
    let row = kind.as_ref().and_then(|value| codes::DIAGNOSIS_TYPE.row(&value.text(1)));
    let usage = kind.as_ref().map(|value| match row {
        Some([_, "AD", display, _]) => concept("http://terminology.hl7.org/CodeSystem/diagnosis-role", "AD", display),
        Some([_, _, display, _]) => concept(context.urn("code", "0052"), &value.text(1), display),
        None => cwe::of_table(value, |_| None),
    });
    // DG1-21 → verificationStatus
    let retracted = dg1.text(context, 21) == "D";
    let verification = if retracted { "entered-in-error" } else { row.map_or("", |[_, _, _, status]| *status) };
    let onset = ts::field(dg1, context, 5);
    let attested = ts::field(dg1, context, 19);
    let asserter = dg1.first(context, 16).map(|value| xcn::read(&value));
    let rank = rank(context, dg1);
    if code.is_empty() {
        context.missing(dg1, 3, "neither a code nor a description of the diagnosis");
        return None;
    }
    let key = key(context, subject, visit, number.as_ref(), &code_key);
    let id = key.resource_id();
    let category = if visit.is_some() { "encounter-diagnosis" } else { "problem-list-item" };
    let clinical = if retracted { "" } else { "active" };
    let written = |time| context.written(time);
    let resource = context
        .resource("Condition", &id)
        .one("identifier", number.map_or_else(Object::new, |n| n.identifier(context, "condition", "")))
        .put("clinicalStatus", concept("http://terminology.hl7.org/CodeSystem/condition-clinical", clinical, ""))
        .put(
            "verificationStatus",
            concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", verification, ""),
        )
        .one("category", concept("http://terminology.hl7.org/CodeSystem/condition-category", category, ""))
        .put("code", code)
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference))
        .maybe("onsetDateTime", onset.map(written))
        .maybe("recordedDate", attested.map(written))
        .maybe("asserter", asserter);
    let date = ts::day(onset).or_else(|| ts::day(attested));
    let version = Version { level, date: date.or(version.date), retracted, ..version };
    let of_encounter =
        Object::sized(3).put("condition", reference("Condition", &id)).maybe("use", usage).maybe("rank", rank);
    let record = context.record(Domain::Problem, key, version, resource);
    Some(Diagnosis { record, of_encounter, is_confirmed: verification == "confirmed" })
}

/// DG1-15 → diagnosis.rank, a positiveInt. 0 says that the diagnosis has none.
fn rank<'m>(context: &Context<'m>, dg1: &Seg<'m>) -> Option<u32> {
    let value = dg1.first(context, 15)?;
    let text = value.text(1);
    match text.parse::<u32>() {
        Ok(rank) => (rank > 0).then_some(rank),
        Err(_) => {
            value.note(NoteCode::NotANumber, "the priority of the diagnosis is no number: left out");
            None
        }
    }
}

/// DG1-20; without it the visit, or else the patient, with the diagnosis itself.
fn key(
    context: &Context<'_>,
    subject: &Subject,
    visit: Option<&Visit>,
    number: Option<&ei::Entity>,
    code: &str,
) -> RecordKey {
    match (number, visit) {
        (Some(number), _) => context.key("Condition", &[&number.key()]),
        (None, Some(visit)) => context.key("Condition", &["visit", visit.key_part(), code]),
        (None, None) => context.key("Condition", &["patient", &subject.key(), code]),
    }
}
