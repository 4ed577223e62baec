//! SCH, scheduling activity information: IG map `SCH[Appointment]`.

use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::record::RecordKey;

use crate::codes;
use crate::fhir::{Json, Object, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ei, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::{Seg, Value};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "SCH",
    title: "Scheduling activity information",
    ig: "SCH[Appointment]",
    fields: &[
        used(1, "Placer appointment id", "Appointment.identifier PLAC; the key where there is no filler's"),
        used(2, "Filler appointment id", "Appointment.identifier FILL; the key"),
        used(3, "Occurrence number", "Part of the key: appointments of one series").but("The IG does not map it"),
        kept(5, "Schedule id", ""),
        used(6, "Event reason", "Appointment.cancelationReason, when it is cancelled")
            .but("R4's app-4 bars it where nobody came: it asks for the status `no-show`, which is spelt `noshow`"),
        used(7, "Appointment reason", "Appointment.reasonCode"),
        used(8, "Appointment type", "Appointment.appointmentType"),
        used(9, "Appointment duration", "Appointment.minutesDuration; Appointment.end, without one in SCH-11"),
        used(
            10,
            "Appointment duration units",
            "Appointment.minutesDuration: minutes, unless hours or seconds are said",
        ),
        used(11, "Appointment timing quantity", "Appointment.start, Appointment.end")
            .but("Without it TQ1-7 and TQ1-8, or AIS-4 and AIS-7; one that is booked and has no start or end is at fault (R4's app-3)"),
        kept(12, "Placer contact person", "").but("Staff who book are not part of the sharable scope"),
        kept(13, "Placer contact phone number", ""),
        kept(14, "Placer contact address", ""),
        kept(15, "Placer contact location", ""),
        kept(16, "Filler contact person", "").but("As SCH-12"),
        kept(17, "Filler contact phone number", ""),
        kept(18, "Filler contact address", ""),
        kept(19, "Filler contact location", ""),
        kept(20, "Entered by person", "").but("As SCH-12"),
        kept(21, "Entered by phone number", ""),
        kept(22, "Entered by location", ""),
        used(25, "Filler status code", "Appointment.status, where the event does not say it"),
        used(26, "Placer order number", "Appointment.basedOn, by identifier"),
        used(27, "Filler order number", "Appointment.basedOn, by identifier"),
    ],
};

/// An appointment as SCH has it.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// The key; `None` without a number.
    pub(crate) key: Option<RecordKey>,
    /// SCH-1 and SCH-2.
    pub(crate) identifiers: Vec<Json>,
    /// What table 0278 makes of SCH-25.
    pub(crate) status: Option<&'static str>,
    /// SCH-6.
    pub(crate) event_reason: Option<Object>,
    /// SCH-7 and SCH-8, as members of the resource.
    pub(crate) what: Object,
    /// SCH-26 and SCH-27.
    pub(crate) orders: Vec<Json>,
    /// SCH-11.4.
    pub(crate) start: Option<Hl7Time>,
    /// SCH-11.5.
    pub(crate) end: Option<Hl7Time>,
    /// SCH-9 with SCH-10.
    pub(crate) minutes: Option<u32>,
}

