//! SIU, appointments: IG message map SIU_S12. S23 and S24 block and free time slots of a schedule: they are about nobody.

use causeway_core::reason::Reason;
use causeway_core::record::VersionClock;
use causeway_core::scope::{Domain, Level};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::{Output, Says, Segments};
use crate::fhir::{Json, Object, period};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::medication::timing::Timing;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::ais::Service;
use crate::hl7v2::segment::sch::{self, Schedule};
use crate::hl7v2::segment::{aig, ail, aip, ais, nte, tq1};
use crate::hl7v2::{Map, Trigger};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of("S12", "New appointment booking", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S13", "Appointment rescheduling", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S14", "Appointment modification", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S15", "Appointment cancellation", |c, s, o| appointment(c, s, o, Event::Cancelled)),
    of("S16", "Appointment discontinuation", |c, s, o| appointment(c, s, o, Event::Cancelled)),
    of("S17", "Appointment deletion", |c, s, o| appointment(c, s, o, Event::Deleted)),
    of("S18", "Addition of service or resource", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S19", "Modification of service or resource", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S20", "Cancellation of service or resource", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S21", "Discontinuation of service or resource", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S22", "Deletion of service or resource", |c, s, o| appointment(c, s, o, Event::Booked)),
    of("S26", "Patient did not show up", |c, s, o| appointment(c, s, o, Event::NoShow)),
];

const fn of(event: &'static str, title: &'static str, map: Map) -> Trigger {
    let optional = &["TQ1", "NTE", "PD1", "PV1", "PV2", "RGS", "AIS", "AIG", "AIL", "AIP"];
    Trigger { code: "SIU", event, title, ig: "SIU_S12", required: &["SCH", "PID"], optional, map }
}

/// What the event says of the appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// It is agreed; SCH-25 may say more.
    Booked,
    /// It is taken back.
    Cancelled,
    /// It never was.
    Deleted,
    /// Nobody came.
    NoShow,
}

/// Maps an appointment with whom it is for.
fn appointment<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, event: Event) {
    let copy = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, copy, |_, _| Vec::new()) else { return };
    super::visit(context, segments, output, &subject, copy);
    let Some(sch) = segments.first("SCH") else { return };
    let schedule = sch::read(context, sch);
    let services: Vec<Service> = segments.named("AIS").filter_map(|ais| ais::read(context, ais)).collect();
    let patient = Object::sized(2).put("actor", subject.reference()).text("status", "accepted");
    let participants =
        std::iter::once(Json::from(patient)).chain(segments.iter().filter_map(|s| participant(context, s)));
    let participants: Vec<Json> = participants.collect();
    let comments: Vec<String> = segments.named("NTE").map(|comment| nte::text(context, comment)).collect();
    let status = status(event, schedule.status);
    let timing = segments.first("TQ1").map(|tq1| tq1::read(context, tq1));
    let times = Times::of(context, &schedule, timing.as_ref(), &services);
    let Some(key) = schedule.key else {
        context.fault(Reason::MissingField, sch.field_place(2), sch.offset(2), "the appointment has no number");
        return;
    };
    let has_both = times.start.is_some() && times.end.is_some();
    if !has_both && !matches!(status, "cancelled" | "waitlist" | "entered-in-error") {
        let text = "no time to the minute, or neither end nor duration: send SCH-11.4 with SCH-11.5 or SCH-9";
        context.fault(Reason::MissingField, sch.field_place(11), sch.offset(11), text);
        return;
    }
    let level = services.iter().map(|service| service.level).max().unwrap_or(Level::Structured).max(Level::Structured);
    let version = Version {
        rank: if event == Event::Deleted { VersionClock::RETIRES } else { 1 },
        date: times.day,
        level,
        retracted: matches!(status, "cancelled" | "entered-in-error"),
        ..super::version(context, Says::Registration)
    };
    // R4's app-3 wants both times of what takes or took place; without them it can only be said to be called off.
    let status = if has_both || status == "waitlist" { status } else { "cancelled" };
    let reason = schedule.event_reason.filter(|_| status == "cancelled");
    if reason.is_none() && sch.has(6) {
        context.note(
            NoteCode::UnusedField,
            sch.field_place(6),
            "R4 has a place for why it is called off, for no other",
        );
    }
    let told = period(times.start.clone().filter(|_| !has_both), times.end.clone().filter(|_| !has_both));
    let resource = context
        .resource("Appointment", &key.resource_id())
        .list("identifier", schedule.identifiers)
        .text("status", status)
        .maybe("cancelationReason", reason)
        .list("serviceType", services.into_iter().map(|service| service.kind.into()).collect())
        .merge(schedule.what)
        .maybe("start", times.start.filter(|_| has_both))
        .maybe("end", times.end.filter(|_| has_both))
        .maybe("minutesDuration", times.minutes)
        .text("comment", &comments.join("\n"))
        .list("basedOn", schedule.orders)
        .list("participant", participants)
        .one("requestedPeriod", told);
    output.records.push(context.record(Domain::Appointment, key, version, resource));
}

