//! MedicationDispense: RXD with the order it answers. The IG has no map of it.

use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;
use jiff::civil;

use super::drug::{self, Make};
use super::group::Section;
use super::order::{Order, Patient};
use super::ordered;
use super::timing::Timing;
use super::{dosage, herbal};
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, annotation, concept, identifier, logical, reference_to};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, pl, quantity, ts, xcn};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::segment::obx::loose::{self, Of};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{nte, rxr, tq1};

/// Maps one dispensing: the MedicationDispense, then its Observations. `prescription` is the record of the order, where
/// the message carries it.
pub(crate) fn records<'m>(
    context: &Context<'m>,
    section: &Section<'_, 'm>,
    patient: Patient<'_>,
    order: &Order,
    prescription: Option<&RecordKey>,
) -> Vec<Record> {
    let rxd = section.head;
    let mut drug = rxd.first(context, 2).map(|value| drug::code(&value));
    for value in rxd.all(context, 25) {
        let further = drug::code(&value);
        if let Some(drug) = &mut drug {
            drug.add(further);
        }
    }
    let Some(drug) = drug.filter(|drug| !drug.concept.is_empty()) else {
        section.pass_over();
        context.missing(rxd, 2, "what was dispensed is missing");
        return Vec::new();
    };
    let handed_over = ts::field(rxd, context, 3);
    let day = ts::day(handed_over);
    drug.note_registration(day, || rxd.field_place(2), context);
    let key = key(context, section, order, day);
    let ingredients = herbal::read(context, &section.components, drug.is_chinese);
    let level = ingredients.level.map_or(drug.level, |level| level.min(drug.level.max(level)));
    let is_chinese = drug.is_chinese || ingredients.is_chinese || order.is_chinese();
    let domain = if is_chinese { Domain::ChineseMedicinePrescription } else { Domain::MedicationDispensed };
    let status = status(order.placed.status, handed_over.is_some());
    let retracted = status.retracted;
    let version = Version { rank: status.rank, at: order.placed.at, date: day, level, retracted };
    let of = Of { subject: patient.subject, visit: patient.visit, domain, of: &key, version, part_of: None };
    let observations = loose::observations(context, section.observed.iter(), of);
    let request = request(context, order, prescription);
    let (member, medication, contained) =
        drug::member(&drug, make(context, section, ingredients.list, ingredients.contained));
    let resource = context
        .resource("MedicationDispense", &key.resource_id())
        .list("contained", contained)
        .list("identifier", identifiers(context, section, order))
        .text("status", status.code)
        .put(member, medication)
        .put("subject", patient.subject.reference())
        .maybe("context", patient.visit.map(Visit::reference))
        .list("supportingInformation", observations.iter().map(|record| reference_to(&record.key).into()).collect())
        .list("performer", performers(context, section))
        .list("authorizingPrescription", request.into_iter().collect())
        .put("type", kind(context, section))
        .maybe("quantity", ordered::amount(context, rxd, [4, 5]))
        .maybe("daysSupply", order.timings.iter().find_map(Timing::supply))
        .maybe("whenHandedOver", handed_over.map(|time| context.written(time)))
        .maybe("destination", rxd.first(context, 13).map(|value| pl::read(&value).reference))
        .list("note", notes(context, section))
        .list("dosageInstruction", dosages(context, section, order, ingredients.instructions))
        .put("substitution", substitution(context, section));
    let mut records = vec![context.record(domain, key, version, resource)];
    records.extend(observations);
    records
}

/// The filler's number, or else the prescription's, or the placer's, with the counter of RXD-1; without a counter the
/// day.
fn key<'m>(context: &Context<'m>, section: &Section<'_, 'm>, order: &Order, day: Option<civil::Date>) -> RecordKey {
    let rxd = section.head;
    let derived = |text: &str| context.note(NoteCode::DerivedId, rxd.field_place(1), text);
    let (prescription, counter) = (rxd.text(context, 7), rxd.text(context, 1));
    let number: Vec<String> = match (&order.placed.filler, &order.placed.placer) {
        (Some(filler), _) => vec![filler.key()],
        (None, _) if !prescription.is_empty() => vec!["prescription".to_owned(), prescription.into_owned()],
        (None, Some(placer)) => vec!["PLAC".to_owned(), placer.key()],
        (None, None) => {
            derived("no number of an order or prescription: keyed by the control id");
            vec!["MSH-10".to_owned(), context.header().control_id.clone(), rxd.place()]
        }
    };
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    let which = if counter.is_empty() { ["day", &*day] } else { ["dispense", &*counter] };
    if counter.is_empty() {
        derived("no dispense counter: told apart from others of the order by its day");
    }
    let parts: Vec<&str> = number.iter().map(String::as_str).chain(which).collect();
    context.key("MedicationDispense", &parts)
}

