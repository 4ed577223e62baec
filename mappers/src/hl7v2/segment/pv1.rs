//! PV1, patient visit: IG map `PV1[Encounter]`.

use causeway_core::feed::dialect::PatientClass;
use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::record::RecordKey;

use crate::codes;
use crate::fhir::{Json, Object, coding, concept, identifier, logical, period, reference};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, cx, pl, ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::{Seg, Value};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PV1",
    title: "Patient visit",
    ig: "PV1[Encounter]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Patient class", "Encounter.class; Encounter.status")
            .but("`A` of the public hospitals is emergency; the status follows the trigger event first"),
        used(3, "Assigned patient location", "Encounter.location, status active")
            .but("A reference by identifier and name, not a Location of its own"),
        used(4, "Admission type", "Encounter.type"),
        used(5, "Preadmit number", "Encounter.hospitalization.preAdmissionIdentifier"),
        used(6, "Prior patient location", "Encounter.location, status completed").but("As PV1-3"),
        used(7, "Attending doctor", "Encounter.participant ATND").but("A reference by identifier and name"),
        used(8, "Referring doctor", "Encounter.participant REF").but("As PV1-7"),
        used(9, "Consulting doctor", "Encounter.participant CON").but("As PV1-7"),
        used(10, "Hospital service", "Encounter.serviceType")
            .but("Table 0069 itself is the system; the IG mixes it with codes of service-type"),
        used(11, "Temporary location", "Encounter.location, status active").but("As PV1-3"),
        used(13, "Re-admission indicator", "Encounter.hospitalization.reAdmission"),
        used(14, "Admit source", "Encounter.hospitalization.admitSource"),
        used(15, "Ambulatory status", "Encounter.hospitalization.specialArrangement"),
        used(16, "VIP indicator", "Encounter.hospitalization.specialCourtesy"),
        used(17, "Admitting doctor", "Encounter.participant ADM").but("As PV1-7"),
        used(19, "Visit number", "Encounter.identifier; the key of the Encounter"),
        used(36, "Discharge disposition", "Encounter.hospitalization.dischargeDisposition"),
        used(37, "Discharged to location", "Encounter.hospitalization.destination").but("As PV1-3"),
        used(38, "Diet type", "Encounter.hospitalization.dietPreference"),
        used(39, "Servicing facility", "Encounter.serviceProvider.display").but("The IG does not map it"),
        used(42, "Pending location", "Encounter.location, status reserved").but("As PV1-3"),
        used(44, "Admit date/time", "Encounter.period.start"),
        used(45, "Discharge date/time", "Encounter.period.end; Encounter.status finished"),
        used(50, "Alternate visit id", "Encounter.identifier; the key where PV1-19 is not sent"),
        used(52, "Other healthcare provider", "Encounter.participant PART").but("As PV1-7"),
    ],
};

/// Why a visit is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A05, A14: it is expected.
    PreAdmit,
    /// A01.
    Admit,
    /// A02, A06, A07, A10, A12: it goes on, elsewhere or as something else.
    Move,
    /// A21, A53.
    Leave,
    /// A22, A52.
    Return,
    /// A03.
    Discharge,
    /// A04.
    Register,
    /// A08 and whatever tells more of it.
    Update,
    /// A11, A27, A38.
    CancelAdmit,
    /// A13.
    CancelDischarge,
    /// A23: there never was such a visit.
    Delete,
    /// A result that was made during it.
    Result,
}

/// A visit that can be referred to.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The key of the Encounter.
    pub(crate) key: RecordKey,
    /// The id of the Encounter.
    pub(crate) id: String,
    reference: Json,
    identifiers: Vec<Json>,
    number: String,
    admitted: Option<Hl7Time>,
}

impl Visit {
    /// A Reference to the Encounter.
    pub(crate) fn reference(&self) -> Json {
        self.reference.clone()
    }

    /// What records are keyed by that have no number of their own.
    pub(crate) fn key_part(&self) -> &str {
        self.key.0.rsplit('/').next().unwrap_or_default()
    }
}

/// Reads what a visit is known by: PV1-19, or PV1-50, or patient and admission time, or the control id. A result
/// without a visit number has no visit that could be told from others: `None`, with a note.
pub(crate) fn visit<'m>(context: &Context<'m>, pv1: &Seg<'m>, subject: &Subject, event: Event) -> Option<Visit> {
    if event == Event::Result && !pv1.has(19) && !pv1.has(50) {
        context.note(NoteCode::UnusedSegment, pv1.place(), "a result's visit without a number is no record");
        pv1.keep();
        return None;
    }
    let mut numbers: Vec<[String; 2]> = Vec::new();
    let mut identifiers: Vec<Json> = Vec::new();
    // PV1-19 → identifier of type VN; PV1-50 → identifier
    for (field, type_code) in [(19, "VN"), (50, "")] {
        for cx in pv1.all(context, field).filter_map(|value| cx::read(&value)) {
            identifiers.push(cx.identifier(&context.urn("visit", &cx.authority), type_code).into());
            numbers.push([cx.authority.into_owned(), cx.number.into_owned()]);
        }
    }
    // PV1-44 → period.start
    let admitted = ts::field(pv1, context, 44);
    let key = match numbers.first() {
        Some([authority, number]) => key_of(context, authority, number),
        None => derived_key(context, pv1, subject, admitted),
    };
    let number = numbers.into_iter().next().map(|[_, number]| number).unwrap_or_default();
    let id = key.resource_id();
    Some(Visit { reference: Json::shared(reference("Encounter", &id)), id, key, identifiers, number, admitted })
}