/// AIG, AIL and AIP.
fn participant<'m>(context: &Context<'m>, segment: &Seg<'m>) -> Option<Json> {
    match segment.name() {
        "AIG" => aig::participant(context, segment),
        "AIL" => ail::participant(context, segment),
        "AIP" => aip::participant(context, segment),
        _ => None,
    }
}

/// The event decides; where it only says that there is an appointment, SCH-25 does.
fn status(event: Event, of_filler: Option<&'static str>) -> &'static str {
    match event {
        Event::Booked => of_filler.unwrap_or("booked"),
        Event::Cancelled => "cancelled",
        Event::Deleted => "entered-in-error",
        Event::NoShow => "noshow",
    }
}

/// When it is.
#[derive(Debug)]
struct Times {
    start: Option<String>,
    end: Option<String>,
    minutes: Option<u32>,
    day: Option<jiff::civil::Date>,
}

impl Times {
    /// SCH-11 with SCH-9, or else TQ1-7 and TQ1-8, which took its place in v2.5; or else the first AIS with a start. The end
    /// may follow from the duration.
    fn of(context: &Context<'_>, schedule: &Schedule, timing: Option<&Timing>, services: &[Service]) -> Self {
        let begins = schedule.start.or_else(|| timing.and_then(|timing| timing.start));
        let begins = begins.or_else(|| services.iter().find_map(|service| service.start));
        let ends = schedule.end.or_else(|| timing.and_then(|timing| timing.end));
        let minutes = schedule.minutes.or_else(|| services.iter().find_map(|service| service.minutes));
        let start = begins.and_then(|time| ts::instant(time, context));
        let end = ends.and_then(|time| ts::instant(time, context));
        let end = end.or_else(|| later(start.as_deref()?, minutes?));
        Self { start, end, minutes, day: ts::day(begins) }
    }
}

/// So many minutes later, with the same offset.
fn later(start: &str, minutes: u32) -> Option<String> {
    let at: Timestamp = start.parse().ok()?;
    let offset = Pieces::parse(start).ok()?.to_numeric_offset().unwrap_or(Offset::UTC);
    let end = at.checked_add(SignedDuration::from_mins(i64::from(minutes))).ok()?;
    let zoned = end.to_zoned(offset.to_time_zone());
    Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_keeps_the_offset_of_the_start() {
        assert_eq!(later("2026-03-01T23:45:00+08:00", 30).as_deref(), Some("2026-03-02T00:15:00+08:00"));
        assert_eq!(later("2026-03-01T10:00:00-03:30", 90).as_deref(), Some("2026-03-01T11:30:00-03:30"));
        assert_eq!(later("2026-03-01", 30), None);
    }

    #[test]
    fn the_event_decides_before_the_filler_does() {
        assert_eq!(status(Event::Booked, Some("arrived")), "arrived");
        assert_eq!(status(Event::Booked, None), "booked");
        assert_eq!(status(Event::Cancelled, Some("booked")), "cancelled");
        assert_eq!(status(Event::Deleted, Some("booked")), "entered-in-error");
        assert_eq!(status(Event::NoShow, None), "noshow");
    }
}
