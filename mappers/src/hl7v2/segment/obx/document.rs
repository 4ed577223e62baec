//! OBX of type RP (a pointer) and ED (encapsulated data) to DocumentReference: IG maps `OBX[DocumentReference]` and
//! `RP[DocumentReference]`.

use causeway_core::mapped::Pending;
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use super::Within;
use super::attachment::{self, Label, media_type};
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, identifier, period, uri};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::cwe::{self, Coded};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::obstetric;
use crate::hl7v2::reader::{Seg, Value};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::trigger::Output;

/// Whether the value is a document.
pub(crate) fn is_document(obx: &Seg<'_>) -> bool {
    matches!(obx.field(2).raw(), "RP" | "ED")
}

/// Maps it, from one segment or from the parts of one document; `None`, with a fault, without a code or without the
/// document. What has still to be fetched, and what has to be stored, is added to `output`.
pub(crate) fn document<'m>(
    context: &Context<'m>,
    lines: &[&Seg<'m>],
    within: Within<'_>,
    output: &mut Output,
    mut number: impl FnMut(&str, &str) -> usize,
) -> Option<Record> {
    let obx = *lines.first()?;
    let coded = obx.first(context, 3).map(|value| cwe::read(&value));
    let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
        context.missing(obx, 3, "what the document is is missing");
        return None;
    };
    let sub_id = obx.first(context, 4).map(|value| value.whole()).unwrap_or_default();
    let status = status(context, obx, within.order.status);
    if !obx.has(5) {
        context.missing(obx, 5, "the document is missing");
        return None;
    }
    let title = description(&coded);
    let attachment = if obx.field(2).raw() == "RP" {
        pointed(context, obx, &title, status.retracted, output)?
    } else {
        let observed = ts::field(obx, context, 14).or(within.order.observed);
        let label = Label { title: &title, created: observed.map(|time| context.written(time)) };
        attachment::embedded(context, lines, label, &mut output.attachments)?
    };
    let place = number(&coded.key, &sub_id).to_string();
    let [filler, service] = within.order.key_parts();
    let parts = [filler, service, &coded.key, &*sub_id, &place];
    let key = context.key("DocumentReference", &parts);
    let id = key.resource_id();
    let resource = resource(context, obx, within, (&id, &parts.join("|")), status, (&coded, attachment));
    let domain = if within.order.has_section { within.order.domain } else { Domain::ClinicalNote };
    let version = Version {
        rank: status.rank,
        at: within.order.made_at(context),
        date: within.order.day(),
        level: Level::Document,
        retracted: status.retracted,
    };
    Some(context.record(domain, key, version, resource))
}

fn resource<'m>(
    context: &Context<'m>,
    obx: &Seg<'m>,
    within: Within<'_>,
    (id, number): (&str, &str),
    status: Status,
    (coded, attachment): (&Coded, Object),
) -> Object {
    // OBX-14, or else OBR-22 → date, an instant
    let observed = ts::field(obx, context, 14);
    let made = observed.or(within.order.issued).or(within.order.observed);
    let from = within.order.observed.map(|time| context.written(time));
    let related = within.visit.map(Visit::reference);
    let is_note = !within.order.has_section || within.order.domain == Domain::ClinicalNote;
    let category = obstetric::kind(&within.order.service.concept).filter(|_| is_note);
    let in_context = Object::sized(2)
        .one("encounter", related.unwrap_or_default())
        .put("period", if from.is_some() { period(from, None) } else { Object::new() });
    let (status, of_content) = match status.code {
        _ if status.retracted => ("entered-in-error", "entered-in-error"),
        "final" => ("current", "final"),
        "preliminary" | "partial" | "registered" => ("current", "preliminary"),
        "corrected" | "amended" => ("current", "amended"),
        _ => ("current", ""),
    };
    context
        .resource("DocumentReference", id)
        .one("identifier", identifier(&context.urn("document", ""), number))
        .text("status", status)
        .text("docStatus", of_content)
        .put("type", within.order.service.concept.clone()) // OBR-4 → type
        .one("category", category.unwrap_or_default())
        .put("subject", within.subject.reference())
        .maybe("date", made.and_then(|time| ts::instant(time, context)))
        .put("custodian", context.provider())
        .text("description", &description(coded))
        .one("content", Object::sized(1).put("attachment", attachment))
        .put("context", in_context)
}

/// OBX-3 in words.
pub(crate) fn description(coded: &Coded) -> String {
    let concept = &coded.concept;
    let display = concept.get("coding").first().and_then(|coding| coding.get("display"));
    display.or_else(|| Some(concept.get("text"))).and_then(Json::as_str).unwrap_or(&coded.key).to_owned()
}

/// A pointer: what it points to is still to come, unless it was fetched or taken back. `None`, with a fault, when it is
/// empty, or what was fetched is of a type that is not taken.
pub(crate) fn pointed<'m>(
    context: &Context<'m>,
    obx: &Seg<'m>,
    title: &str,
    retracted: bool,
    output: &mut Output,
) -> Option<Object> {
    // OBX-7 → attachment.size, in the dialect of the public hospitals
    let size = size(context, obx);
    let (attachment, url) = obx.first(context, 5).map(|value| pointer(&value, size, title))?;
    if url.is_empty() {
        context.missing(obx, 5, "the pointer is empty");
        return None;
    }
    if let (false, Some(document)) = (retracted, context.document(&url)) {
        return attachment::fetched(context, obx, document, title, &mut output.attachments);
    }
    if !retracted {
        let reason = Reason::DocumentPending;
        let (place, url) = (obx.field_place(5), Phi::new(url));
        output.pending.push(Pending { place, url, bytes: size, reason, text: String::new() });
    }
    Some(attachment)
}

/// RP.1 → url; RP.3 and RP.4, or the ending of the name → contentType.
fn pointer(value: &Value<'_, '_>, size: Option<u64>, title: &str) -> (Object, String) {
    let url = value.unsplit(1).into_owned();
    let (kind, subtype) = (value.text(3), value.text(4));
    // Which application can show it is no matter of the reference.
    value.ask(2);
    let ending = url.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let named = [&*subtype, &*kind, ending].into_iter().find_map(media_type);
    let absolute = uri(&url);
    if absolute.is_none() {
        value.note(NoteCode::RelativePointer, "the pointer names no scheme: it stands as the title, not as a URL");
    }
    let title = if absolute.is_none() { &*url } else { title };
    let attachment = Object::sized(4)
        .maybe("contentType", named)
        .text("url", &absolute.unwrap_or_default())
        .maybe("size", size)
        .text("title", title);
    (attachment, url)
}

/// OBX-7 as a number of bytes; nothing else is meant by a reference range of a document.
fn size<'m>(context: &Context<'m>, obx: &Seg<'m>) -> Option<u64> {
    let value = obx.first(context, 7)?;
    let size = value.text(1).parse::<u32>().ok();
    if size.is_none() {
        value.note(NoteCode::NotANumber, "the size of the document is no number: left out");
    }
    size.map(u64::from)
}

/// OBX-11, or else OBR-25.
fn status<'m>(context: &Context<'m>, obx: &Seg<'m>, of_order: Option<Status>) -> Status {
    let unknown = Status { code: "unknown", rank: 0, retracted: false };
    let Some(value) = obx.first(context, 11) else { return of_order.unwrap_or(unknown) };
    codes::status(&codes::OBSERVATION_STATUS, &value.text(1)).unwrap_or_else(|| {
        cwe::unmapped(&value);
        unknown
    })
}
