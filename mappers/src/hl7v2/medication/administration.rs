//! MedicationAdministration: RXA of RAS with the order it follows. The IG maps its ORC alone.

use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::drug::{self, Make};
use super::group::Section;
use super::order::{Order, Patient};
use super::{dispense, herbal};
use crate::fhir::{Json, Object, annotation, period, reference_to};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, repeat, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::nte;
use crate::hl7v2::segment::obx::loose::{self, Of};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::rxa::{self, Action, Given};
use crate::hl7v2::segment::rxr::{self, Route};

/// Maps one dose: the MedicationAdministration, then its Observations. The scope has no domain of doses given: they
/// stand with what was dispensed.
pub(crate) fn records<'m>(
    context: &Context<'m>,
    section: &Section<'_, 'm>,
    patient: Patient<'_>,
    order: &Order,
    prescription: Option<&RecordKey>,
) -> Vec<Record> {
    let rxa = section.head;
    let given = rxa::read(context, rxa);
    let Some(drug) = rxa.first(context, 5).map(|value| drug::code(&value)).filter(|drug| !drug.concept.is_empty())
    else {
        section.pass_over();
        context.missing(rxa, 5, "what was given is missing");
        return Vec::new();
    };
    let Some(effective) = effective(context, rxa, &given) else {
        section.pass_over();
        return Vec::new();
    };
    let ingredients = herbal::read(context, &section.components, drug.is_chinese);
    let is_chinese = drug.is_chinese || ingredients.is_chinese || order.is_chinese();
    let domain = if is_chinese { Domain::ChineseMedicinePrescription } else { Domain::MedicationDispensed };
    let key = key(context, rxa, order);
    let (status, retracted) = status(&given);
    let date = ts::day(given.start);
    let version = Version { rank: given.action.rank(), at: order.placed.at, date, level: drug.level, retracted };
    let of = Of { subject: patient.subject, visit: patient.visit, domain, of: &key, version, part_of: None };
    let observations = loose::observations(context, section.observed.iter(), of);
    let route =
        if section.routes.is_empty() { order.shared.route.clone() } else { rxr::read(context, &section.routes) };
    let make = Make {
        form: cwe::field(rxa, context, 8),
        strength: drug::strength(context, rxa, [13, 14, 23, 24]),
        ingredients: ingredients.list,
        contained: ingredients.contained,
        manufacturer: given.manufacturer.clone(),
        lot: given.lot.clone(),
        expires: given.expires.map(|time| context.written(time)),
    };
    let (member, medication, contained) = drug::member(&drug, make);
    let (name, when) = effective;
    let performers = given.performers.iter().map(|actor| Object::sized(1).put("actor", actor.clone()).into()).collect();
    let request = dispense::request(context, order, prescription);
    let resource = context
        .resource("MedicationAdministration", &key.resource_id())
        .list("contained", contained)
        .list("identifier", order.identifiers(context))
        .text("status", status)
        .list("statusReason", given.refusals.clone())
        .put(member, medication)
        .put("subject", patient.subject.reference())
        .maybe("context", patient.visit.map(Visit::reference))
        .list("supportingInformation", observations.iter().map(|record| reference_to(&record.key).into()).collect())
        .put(name, when)
        .list("performer", performers)
        .list("reasonCode", given.reasons.clone())
        .maybe("request", request)
        .list("note", notes(context, section))
        .put("dosage", dosage(context, section, given, route));
    // What the domain of a vaccine has a place for, and this resource has not.
    for number in [11, 22, 27] {
        if rxa.has(number) {
            context.note(NoteCode::UnusedField, rxa.field_place(number), "a dose of a medicine has no place for it");
        }
    }
    let mut records = vec![context.record(domain, key, version, resource)];
    records.extend(observations);
    records
}

