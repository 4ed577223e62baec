//! AIP, personnel of an appointment: IG map `AIP[Appointment]`.

use super::sch;
use crate::fhir::Json;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::xcn;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "AIP",
    title: "Appointment information - personnel resource",
    ig: "AIP[Appointment]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Segment action code", "D: the person takes no part"),
        required(3, "Personnel resource id", "Appointment.participant.actor").but("A reference by identifier and name"),
        used(4, "Resource type", "Appointment.participant.type"),
        kept(5, "Resource group", ""),
        used(6, "Start date/time", "Appointment.participant.period.start"),
        kept(7, "Start date/time offset", ""),
        kept(8, "Start date/time offset units", ""),
        kept(9, "Duration", ""),
        kept(10, "Duration units", ""),
        kept(11, "Allow substitution code", ""),
        used(12, "Filler status code", "Appointment.participant.status"),
    ],
};

/// A participant; `None` when it is taken out, or, with a fault, when it names none.
pub(crate) fn participant<'m>(context: &Context<'m>, aip: &Seg<'m>) -> Option<Json> {
    // AIP-3 → participant.actor
    let actor = aip.first(context, 3).map(|value| xcn::read(&value));
    // AIP-6 → participant.period.start; AIP-12 → participant.status
    sch::participant(context, aip, actor, (6, 12), "who takes part in the appointment is missing")
}
