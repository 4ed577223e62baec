//! The Encounter, with its Practitioner.

use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use super::context::{Context, Of, REGISTRATION};
use super::diagnosis;
use super::narrative::narrative;
use super::note::NoteCode;
use crate::fhir::{Json, Object, coding, identifier, logical, period, reference_to, text_concept};

/// The Encounter of the visit.
pub(super) fn encounter(context: &Context<'_>) -> Record {
    let visit = &context.record.visit;
    let key = context.encounter();
    let start = context.written(visit.start);
    let end = visit.end.map(|end| context.written(end));
    let complaint = visit.complaint.as_ref().map(|text| text_concept(text.expose()));
    let kind = visit.kind.map(|kind| Context::own(kind.as_str(), kind.zh()));
    let place = visit
        .location
        .as_ref()
        .map(|place| Object::sized(1).put("location", logical("Location", Object::new(), place.expose())));
    let diagnoses = diagnosis::conditions(context)
        .into_iter()
        .map(|condition| Object::sized(1).put("condition", reference_to(&condition)).into());
    let words = [
        format!("中醫診症：{start}"),
        visit.kind.map(|kind| kind.zh().to_owned()).unwrap_or_default(),
        visit.complaint.as_ref().map(|text| format!("主訴：{}", text.expose())).unwrap_or_default(),
    ];
    let resource = context
        .resource(&key)
        .put("text", narrative(&words))
        .one("contained", practitioner(context))
        .one("identifier", identifier(&context.urn("visit"), visit.number.expose()))
        .text("status", if context.is_withdrawn() { "entered-in-error" } else { "finished" })
        .put("class", coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "ambulatory"))
        .list("type", kind.into_iter().map(Json::from).collect())
        .put("subject", context.subject())
        .one("participant", Object::sized(1).put("individual", Object::sized(1).text("reference", "#practitioner")))
        .put("period", period(Some(start), end))
        .list("reasonCode", complaint.into_iter().map(Json::from).collect())
        .list("diagnosis", diagnoses.collect())
        .list("location", place.into_iter().map(Json::from).collect())
        .put(
            "serviceProvider",
            logical("Organization", identifier("urn:causeway:provider", &context.feed.provider.0), ""),
        );
    let of = Of { domain: Domain::Encounter, level: Level::Structured, withdrawn: false };
    context.made(of, key, &resource)
}

/// The Practitioner with the registration.
fn practitioner(context: &Context<'_>) -> Object {
    let who = &context.record.practitioner;
    if who.registered_until.is_some_and(|last| last < context.day) {
        context.note(NoteCode::PractitionerLapsed, "/practitioner/registered_until", "");
    }
    let name = |text: Option<&str>| text.map(|text| Object::sized(1).text("text", text).into());
    let names = [&who.name, &who.name_zh].into_iter().filter_map(|line| name(line.as_ref().map(|line| line.expose())));
    let until = who.registered_until.map(|day| day.to_string());
    let qualification = Object::sized(3)
        .one("identifier", identifier(REGISTRATION, who.registration.expose()))
        .put("code", Context::own("registered-practitioner", "註冊中醫"))
        .put("period", period(None, until));
    Object::sized(5)
        .text("resourceType", "Practitioner")
        .text("id", "practitioner")
        .one("identifier", identifier(REGISTRATION, who.registration.expose()))
        .list("name", names.collect())
        .one("qualification", qualification)
}
