//! OBR, observation request: IG maps `OBR[DiagnosticReport]`, `OBR[ServiceRequest]` and `OBR[Specimen]`.

use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};
use jiff::{Timestamp, civil};

use super::orc::Common;
use super::pv1::Visit;
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, concept, period};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::cwe::{self, Coded};
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::imaging::Imaging;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

mod parent;
pub(crate) mod request;

pub(crate) use parent::{Numbers, Parent, ParentResult};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "OBR",
    title: "Observation request",
    ig: "OBR[DiagnosticReport], OBR[ServiceRequest], OBR[Specimen]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Placer order number", "DiagnosticReport.identifier PLAC; the key where there is no filler's"),
        used(3, "Filler order number", "DiagnosticReport.identifier FILL; with OBR-4 the key"),
        required(4, "Universal service identifier", "DiagnosticReport.code; part of the key"),
        used(5, "Priority", "ServiceRequest.priority (contained in the report)"),
        used(6, "Requested date/time", "ServiceRequest.occurrenceDateTime"),
        used(7, "Observation date/time", "DiagnosticReport.effectiveDateTime, or effectivePeriod.start"),
        used(8, "Observation end date/time", "DiagnosticReport.effectivePeriod.end"),
        used(9, "Collection volume", "Specimen.collection.quantity, with OBR-15"),
        used(10, "Collector identifier", "Specimen.collection.collector, with OBR-15")
            .but("A reference by identifier and name"),
        kept(11, "Specimen action code", ""),
        used(13, "Relevant clinical information", "Of an order: ServiceRequest.note"),
        used(14, "Specimen received date/time", "Specimen.receivedTime, with OBR-15 or SPM"),
        used(15, "Specimen source", "Specimen.type, container.additive, note, collection.bodySite; without SPM"),
        used(16, "Ordering provider", "ServiceRequest.requester").but("A reference by identifier and name"),
        used(18, "Placer field 1", "Of a report on images: DiagnosticReport.identifier ACSN, as IHE Radiology has it"),
        used(20, "Filler field 1", "As OBR-18"),
        used(22, "Results reported / status changed", "DiagnosticReport.issued; the version clock"),
        used(24, "Diagnostic service section id", "DiagnosticReport.category; Observation.category; the domain"),
        used(25, "Result status", "DiagnosticReport.status; the rank of the version"),
        used(
            26,
            "Parent result",
            "Observation.derivedFrom: the parent's Observation, or its words where it is not in the message",
        ),
        used(27, "Quantity/timing", "ServiceRequest.priority, where OBR-5 is not sent"),
        used(29, "Parent", "ServiceRequest.basedOn, by identifier"),
        used(31, "Reason for study", "ServiceRequest.reasonCode"),
        used(32, "Principal result interpreter", "DiagnosticReport.resultsInterpreter")
            .but("A reference by identifier and name"),
        used(34, "Technician", "DiagnosticReport.performer")
            .but("A reference by identifier and name, without the role"),
    ],
};

/// An order with its results' head, read.
#[derive(Debug)]
pub(crate) struct Order {
    /// What its report is keyed by: the number of the order and the service.
    pub(crate) key: [String; 2],
    /// Why the number is not the filler's; empty when it is.
    derived: &'static str,
    /// What its observations are keyed by instead of the number, when they belong to something larger than one report.
    pub(crate) whole: Option<String>,
    /// OBR-4.
    pub(crate) service: Coded,
    /// OBR-7 and OBR-8.
    pub(crate) observed: Option<Hl7Time>,
    observed_end: Option<Hl7Time>,
    /// OBR-6.
    pub(crate) requested: Option<Hl7Time>,
    /// OBR-14.
    pub(crate) received: Option<Hl7Time>,
    /// OBR-22.
    pub(crate) issued: Option<Hl7Time>,
    /// OBR-25, if it is known.
    pub(crate) status: Option<Status>,
    /// The domain OBR-24 gives it.
    pub(crate) domain: Domain,
    /// Whether OBR-24 gave it.
    pub(crate) has_section: bool,
    /// The category of its observations.
    pub(crate) category: Json,
    /// The numbers it has.
    pub(crate) numbers: Numbers,
    /// Where it comes from.
    pub(crate) parent: Parent,
    section: Object,
    identifiers: Vec<Json>,
    request: Request,
    interpreters: Vec<Json>,
    performers: Vec<Json>,
}

