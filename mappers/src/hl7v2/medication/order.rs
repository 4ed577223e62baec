//! MedicationRequest: what ORC, RXO and RXE of one order say together. IG map `RXO[MedicationRequest]`.

use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};
use jiff::civil;

use super::dosage::{self, Shared};
use super::drug::{self, Code, Make};
use super::group::Group;
use super::herbal::{self, Ingredients};
use super::ordered::{self, Ordered};
use super::timing::Timing;
use crate::codes::Status;
use crate::fhir::{Json, Object, identifier, logical, reference_to};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ei::Entity;
use crate::hl7v2::datatype::{tq, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::segment::obx::loose::{self, Of};
use crate::hl7v2::segment::orc::pharmacy::{self, Placed};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{dg1, nte, rxe, rxo, rxr, tq1, tq2};

/// How much a message has to say about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// It is about the order.
    Own,
    /// It is about something done on the order, and carries a copy of it: never above what the order's own messages say.
    Copy,
}

/// What a message of orders shares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patient<'a> {
    /// Whom it is about.
    pub(crate) subject: &'a Subject,
    /// During which visit.
    pub(crate) visit: Option<&'a Visit>,
}

/// An order as read, for what is done on it.
#[derive(Debug)]
pub(crate) struct Order {
    /// ORC.
    pub(crate) placed: Placed,
    /// RXE, or else RXO.
    pub(crate) ordered: Ordered,
    /// TQ1, RXE-1 or ORC-7.
    pub(crate) timings: Vec<Timing>,
    /// The components.
    pub(crate) ingredients: Ingredients,
    /// Dosage as ordered.
    pub(crate) shared: Shared,
    /// Whether RXO or RXE is there.
    pub(crate) has_detail: bool,
}

/// The sections of an order.
const ORDERED: &[&str] = &["RXO", "RXE"];

impl Order {
    /// Reads the sections of a group that are about the order.
    pub(crate) fn read<'m>(context: &Context<'m>, group: &Group<'_, 'm>) -> Self {
        let orc = group.section("ORC");
        let mut placed = orc.map_or_else(|| Placed::none(context), |orc| pharmacy::read(context, orc.head));
        let requested = group.section("RXO").map(|rxo| ordered::read(context, rxo.head, &rxo::FIELDS));
        let encoded = group.section("RXE").map(|rxe| ordered::read(context, rxe.head, &rxe::FIELDS));
        let has_detail = requested.is_some() || encoded.is_some();
        let ordered = encoded.unwrap_or_default().or(requested.unwrap_or_default());
        let segments = group.last_of(&["ORC", "RXO", "RXE"], |section| &section.timing);
        let mut timings: Vec<Timing> = segments.iter().map(|segment| tq1::read(context, segment)).collect();
        let old: Vec<Timing> = group
            .section("RXE")
            .into_iter()
            .flat_map(|rxe| rxe.head.all(context, 1).map(|value| tq::read(&value)))
            .collect();
        let of_orc = std::mem::take(&mut placed.timings);
        for older in [old, of_orc] {
            timings = if timings.is_empty() { older } else { timings };
        }
        let is_chinese = ordered.drug.as_ref().is_some_and(|drug| drug.is_chinese);
        let components = group.last_of(ORDERED, |section| &section.components);
        let ingredients = herbal::read(context, components, is_chinese);
        let instructions = ordered.instructions.iter().chain(&ingredients.instructions).cloned().collect();
        let shared = Shared {
            dose: ordered.dose.clone(),
            rate: ordered.rate.clone(),
            instructions,
            daily: ordered.daily.clone(),
            route: rxr::read(context, group.last_of(ORDERED, |section| &section.routes)),
        };
        Self { placed, ordered, timings, ingredients, shared, has_detail }
    }

    /// Whether it is a Chinese medicine, or holds one.
    pub(crate) fn is_chinese(&self) -> bool {
        self.ingredients.is_chinese || self.ordered.drug.as_ref().is_some_and(|drug| drug.is_chinese)
    }

    /// When it was ordered; else when it begins.
    pub(crate) fn day(&self) -> Option<civil::Date> {
        let starts = self.timings.iter().find_map(Timing::day);
        ts::day(self.authored())
            .or(starts)
            .or_else(|| ts::day(self.placed.effective))
            .or_else(|| ts::day(self.placed.event))
    }

    /// RXE-32; else the time of the event that ordered it.
    fn authored(&self) -> Option<causeway_core::hl7v2::time::Hl7Time> {
        let is_new = matches!(&*self.placed.control, "NW" | "RO" | "PA" | "CH" | "OP" | "PY");
        self.ordered.authored.or(self.placed.event.filter(|_| is_new))
    }

    /// The numbers as Identifiers: the placer's, the filler's, the prescription's.
    pub(crate) fn identifiers(&self, context: &Context<'_>) -> Vec<Json> {
        let number = |entity: &Option<Entity>, kind: &str, type_code: &str| {
            entity.as_ref().map(|entity| entity.identifier(context, kind, type_code).into())
        };
        let placer = number(&self.placed.placer, "placer", "PLAC");
        let filler = number(&self.placed.filler, "filler", "FILL");
        let own = identifier(&context.urn("prescription", ""), &self.ordered.prescription);
        placer.into_iter().chain(filler).chain([own.into()]).collect()
    }

    /// The key: the placer's number; else the filler's, else the prescription's, else the control id and the place.
    pub(crate) fn key(&self, context: &Context<'_>, place: &str) -> RecordKey {
        let derived = |text: &str| context.note(NoteCode::DerivedId, place.to_owned(), text);
        let Placed { placer, filler, .. } = &self.placed;
        let key = |parts: &[&str]| context.key("MedicationRequest", parts);
        match (placer, filler) {
            (Some(placer), _) => key(&[&placer.key()]),
            (None, Some(filler)) => {
                derived("no placer order number: keyed by the filler's");
                key(&["FILL", &filler.key()])
            }
            (None, None) if !self.ordered.prescription.is_empty() => {
                derived("no order number: keyed by that of the prescription");
                key(&["prescription", &self.ordered.prescription])
            }
            (None, None) => {
                derived("no order number: keyed by the control id");
                key(&["MSH-10", &context.header().control_id, place])
            }
        }
    }
}

