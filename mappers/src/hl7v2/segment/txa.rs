//! TXA, document notification: IG map `TXA[DocumentReference]`.

use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};
use jiff::civil;

use super::pv1::Visit;
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, concept, logical, period, reference, text_concept};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{ts, xcn};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::obstetric;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "TXA",
    title: "Transcription document header",
    ig: "TXA[DocumentReference]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Document type", "DocumentReference.type, DocumentReference.category; the domain"),
        kept(3, "Document content presentation", "").but("The type of a document is told from its bytes"),
        used(4, "Activity date/time", "DocumentReference.context.period.start; the date").but("The IG does not map it"),
        used(5, "Primary activity provider", "DocumentReference.author").but("The IG does not map it"),
        used(6, "Origination date/time", "DocumentReference.date; Attachment.creation"),
        kept(7, "Transcription date/time", ""),
        used(8, "Edit date/time", "DocumentReference.date, where TXA-6 is not sent").but("The IG does not map it"),
        used(9, "Originator", "DocumentReference.author").but("A reference by identifier and name"),
        used(10, "Assigned document authenticator", "DocumentReference.authenticator, where TXA-22 is not sent"),
        kept(11, "Transcriptionist", ""),
        required(12, "Unique document number", "DocumentReference.masterIdentifier; the key"),
        used(13, "Parent document number", "DocumentReference.relatesTo: replaces (T09, T10), or else appends")
            .but("The IG does not map it"),
        used(14, "Placer order number", "DocumentReference.context.related").but("The IG does not map it"),
        used(15, "Filler order number", "DocumentReference.context.related").but("The IG does not map it"),
        used(16, "Unique document file name", "Attachment.title, where TXA-25 is not sent")
            .but("The IG makes an identifier of it, without a system"),
        used(17, "Document completion status", "DocumentReference.docStatus; the rank of the version"),
        used(18, "Document confidentiality status", "DocumentReference.securityLabel"),
        used(
            19,
            "Document availability status",
            "DocumentReference.status: AV current, OB superseded, CA entered-in-error; UN superseded and retracted",
        )
        .but("The IG keeps CA, OB and UN in an extension of a status that R4 requires"),
        kept(20, "Document storage status", ""),
        kept(21, "Document change reason", ""),
        used(22, "Authentication person, time stamp", "DocumentReference.authenticator").but("The IG does not map it"),
        kept(23, "Distributed copies", ""),
        used(25, "Document title", "DocumentReference.description, Attachment.title"),
    ],
};

/// What an event does to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// T01 to T04: it is made, or its status changes.
    Made,
    /// T05, T06: it is added to another one.
    Added,
    /// T07, T08: its text was changed.
    Edited,
    /// T09, T10: it stands in the place of another one.
    Replaced,
    /// T11: it should not have been.
    Cancelled,
}

/// A document's header, read.
#[derive(Debug)]
pub(crate) struct Head {
    number: Entity,
    /// What to call it; never empty.
    pub(crate) title: String,
    /// When it was made, as `dateTime`.
    pub(crate) created: Option<String>,
    /// Its status and rank; retracted when it was cancelled.
    pub(crate) status: Status,
    availability: &'static str,
    kind: Object,
    category: Option<Object>,
    /// The domain TXA-2 gives it.
    pub(crate) domain: Option<Domain>,
    description: String,
    date: Option<String>,
    from: Option<Hl7Time>,
    day: Option<civil::Date>,
    authors: Vec<Json>,
    authenticator: Option<Object>,
    parent: Option<Object>,
    labels: Vec<Json>,
    related: Vec<Json>,
}

/// What belongs to a document besides its header.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Its Attachments; none for a notification.
    pub(crate) content: Vec<Object>,
    /// The orders it answers, as References.
    pub(crate) related: Vec<Json>,
    /// What it is, where TXA-2 does not say it.
    pub(crate) kind: Object,
    /// The domain that the order says.
    pub(crate) domain: Option<Domain>,
}

