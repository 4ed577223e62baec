//! PRB, problem details, to Condition. The IG has no map of it; where DG1 says the same, its map is followed.

use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::pv1::Visit;
use crate::codes::{self, Table};
use crate::fhir::{Json, Object, concept};
use crate::hl7v2::allergy::folded;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ei, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// The system of the clinical status.
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
/// The system of the verification status.
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PRB",
    title: "Problem details",
    ig: "",
    fields: &[
        used(1, "Action code", "DE: Condition.verificationStatus entered-in-error"),
        used(2, "Action date/time", "The version clock; Condition.recordedDate, where PRB-7 is not sent"),
        required(3, "Problem id", "Condition.code; with the patient the key, where PRB-4 is not sent"),
        used(4, "Problem instance id", "Condition.identifier; the key"),
        kept(5, "Episode of care id", ""),
        kept(6, "Problem list priority", ""),
        used(7, "Problem established date/time", "Condition.recordedDate"),
        kept(8, "Anticipated problem resolution date/time", ""),
        used(
            9,
            "Actual problem resolution date/time",
            "Condition.abatementDateTime; Condition.clinicalStatus resolved",
        ),
        used(10, "Problem classification", "Condition.category, beside problem-list-item"),
        kept(11, "Problem management discipline", ""),
        kept(12, "Problem persistence", ""),
        used(13, "Problem confirmation status", "Condition.verificationStatus"),
        used(14, "Problem life cycle status", "Condition.clinicalStatus; without it active"),
        kept(15, "Problem life cycle status date/time", ""),
        used(16, "Problem date of onset", "Condition.onsetDateTime"),
        used(17, "Problem onset text", "Condition.onsetString, where PRB-16 is not sent"),
        kept(18, "Problem ranking", ""),
        used(26, "Problem severity", "Condition.severity"),
    ],
};

/// What belongs to a problem besides PRB.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// References to the Observations it rests on.
    pub(crate) evidence: Vec<Json>,
    /// As Annotations.
    pub(crate) comments: Vec<Json>,
}

/// Maps one; `None`, with a fault, when it names no problem. `deleted` says that the event takes it back; `parts` gives
/// what belongs to it, by its key and version.
pub(crate) fn problem<'m>(
    context: &Context<'m>,
    prb: &Seg<'m>,
    (subject, visit): (&Subject, Option<&Visit>),
    deleted: bool,
    version: Version,
    parts: impl FnOnce(&RecordKey, Version) -> Parts,
) -> Option<Record> {
    // PRB-3 → code
    let coded = prb.first(context, 3).map(|value| cwe::read(&value));
    let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
        context.missing(prb, 3, "the problem is missing");
        return None;
    };
    // PRB-4 → identifier
    let number = ei::field(prb, context, 4);
    let key = match &number {
        Some(number) => context.key("Condition", &[&number.key()]),
        None => {
            let text = "no number of the problem: keyed by the patient and the problem itself";
            context.note(NoteCode::DerivedId, prb.field_place(4), text);
            context.key("Condition", &["patient", &subject.key(), &coded.key])
        }
    };
    // PRB-1 → verificationStatus
    let retracted = deleted | (prb.text(context, 1) == "DE");
    // PRB-2, PRB-7, PRB-9, PRB-16 → recordedDate, abatementDateTime, onsetDateTime
    let [acted, established, resolved, onset] = [2, 7, 9, 16].map(|field| ts::field(prb, context, field));
    // PRB-13, PRB-14 → verificationStatus, clinicalStatus
    let (confirmed, life) = (
        status(context, prb, 13, &codes::PROBLEM_CONFIRMATION).unwrap_or(""),
        status(context, prb, 14, &codes::PROBLEM_LIFE_CYCLE).unwrap_or("active"),
    );
    let (clinical, verification) = match life {
        _ if retracted => ("", "entered-in-error"),
        // con-4: what has ended is not active.
        "active" | "recurrence" | "relapse" if resolved.is_some() => ("resolved", confirmed),
        life => (life, confirmed),
    };
    // PRB-10 → category
    let listed = concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "");
    let mut categories: Vec<Json> = vec![listed.into()];
    categories.extend(cwe::field(prb, context, 10).map(Json::from));
    // PRB-17, PRB-26 → onsetString, severity
    let onset_words = prb.text(context, 17);
    let severity = cwe::field(prb, context, 26);
    let written = |time| context.written(time);
    // What it rests on is told with it: OBX, NTE → evidence, note
    let version = Version {
        rank: if retracted { 3 } else { 1 },
        at: acted.and_then(|time| time.start(context.zone())).unwrap_or(version.at),
        date: ts::day(onset).or_else(|| ts::day(established)).or_else(|| ts::day(acted)).or(version.date),
        level: coded.level,
        retracted,
    };
    let Parts { evidence, comments } = parts(&key, version);
    let resource = context
        .resource("Condition", &key.resource_id())
        .one("identifier", number.map_or_else(Object::new, |n| n.identifier(context, "condition", "")))
        .put("clinicalStatus", concept(CLINICAL, clinical, ""))
        .put("verificationStatus", concept(VERIFICATION, verification, ""))
        .list("category", categories)
        .maybe("severity", severity)
        .put("code", coded.concept)
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference))
        .maybe("onsetDateTime", onset.map(written))
        .text("onsetString", if onset.is_none() { &onset_words } else { "" })
        .maybe("abatementDateTime", resolved.map(written))
        .maybe("recordedDate", established.or(acted).map(written))
        .one("evidence", Object::sized(1).list("detail", evidence))
        .list("note", comments);
    Some(context.record(Domain::Problem, key, version, resource))
}

/// A status in words or as a code, looked up without regard to case.
fn status<'m>(context: &Context<'m>, prb: &Seg<'m>, field: usize, table: &Table<2>) -> Option<&'static str> {
    let value = prb.first(context, field)?;
    let (code, words) = (value.text(1), value.text(2));
    value.ask(3);
    let found = table.code(&folded(&code)).or_else(|| table.code(&folded(&words)));
    if found.is_none() {
        cwe::unmapped(&value);
    }
    found
}
