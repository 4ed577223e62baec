//! OBX, observation: IG maps `OBX[Observation]` and `OBX[Observation-Component]`.

use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::nte;
use super::obr::Order;
use super::pv1::Visit;
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, concept, identifier, logical, reference};
use crate::hl7v2::birth;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::quantity::Unit;
use crate::hl7v2::datatype::{cwe, ei, range, ts, xcn, xon};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

pub(crate) mod attachment;
pub(crate) mod content;
pub(crate) mod document;
pub(crate) mod ha_alert;
pub(crate) mod ha_allergy;
pub(crate) mod loose;
mod value;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "OBX",
    title: "Observation/result",
    ig: "OBX[Observation], OBX[Observation-Component], OBX[DocumentReference]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Value type", "Which of Observation.value[x]; RP and ED make a DocumentReference")
            .but("Without it a number with a unit is a quantity, and the rest text"),
        required(3, "Observation identifier", "Observation.code; part of the key"),
        used(4, "Observation sub-id", "Part of the key, and of Observation.identifier")
            .but("The IG's extension for it is not part of R4"),
        used(5, "Observation value", "Observation.value[x]; repetitions: Observation.component").but(
            "Repetitions and neighbouring segments of TX and FT are lines of one text; `<5` in NM is a comparator",
        ),
        used(6, "Units", "Quantity.unit; with a coding system also Quantity.system and code")
            .but("A number sent as ST keeps its unit behind it, in the text"),
        used(7, "References range", "Observation.referenceRange.text, low and high")
            .but("The IG keeps the text alone: the ends are added where they can be read"),
        used(8, "Interpretation codes", "Observation.interpretation"),
        used(11, "Observation result status", "Observation.status; the rank of the version"),
        used(14, "Date/time of the observation", "Observation.effectiveDateTime")
            .but("Without it the time of the report, OBR-7"),
        used(15, "Producer's id", "Observation.performer").but("A reference by identifier and name"),
        used(16, "Responsible observer", "Observation.performer").but("As OBX-15"),
        used(17, "Observation method", "Observation.method"),
        used(18, "Equipment instance identifier", "Observation.device, by identifier"),
        used(20, "Observation site", "Observation.bodySite"),
        used(21, "Observation instance identifier", "Observation.identifier; the key"),
        used(23, "Performing organisation name", "Observation.performer").but("As OBX-15"),
    ],
};

/// One observation of a report: the segments that make it, several when its text has several lines, with their NTE.
#[derive(Debug, Default)]
pub(crate) struct Observed<'c, 'm> {
    /// OBX.
    pub(crate) lines: Vec<&'c Seg<'m>>,
    /// NTE behind it.
    pub(crate) notes: Vec<&'c Seg<'m>>,
}

/// What an observation belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within<'a> {
    /// Whom it is about.
    pub(crate) subject: &'a Subject,
    /// During which visit.
    pub(crate) visit: Option<&'a Visit>,
    /// Which order it answers.
    pub(crate) order: &'a Order,
    /// What it was made on, when that is one thing.
    pub(crate) specimen: Option<&'a Json>,
}

/// An observation, mapped, to which others of its message may still be linked.
#[derive(Debug)]
pub(crate) struct Result {
    /// The key of the Observation.
    pub(crate) key: RecordKey,
    /// Its status.
    pub(crate) status: Status,
    /// Whether its value is a text of lines.
    pub(crate) is_text: bool,
    /// What it is of: OBX-3 as in the key.
    pub(crate) code: String,
    /// OBX-4.
    pub(crate) sub_id: String,
    /// Whether OBX-8 says how an organism answers a drug.
    pub(crate) is_susceptibility: bool,
    domain: Domain,
    version: Version,
    resource: Object,
}

impl Result {
    /// Adds to a list of references: `hasMember` or `derivedFrom`.
    pub(crate) fn link(&mut self, name: &'static str, to: Object) {
        self.resource.push(name, to);
    }

    /// A reference to it.
    pub(crate) fn reference(&self) -> Object {
        reference("Observation", self.resource.get("id").as_str().unwrap_or_default())
    }

    /// Its value in words, where it has one: the text, or what the code says.
    pub(crate) fn words(&self) -> Option<String> {
        let concept = self.resource.get("valueCodeableConcept");
        let coding = concept.get("coding").and_then(Json::first);
        let coded = concept.get("text").or_else(|| coding.and_then(|coding| coding.get("display")));
        self.resource.get("valueString").as_str().or_else(|| coded.and_then(Json::as_str)).map(str::to_owned)
    }