/// Reads TXA; `None`, with a fault, without TXA-12.
pub(crate) fn read<'m>(context: &Context<'m>, txa: &Seg<'m>, act: Act) -> Option<Head> {
    // TXA-12 → masterIdentifier
    let Some(number) = ei::field(txa, context, 12) else {
        context.missing(txa, 12, "the number of the document is missing");
        return None;
    };
    let (kind, domain) = kind(context, txa);
    let category = obstetric::kind(&kind);
    let (status, availability) = status(context, txa, act);
    // TXA-4, TXA-6, TXA-8 → context.period, date
    let (activity, made) = (ts::field(txa, context, 4), ts::field(txa, context, 6));
    let edited = txa.all(context, 8).filter_map(|value| ts::read(&value, 1)).last();
    let dated = made.or(edited).or(activity);
    // TXA-25, TXA-16 → description and title
    let (title, file) = (txa.text(context, 25), txa.text(context, 16));
    let words = kind.get("coding").first().and_then(|coding| coding.get("display")).or_else(|| Some(kind.get("text")));
    let words = words.and_then(Json::as_str).unwrap_or_default();
    let titles = [&*title, &*file, words, &*number.number];
    let called = titles.into_iter().find(|title| !title.is_empty()).unwrap_or_default().to_owned();
    Some(Head {
        title: called,
        created: dated.map(|time| context.written(time)),
        status,
        availability,
        domain: if category.is_some() { Some(Domain::ClinicalNote) } else { domain },
        description: title.into_owned(),
        date: dated.and_then(|time| ts::instant(time, context)),
        from: activity,
        day: ts::day(activity).or_else(|| ts::day(dated)),
        authors: people(context, txa, &[9, 5]),
        authenticator: authenticator(context, txa),
        parent: parent(context, txa, act, &number),
        labels: labels(context, txa),
        related: orders(context, txa, &[14, 15]),
        number,
        kind,
        category,
    })
}

impl Head {
    /// The DocumentReference.
    pub(crate) fn record(
        self,
        context: &Context<'_>,
        subject: &Subject,
        visit: Option<&Visit>,
        parts: Parts,
    ) -> Record {
        let key = context.key("DocumentReference", &[&self.number.key()]);
        // A notification brings nothing to read: it never hides a version that does.
        let rank = if parts.content.is_empty() && !self.status.retracted { 0 } else { self.status.rank };
        let retracted = self.status.retracted;
        let version = Version { rank, at: context.header().at, date: self.day, level: Level::Document, retracted };
        let contents = match parts.content.is_empty() {
            true => vec![Object::sized(1).text("title", &self.title)],
            false => parts.content,
        };
        let contents = contents.into_iter().map(|attachment| Object::sized(1).put("attachment", attachment).into());
        let mut related = self.related;
        related.extend(parts.related.into_iter().filter(|order| !related.contains(order)).collect::<Vec<_>>());
        let start = self.from.map(|time| context.written(time));
        let in_context = Object::sized(3)
            .one("encounter", visit.map(Visit::reference).unwrap_or_default())
            .put("period", if start.is_some() { period(start, None) } else { Object::new() })
            .list("related", related);
        let category = self.category.or_else(|| obstetric::kind(&parts.kind));
        let from_order = if category.is_some() { Some(Domain::ClinicalNote) } else { parts.domain };
        let domain = self.domain.or(from_order).unwrap_or(Domain::ClinicalNote);
        let resource = context
            .resource("DocumentReference", &key.resource_id())
            .put("masterIdentifier", self.number.identifier(context, "document", ""))
            .text("status", self.availability)
            .text("docStatus", self.status.code)
            .put("type", if self.kind.is_empty() { parts.kind } else { self.kind })
            .one("category", category.unwrap_or_default())
            .put("subject", subject.reference())
            .maybe("date", self.date)
            .list("author", self.authors)
            .maybe("authenticator", self.authenticator)
            .put("custodian", context.provider())
            .one("relatesTo", self.parent.unwrap_or_default())
            .text("description", &self.description)
            .list("securityLabel", self.labels)
            .list("content", contents.collect())
            .put("context", in_context);
        context.record(domain, key, version, resource)
    }
}

/// TXA-2 → type, and the domain it gives.
fn kind<'m>(context: &Context<'m>, txa: &Seg<'m>) -> (Object, Option<Domain>) {
    let Some(value) = txa.first(context, 2) else { return (Object::new(), None) };
    let of_table = !value.has(3) || matches!(&*value.text(3), "HL70270" | "0270");
    match codes::DOCUMENT_TYPE.row(&value.text(1)) {
        Some([_, display, domain]) if of_table => {
            value.ask(2);
            let code = value.text(1);
            (concept("http://terminology.hl7.org/CodeSystem/v2-0270", &code, display), Domain::parse(domain))
        }
        Some(_) | None => {
            // A code that stands alone in a field of table 0270 is the sender's own word.
            let coded = cwe::read(&value).concept;
            (if coded.is_empty() { text_concept(&value.text(1)) } else { coded }, None)
        }
    }
}