/// Reads SCH.
pub(crate) fn read<'m>(context: &Context<'m>, sch: &Seg<'m>) -> Schedule {
    // SCH-1, SCH-2 → identifier
    let (placer, filler) = (ei::field(sch, context, 1), ei::field(sch, context, 2));
    // SCH-3 → the key
    let occurrence = sch.text(context, 3);
    let number = match (&filler, &placer) {
        (Some(filler), _) => Some(filler.key()),
        (None, Some(placer)) => {
            context.note(NoteCode::DerivedId, sch.field_place(2), "no filler's number: keyed by the placer's");
            Some(format!("PLAC:{}", placer.key()))
        }
        (None, None) => None,
    };
    let key = number.map(|number| {
        let parts = if occurrence.is_empty() { vec![&*number] } else { vec![&*number, &*occurrence] };
        context.key("Appointment", &parts)
    });
    let identifier = |entity: &Option<ei::Entity>, kind: &str, type_code: &str| {
        entity.as_ref().map(|entity| Json::from(entity.identifier(context, kind, type_code)))
    };
    let identifiers = [identifier(&placer, "appointment", "PLAC"), identifier(&filler, "appointment", "FILL")];
    // SCH-7 → reasonCode; SCH-8 → appointmentType
    let of_type = |code: &str| codes::APPOINTMENT_TYPE.concept(code);
    let kind = sch.first(context, 8).map(|value| cwe::of_suggested(&value, "HL70277", of_type));
    let what = Object::sized(2).maybe("appointmentType", kind).list("reasonCode", cwe::fields(sch, context, 7));
    // SCH-26, SCH-27 → basedOn
    let orders = [(26, "placer", "PLAC"), (27, "filler", "FILL")].into_iter().filter_map(|(field, kind, type_code)| {
        let entity = ei::field(sch, context, field)?;
        Some(Json::from(logical("ServiceRequest", entity.identifier(context, kind, type_code), "")))
    });
    // SCH-11 → start, end
    let timing = sch.first(context, 11);
    let times = timing.as_ref().map(|value| {
        // How often and how urgently is a matter of the order.
        [1, 2, 3, 6].into_iter().for_each(|component| value.ask(component));
        (ts::read(value, 4), ts::read(value, 5))
    });
    let (start, end) = times.unwrap_or_default();
    Schedule {
        key,
        identifiers: identifiers.into_iter().flatten().collect(),
        // SCH-25 → status
        status: sch.first(context, 25).and_then(|value| status_of(&value)).map(|[appointment, _]| appointment),
        event_reason: cwe::field(sch, context, 6),
        what,
        orders: orders.collect(),
        start,
        end,
        minutes: minutes(context, sch, 9),
    }
}

/// What table 0278 says of an appointment and of one of its resources.
pub(crate) fn status_of(value: &Value<'_, '_>) -> Option<[&'static str; 2]> {
    [2, 3].into_iter().for_each(|component| value.ask(component));
    let found = codes::APPOINTMENT_STATUS.row(&value.text(1).to_ascii_uppercase());
    if found.is_none() {
        cwe::unmapped(value);
    }
    found.map(|[_, appointment, participant]| [*appointment, *participant])
}

/// A participant from AIG, AIL or AIP, which differ in where their fields stand; `None` when it is taken out, or, with a
/// fault, when it names none. `start` and `status` are the numbers of those fields.
pub(crate) fn participant<'m>(
    context: &Context<'m>,
    segment: &Seg<'m>,
    actor: Option<Object>,
    (start, status): (usize, usize),
    missing: &str,
) -> Option<Json> {
    // AIx-4 → participant.type
    let role = cwe::field(segment, context, 4);
    let period = Object::sized(1).maybe("start", ts::date_time(segment, context, start));
    let status = segment.first(context, status).and_then(|value| status_of(&value)).map_or("accepted", |[_, own]| own);
    let Some(actor) = actor.filter(|actor| !actor.is_empty()) else {
        context.missing(segment, 3, missing);
        return None;
    };
    if segment.text(context, 2) == "D" {
        return None;
    }
    let participant = Object::sized(4).one("type", role.unwrap_or_default()).put("actor", actor);
    Some(participant.text("status", status).put("period", period).into())
}

/// A duration, with its unit in the next field, in whole minutes.
pub(crate) fn minutes<'m>(context: &Context<'m>, segment: &Seg<'m>, field: usize) -> Option<u32> {
    let unit = segment.first(context, field.saturating_add(1)).map(|unit| {
        [2, 3].into_iter().for_each(|component| unit.ask(component));
        unit.text(1).to_ascii_lowercase()
    });
    let value = segment.first(context, field)?;
    let seconds_each = match unit.as_deref().unwrap_or_default() {
        "s" | "sec" | "second" | "seconds" => 1_u32,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        _ => 60,
    };
    let number = value.text(1).parse::<u32>().ok().and_then(|number| number.checked_mul(seconds_each));
    let minutes = number.map(|seconds| seconds / 60).filter(|minutes| *minutes > 0);
    if minutes.is_none() {
        value.note(NoteCode::NotANumber, "the duration is no number of minutes: left out");
    }
    minutes
}
