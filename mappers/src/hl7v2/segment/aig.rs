//! AIG, general resource of an appointment: IG map `AIG[Appointment]`.

use super::sch;
use crate::fhir::{Json, identifier, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "AIG",
    title: "Appointment information - general resource",
    ig: "AIG[Appointment]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Segment action code", "D: the resource takes no part"),
        required(3, "Resource id", "Appointment.participant.actor, a device").but("A reference by identifier and name"),
        used(4, "Resource type", "Appointment.participant.type"),
        kept(5, "Resource group", ""),
        kept(6, "Resource quantity", ""),
        kept(7, "Resource quantity units", ""),
        used(8, "Start date/time", "Appointment.participant.period.start"),
        kept(9, "Start date/time offset", ""),
        kept(10, "Start date/time offset units", ""),
        kept(11, "Duration", ""),
        kept(12, "Duration units", ""),
        kept(13, "Allow substitution code", ""),
        used(14, "Filler status code", "Appointment.participant.status"),
    ],
};

/// A participant; `None` when it is taken out, or, with a fault, when it names none.
pub(crate) fn participant<'m>(context: &Context<'m>, aig: &Seg<'m>) -> Option<Json> {
    // AIG-3 → participant.actor
    let actor = aig.first(context, 3).map(|value| {
        let (code, name) = (value.text(1), value.text(2));
        value.ask(3);
        let shown = if name.is_empty() { &code } else { &name };
        logical("Device", identifier(&context.urn("resource", ""), &code), shown)
    });
    // AIG-8 → participant.period.start; AIG-14 → participant.status
    sch::participant(context, aig, actor, (8, 14), "the resource of the appointment is missing")
}