/// TXA-17 → docStatus and rank; TXA-19 → status.
fn status<'m>(context: &Context<'m>, txa: &Seg<'m>, act: Act) -> (Status, &'static str) {
    let completion = txa.first(context, 17).map(|value| {
        let row = codes::DOCUMENT_COMPLETION.row(&value.text(1));
        if row.is_none() {
            cwe::unmapped(&value);
        }
        row.map_or(("", 1), |[_, status, rank]| (*status, rank.parse().unwrap_or(1)))
    });
    let (code, rank) = completion.unwrap_or(("", 1));
    let code = if act == Act::Edited && code == "final" { "amended" } else { code };
    let availability = txa.first(context, 19).map_or("current", |value| match &*value.text(1) {
        "AV" => "current",
        "OB" => "superseded",
        "CA" => "entered-in-error",
        "UN" => "unavailable",
        _ => {
            cwe::unmapped(&value);
            "current"
        }
    });
    match availability {
        _ if act == Act::Cancelled => (error(), "entered-in-error"),
        "entered-in-error" => (error(), availability),
        // Not for the care of the patient: nobody is shown it, until the sender makes it available again.
        "unavailable" => (Status { code, rank, retracted: true }, "superseded"),
        "superseded" => (Status { code, rank: 3, retracted: false }, availability),
        _ => (Status { code, rank, retracted: false }, availability),
    }
}

/// Taken back.
const fn error() -> Status {
    Status { code: "entered-in-error", rank: 3, retracted: true }
}

/// People, each once.
fn people<'m>(context: &Context<'m>, txa: &Seg<'m>, fields: &[usize]) -> Vec<Json> {
    let mut people: Vec<Json> = Vec::new();
    for value in fields.iter().flat_map(|field| txa.all(context, *field)) {
        let person = Json::from(xcn::read(&value));
        if !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

/// TXA-22, whose fifteenth component is when; or else TXA-10 → authenticator.
fn authenticator<'m>(context: &Context<'m>, txa: &Seg<'m>) -> Option<Object> {
    let signed = txa.first(context, 22).map(|value| {
        value.ask(15);
        xcn::read(&value)
    });
    let assigned = txa.first(context, 10).map(|value| xcn::read(&value));
    signed.filter(|person| !person.is_empty()).or(assigned)
}

/// TXA-13 → relatesTo.
fn parent<'m>(context: &Context<'m>, txa: &Seg<'m>, act: Act, own: &Entity) -> Option<Object> {
    let parent = ei::field(txa, context, 13)?;
    if parent == *own {
        let text = "the document names itself as its parent: it is related to none";
        context.note(NoteCode::ItsOwnParent, txa.field_place(13), text);
        return None;
    }
    let code = match act {
        Act::Replaced => "replaces",
        Act::Made | Act::Added | Act::Edited | Act::Cancelled => "appends",
    };
    let id = context.key("DocumentReference", &[&parent.key()]).resource_id();
    let target = reference("DocumentReference", &id)
        .text("type", "DocumentReference")
        .put("identifier", parent.identifier(context, "document", ""));
    Some(Object::sized(2).text("code", code).put("target", target))
}

/// TXA-18 → securityLabel.
fn labels<'m>(context: &Context<'m>, txa: &Seg<'m>) -> Vec<Json> {
    let value = txa.first(context, 18);
    let label = value.map(|value| cwe::of_table(&value, |code| codes::DOCUMENT_CONFIDENTIALITY.concept(code)));
    label.into_iter().map(Json::from).collect()
}

/// The placer's and the filler's numbers of the orders that are answered, as References.
pub(crate) fn orders<'m>(context: &Context<'m>, segment: &Seg<'m>, [placer, filler]: &[usize; 2]) -> Vec<Json> {
    let mut orders = Vec::new();
    for (field, kind, type_code) in [(*placer, "placer", "PLAC"), (*filler, "filler", "FILL")] {
        for entity in segment.all(context, field).filter_map(|value| ei::read(&value)) {
            orders.push(logical("ServiceRequest", entity.identifier(context, kind, type_code), "").into());
        }
    }
    orders
}