/// What is known of the request that is answered.
#[derive(Debug)]
enum Request {
    /// Its number, at most: referred to by it.
    Known(Object),
    /// More than that: contained in the report.
    Told(Object),
}

impl Order {
    /// What its observations are keyed by, as a list of parts.
    pub(crate) fn key_parts(&self) -> [&str; 2] {
        let [number, service] = &self.key;
        [self.whole.as_ref().unwrap_or(number), service]
    }

    /// A report on a study is one of radiology, where OBR-24 does not say what it is.
    pub(crate) fn imagine(&mut self, imaging: &Imaging) {
        if imaging.has_study && !self.has_section {
            (self.domain, self.has_section) = (Domain::RadiologyReport, true);
            self.category = observation_category("imaging");
        }
    }

    /// Files it where OBR-24 does not: in a domain, under a category of its report.
    pub(crate) fn file(&mut self, domain: Domain, category: Object) {
        (self.domain, self.has_section, self.section) = (domain, true, category);
        self.category = observation_category("exam");
    }

    /// Notes that the number is not the filler's. Only for records that are keyed by it.
    pub(crate) fn note_derived(&self, context: &Context<'_>, obr: &Seg<'_>) {
        if !self.derived.is_empty() {
            context.note(NoteCode::DerivedId, obr.field_place(3), self.derived);
        }
    }

    /// When this version of its results was made.
    pub(crate) fn made_at(&self, context: &Context<'_>) -> Timestamp {
        self.issued.and_then(|time| time.start(context.zone())).unwrap_or(context.header().at)
    }

    /// The day of the observation.
    pub(crate) fn day(&self) -> Option<civil::Date> {
        ts::day(self.observed).or_else(|| ts::day(self.requested)).or_else(|| ts::day(self.issued))
    }

    /// The effective time as a member of a resource.
    pub(crate) fn effective(&self, context: &Context<'_>) -> Option<(&'static str, Json)> {
        let written = |time| context.written(time);
        match (self.observed, self.observed_end) {
            (Some(at), None) => Some(("effectiveDateTime", written(at).into())),
            (start, Some(end)) => Some(("effectivePeriod", period(start.map(written), Some(written(end))).into())),
            (None, None) => None,
        }
    }
}

