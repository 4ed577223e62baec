//! AIL, location of an appointment: IG map `AIL[Appointment]`.

use super::sch;
use crate::fhir::Json;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::pl;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "AIL",
    title: "Appointment information - location resource",
    ig: "AIL[Appointment]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Segment action code", "D: the place takes no part"),
        required(3, "Location resource id", "Appointment.participant.actor").but("A reference by identifier and name"),
        used(4, "Location type", "Appointment.participant.type"),
        kept(5, "Location group", ""),
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
pub(crate) fn participant<'m>(context: &Context<'m>, ail: &Seg<'m>) -> Option<Json> {
    // AIL-3 → participant.actor
    let actor = ail.first(context, 3).map(|value| pl::read(&value).reference);
    // AIL-6 → participant.period.start; AIL-12 → participant.status
    sch::participant(context, ail, actor, (6, 12), "the place of the appointment is missing")
}
