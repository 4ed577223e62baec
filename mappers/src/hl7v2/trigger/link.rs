//! A24 and A37, two patients of one sender linked, and the link taken back. The IG maps neither.
//!
//! `Patient.link` says it of the patients as they are in the message; an update of one of them would forget it, so the
//! link is a Linkage of its own, too, which stands until it is taken back. In R4 a link of type `seealso` says that both
//! are one person: two patients who differ in identity document, birth date or sex are not linked.

use causeway_core::mapped::{Identity, Prior};
use causeway_core::person::{DocumentKind, Sex};
use causeway_core::reason::Reason;
use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::Domain;

use super::{Output, Says, Segments, link, patient_record, whole_patient};
use crate::fhir::{Json, Object};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::pid::Patient;

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    Trigger { map: linked, ..of_pair("A24", "Link patient information") },
    Trigger { map: unlinked, ..of_pair("A37", "Unlink patient information") },
];

const fn of_pair(event: &'static str, title: &'static str) -> Trigger {
    Trigger { code: "ADT", event, title, ig: "", required: &["PID"], optional: &["EVN", "PD1"], map: linked }
}

/// Whether an event speaks of two patients: of all others one is expected.
pub(crate) fn is_of_two(trigger: &Trigger) -> bool {
    TRIGGERS.iter().any(|pair| (pair.code, pair.event) == (trigger.code, trigger.event))
}

/// A24.
fn linked<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some([mut one, mut other]) = pair(context, segments, output) else { return };
    if !may_be_one(&one.identity, &other.identity) {
        let text = "the two patients differ in identity document, birth date or sex: they are not linked as one person";
        output.identity = None;
        context.fault(Reason::Unmappable, "PID[2]-3".to_owned(), 0, text);
        return;
    }
    let version = super::version(context, Says::Registration);
    one.resource.push("link", link(&other.subject, "seealso"));
    other.resource.push("link", link(&one.subject, "seealso"));
    let linkage = linkage(context, [&one.subject, &other.subject], version);
    output.records.extend([
        patient_record(context, &one.subject, version, one.resource),
        patient_record(context, &other.subject, version, other.resource),
        linkage,
    ]);
}

/// A37. The other patient becomes one of its own again, also where it had been merged; unless it is clearly somebody
/// else, whose record does not belong here any more.
fn unlinked<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some([one, other]) = pair(context, segments, output) else { return };
    let version = super::version(context, Says::Registration);
    let lifting = Version { rank: VersionClock::LIFTS, ..version };
    let linkage = linkage(context, [&one.subject, &other.subject], Version { retracted: true, ..version });
    let left = if may_be_one(&one.identity, &other.identity) {
        patient_record(context, &other.subject, lifting, other.resource)
    } else {
        let numbers = other.resource.get("identifier").clone();
        let resource = context.resource("Patient", other.subject.id()).put("identifier", numbers).put("active", false);
        patient_record(context, &other.subject, Version { retracted: true, ..lifting }, resource)
    };
    output.records.extend([patient_record(context, &one.subject, version, one.resource), left, linkage]);
}

/// The two patients; whom the message is about is the first, also known by the numbers of the second. `None`, with a fault,
/// unless there are two.
fn pair<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) -> Option<[Patient; 2]> {
    let all: Vec<&Seg<'m>> = segments.iter().collect();
    let starts: Vec<usize> = (0..).zip(&all).filter(|(_, seg)| seg.name() == "PID").map(|(at, _)| at).collect();
    let [_, second] = starts.as_slice() else {
        let text = "the event speaks of two patients: send a PID for each of them, and one message for each pair";
        all.iter().for_each(|segment| segment.keep());
        context.fault(Reason::MissingSegment, "PID[2]".to_owned(), 0, text);
        return None;
    };
    let (before, behind) = all.split_at_checked(*second)?;
    let one = whole_patient(context, &Segments::new(before.to_vec()))?;
    let other = whole_patient(context, &Segments::new(behind.to_vec()))?;
    if one.subject == other.subject {
        let text = "both PID name the same patient";
        context.fault(Reason::BadValue, "PID[2]-3".to_owned(), 0, text);
        return None;
    }
    let Identity { documents, local_numbers, .. } = &other.identity;
    let prior = Prior { documents: documents.clone(), local_numbers: local_numbers.clone(), merged: false };
    output.identity = Some(Identity { prior, ..one.identity.clone() });
    Some([one, other])
}

/// Whether nothing shows that these are two persons.
fn may_be_one(one: &Identity, other: &Identity) -> bool {
    let of_kind = |identity: &Identity, kind: DocumentKind| {
        identity.documents.iter().find(|document| document.kind == kind).map(|document| document.number.clone())
    };
    let differ = |kind: DocumentKind| match (of_kind(one, kind), of_kind(other, kind)) {
        (Some(one), Some(other)) => one != other,
        (Some(_) | None, _) => false,
    };
    let (said, also) = (&one.demographics, &other.demographics);
    let births = said.birth.as_ref().zip(also.birth.as_ref());
    let births_differ = births.is_some_and(|(one, other)| {
        let (one, other) = (one.expose().to_string(), other.expose().to_string());
        !one.starts_with(&other) && !other.starts_with(&one)
    });
    let known = |sex: Option<Sex>| sex.filter(|sex| *sex != Sex::Unknown);
    let sexes_differ = known(said.sex).zip(known(also.sex)).is_some_and(|(one, other)| one != other);
    !(differ(DocumentKind::Hkid) || differ(DocumentKind::Hkbc) || births_differ || sexes_differ)
}

/// The link itself, the same whichever of the two comes first.
fn linkage(context: &Context<'_>, subjects: [&Subject; 2], version: Version) -> Record {
    let mut subjects = subjects;
    subjects.sort_by_key(|subject| subject.key());
    let [one, other] = subjects.map(Subject::key);
    let key = context.key("Linkage", &[&one, &other]);
    let item = |(subject, kind): (&Subject, &str)| {
        Json::from(Object::sized(2).text("type", kind).put("resource", subject.reference()))
    };
    let resource = context
        .resource("Linkage", &key.resource_id())
        .put("active", !version.retracted)
        .put("author", context.provider())
        .list("item", subjects.into_iter().zip(["source", "alternate"]).map(item).collect());
    context.record(Domain::Identification, key, version, resource)
}