/// The status of a dispensing. What the order's status calls in force, or leaves open, is completed once it has a time;
/// what stops the order after that does not take the medicine back, but a cancellation says it was never handed over.
/// The ladder: not told or in progress (0, 1), completed (2), cancelled, stopped or in error (3).
fn status(of_order: Status, is_dispensed: bool) -> Status {
    match (of_order.code, is_dispensed) {
        ("active" | "unknown" | "completed", true) => Status { code: "completed", rank: 2, retracted: false },
        ("active", false) => Status { code: "in-progress", ..of_order },
        (_, _) => of_order,
    }
}

fn identifiers<'m>(context: &Context<'m>, section: &Section<'_, 'm>, order: &Order) -> Vec<Json> {
    let filler = order.placed.filler.as_ref().map(|filler| filler.identifier(context, "filler", "FILL").into());
    let number = identifier(&context.urn("prescription", ""), &section.head.text(context, 7));
    filler.into_iter().chain([number.into()]).collect()
}

/// The order: its record in this message, or else its number.
pub(super) fn request(context: &Context<'_>, order: &Order, record: Option<&RecordKey>) -> Option<Json> {
    let by_number = || {
        let placer = order.placed.placer.as_ref()?;
        Some(logical("MedicationRequest", placer.identifier(context, "placer", "PLAC"), ""))
    };
    record.map(reference_to).or_else(by_number).map(Json::from)
}

/// RXD-6, RXD-16 to RXD-20, RXD-28 and RXD-29 → Medication.
fn make<'m>(context: &Context<'m>, section: &Section<'_, 'm>, ingredients: Vec<Json>, contained: Vec<Json>) -> Make {
    let rxd = section.head;
    Make {
        form: cwe::field(rxd, context, 6),
        strength: drug::strength(context, rxd, [16, 17, 28, 29]),
        ingredients,
        contained,
        manufacturer: rxd.first(context, 20).map(|value| drug::organisation(&value, "manufacturer")),
        lot: rxd.text(context, 18).into_owned(),
        expires: ts::date_time(rxd, context, 19),
    }
}

/// RXD-10 → performer.
fn performers<'m>(context: &Context<'m>, section: &Section<'_, 'm>) -> Vec<Json> {
    let actors = section.head.all(context, 10).map(|value| xcn::read(&value)).filter(|actor| !actor.is_empty());
    actors.map(|actor| Object::sized(1).put("actor", actor).into()).collect()
}

/// RXD-33 → type.
fn kind<'m>(context: &Context<'m>, section: &Section<'_, 'm>) -> Object {
    let value = section.head.first(context, 33);
    value.map(|value| cwe::of_table(&value, |code| codes::DISPENSE_TYPE.concept(code))).unwrap_or_default()
}

/// RXD-9 and NTE → note.
fn notes<'m>(context: &Context<'m>, section: &Section<'_, 'm>) -> Vec<Json> {
    let own = section.head.all(context, 9).map(|value| annotation(&value.whole()).into());
    own.chain(section.comments.iter().map(|comment| nte::note(context, comment).into())).collect()
}

/// What the order says of the dose, with the routes and instructions of the dispensing.
fn dosages<'m>(context: &Context<'m>, section: &Section<'_, 'm>, order: &Order, of_herbs: Vec<Json>) -> Vec<Json> {
    let rxd = section.head;
    let mut instructions: Vec<Json> = cwe::fields(rxd, context, 15);
    instructions.extend(if of_herbs.is_empty() { order.shared.instructions.clone() } else { of_herbs });
    let own: Vec<Timing> = section.timing.iter().map(|segment| tq1::read(context, segment)).collect();
    let timings = if own.is_empty() { &order.timings } else { &own };
    let route =
        if section.routes.is_empty() { order.shared.route.clone() } else { rxr::read(context, &section.routes) };
    let daily = rxd.first(context, 12).and_then(|value| daily(&value));
    let shared = dosage::Shared {
        dose: order.shared.dose.clone(),
        rate: order.shared.rate.clone(),
        instructions,
        daily: daily.or_else(|| order.shared.daily.clone()),
        route,
    };
    dosage::dosages(context, timings, &shared, "")
}

/// RXD-12: the most in a day.
fn daily(value: &crate::hl7v2::reader::Value<'_, '_>) -> Option<Json> {
    quantity::composite(value).map(|most| Json::shared(ordered::a_day(most)))
}

/// RXD-11 → substitution.
fn substitution<'m>(context: &Context<'m>, section: &Section<'_, 'm>) -> Object {
    let Some(value) = section.head.first(context, 11) else { return Object::new() };
    let sent = value.text(1);
    match codes::SUBSTITUTION.row(&format!("S-{sent}")) {
        Some([_, system, was, _]) => {
            Object::sized(2).put("wasSubstituted", *was == "y").put("type", concept(*system, &sent, ""))
        }
        None => {
            cwe::unmapped(&value);
            Object::new()
        }
    }
}