/// Reads OBR with the ORC before it; `None`, with a fault, without OBR-4.
pub(crate) fn order<'m>(context: &Context<'m>, obr: &Seg<'m>, common: Common, subject: &Subject) -> Option<Order> {
    // OBR-4 → code
    let service = obr.first(context, 4).map(|value| cwe::read(&value));
    let Some(service) = service.filter(|service| !service.concept.is_empty()) else {
        context.missing(obr, 4, "the service that was asked for is missing");
        return None;
    };
    // OBR-2, OBR-3 → identifier
    let placer = ei::field(obr, context, 2).or(common.placer);
    let filler = ei::field(obr, context, 3).or(common.filler);
    let (number, derived) = number(context, obr, filler.as_ref(), placer.as_ref());
    let identifier = |entity: &Option<Entity>, kind: &str, type_code: &str| {
        entity.as_ref().map(|entity| Json::from(entity.identifier(context, kind, type_code)))
    };
    let placed = identifier(&placer, "placer", "PLAC");
    let identifiers = placed.clone().into_iter().chain(identifier(&filler, "filler", "FILL")).collect();
    // OBR-16 → ServiceRequest.requester
    let requester = obr.first(context, 16).map(|value| xcn::read(&value)).or(common.requester);
    // OBR-6 → ServiceRequest.occurrenceDateTime
    let requested = ts::field(obr, context, 6);
    let parent = parent::read(context, obr);
    let request = Object::sized(10)
        .one("basedOn", parent.based_on(context))
        .maybe("priority", priority(context, obr))
        .maybe("occurrenceDateTime", requested.map(|time| context.written(time)))
        .maybe("requester", requester)
        .list("reasonCode", cwe::fields(obr, context, 31)); // OBR-31 → ServiceRequest.reasonCode
    let request = if request.is_empty() {
        // The placer's number alone says which request it is.
        Request::Known(Object::sized(2).text("type", "ServiceRequest").maybe("identifier", placed.clone()))
    } else {
        Request::Told(service_request(request, placed.as_ref(), common.status, subject))
    };
    let (section, domain, category, has_section) = section(context, obr);
    Some(Order {
        key: [number, service.key.clone()],
        derived,
        whole: None,
        service,
        observed: ts::field(obr, context, 7),
        observed_end: ts::field(obr, context, 8),
        requested,
        received: ts::field(obr, context, 14),
        issued: ts::field(obr, context, 22),
        status: status(context, obr),
        domain,
        has_section,
        category: observation_category(category),
        numbers: Numbers { placer, filler },
        parent,
        section,
        identifiers,
        request,
        // OBR-32 → resultsInterpreter; OBR-34 → performer
        interpreters: obr.all(context, 32).map(|value| xcn::read_ndl(&value).into()).collect(),
        performers: obr.all(context, 34).map(|value| xcn::read_ndl(&value).into()).collect(),
    })
}

/// The number the results are keyed by: the filler's, or the placer's, or the control id; and why it is not the first.
fn number(
    context: &Context<'_>,
    obr: &Seg<'_>,
    filler: Option<&Entity>,
    placer: Option<&Entity>,
) -> (String, &'static str) {
    match (filler, placer) {
        (Some(filler), _) => (filler.key(), ""),
        (None, Some(placer)) => (format!("PLAC:{}", placer.key()), "no filler order number: keyed by the placer's"),
        (None, None) => {
            let control_id = &context.header().control_id;
            (format!("MSH-10:{control_id}:{}", obr.place()), "no order number: keyed by the control id")
        }
    }
}

/// OBR-5, or the sixth component of OBR-27.
fn priority<'m>(context: &Context<'m>, obr: &Seg<'m>) -> Option<&'static str> {
    let own = obr.first(context, 5);
    let timing = obr.first(context, 27);
    if let Some(timing) = &timing {
        // How many and how often is a matter of the order, not of its results.
        (1..=5).for_each(|component| timing.ask(component));
        timing.ask(6);
    }
    let (value, component) = match (&own, &timing) {
        (Some(own), _) => (own, 1),
        (None, Some(timing)) if timing.has(6) => (timing, 6),
        (None, _) => return None,
    };
    let found = codes::ORDER_PRIORITY.code(&value.text(component));
    if found.is_none() {
        cwe::unmapped(value);
    }
    found
}

/// The request, to be contained in the report: its status is ORC-5's, or unknown.
fn service_request(request: Object, placed: Option<&Json>, status: &str, subject: &Subject) -> Object {
    Object::sized(12)
        .text("resourceType", "ServiceRequest")
        .text("id", "request")
        .one("identifier", placed.cloned().unwrap_or_default())
        .text("status", if status.is_empty() { "unknown" } else { status })
        .text("intent", "order")
        .put("subject", subject.reference())
        .merge(request)
}