/// Maps an order: the MedicationRequest first, then what it refers to. Nothing, with a fault, when it says no drug and is
/// not only taken back. `replaced` is the order it replaces, of the group before it.
pub(crate) fn records<'m>(
    context: &Context<'m>,
    group: &Group<'_, 'm>,
    patient: Patient<'_>,
    (order, voice): (&Order, Voice),
    replaced: Option<&Entity>,
) -> Vec<Record> {
    let Some(first) = group.sections.first() else { return Vec::new() };
    let Some(drug) = drug(context, group, order) else {
        group
            .sections
            .iter()
            .filter(|section| is_of_order(section.head.name()))
            .for_each(super::group::Section::pass_over);
        return Vec::new();
    };
    let domain = if order.is_chinese() { Domain::ChineseMedicinePrescription } else { Domain::MedicationPrescribed };
    let key = order.key(context, &first.head.place());
    let day = order.day();
    let place = || group.sections.last().map(|section| section.head.place()).unwrap_or_default();
    drug.note_registration(day, place, context);
    let level = order
        .ingredients
        .level
        .map_or(drug.level, |level| if drug.concept.has("coding") { level.min(drug.level) } else { level });
    let status = match voice {
        Voice::Own => order.placed.status,
        Voice::Copy => Status { rank: 0, retracted: false, ..order.placed.status },
    };
    let version = Version { rank: status.rank, at: order.placed.at, date: day, level, retracted: status.retracted };
    let mut others = Vec::new();
    let reasons = diagnoses(context, group, patient, version, &mut others);
    let supporting = supporting(context, group, patient, (domain, &key, version), &mut others);
    let resource =
        resource(context, group, patient, Parts { order, drug, key: &key, status, replaced, reasons, supporting });
    let mut records = vec![context.record(domain, key, version, resource)];
    records.extend(others);
    records
}

/// Whether a section is about the order, and not about what is done on it.
fn is_of_order(name: &str) -> bool {
    name == "ORC" || ORDERED.contains(&name)
}

/// The drug. An order that is cancelled or stopped may come without: its version must not wait for a copy.
fn drug<'m>(context: &Context<'m>, group: &Group<'_, 'm>, order: &Order) -> Option<Code> {
    if let Some(drug) = &order.ordered.drug {
        return Some(Code { concept: drug.concept.clone(), key: drug.key.clone(), ..*drug });
    }
    let detail = group.section("RXE").or_else(|| group.section("RXO"));
    let (head, field) = detail.or(group.sections.first()).map(|section| match section.head.name() {
        "RXE" => (section.head, 2),
        _ => (section.head, 1),
    })?;
    if order.placed.status.rank >= 3 {
        let text = "the order is taken back without its drug: the drug is said to be unknown";
        context.note(NoteCode::MissingField, head.field_place(field), text);
        return Some(Code::unknown());
    }
    if order.has_detail {
        context.missing(head, field, "the drug is missing");
    } else {
        let text = "the order comes without RXO and RXE: what is ordered is not known here";
        context.fault(Reason::MissingSegment, head.place(), head.offset(1), text);
        head.keep();
    }
    None
}

