//! OBX of type RP (a pointer) and ED (encapsulated data) to DocumentReference: IG maps `OBX[DocumentReference]`,
//! `RP[DocumentReference]` and `ED[Attachment]`.

use causeway_core::mapped::Pending;
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use super::Within;
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, identifier, period, uri};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::cwe::{self, Coded};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};
use crate::hl7v2::segment::pv1::Visit;

/// Whether the value is a document.
pub(crate) fn is_document(obx: &Seg<'_>) -> bool {
    matches!(obx.field(2).raw(), "RP" | "ED")
}

/// Maps it; `None`, with a fault, without a code or without the document. What has still to be fetched is added to
/// `pending`.
pub(crate) fn document<'m>(
    context: &Context<'m>,
    obx: &Seg<'m>,
    within: Within<'_>,
    pending: &mut Vec<Pending>,
    mut number: impl FnMut(&str, &str) -> usize,
) -> Option<Record> {
    let coded = obx.first(context, 3).map(|value| cwe::read(&value));
    let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
        context.missing(obx, 3, "what the document is is missing");
        return None;
    };
    let sub_id = obx.first(context, 4).map(|value| value.whole()).unwrap_or_default();
    let status = status(context, obx, within.order.status);
    let Some(value) = obx.first(context, 5) else {
        context.missing(obx, 5, "the document is missing");
        return None;
    };
    // OBX-7 → attachment.size, in the dialect of the public hospitals
    let size = size(context, obx);
    let attachment = if obx.field(2).raw() == "RP" {
        let (attachment, url) = pointer(&value, size);
        if url.is_empty() {
            context.missing(obx, 5, "the pointer is empty");
            return None;
        }
        if !status.retracted {
            pending.push(Pending { place: obx.field_place(5), url: Phi::new(url), bytes: size });
        }
        attachment
    } else {
        embedded(context, obx, &value)?
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
        .put("subject", within.subject.reference())
        .maybe("date", made.and_then(|time| ts::instant(time, context)))
        .put("custodian", context.provider())
        .text("description", &description(coded))
        .one("content", Object::sized(1).put("attachment", attachment))
        .put("context", in_context)
}

/// OBX-3 in words.
fn description(coded: &Coded) -> String {
    let concept = &coded.concept;
    let display = concept.get("coding").first().and_then(|coding| coding.get("display"));
    display.or_else(|| Some(concept.get("text"))).and_then(Json::as_str).unwrap_or(&coded.key).to_owned()
}

/// RP.1 → url; RP.3 and RP.4, or the ending of the name → contentType.
fn pointer(value: &Value<'_, '_>, size: Option<u64>) -> (Object, String) {
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
    let title = if absolute.is_none() { &*url } else { "" };
    let attachment = Object::sized(4)
        .maybe("contentType", named)
        .text("url", &absolute.unwrap_or_default())
        .maybe("size", size)
        .text("title", title);
    (attachment, url)
}

/// ED.2, ED.3 → contentType; ED.5 → data, which has to be base64.
fn embedded<'m>(context: &Context<'m>, obx: &Seg<'m>, value: &Value<'_, '_>) -> Option<Object> {
    let (kind, subtype, encoding) = (value.text(2), value.text(3), value.text(4));
    // Which application made it is no matter of the reference.
    value.ask(1);
    let data: String = value.unsplit(5).chars().filter(|c| !c.is_whitespace()).collect();
    let named = [&*subtype, &*kind].into_iter().find_map(media_type);
    if !encoding.eq_ignore_ascii_case("Base64") || !is_base64(&data) {
        let text = "the document is not encoded in base64";
        context.fault(Reason::BadValue, obx.field_place(5), obx.offset(5), text);
        return None;
    }
    Some(Object::sized(2).maybe("contentType", named).text("data", &data))
}

/// RFC 4648 §4, with its padding.
fn is_base64(data: &str) -> bool {
    let body = data.trim_end_matches('=');
    let padding = data.len() - body.len();
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    !body.is_empty() && padding <= 2 && data.len().is_multiple_of(4) && body.bytes().all(good)
}

fn media_type(word: &str) -> Option<&'static str> {
    codes::ATTACHMENT_TYPE.code(&word.to_ascii_uppercase())
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
