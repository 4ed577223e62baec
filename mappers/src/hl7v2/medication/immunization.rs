//! Immunization: RXA of VXU with its ORC, route and observations. IG maps `RXA[Immunization]`, `ORC[Immunization]` and
//! `RXR[Immunization]`.

use std::collections::BTreeSet;

use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::drug::{self, Code};
use super::group::Section;
use super::order::Patient;
use super::vaccine_facts::{self, Facts};
use crate::codes;
use crate::fhir::{Json, Object, annotation, concept, concept_of, reference_to};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};
use crate::hl7v2::segment::obx::loose::{self, Of};
use crate::hl7v2::segment::orc::pharmacy::Placed;
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::rxa::{self, Action, Given};
use crate::hl7v2::segment::{nte, rxr};

/// CVX: no vaccine was administered.
const NO_VACCINE: &str = "998";
/// The filler number that senders write where there is no event to number (CDC).
const NO_NUMBER: &str = "9999";

/// Where a vaccination is known from.
#[derive(Debug, Default)]
struct Source {
    /// Immunization.primarySource.
    primary: Option<bool>,
    /// Immunization.reportOrigin.
    origin: Object,
    /// What RXA-9 says besides.
    notes: Vec<Json>,
}

/// Maps one vaccination: the Immunization, then its Observations. `seen` has the keys of those before it.
pub(crate) fn records<'m>(
    context: &Context<'m>,
    section: &Section<'_, 'm>,
    patient: Patient<'_>,
    placed: &Placed,
    seen: &mut BTreeSet<RecordKey>,
) -> Vec<Record> {
    let rxa = section.head;
    [1, 2].into_iter().for_each(|counter| rxa.ask(counter));
    if rxa.field(4).raw() != rxa.field(3).raw() && rxa.has(4) {
        let text = "a vaccination has one time: that at which it began";
        context.note(NoteCode::UnusedField, rxa.field_place(4), text);
    }
    let given = rxa::read(context, rxa);
    let Some(code) = rxa.first(context, 5).map(|value| drug::code(&value)).filter(|code| !code.concept.is_empty())
    else {
        section.pass_over();
        context.missing(rxa, 5, "the vaccine is missing");
        return Vec::new();
    };
    if given.start.is_none() && given.start_text.is_empty() {
        section.pass_over();
        context.missing(rxa, 3, "when the vaccine was given is missing");
        return Vec::new();
    }
    let Some(status) = status(context, rxa, &given, placed) else {
        section.pass_over();
        return Vec::new();
    };
    let key = key(context, section, patient, placed, (&code, &given), seen);
    // What is taken back by its order stands as high as what is deleted.
    let rank = if status.retracted { Action::Delete.rank() } else { given.action.rank() };
    let (date, level) = (ts::day(given.start), code.level);
    let version = Version { rank, at: placed.at, date, level, retracted: status.retracted };
    let (facts, observed) = vaccine_facts::take(context, &section.observed);
    let is_event = code.key != NO_VACCINE || status.code == "not-done";
    let part_of = Json::from(reference_to(&key));
    let of = Of {
        subject: patient.subject,
        visit: patient.visit,
        domain: Domain::Immunisation,
        of: &key,
        version,
        part_of: is_event.then_some(&part_of),
    };
    let observations = loose::observations(context, observed.into_iter(), of);
    if !is_event {
        context.note(NoteCode::UnusedSegment, rxa.place(), "no vaccine was given: only what was observed is kept");
        section.routes.iter().chain(&section.comments).for_each(|segment| segment.keep());
        return observations;
    }
    let parts = Parts { key: &key, status: status.code, code, given, facts, reactions: reactions(&observations) };
    let resource = resource(context, section, patient, placed, parts);
    let mut records = vec![context.record(Domain::Immunisation, key, version, resource)];
    records.extend(observations);
    records
}

/// The reactions among its Observations: they come first.
fn reactions(observations: &[Record]) -> Vec<Json> {
    observations.iter().map(|record| Json::from(reference_to(&record.key))).collect()
}

/// A status, and whether it takes the record back.
struct Outcome {
    code: &'static str,
    retracted: bool,
}