/// DG1 → reasonReference, with a Condition of its own.
fn diagnoses<'m>(
    context: &Context<'m>,
    group: &Group<'_, 'm>,
    patient: Patient<'_>,
    version: Version,
    records: &mut Vec<Record>,
) -> Vec<Json> {
    let segments = group.all_of(&["ORC", "RXO", "RXE"], |section| &section.diagnoses);
    let version = Version { rank: 0, retracted: false, level: Level::Structured, ..version };
    let found = segments.into_iter().filter_map(|segment| {
        let diagnosis = dg1::diagnosis(context, segment, patient.subject, patient.visit, version)?;
        let reference = reference_to(&diagnosis.record.key).into();
        if !records.iter().any(|record| record.key == diagnosis.record.key) {
            records.push(diagnosis.record);
        }
        Some(reference)
    });
    found.collect()
}

/// OBX of the order → supportingInformation, with Observations of their own; TQ2 → logical References.
fn supporting<'m>(
    context: &Context<'m>,
    group: &Group<'_, 'm>,
    patient: Patient<'_>,
    (domain, key, version): (Domain, &RecordKey, Version),
    records: &mut Vec<Record>,
) -> Vec<Json> {
    let of = Of { subject: patient.subject, visit: patient.visit, domain, of: key, version, part_of: None };
    let observed = group.sections.iter().filter(|section| is_of_order(section.head.name())).flat_map(|s| &s.observed);
    let found = loose::observations(context, observed, of);
    let mut references: Vec<Json> = found.iter().map(|record| reference_to(&record.key).into()).collect();
    records.extend(found);
    let sequence = group.all_of(&["ORC", "RXO", "RXE"], |section| &section.sequence);
    references.extend(sequence.into_iter().flat_map(|segment| tq2::related(context, segment)));
    references
}

/// What the resource is made of.
struct Parts<'a> {
    order: &'a Order,
    drug: Code,
    key: &'a RecordKey,
    status: Status,
    replaced: Option<&'a Entity>,
    reasons: Vec<Json>,
    supporting: Vec<Json>,
}

fn resource<'m>(context: &Context<'m>, group: &Group<'_, 'm>, patient: Patient<'_>, parts: Parts<'_>) -> Object {
    let Parts { order, drug, key, status, replaced, reasons, supporting } = parts;
    let identifiers = order.identifiers(context);
    let authored = order.authored();
    let intent = if group.section("RXE").is_some() { "order" } else { "original-order" };
    let comments = group.all_of(&["ORC", "RXO", "RXE"], |section| &section.comments);
    let mut notes: Vec<Json> = comments.iter().map(|comment| nte::note(context, comment).into()).collect();
    notes.extend(order.ordered.notes.iter().cloned());
    let dosages = dosage::dosages(context, &order.timings, &order.shared, "ordered");
    let make = Make {
        form: order.ordered.form.clone(),
        strength: order.ordered.strength.clone(),
        ingredients: order.ingredients.list.clone(),
        contained: order.ingredients.contained.clone(),
        ..Make::default()
    };
    let (member, medication, contained) = drug::member(&drug, make);
    let by_number = |entity: &Entity| logical("MedicationRequest", entity.identifier(context, "placer", "PLAC"), "");
    let is_replacement = matches!(&*order.placed.control, "RO" | "PY");
    let replaced = replaced.or(order.placed.parent.as_ref()).filter(|_| is_replacement);
    let group_number = order.placed.group.as_ref().map(|group| group.identifier(context, "order-group", ""));
    let priority = order.timings.iter().map(|timing| timing.priority).find(|priority| !priority.is_empty());
    context
        .resource("MedicationRequest", &key.resource_id())
        .list("contained", contained)
        .list("identifier", identifiers)
        .text("status", status.code)
        .maybe("statusReason", order.placed.reason.clone())
        .text("intent", intent)
        .maybe("priority", priority)
        .put(member, medication)
        .put("subject", patient.subject.reference())
        .maybe("encounter", patient.visit.map(Visit::reference))
        .list("supportingInformation", supporting)
        .maybe("authoredOn", authored.map(|time| context.written(time)))
        .maybe("requester", order.placed.requester.clone())
        .maybe("recorder", order.placed.entered_by.clone())
        .list("reasonCode", order.ordered.reasons.clone())
        .list("reasonReference", reasons)
        .maybe("groupIdentifier", group_number)
        .list("note", notes)
        .list("dosageInstruction", dosages)
        .put("dispenseRequest", dispense_request(order))
        .put("substitution", order.ordered.substitution.clone())
        .maybe("priorPrescription", replaced.map(by_number))
}

/// MedicationRequest.dispenseRequest.
fn dispense_request(order: &Order) -> Object {
    Object::sized(6)
        .maybe("dispenseInterval", order.ordered.interval.clone())
        .maybe("numberOfRepeatsAllowed", order.ordered.refills)
        .maybe("quantity", order.ordered.quantity.clone())
        .maybe("expectedSupplyDuration", order.timings.iter().find_map(Timing::supply))
        .maybe("performer", order.ordered.pharmacy.clone())
}
