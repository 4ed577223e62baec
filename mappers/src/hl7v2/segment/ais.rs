//! AIS, service of an appointment: IG map `AIS[Appointment]`.

use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::scope::Level;

use super::sch;
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "AIS",
    title: "Appointment information - service",
    ig: "AIS[Appointment]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Segment action code", "D: the service is taken out"),
        required(3, "Universal service identifier", "Appointment.serviceType"),
        used(4, "Start date/time", "Appointment.start, where SCH-11 has none"),
        kept(5, "Start date/time offset", ""),
        kept(6, "Start date/time offset units", ""),
        used(7, "Duration", "Appointment.minutesDuration, where SCH-9 is not sent"),
        used(8, "Duration units", "As SCH-10"),
        kept(9, "Allow substitution code", ""),
        kept(10, "Filler status code", ""),
    ],
};

/// A service of an appointment.
#[derive(Debug)]
pub(crate) struct Service {
    /// AIS-3.
    pub(crate) kind: Object,
    /// How coded it is.
    pub(crate) level: Level,
    /// AIS-4.
    pub(crate) start: Option<Hl7Time>,
    /// AIS-7 with AIS-8.
    pub(crate) minutes: Option<u32>,
}

/// Reads one; `None` when it is taken out, or, with a fault, when it names none.
pub(crate) fn read<'m>(context: &Context<'m>, ais: &Seg<'m>) -> Option<Service> {
    // AIS-3 → serviceType
    let coded = ais.first(context, 3).map(|value| cwe::read(&value));
    // AIS-4 → start; AIS-7 → minutesDuration
    let (start, minutes) = (ts::field(ais, context, 4), sch::minutes(context, ais, 7));
    let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
        context.missing(ais, 3, "the service of the appointment is missing");
        return None;
    };
    if ais.text(context, 2) == "D" {
        return None;
    }
    Some(Service { kind: coded.concept, level: coded.level, start, minutes })
}