/// RXA-20 and RXA-21, and what ORC says of an order that was taken back. `None`, with a fault, for a completion status
/// that is in no table: R4 knows no vaccination of which it is not told whether it was given.
fn status<'m>(context: &Context<'m>, rxa: &Seg<'m>, given: &Given, placed: &Placed) -> Option<Outcome> {
    let outcome = |code: &'static str, retracted: bool| Some(Outcome { code, retracted });
    match (given.action, placed.status.code, given.completion) {
        (Action::Delete, _, _) | (_, "entered-in-error", _) => outcome("entered-in-error", true),
        (_, "cancelled", _) => outcome("not-done", true),
        (_, _, Some([status, _])) => outcome(status, false),
        (_, _, None) if given.has_completion => {
            let text = "whether the vaccine was given cannot be told from this completion status";
            context.fault(Reason::Unmappable, rxa.field_place(20), rxa.offset(20), text);
            None
        }
        (_, _, None) if !given.refusals.is_empty() => outcome("not-done", false),
        (_, _, None) => outcome("completed", false),
    }
}

/// The filler's number, or else the placer's; without one patient, vaccine and time. A second vaccine of one number in a
/// message is told apart by a count.
fn key<'m>(
    context: &Context<'m>,
    section: &Section<'_, 'm>,
    patient: Patient<'_>,
    placed: &Placed,
    (code, given): (&Code, &Given),
    seen: &mut BTreeSet<RecordKey>,
) -> RecordKey {
    let numbered = [&placed.filler, &placed.placer].into_iter().flatten().find(|entity| entity.number != NO_NUMBER);
    let number = numbered.map_or_else(
        || {
            let text = "no number of the vaccination: keyed by patient, vaccine and time";
            context.note(NoteCode::DerivedId, section.head.place(), text);
            let time = given.start.map_or_else(|| given.start_text.clone(), |time| time.to_string());
            vec![patient.subject.key(), code.key.clone(), time]
        },
        |entity| vec![entity.key()],
    );
    let parts = |count: &str| -> RecordKey {
        let parts = number.iter().map(String::as_str).chain((!count.is_empty()).then_some(count));
        context.key("Immunization", &parts.collect::<Vec<_>>())
    };
    let mut key = parts("");
    let mut count = 1_usize;
    while !seen.insert(key.clone()) {
        count += 1;
        key = parts(&format!("#{count}"));
    }
    if count > 1 {
        context.note(NoteCode::DerivedId, section.head.place(), "the same number a second time: told apart by a count");
    }
    key
}

/// What the resource is made of.
struct Parts<'a> {
    key: &'a RecordKey,
    status: &'static str,
    code: Code,
    given: Given,
    facts: Facts,
    reactions: Vec<Json>,
}

