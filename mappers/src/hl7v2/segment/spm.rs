//! SPM, specimen, and OBR-15 where there is no SPM: IG maps `SPM[Specimen]` and `OBR[Specimen]`.

use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Level;

use super::obr::Order;
use crate::codes;
use crate::fhir::{Object, annotation, coding, logical, period};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, cx, ei, quantity, ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "SPM",
    title: "Specimen",
    ig: "SPM[Specimen]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Specimen id", "Specimen.identifier; the key"),
        used(3, "Specimen parent ids", "Specimen.parent, by identifier"),
        used(4, "Specimen type", "Specimen.type"),
        used(6, "Specimen additives", "Specimen.container.additiveCodeableConcept"),
        used(7, "Specimen collection method", "Specimen.collection.method"),
        used(8, "Specimen source site", "Specimen.collection.bodySite"),
        used(12, "Specimen collection amount", "Specimen.collection.quantity"),
        used(14, "Specimen description", "Specimen.note"),
        used(17, "Specimen collection date/time", "Specimen.collection.collectedDateTime or collectedPeriod"),
        used(18, "Specimen received date/time", "Specimen.receivedTime"),
        used(20, "Specimen availability", "Specimen.status"),
        used(24, "Specimen condition", "Specimen.condition"),
        used(27, "Container type", "Specimen.container.type"),
        used(30, "Accession id", "Specimen.accessionIdentifier; the key where SPM-2 is not sent"),
    ],
};

/// Maps SPM, the how-manieth of its order.
pub(crate) fn specimen<'m>(
    context: &Context<'m>,
    spm: &Seg<'m>,
    order: &Order,
    subject: &Subject,
    number: usize,
) -> Record {
    // SPM-2 → identifier, placer's and filler's
    let ids = spm.first(context, 2).map(|value| [ei::component(&value, 2), ei::component(&value, 1)]);
    let ids: Vec<ei::Entity> = ids.into_iter().flatten().flatten().collect();
    // SPM-30 → accessionIdentifier
    let accession = spm.first(context, 30).and_then(|value| cx::read(&value));
    let key = match (ids.first(), &accession) {
        (Some(id), _) => context.key("Specimen", &[&id.key()]),
        (None, Some(accession)) => context.key("Specimen", &["ACSN", &accession.key()]),
        (None, None) => derived_key(context, order, number),
    };
    // SPM-3 → parent
    let parents = spm.all(context, 3).filter_map(|value| {
        let parent = ei::component(&value, 2);
        parent.or_else(|| ei::component(&value, 1))
    });
    let parents = parents.map(|id| logical("Specimen", id.identifier(context, "specimen", ""), "").into()).collect();
    // SPM-17 → collection.collected[x]
    let collected = spm.first(context, 17);
    let (from, to) =
        collected.as_ref().map_or((None, None), |v| (ts::read(v, 1), if v.has(2) { ts::read(v, 2) } else { None }));
    // SPM-20 → status
    let status = spm.first(context, 20).and_then(|value| {
        let found = codes::SPECIMEN_AVAILABLE.code(&value.text(1));
        if found.is_none() {
            cwe::unmapped(&value);
        }
        found
    });
    let of_method = |code: &str| codes::SPECIMEN_COLLECTION_METHOD.concept(code);
    let method = spm.first(context, 7).map(|value| cwe::of_suggested(&value, "HL70488", of_method));
    let mut collection = Object::sized(5);
    collected_at(context, &mut collection, from, to);
    let collection = collection
        .maybe("quantity", spm.first(context, 12).and_then(|value| quantity::composite(&value))) // SPM-12
        .maybe("method", method) // SPM-7
        .maybe("bodySite", cwe::field(spm, context, 8)); // SPM-8
    // SPM-27, SPM-6 → container
    let container = Object::sized(2).maybe("type", cwe::field(spm, context, 27));
    let container = container.maybe("additiveCodeableConcept", cwe::field(spm, context, 6));
    // SPM-18 → receivedTime
    let received = ts::field(spm, context, 18).or(order.received);
    let notes = spm.all(context, 14).map(|value| annotation(&value.whole()).into()).collect(); // SPM-14
    let kind = spm.first(context, 4);
    let kind = kind.map(|value| cwe::of_suggested(&value, "HL70487", |code| codes::SPECIMEN_TYPE.concept(code)));
    let conditions = spm.all(context, 24);
    let of_condition = |code: &str| codes::SPECIMEN_CONDITION.concept(code);
    let conditions = conditions.map(|value| cwe::of_suggested(&value, "HL70493", of_condition).into()).collect();
    let accession = accession.map(|cx| cx.identifier(&context.urn("accession", &cx.authority), "ACSN"));
    let resource = context
        .resource("Specimen", &key.resource_id())
        .list("identifier", ids.iter().map(|id| id.identifier(context, "specimen", "").into()).collect())
        .maybe("accessionIdentifier", accession)
        .maybe("status", status)
        .maybe("type", kind) // SPM-4
        .put("subject", subject.reference())
        .maybe("receivedTime", received.map(|time| context.written(time)))
        .list("parent", parents)
        .put("collection", collection)
        .one("container", container)
        .list("condition", conditions) // SPM-24
        .list("note", notes);
    record(context, key, order, resource)
}

