//! OMP, RDE, RDS and RAS: medicines ordered, encoded, dispensed and given; with the O01 events of v2.3. The IG has no
//! message maps of them.

use std::collections::BTreeSet;

use causeway_core::record::RecordKey;

use super::{Output, Says, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ei::Entity;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::medication::group::{self, Group};
use crate::hl7v2::medication::order::{self, Order, Patient, Voice};
use crate::hl7v2::medication::{administration, dispense};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{al1, iam};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_orders("OMP", "O09", "Pharmacy/treatment order"),
    of_orders("RDE", "O11", "Pharmacy/treatment encoded order"),
    of_orders("RDE", "O25", "Pharmacy/treatment refill authorisation request"),
    of_orders("RDE", "O01", "Pharmacy/treatment encoded order (v2.3)"),
    of_event("RDS", "O13", "Pharmacy/treatment dispense", &["PID", "RXD"], DISPENSED),
    of_event("RDS", "O01", "Pharmacy/treatment dispense (v2.3)", &["PID", "RXD"], DISPENSED),
    of_event("RAS", "O17", "Pharmacy/treatment administration", &["PID", "RXA"], GIVEN),
    of_event("RAS", "O01", "Pharmacy/treatment administration (v2.3)", &["PID", "RXA"], GIVEN),
];

/// What an order can bring with it.
pub(crate) const ORDERED: &[&str] =
    &["PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "TQ1", "TQ2", "RXO", "RXE", "RXR", "RXC", "NTE", "OBX", "DG1"];
/// What a dispensing can bring with it.
const DISPENSED: &[&str] =
    &["PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "ORC", "TQ1", "TQ2", "RXO", "RXE", "RXR", "RXC", "NTE", "OBX"];
/// What a dose can bring with it.
const GIVEN: &[&str] = DISPENSED;

const fn of_orders(code: &'static str, event: &'static str, title: &'static str) -> Trigger {
    Trigger { code, event, title, ig: "", required: &["PID", "ORC"], optional: ORDERED, map: orders }
}

const fn of_event(
    code: &'static str,
    event: &'static str,
    title: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Trigger {
    Trigger { code, event, title, ig: "", required, optional, map: done }
}

/// The segments that begin a section of a group.
const HEADS: &[&str] = &["RXO", "RXE", "RXD", "RXA"];

/// Maps orders: the Patient, the visit, and a MedicationRequest for each order.
fn orders<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some(head) = head(context, segments, output) else { return };
    let groups = group::groups(segments, HEADS, |segment| group::stray(context, segment));
    let mut orders = Orders::default();
    for group in &groups {
        orders.map(context, group, head.patient(), output);
    }
}

/// The orders of a message, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// The order that the next one replaces.
    replaced: Option<Entity>,
    seen: BTreeSet<RecordKey>,
}

impl Orders {
    /// Maps one.
    pub(crate) fn map<'m>(
        &mut self,
        context: &Context<'m>,
        group: &Group<'_, 'm>,
        patient: Patient<'_>,
        output: &mut Output,
    ) {
        for name in ["RXO", "RXE"] {
            for second in group.all(name).skip(1) {
                second.has_no_place(context, "a second one behind one ORC: only the first is used");
            }
        }
        let order = Order::read(context, group);
        let records = order::records(context, group, patient, (&order, Voice::Own), self.replaced.as_ref());
        // RP, RQ or RU names the order that goes, the RO behind it the one that comes.
        let goes = matches!(&*order.placed.control, "RP" | "RQ" | "RU");
        self.replaced = if goes { order.placed.placer } else { None };
        for record in records {
            if !self.seen.insert(record.key.clone()) {
                let place = group.sections.first().map(|section| section.head.place()).unwrap_or_default();
                context.note(
                    NoteCode::DerivedId,
                    place,
                    "the same order a second time in one message: the later one stands",
                );
                output.records.retain(|earlier| earlier.key != record.key);
            }
            output.records.push(record);
        }
    }
}

/// Maps what was done: the Patient, the visit, a copy of each order where the message carries it, and a
/// MedicationDispense or MedicationAdministration for each thing done.
fn done<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some(head) = head(context, segments, output) else { return };
    let groups = group::groups(segments, HEADS, |segment| group::stray(context, segment));
    for group in &groups {
        let patient = head.patient();
        let order = Order::read(context, group);
        let prescription = copy(context, group, patient, &order, output);
        for section in &group.sections {
            let records = match section.head.name() {
                "RXD" => dispense::records(context, section, patient, &order, prescription.as_ref()),
                "RXA" => administration::records(context, section, patient, &order, prescription.as_ref()),
                _ => Vec::new(),
            };
            for record in records {
                let is_known = output.records.iter().any(|earlier| earlier.key == record.key);
                if is_known {
                    let text = "the same number a second time in one message: the later one stands";
                    context.note(NoteCode::DerivedId, section.head.place(), text);
                    output.records.retain(|earlier| earlier.key != record.key);
                }
                output.records.push(record);
            }
        }
    }
}

/// The order that was dispensed or given, where the message carries RXO or RXE. Without them nothing says what ORC has no
/// place for in what was done.
fn copy<'m>(
    context: &Context<'m>,
    group: &Group<'_, 'm>,
    patient: Patient<'_>,
    order: &Order,
    output: &mut Output,
) -> Option<RecordKey> {
    if order.has_detail {
        let records = order::records(context, group, patient, (order, Voice::Copy), None);
        let key = records.first().map(|record| record.key.clone());
        output.records.extend(records);
        return key;
    }
    let orc = group.section("ORC")?;
    no_place(context, orc.head, &[4, 8, 10, 12, 15, 16], "without RXO or RXE there is no order to keep it with");
    for segment in orc.sequence.iter().chain(&orc.comments).chain(&orc.others) {
        context.note(NoteCode::UnusedSegment, segment.place(), "without RXO or RXE there is no order to keep it with");
        segment.keep();
    }
    None
}

/// Notes fields that hold something no record has a place for.
pub(crate) fn no_place<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: &[usize], text: &str) {
    for field in fields.iter().filter(|field| segment.has(**field)) {
        context.note(NoteCode::UnusedField, segment.field_place(*field), text);
    }
}

/// Whom a message of orders is about, and during which visit.
#[derive(Debug)]
pub(crate) struct Head {
    subject: Subject,
    visit: Option<Visit>,
}

impl Head {
    /// For the orders.
    pub(crate) const fn patient(&self) -> Patient<'_> {
        Patient { subject: &self.subject, visit: self.visit.as_ref() }
    }
}

/// Maps PID, PV1, AL1 and IAM. `None`, with a fault, when nobody can be told from PID.
pub(crate) fn head<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) -> Option<Head> {
    let version = super::version(context, Says::Copy);
    let subject = super::patient(context, segments, output, version, |_, _| Vec::new())?;
    let visit = super::visit(context, segments, output, &subject, version);
    let undated = Version { rank: 0, date: None, ..version };
    for segment in segments.iter() {
        let record = match segment.name() {
            "AL1" => al1::allergy(context, segment, &subject, None, undated),
            "IAM" => iam::allergy(context, segment, &subject, None, undated),
            _ => None,
        };
        output.records.extend(record);
    }
    Some(Head { subject, visit })
}
