//! PR1, procedures: IG map `PR1[Procedure]`.

use causeway_core::hl7v2::time::{Hl7Time, Precision};
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};
use jiff::SignedDuration;

use crate::fhir::{Json, Object, period, text_concept};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ei, pl, ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

use super::pv1::Visit;
use crate::hl7v2::note::NoteCode;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PR1",
    title: "Procedures",
    ig: "PR1[Procedure]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Procedure coding method", "The system of PR1-3 where it names none").but("The IG does not map it"),
        used(3, "Procedure code", "Procedure.code; the key where PR1-19 is not sent"),
        used(4, "Procedure description", "Procedure.code.text"),
        used(
            5,
            "Procedure date/time",
            "Procedure.performedDateTime, or performedPeriod.start; Procedure.status completed",
        )
        .but("The IG leaves the status to the implementer: without a time it is unknown"),
        used(6, "Procedure functional type", "Procedure.category"),
        used(7, "Procedure minutes", "Procedure.performedPeriod.end"),
        used(8, "Anaesthesiologist", "Procedure.performer")
            .but("The function is text: no SNOMED CT codes are shipped; a reference by identifier and name"),
        used(11, "Surgeon", "Procedure.performer").but("As PR1-8"),
        used(12, "Procedure practitioner", "Procedure.performer").but("As PR1-8"),
        used(15, "Associated diagnosis code", "Procedure.reasonCode"),
        used(19, "Procedure identifier", "Procedure.identifier; the key of the Procedure"),
        used(20, "Procedure action code", "D: Procedure.status entered-in-error").but("The IG does not map it"),
        used(23, "Treating organisational unit", "Procedure.location").but("A reference by identifier and name"),
    ],
};

/// Maps one; `None`, with a fault, when it names no procedure.
pub(crate) fn procedure<'m>(
    context: &Context<'m>,
    pr1: &Seg<'m>,
    subject: &Subject,
    visit: Option<&Visit>,
    version: Version,
) -> Option<Record> {
    // PR1-3 → code; PR1-4 → code.text
    let method = pr1.text(context, 2);
    let system = if method.is_empty() { "L" } else { &*method };
    let coded = pr1.first(context, 3).map(|value| cwe::with_default(&value, system));
    let description = pr1.text(context, 4);
    let (code, level, code_key) = match coded {
        Some(coded) => (coded.concept.text("text", &description), coded.level, coded.key),
        None => (text_concept(&description), Level::Document, description.to_string()),
    };
    // PR1-19 → identifier
    let number = ei::field(pr1, context, 19);
    // PR1-5 → performed[x]
    let performed = ts::field(pr1, context, 5);
    let minutes = minutes(context, pr1);
    // PR1-20 → status
    let retracted = pr1.text(context, 20) == "D";
    let category = cwe::field(pr1, context, 6);
    let performers = performers(context, pr1);
    let reason = cwe::field(pr1, context, 15);
    let location = pr1.first(context, 23).map(|value| pl::read(&value).reference);
    if code.is_empty() {
        context.missing(pr1, 3, "neither a code nor a description of the procedure");
        return None;
    }
    let key = key(context, subject, visit, number.as_ref(), &code_key, performed);
    let status = match performed {
        _ if retracted => "entered-in-error",
        Some(_) => "completed",
        None => "unknown",
    };
    let mut resource = context
        .resource("Procedure", &key.resource_id())
        .one("identifier", number.map_or_else(Object::new, |n| n.identifier(context, "procedure", "")))
        .text("status", status)
        .maybe("category", category)
        .put("code", code)
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference));
    if let Some(time) = performed {
        let start = context.written(time);
        match minutes.and_then(|minutes| end(context, time, minutes)) {
            Some(end) => resource.set("performedPeriod", period(Some(start), Some(end))),
            None => resource.set("performedDateTime", start),
        }
    }
    let resource = resource.list("performer", performers).maybe("location", location);
    let resource = resource.list("reasonCode", reason.into_iter().map(Into::into).collect());
    let date = ts::day(performed).or(version.date);
    Some(context.record(Domain::Procedure, key, Version { level, date, retracted, ..version }, resource))
}

/// PR1-7.
fn minutes<'m>(context: &Context<'m>, pr1: &Seg<'m>) -> Option<u32> {
    let value = pr1.first(context, 7)?;
    let minutes = value.text(1).parse::<u32>().ok();
    if minutes.is_none() {
        value.note(NoteCode::NotANumber, "the minutes of the procedure are no number: left out");
    }
    minutes.filter(|minutes| *minutes > 0)
}

/// When it ended, if it is known to the minute when it began.
fn end(context: &Context<'_>, start: Hl7Time, minutes: u32) -> Option<String> {
    if start.precision() < Precision::Minute {
        return None;
    }
    let end = start.civil().checked_add(SignedDuration::from_mins(i64::from(minutes))).ok()?;
    let digits = end.strftime("%Y%m%d%H%M%S").to_string();
    let offset = start.offset().map(|offset| {
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
    });
    let end = Hl7Time::parse(&format!("{digits}{}", offset.unwrap_or_default())).ok()?;
    Some(context.written(end))
}

/// PR1-8, PR1-11, PR1-12 → performer.
fn performers<'m>(context: &Context<'m>, pr1: &Seg<'m>) -> Vec<Json> {
    let mut performers = Vec::new();
    for (field, function) in [(8, "Anaesthetist"), (11, "Surgeon"), (12, "")] {
        for value in pr1.all(context, field) {
            let actor = xcn::read(&value);
            if !actor.is_empty() {
                let performer = Object::sized(2).put("function", text_concept(function)).put("actor", actor);
                performers.push(performer.into());
            }
        }
    }
    performers
}

/// PR1-19; without it the visit, or else the patient, with the procedure and its time.
fn key(
    context: &Context<'_>,
    subject: &Subject,
    visit: Option<&Visit>,
    number: Option<&ei::Entity>,
    code: &str,
    performed: Option<Hl7Time>,
) -> RecordKey {
    if let Some(number) = number {
        return context.key("Procedure", &[&number.key()]);
    }
    let time = performed.map(|time| time.to_string()).unwrap_or_default();
    match visit {
        Some(visit) => context.key("Procedure", &["visit", visit.key_part(), code, &time]),
        None => context.key("Procedure", &["patient", &subject.key(), code, &time]),
    }
}