/// RXA-3 and RXA-4 → effective[x]; a fault without a time, which R4 wants.
fn effective<'m>(context: &Context<'m>, rxa: &Seg<'m>, given: &Given) -> Option<(&'static str, Json)> {
    let end = ts::field(rxa, context, 4);
    let Some(start) = given.start else {
        if given.start_text.is_empty() {
            context.missing(rxa, 3, "when it was given is missing");
        } else {
            let text = "when it was given is no time: a dose without one is no record";
            context.fault(Reason::Unmappable, rxa.field_place(3), rxa.offset(3), text);
        }
        return None;
    };
    let written = |time| context.written(time);
    Some(match end.filter(|end| *end != start) {
        Some(end) => ("effectivePeriod", period(Some(written(start)), Some(written(end))).into()),
        None => ("effectiveDateTime", written(start).into()),
    })
}

/// The order with the counters of RXA-1 and RXA-2.
fn key<'m>(context: &Context<'m>, rxa: &Seg<'m>, order: &Order) -> RecordKey {
    let (give, administration) = (rxa.text(context, 1), rxa.text(context, 2));
    let number: Vec<String> = match (&order.placed.placer, &order.placed.filler) {
        (Some(placer), _) => vec![placer.key()],
        (None, Some(filler)) => vec!["FILL".to_owned(), filler.key()],
        (None, None) => {
            let text = "no order number: keyed by the control id";
            context.note(NoteCode::DerivedId, rxa.place(), text);
            vec!["MSH-10".to_owned(), context.header().control_id.clone(), rxa.place()]
        }
    };
    let counters = ["dose", &*give, &*administration];
    let parts: Vec<&str> = number.iter().map(String::as_str).chain(counters).collect();
    context.key("MedicationAdministration", &parts)
}

/// RXA-20 and RXA-21 → status, and whether it is taken back.
const fn status(given: &Given) -> (&'static str, bool) {
    match (given.action, given.completion, given.has_completion) {
        (Action::Delete, _, _) => ("entered-in-error", true),
        (_, Some([_, status]), _) => (status, false),
        (_, None, true) => ("unknown", false),
        (_, None, false) => ("completed", false),
    }
}

/// RXA-9 and NTE → note.
fn notes<'m>(context: &Context<'m>, section: &Section<'_, 'm>) -> Vec<Json> {
    let own = section.head.all(context, 9).map(|value| {
        let (code, text) = (value.text(1), value.text(2));
        value.ask(3);
        annotation(if text.is_empty() { &code } else { &text }).into()
    });
    own.chain(section.comments.iter().map(|comment| nte::note(context, comment).into())).collect()
}

/// The dose with its way; a way without a dose is noted, for R4 has no place for it (mad-1).
fn dosage<'m>(context: &Context<'m>, section: &Section<'_, 'm>, given: Given, route: Route) -> Object {
    let per = section.head.first(context, 12).and_then(|value| {
        let time = repeat::old_duration(&value.text(1)).and_then(|(length, _)| length);
        if time.is_none() || given.amount.is_none() {
            value.note(NoteCode::UnmappedCode, "the unit of time, or the amount given in it, cannot be read: left out");
        }
        time
    });
    let has_way = route.route.is_some() || route.site.is_some() || route.method.is_some();
    let Some(amount) = given.amount else {
        if let (true, Some(rxr)) = (has_way, section.routes.first()) {
            context.note(NoteCode::UnusedSegment, rxr.place(), "a route without an amount has no place in R4");
        }
        return Object::new();
    };
    let instructions: Vec<String> =
        route.instructions.iter().filter_map(|way| way.get("text").and_then(Json::as_str)).map(str::to_owned).collect();
    let rate = per.map(|time| Object::sized(2).put("numerator", amount.clone()).put("denominator", time));
    Object::sized(6)
        .text("text", &instructions.join("; "))
        .maybe("site", route.site)
        .maybe("route", route.route)
        .maybe("method", route.method)
        .put("dose", amount)
        .maybe("rateRatio", rate)
}