/// The key of a visit of this number.
pub(crate) fn key_of(context: &Context<'_>, authority: &str, number: &str) -> RecordKey {
    if authority.is_empty() {
        return context.key("Encounter", &[number]);
    }
    context.key("Encounter", &[authority, number])
}

/// The key of a visit without a number.
fn derived_key(context: &Context<'_>, pv1: &Seg<'_>, subject: &Subject, admitted: Option<Hl7Time>) -> RecordKey {
    let [authority, number] = &subject.parts;
    if let Some(time) = admitted {
        context.note(NoteCode::DerivedId, pv1.field_place(19), "no visit number: keyed by patient and admission time");
        return context.key("Encounter", &[authority, number, &time.to_string()]);
    }
    context.note(
        NoteCode::DerivedId,
        pv1.field_place(19),
        "no visit number and no admission time: keyed by the control id",
    );
    context.key("Encounter", &[authority, number, "MSH-10", &context.header().control_id])
}

/// An Encounter as PV1 has it, and the first day of it.
#[derive(Debug)]
pub(crate) struct Encounter {
    /// The resource; PV2 and DG1 add to it.
    pub(crate) resource: Object,
    /// When it began.
    pub(crate) date: Option<jiff::civil::Date>,
}

/// Maps PV1.
pub(crate) fn encounter<'m>(
    context: &Context<'m>,
    pv1: &Seg<'m>,
    subject: &Subject,
    visit: &Visit,
    event: Event,
) -> Encounter {
    let (class, status_of_class) = class(context, pv1, &visit.number);
    // PV1-45 → period.end
    let ended = ts::field(pv1, context, 45);
    let status = status(event, status_of_class, ended.is_some());
    let written = |time| context.written(time);
    let end = ended.filter(|_| status == "finished");
    if ended.is_some() && end.is_none() {
        context.note(NoteCode::UnusedField, pv1.field_place(45), "the event takes the discharge back");
    }
    // PV1-4 → type
    let kind = pv1.first(context, 4).map(|v| cwe::of_table(&v, |code| codes::ADMISSION_TYPE.concept(code)));
    // PV1-10 → serviceType
    let service = pv1.first(context, 10).map(|v| cwe::of_table(&v, |code| codes::HOSPITAL_SERVICE.concept(code)));
    let (locations, facility) = locations(context, pv1, status);
    // PV1-39 → serviceProvider.display
    let servicing = pv1.text(context, 39);
    let servicing = if servicing.is_empty() { &*facility } else { &*servicing };
    let provider = identifier("urn:causeway:provider", context.provider_id());
    let resource = context
        .resource("Encounter", &visit.id)
        .list("identifier", visit.identifiers.clone())
        .text("status", status)
        .put("class", class)
        .one("type", kind.unwrap_or_default())
        .maybe("serviceType", service)
        .put("subject", subject.reference())
        .list("participant", participants(context, pv1))
        .put("period", period(visit.admitted.map(written), end.map(written)))
        .put("hospitalization", hospitalization(context, pv1))
        .list("location", locations)
        .put("serviceProvider", logical("Organization", provider, servicing));
    Encounter { resource, date: ts::day(visit.admitted).or_else(|| ts::day(ended)) }
}

