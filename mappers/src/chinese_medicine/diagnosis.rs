//! Disease and syndromes (Condition, linked), tongue, pulse, examinations and principle (Observation), allergies.

use causeway_core::chinese_medicine::record::{Allergy, Certainty, Status, Term};
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use super::context::{Coded, Context, Of};
use super::narrative::narrative;
use super::note::NoteCode;
use crate::fhir::{Json, Object, concept, reference_to};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFIED: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const RELATED: &str = "http://hl7.org/fhir/StructureDefinition/condition-related";

/// The keys of the Conditions that stand: the disease, then the syndromes.
pub(super) fn conditions(context: &Context<'_>) -> Vec<RecordKey> {
    let record = context.record;
    let disease =
        record.disease.as_ref().filter(|term| !term.withdrawn).map(|_| context.sequenced("Condition", "disease", 0));
    let standing = record.syndromes.iter().enumerate().filter(|(_, term)| !term.withdrawn);
    disease.into_iter().chain(standing.map(|(at, _)| context.sequenced("Condition", "syndrome", at))).collect()
}

/// Everything of the diagnosis.
pub(super) fn records(context: &Context<'_>) -> Vec<Record> {
    let record = context.record;
    let mut records = Vec::new();
    let syndromes = record.syndromes.iter().enumerate();
    if let Some(disease) = &record.disease {
        let standing = syndromes.clone().filter(|(_, term)| !term.withdrawn);
        let related = standing.map(|(at, _)| context.sequenced("Condition", "syndrome", at)).collect();
        records.push(condition(context, ["disease", "病", "/disease"], 0, disease, related));
    }
    for (at, syndrome) in syndromes {
        let disease = record.disease.iter().filter(|term| !term.withdrawn);
        let related = disease.map(|_| context.sequenced("Condition", "disease", 0)).collect();
        records.push(condition(context, ["syndrome", "證", &format!("/syndromes/{at}")], at, syndrome, related));
    }
    let found = [
        ("tongue", "舌象", &record.tongue),
        ("pulse", "脈象", &record.pulse),
        ("principle", "治則治法", &record.principle),
    ];
    for (what, words, term) in found {
        records.extend(term.as_ref().map(|term| finding(context, what, words, term)));
    }
    records.extend(examinations(context));
    records.extend(record.allergies.iter().map(|entry| allergy(context, entry)));
    records
}

fn condition(
    context: &Context<'_>,
    [what, words, place]: [&str; 3],
    at: usize,
    term: &Term,
    related: Vec<RecordKey>,
) -> Record {
    let key = context.sequenced("Condition", what, at);
    let field = if what == "disease" { "disease" } else { "syndromes" };
    let Coded { concept: code, level } = context.coded(Domain::ChineseMedicineDiagnosis, field, term);
    if level == Level::Document {
        context.note(NoteCode::TextAlone, place, "");
    }
    let withdrawn = term.withdrawn || context.is_withdrawn();
    let verified = match context.record.status {
        _ if withdrawn => "entered-in-error",
        Status::Preliminary => "provisional",
        Status::Final | Status::Amended | Status::Withdrawn => "confirmed",
    };
    let clinical = (!withdrawn).then(|| concept(CLINICAL, "active", ""));
    let link = |key: &RecordKey| Object::sized(2).text("url", RELATED).put("valueReference", reference_to(key)).into();
    let category = concept("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", "");
    let resource = context
        .resource(&key)
        .put("text", narrative(&[format!("{words}：{}", term.text.expose())]))
        .list("extension", related.iter().map(link).collect())
        .maybe("clinicalStatus", clinical)
        .put("verificationStatus", concept(VERIFIED, verified, ""))
        .list("category", vec![category.into(), Context::own(what, words).into()])
        .put("code", code)
        .put("subject", context.subject())
        .put("encounter", context.visit())
        .text("recordedDate", &context.written(context.record.visit.start))
        .put("asserter", context.practitioner());
    context.made(Of { domain: Domain::ChineseMedicineDiagnosis, level, withdrawn: term.withdrawn }, key, &resource)
}