/// Maps OBR-15 with what stands around it; `None` without OBR-15.
pub(crate) fn of_order<'m>(context: &Context<'m>, obr: &Seg<'m>, order: &Order, subject: &Subject) -> Option<Record> {
    // OBR-9, OBR-10 → collection.quantity, collection.collector
    let volume = obr.first(context, 9);
    let collector = obr.first(context, 10).map(|value| xcn::read(&value));
    let value = obr.first(context, 15)?;
    // SPS.1 → type; SPS.2 → container.additive; SPS.3 → note; SPS.4 → collection.bodySite; SPS.6 → condition
    let part = |component: usize| {
        let (code, text, system) = (value.sub(component, 1), value.sub(component, 2), value.sub(component, 3));
        if code.is_empty() {
            return Object::sized(1).text("text", &text);
        }
        let name = if system.is_empty() { "L" } else { &*system };
        let (uri, _) = cwe::system_uri(context, name);
        Object::sized(1).one("coding", coding(uri, &code, &text))
    };
    let key = derived_key(context, order, 1);
    let mut collection = Object::sized(4).maybe("collector", collector);
    collected_at(context, &mut collection, order.observed, None);
    let collection = collection
        .maybe("quantity", volume.and_then(|value| quantity::composite(&value)))
        .put("bodySite", if value.has(4) { part(4) } else { Object::new() });
    let additive = if value.has(2) { part(2) } else { Object::new() };
    let resource = context
        .resource("Specimen", &key.resource_id())
        .put("type", part(1))
        .put("subject", subject.reference())
        .maybe("receivedTime", order.received.map(|time| context.written(time)))
        .put("collection", collection)
        .one("container", Object::sized(1).put("additiveCodeableConcept", additive))
        .one("condition", if value.has(6) { part(6) } else { Object::new() })
        .one("note", annotation(&value.text(3)));
    Some(record(context, key, order, resource))
}

fn record(context: &Context<'_>, key: RecordKey, order: &Order, resource: Object) -> Record {
    let status = order.status;
    let version = Version {
        rank: status.map_or(0, |status| status.rank),
        at: order.made_at(context),
        date: order.day(),
        level: Level::Structured,
        retracted: false,
    };
    context.record(order.domain, key, version, resource)
}

/// The key of a specimen without a number: its order's, and its place in it.
fn derived_key(context: &Context<'_>, order: &Order, number: usize) -> RecordKey {
    let [filler, service] = order.key_parts();
    context.key("Specimen", &[filler, service, &number.to_string()])
}

fn collected_at(context: &Context<'_>, collection: &mut Object, from: Option<Hl7Time>, to: Option<Hl7Time>) {
    match (from, to) {
        (Some(at), None) => collection.set("collectedDateTime", context.written(at)),
        (from, Some(to)) => {
            collection.set("collectedPeriod", period(from.map(|time| context.written(time)), Some(context.written(to))))
        }
        (None, None) => {}
    }
}