fn resource<'m>(
    context: &Context<'m>,
    section: &Section<'_, 'm>,
    patient: Patient<'_>,
    placed: &Placed,
    parts: Parts<'_>,
) -> Object {
    let Parts { key, status, code, given, facts, reactions } = parts;
    let rxa = section.head;
    let number = |entity: &Option<crate::hl7v2::datatype::ei::Entity>, kind: &str, type_code: &str| {
        let entity = entity.as_ref().filter(|entity| entity.number != NO_NUMBER);
        entity.map(|entity| Json::from(entity.identifier(context, kind, type_code)))
    };
    let identifiers =
        number(&placed.placer, "placer", "PLAC").into_iter().chain(number(&placed.filler, "filler", "FILL"));
    let Source { primary, origin, mut notes } = source(context, rxa);
    notes.extend(section.comments.iter().map(|comment| Json::from(nte::note(context, comment))));
    let route = rxr::read(context, &section.routes);
    if route.method.is_some() || !route.instructions.is_empty() {
        let place = section.routes.first().map(|rxr| rxr.place()).unwrap_or_default();
        context.note(NoteCode::UnusedSegment, place, "a vaccination has no place for a method or an instruction");
    }
    // RXA-22, or ORC-9 → recorded
    let recorded = ts::field(rxa, context, 22).or(placed.event);
    let reactions = reactions.into_iter().take(facts.reactions);
    let reactions = reactions.map(|detail| Object::sized(1).put("detail", detail).into()).collect();
    let mut resource = context
        .resource("Immunization", &key.resource_id())
        .list("identifier", identifiers.collect())
        .text("status", status)
        .put("statusReason", status_reason(context, rxa, &given))
        .put("vaccineCode", code.concept)
        .put("patient", patient.subject.reference())
        .maybe("encounter", patient.visit.map(Visit::reference));
    match given.start {
        Some(time) => resource.set("occurrenceDateTime", context.written(time)),
        None => resource.set("occurrenceString", given.start_text),
    }
    resource
        .maybe("recorded", recorded.map(|time| context.written(time)))
        .maybe("primarySource", primary)
        .put("reportOrigin", origin)
        .put("location", given.location)
        .maybe("manufacturer", given.manufacturer)
        .text("lotNumber", &given.lot)
        .maybe("expirationDate", given.expires.map(|time| time.to_fhir_date()))
        .maybe("site", route.site)
        .maybe("route", route.route)
        .maybe("doseQuantity", given.amount)
        .list("performer", performers(given.performers, placed))
        .list("note", notes)
        .list("reasonCode", given.reasons)
        .maybe("isSubpotent", given.is_partial.then_some(true))
        .list("education", facts.education)
        .list("programEligibility", facts.eligibility)
        .maybe("fundingSource", facts.funding)
        .list("reaction", reactions)
        .one("protocolApplied", facts.protocol)
}

/// RXA-18; and where it was refused and nobody says why, that it was.
fn status_reason<'m>(context: &Context<'m>, rxa: &Seg<'m>, given: &Given) -> Object {
    if given.refusals.len() > 1 {
        let text = "only the first repetition of this field is used";
        context.note(NoteCode::UnusedRepetition, rxa.field_place(18), text);
    }
    match given.refusals.first() {
        Some(Json::Object(reason)) => reason.clone(),
        Some(_) | None if &*rxa.text(context, 20) == "RE" => {
            concept("http://terminology.hl7.org/CodeSystem/v2-0322", "RE", "Refused")
        }
        Some(_) | None => Object::new(),
    }
}

/// RXA-10 (AP) and ORC-12 (OP) → performer.
fn performers(administering: Vec<Object>, placed: &Placed) -> Vec<Json> {
    let system = "http://terminology.hl7.org/CodeSystem/v2-0443";
    let performer = |actor: Object, function: &str, display: &str| {
        Json::from(Object::sized(2).put("function", concept(system, function, display)).put("actor", actor))
    };
    let ordering = placed.requester.clone().filter(|actor| !actor.is_empty());
    let administering = administering.into_iter().map(|actor| performer(actor, "AP", "Administering Provider"));
    administering.chain(ordering.map(|actor| performer(actor, "OP", "Ordering Provider"))).collect()
}

/// RXA-9: a code of NIP001 says where it is known from, the rest are notes.
fn source<'m>(context: &Context<'m>, rxa: &Seg<'m>) -> Source {
    let mut source = Source::default();
    for value in rxa.all(context, 9) {
        match known_source(&value) {
            Some([_, "", _, _]) if &*value.text(1) == "00" => source.primary = Some(true),
            Some([_, code, display, system]) => {
                source.primary = Some(false);
                let own = cwe::read(&value).concept;
                source.origin = match *code {
                    "" => own,
                    _ => concept_of(codes::Concept { code, display, system }),
                };
            }
            None => {
                let (code, text) = (value.text(1), value.text(2));
                value.ask(3);
                source.notes.push(annotation(if text.is_empty() { &code } else { &text }).into());
            }
        }
    }
    source
}

/// The row of a code of NIP001.
fn known_source(value: &Value<'_, '_>) -> Option<&'static [&'static str; 4]> {
    [2, 3].into_iter().for_each(|component| value.ask(component));
    let system = value.text(3);
    if matches!(&*system, "NIP001" | "") { codes::IMMUNIZATION_SOURCE.row(&value.text(1)) } else { None }
}
