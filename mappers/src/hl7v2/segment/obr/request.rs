//! OBR of an order as a resource of its own: IG map `OBR[ServiceRequest]`.

use causeway_core::record::Record;

use super::{Order, Request};
use crate::fhir::{Json, Object, annotation, period, string};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::orc::request::Control;
use crate::hl7v2::segment::pv1::Visit;

/// Where the standard's extension for the reason of a status is defined.
const STATUS_REASON: &str = "http://hl7.org/fhir/StructureDefinition/request-statusReason";

/// What belongs to an order besides OBR and ORC.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// References to its Specimens.
    pub(crate) specimens: Vec<Json>,
    /// References to the observations sent along.
    pub(crate) supporting: Vec<Json>,
    /// NTE.
    pub(crate) notes: Vec<Json>,
    /// DG1.
    pub(crate) reasons: Vec<Json>,
}

/// The ServiceRequest, keyed by the placer's number, where there is one, and the service.
pub(crate) fn request<'m>(
    context: &Context<'m>,
    obr: &Seg<'m>,
    order: Order,
    control: Control,
    (subject, visit): (&Subject, Option<&Visit>),
    parts: Parts,
) -> Record {
    let [_, service] = &order.key;
    let key = context.key("ServiceRequest", &[&number(context, obr, &order), service]);
    let told = match &order.request {
        Request::Known(_) => &Object::new(),
        Request::Told(request) => request,
    };
    // OBR-13 → note
    let clinical = obr.first(context, 13).map(|value| value.whole());
    let clinical = clinical.map(|text| Json::from(annotation(&text)));
    // ORC-16, OBR-31, DG1-3 → reasonCode; the reason of an end is none of the order
    let ends = matches!(control.status.code, "revoked" | "on-hold" | "entered-in-error");
    let (of_status, of_order) = if ends { (control.reason, None) } else { (None, control.reason) };
    let asked = told.get("reasonCode").items().iter().cloned();
    let reasons = of_order.map(Json::from).into_iter().chain(asked).chain(parts.reasons).collect();
    let extension =
        of_status.map(|reason| Object::sized(2).text("url", STATUS_REASON).put("valueCodeableConcept", reason));
    let group = control.group.as_ref().map(|group| group.identifier(context, "group", ""));
    let priority = control.priority.map_or(Json::Null, string);
    let priority = if told.has("priority") { told.get("priority").clone() } else { priority };
    let mut resource = context
        .resource("ServiceRequest", &key.resource_id())
        .one("extension", extension.unwrap_or_default())
        .list("identifier", order.identifiers.clone())
        .put("basedOn", told.get("basedOn").clone())
        .maybe("requisition", group) // ORC-4
        .text("status", control.status.code)
        .text("intent", "order")
        .one("category", order.section.clone())
        .put("priority", priority)
        .put("code", order.service.concept.clone())
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference));
    // ORC-7.4, .5 → occurrence[x], or else OBR-27.4, or OBR-6
    let start = control.start.or_else(|| of_timing(context, obr)).or(order.requested);
    let written = |time| context.written(time);
    match (start, control.end) {
        (start, Some(end)) => resource.set("occurrencePeriod", period(start.map(written), Some(written(end)))),
        (Some(at), None) => resource.set("occurrenceDateTime", written(at)),
        (None, None) => {}
    }
    let authored = control.transaction.filter(|_| control.is_placed);
    let resource = resource
        .maybe("authoredOn", authored.map(written))
        .put("requester", told.get("requester").clone())
        .list("reasonCode", reasons)
        .list("supportingInfo", parts.supporting)
        .list("specimen", parts.specimens)
        .list("note", clinical.into_iter().chain(parts.notes).collect());
    let version = Version {
        rank: control.status.rank,
        at: control.transaction.and_then(|time| time.start(context.zone())).unwrap_or(context.header().at),
        date: ts::day(start).or_else(|| ts::day(control.transaction)),
        level: order.service.level,
        retracted: control.status.retracted,
    };
    context.record(order.domain, key, version, resource)
}

/// The number an order is known by from its beginning on.
fn number(context: &Context<'_>, obr: &Seg<'_>, order: &Order) -> String {
    match (&order.numbers.placer, &order.numbers.filler) {
        (Some(placer), _) => placer.key(),
        (None, Some(filler)) => format!("FILL:{}", filler.key()),
        (None, None) => {
            let text = "no order number: keyed by the control id";
            context.note(NoteCode::DerivedId, obr.field_place(2), text);
            format!("MSH-10:{}:{}", context.header().control_id, obr.place())
        }
    }
}

/// OBR-27.4.
fn of_timing<'m>(context: &Context<'m>, obr: &Seg<'m>) -> Option<causeway_core::hl7v2::time::Hl7Time> {
    let value = obr.first(context, 27)?;
    value.keep();
    if value.has(4) { ts::read(&value, 4) } else { None }
}