/// OBR-24 → category, with the domain and the category of observations.
pub(crate) fn section<'m>(context: &Context<'m>, obr: &Seg<'m>) -> (Object, Domain, &'static str, bool) {
    let laboratory = (Object::new(), Domain::Laboratory, "laboratory", false);
    let Some(value) = obr.first(context, 24) else { return laboratory };
    let sent = value.text(1);
    let Some([code, display, domain, category]) = codes::DIAGNOSTIC_SECTION.row(&sent) else {
        if let Some([code, display, domain, category]) = codes::MODALITY.row(&sent) {
            let concept = concept("http://dicom.nema.org/resources/ontology/DCM", code, display);
            return (concept, Domain::parse(domain).unwrap_or(Domain::Laboratory), *category, true);
        }
        cwe::unmapped(&value);
        return (concept(context.urn("code", "0074"), &sent, ""), Domain::Laboratory, "laboratory", false);
    };
    let concept = concept("http://terminology.hl7.org/CodeSystem/v2-0074", code, display);
    (concept, Domain::parse(domain).unwrap_or(Domain::Laboratory), *category, true)
}

/// OBR-25.
fn status<'m>(context: &Context<'m>, obr: &Seg<'m>) -> Option<Status> {
    let value = obr.first(context, 25)?;
    let found = codes::status(&codes::REPORT_STATUS, &value.text(1));
    if found.is_none() {
        cwe::unmapped(&value);
    }
    found
}

/// What belongs to a report besides its order.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// References to its Observations.
    pub(crate) results: Vec<Json>,
    /// References to its Specimens.
    pub(crate) specimens: Vec<Json>,
    /// The comments behind OBR.
    pub(crate) conclusion: String,
    /// The status its results agree on, for an order that has none.
    pub(crate) status_of_results: Option<Status>,
    /// Whether all its results are text or documents.
    pub(crate) is_text: bool,
    /// What it says of its images.
    pub(crate) imaging: Imaging,
}

/// The DiagnosticReport.
pub(crate) fn report(
    context: &Context<'_>,
    order: Order,
    subject: &Subject,
    visit: Option<&Visit>,
    parts: Parts,
) -> Record {
    let [number, service] = &order.key;
    let key = context.key("DiagnosticReport", &[number, service]);
    let status = order.status.or(parts.status_of_results);
    let status = status.unwrap_or(Status { code: "unknown", rank: 0, retracted: false });
    let level = if parts.is_text { Level::Document } else { order.service.level };
    let (rank, retracted) = (status.rank, status.retracted);
    let version = Version { rank, at: order.made_at(context), date: order.day(), level, retracted };
    let effective = order.effective(context);
    let (contained, based_on) = match order.request {
        Request::Known(request) if request.has("identifier") => (Object::new(), request),
        Request::Known(_) => (Object::new(), Object::new()),
        Request::Told(request) => (request, Object::sized(1).text("reference", "#request")),
    };
    let mut categories: Vec<Json> = vec![order.section.into()];
    categories.extend(
        parts.imaging.modalities.into_iter().filter(|modality| !categories.contains(modality)).collect::<Vec<_>>(),
    );
    let mut resource = context
        .resource("DiagnosticReport", &key.resource_id())
        .one("contained", contained)
        .list("identifier", order.identifiers.into_iter().chain(parts.imaging.identifiers).collect())
        .one("basedOn", based_on)
        .fixed("status", status.code)
        .list("category", categories)
        .put("code", order.service.concept)
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference));
    if let Some((name, value)) = effective {
        resource.set(name, value);
    }
    // OBR-22 → issued
    let issued = order.issued.and_then(|time| ts::instant(time, context));
    let performers = std::iter::once(Json::from(context.provider())).chain(order.performers).collect();
    let resource = resource
        .maybe("issued", issued)
        .list("performer", performers)
        .list("resultsInterpreter", order.interpreters)
        .list("specimen", parts.specimens)
        .list("result", parts.results)
        .list("imagingStudy", parts.imaging.studies)
        .text("conclusion", &parts.conclusion);
    context.record(order.domain, key, version, resource)
}

/// A category of observations, which every one of an order has.
fn observation_category(code: &str) -> Json {
    Json::shared(concept("http://terminology.hl7.org/CodeSystem/observation-category", code, ""))
}