    /// The Observation.
    pub(crate) fn into_record(self, context: &Context<'_>) -> Record {
        context.record(self.domain, self.key, self.version, self.resource)
    }
}

impl<'c, 'm> Observed<'c, 'm> {
    /// Whether a segment is a further line of the same text, or a further part of the same document.
    pub(crate) fn goes_on_with(&self, obx: &Seg<'m>) -> bool {
        let (Some(first), Some(last)) = (self.lines.first(), self.lines.last()) else { return false };
        let same = |field: usize| last.field(field).raw() == obx.field(field).raw();
        if !self.notes.is_empty() || ![2, 3, 11].into_iter().all(same) {
            return false;
        }
        match obx.field(2).raw() {
            "TX" | "FT" => same(4),
            "ED" => attachment::goes_on(first, last, obx, same(4)),
            _ => false,
        }
    }

    /// Maps it; `None`, with a fault, without a code. `number` tells apart those of one code and sub-id in one order.
    pub(crate) fn result(
        &self,
        context: &Context<'m>,
        within: Within<'_>,
        mut number: impl FnMut(&str, &str) -> usize,
    ) -> Option<Result> {
        let (obx, further) = self.lines.split_first()?;
        // OBX-3 → code
        let coded = obx.first(context, 3).map(|value| cwe::read(&value));
        let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
            context.missing(obx, 3, "what was observed is missing");
            return None;
        };
        let mut coded = coded;
        if within.order.domain == Domain::Birth {
            birth::name(&mut coded.concept);
        }
        let status = status(context, obx, within.order.status)?;
        // OBX-4 → the key
        let sub_id = obx.first(context, 4).map(|value| value.whole()).unwrap_or_default();
        let [filler, service] = within.order.key_parts();
        let place = number(&coded.key, &sub_id).to_string();
        let own_parts = [filler, service, &coded.key, &*sub_id, &place];
        // OBX-21 → identifier and the key
        let instance = ei::field(obx, context, 21);
        let key = match &instance {
            Some(instance) => context.key("Observation", &[&instance.key()]),
            None => context.key("Observation", &own_parts),
        };
        let own_number = match &instance {
            Some(instance) => instance.identifier(context, "observation", ""),
            // A sub-id has no other place; without one the number would say nothing new.
            None if sub_id.is_empty() => Object::new(),
            None => identifier(&context.urn("observation", ""), &own_parts.join("|")),
        };
        // OBX-14 → effectiveDateTime
        let observed = ts::field(obx, context, 14);
        let mut resource = context
            .resource("Observation", &key.resource_id())
            .one("identifier", own_number)
            .fixed("status", status.code)
            .one("category", within.order.category.clone())
            .put("code", coded.concept)
            .put("subject", within.subject.reference())
            .maybe("encounter", within.visit.map(Visit::reference));
        match observed {
            Some(time) => resource.set("effectiveDateTime", context.written(time)),
            None => within.order.effective(context).into_iter().for_each(|(name, value)| resource.set(name, value)),
        }
        let mut resource = resource.list("performer", performers(context, obx));
        let is_text = self.value(context, obx, further, &mut resource);
        let resource = rest(context, obx, resource, within.specimen);
        let notes = self.notes.iter().map(|note| nte::note(context, note).into()).collect();
        let version = Version {
            rank: status.rank,
            at: within.order.made_at(context),
            date: ts::day(observed).or_else(|| within.order.day()),
            level: coded.level,
            retracted: status.retracted,
        };
        Some(Result {
            key,
            status,
            is_text,
            code: coded.key,
            is_susceptibility: !sub_id.is_empty() && is_susceptibility(obx),
            sub_id: sub_id.into_owned(),
            domain: within.order.domain,
            version,
            resource: resource.list("note", notes),
        })
    }

    /// OBX-5 with OBX-2, OBX-6, OBX-7 and OBX-8 → the value or component, interpretation, referenceRange. Tells whether
    /// the value is text.
    fn value(&self, context: &Context<'m>, obx: &Seg<'m>, further: &[&Seg<'m>], resource: &mut Object) -> bool {
        let kind = obx.text(context, 2);
        let unit = obx.first(context, 6).map(|value| Unit::read(&value)).unwrap_or_default();
        let values = if matches!(&*kind, "TX" | "FT") {
            value::text(context, obx, further)
        } else {
            value::read(context, obx, &kind, &unit)
        };
        let is_text = values.iter().all(|(name, _)| *name == "valueString") && matches!(&*kind, "TX" | "FT");
        let mut components = Vec::new();
        let (several, members) = (values.len() > 1, resource.len());
        for (name, value) in values {
            if several {
                let code = resource.get("code").clone();
                components.push(Object::sized(2).put("code", code).put(name, value).into());
            } else {
                resource.set(name, value);
            }
        }
        if !several && resource.len() == members {
            let reason = if obx.field(11).raw() == "N" { "not-asked" } else { "unknown" };
            let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
            resource.set("dataAbsentReason", concept(system, reason, ""));
        }
        // OBX-8 → interpretation
        for value in obx.all(context, 8) {
            resource.push("interpretation", cwe::of_table(&value, |code| codes::INTERPRETATION.concept(code)));
        }
        // OBX-7 → referenceRange
        if let Some(value) = obx.first(context, 7) {
            resource.push("referenceRange", reference_range(&value.whole(), &unit));
        }
        resource.set("component", Json::Array(components));
        is_text
    }
}