/// The status: the event says it, or the end of the visit, or the class. The IG's two maps, by event and by class,
/// contradict each other for A04 and A08 (docs/fhir.md).
fn status(event: Event, of_class: &'static str, ended: bool) -> &'static str {
    match event {
        Event::Discharge => "finished",
        Event::CancelAdmit => "cancelled",
        Event::Delete => "entered-in-error",
        Event::PreAdmit => "planned",
        Event::Leave => "onleave",
        Event::CancelDischarge | Event::Return => "in-progress",
        Event::Admit | Event::Move | Event::Register | Event::Update | Event::Result if ended => "finished",
        Event::Admit | Event::Move => "in-progress",
        Event::Register | Event::Update | Event::Result => of_class,
    }
}

/// PV1-2 → class, with the status that belongs to it.
fn class<'m>(context: &Context<'m>, pv1: &Seg<'m>, visit_number: &str) -> (Object, &'static str) {
    let value = pv1.first(context, 2);
    let dialect = &context.dialect().visit;
    let by_number = dialect.class_of(visit_number).map(PatientClass::as_str);
    let sent = value.as_ref().map(|value| value.text(1)).unwrap_or_default();
    let code = match (&*sent, by_number) {
        ("", Some(by_number)) => by_number,
        (sent, _) => dialect.classes.get(sent).map_or(sent, |class| class.as_str()),
    };
    if by_number.is_some_and(|by_number| by_number != code) {
        context.note(
            NoteCode::ClassDisagrees,
            pv1.field_place(2),
            "the visit number in PV1-19 speaks of another class",
        );
    }
    if let Some([_, code, display, system, status]) = codes::PATIENT_CLASS.row(code) {
        if let Some(value) = &value {
            [2, 3].into_iter().for_each(|component| value.ask(component));
        }
        return (coding(*system, code, display), status);
    }
    // R4 wants a class: unknown is said to be unknown, and the sender's own code kept as such.
    let Some(value) = value.filter(|_| !code.is_empty()) else {
        context.note(NoteCode::MissingField, pv1.field_place(2), "no patient class: the encounter's class is unknown");
        return (coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", "unknown"), "unknown");
    };
    cwe::unmapped(&value);
    (coding(context.urn("code", "0004"), code, &value.text(2)), "unknown")
}

/// PV1-7, PV1-8, PV1-9, PV1-17, PV1-52 → participant.
fn participants<'m>(context: &Context<'m>, pv1: &Seg<'m>) -> Vec<Json> {
    let roles = [(7, "ATND", "attender"), (8, "REF", "referrer"), (9, "CON", "consultant"), (17, "ADM", "admitter")];
    let mut participants = Vec::new();
    for (field, code, display) in roles.into_iter().chain([(52, "PART", "Participation")]) {
        for value in pv1.all(context, field) {
            let individual = xcn::read(&value);
            if !individual.is_empty() {
                let role = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", code, display);
                participants.push(Object::sized(2).one("type", role).put("individual", individual).into());
            }
        }
    }
    participants
}

/// PV1-3, PV1-6, PV1-11, PV1-42 → location; and the facility of PV1-3.
fn locations<'m>(context: &Context<'m>, pv1: &Seg<'m>, status: &str) -> (Vec<Json>, String) {
    let now = match status {
        "planned" => "planned",
        "finished" | "cancelled" | "entered-in-error" => "completed",
        _ => "active",
    };
    let mut facility = String::new();
    let mut locations = Vec::new();
    for (field, status) in [(3, now), (6, "completed"), (11, now), (42, "reserved")] {
        let Some(place) = pv1.first(context, field).map(|value| pl::read(&value)) else { continue };
        if field == 3 {
            facility.clone_from(&place.facility);
        }
        if !place.reference.is_empty() {
            let location = Object::sized(3)
                .put("location", place.reference)
                .text("status", status)
                .put("physicalType", place.physical_type);
            locations.push(location.into());
        }
    }
    (locations, facility)
}

/// PV1-5, PV1-13 to PV1-16, PV1-36 to PV1-38 → hospitalization.
fn hospitalization<'m>(context: &Context<'m>, pv1: &Seg<'m>) -> Object {
    let preadmission = pv1.first(context, 5).and_then(|value| cx::read(&value));
    let preadmission = preadmission.map(|cx| cx.identifier(&context.urn("visit", &cx.authority), ""));
    let again = pv1.first(context, 13).map(|v| cwe::of_table(&v, |code| codes::READMISSION.concept(code)));
    let ambulatory = |v: Value<'_, '_>| cwe::of_table(&v, |code| codes::AMBULATORY_STATUS.concept(code)).into();
    // DLD.1 → destination; DLD.2 says when, as PV1-45 does.
    let destination = pv1.first(context, 37).map(|value| {
        value.ask(2);
        let (code, name) = (value.sub(1, 1), value.sub(1, 2));
        let identifier = identifier(&context.urn("location", ""), &code);
        logical("Location", identifier, if name.is_empty() { &code } else { &name })
    });
    Object::sized(9)
        .maybe("preAdmissionIdentifier", preadmission)
        .maybe("admitSource", cwe::field(pv1, context, 14))
        .maybe("reAdmission", again)
        .list("dietPreference", cwe::fields(pv1, context, 38))
        .list("specialCourtesy", cwe::fields(pv1, context, 16))
        .list("specialArrangement", pv1.all(context, 15).map(ambulatory).collect())
        .maybe("destination", destination)
        .maybe("dischargeDisposition", cwe::field(pv1, context, 36))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_decides_the_status_before_the_class() {
        assert_eq!(status(Event::Admit, "planned", false), "in-progress");
        assert_eq!(status(Event::Register, "planned", false), "planned");
        assert_eq!(status(Event::Update, "in-progress", true), "finished");
        assert_eq!(status(Event::CancelDischarge, "in-progress", true), "in-progress");
        assert_eq!(status(Event::CancelAdmit, "in-progress", true), "cancelled");
        assert_eq!(status(Event::Discharge, "in-progress", false), "finished");
        assert_eq!(status(Event::PreAdmit, "in-progress", false), "planned");
        assert_eq!(status(Event::Leave, "in-progress", false), "onleave");
        assert_eq!(status(Event::Delete, "in-progress", true), "entered-in-error");
        assert_eq!(status(Event::Move, "planned", false), "in-progress");
    }
}