fn finding(context: &Context<'_>, what: &'static str, words: &str, term: &Term) -> Record {
    let coded = context.coded(Domain::ChineseMedicineDiagnosis, what, term);
    let value = match coded.level {
        Level::Document => ("valueString", Json::from(term.text.expose())),
        Level::Structured | Level::Coded => ("valueCodeableConcept", coded.concept.into()),
    };
    observation(context, [what, words, term.text.expose()], value, coded.level.max(Level::Structured), term.withdrawn)
}

fn examinations(context: &Context<'_>) -> Vec<Record> {
    let Some(found) = &context.record.examinations else { return Vec::new() };
    let four = [
        ("inspection", "望診", &found.inspection),
        ("listening", "聞診", &found.listening),
        ("inquiry", "問診", &found.inquiry),
        ("palpation", "切診", &found.palpation),
    ];
    let made = four.into_iter().filter_map(|(what, words, text)| {
        let text = text.as_ref()?.expose();
        Some(observation(context, [what, words, text], ("valueString", text.into()), Level::Structured, false))
    });
    made.collect()
}

fn observation(
    context: &Context<'_>,
    [what, words, text]: [&str; 3],
    (member, value): (&'static str, Json),
    level: Level,
    withdrawn: bool,
) -> Record {
    let key = context.sequenced("Observation", what, 0);
    let code = Context::own(what, words);
    let category = if what == "principle" { "therapy" } else { "exam" };
    let category = concept("http://terminology.hl7.org/CodeSystem/observation-category", category, "");
    let resource = context
        .resource(&key)
        .put("text", narrative(&[format!("{words}：{text}")]))
        .text("status", context.observation_status(withdrawn))
        .one("category", category)
        .put("code", code)
        .put("subject", context.subject())
        .put("encounter", context.visit())
        .text("effectiveDateTime", &context.written(context.record.visit.start))
        .one("performer", context.practitioner())
        .put(member, value);
    context.made(Of { domain: Domain::ChineseMedicineDiagnosis, level, withdrawn }, key, &resource)
}

fn allergy(context: &Context<'_>, entry: &Allergy) -> Record {
    let patient = context.record.patient.number.as_ref().map(|number| number.expose());
    let key = context.key("AllergyIntolerance", &[patient.unwrap_or_default(), entry.number.expose()]);
    let Coded { concept: code, level } = context.coded(Domain::Allergy, "allergies", &entry.substance);
    let withdrawn = entry.substance.withdrawn;
    let gone = withdrawn || context.is_withdrawn();
    let verified = match entry.certainty {
        _ if gone => "entered-in-error",
        Certainty::Confirmed => "confirmed",
        Certainty::Unconfirmed => "unconfirmed",
    };
    let clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    let reaction = entry
        .reaction
        .as_ref()
        .map(|text| Object::sized(1).one("manifestation", crate::fhir::text_concept(text.expose())).into());
    let resource = context
        .resource(&key)
        .put("text", narrative(&[format!("過敏：{}（{}）", entry.substance.text.expose(), entry.category.zh())]))
        .maybe("clinicalStatus", (!gone).then(|| concept(clinical, "active", "")))
        .put(
            "verificationStatus",
            concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", verified, ""),
        )
        .text("type", "allergy")
        .one("category", entry.category.as_str())
        .put("code", code)
        .put("patient", context.subject())
        .put("encounter", context.visit())
        .text("recordedDate", &context.written(context.record.visit.start))
        .list("reaction", reaction.into_iter().collect());
    // Category, certainty and number are fields of their own: structured also without a code.
    context.made(Of { domain: Domain::Allergy, level: level.max(Level::Structured), withdrawn }, key, &resource)
}