/// Whether it is a section of a report that is its conclusion: by the suffix in OBX-3 or OBX-4, or by its code.
pub(crate) fn is_conclusion(obx: &Seg<'_>) -> bool {
    let code = obx.field(3).component(1);
    let named = [code.sub(2).raw(), obx.field(4).raw(), code.sub(1).raw()];
    named.into_iter().any(|name| codes::REPORT_SECTION.code(name) == Some("conclusion"))
}

/// OBX-11, or else what OBR-25 says of all. `None`, with a fault, for a change of status that does not repeat its
/// value: the version before it is not known here, and a version without the value would hide it.
fn status<'m>(context: &Context<'m>, obx: &Seg<'m>, of_order: Option<Status>) -> Option<Status> {
    let Some(value) = obx.first(context, 11) else {
        let status = of_order.unwrap_or(Status { code: "unknown", rank: 0, retracted: false });
        return Some(if status.code == "partial" { Status { code: "preliminary", ..status } } else { status });
    };
    let sent = value.text(1);
    if sent == "U" && !obx.has(5) {
        let text = "the status becomes final without the value: it cannot be applied to the version before";
        context.fault(Reason::Unmappable, obx.field_place(11), obx.offset(11), text);
        return None;
    }
    let found = codes::status(&codes::OBSERVATION_STATUS, &sent);
    if found.is_none() {
        cwe::unmapped(&value);
    }
    Some(found.unwrap_or(Status { code: "unknown", rank: 0, retracted: false }))
}

/// Whether OBX-8 holds one of the codes of table 0078 for susceptibility.
fn is_susceptibility(obx: &Seg<'_>) -> bool {
    let sent = obx.field(8).rep(1).component(1).raw();
    matches!(sent, "S" | "I" | "R" | "MS" | "VS" | "NS" | "SDD" | "NCL" | "SYN-R" | "SYN-S")
}

/// OBX-16, OBX-15, OBX-23 → performer.
fn performers<'m>(context: &Context<'m>, obx: &Seg<'m>) -> Vec<Json> {
    let mut performers: Vec<Json> = obx.all(context, 16).map(|value| xcn::read(&value).into()).collect();
    if let Some(value) = obx.first(context, 15) {
        let (code, name) = (value.text(1), value.text(2));
        value.ask(3);
        let shown = if name.is_empty() { &code } else { &name };
        performers.push(logical("Organization", identifier(&context.urn("organisation", ""), &code), shown).into());
    }
    performers.extend(obx.all(context, 23).map(|value| Json::from(xon::read(&value))));
    performers
}

/// OBX-20, OBX-17, specimen and OBX-18, in the order of R4's Observation.
fn rest<'m>(context: &Context<'m>, obx: &Seg<'m>, resource: Object, specimen: Option<&Json>) -> Object {
    // OBX-18 → device
    let device = ei::field(obx, context, 18).map(|id| logical("Device", id.identifier(context, "device", ""), ""));
    resource
        .maybe("bodySite", cwe::field(obx, context, 20))
        .maybe("method", cwe::field(obx, context, 17))
        .maybe("specimen", specimen.cloned())
        .maybe("device", device)
}

/// The text, and its ends where they can be read.
fn reference_range(text: &str, unit: &Unit) -> Object {
    let empty = text.chars().all(|c| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'));
    if empty {
        return Object::new();
    }
    let (low, high) = range::ends(text).unwrap_or((None, None));
    let end = |number: Option<&str>| number.and_then(|number| unit.quantity(number, ""));
    Object::sized(3).maybe("low", end(low)).maybe("high", end(high)).text("text", text)
}
