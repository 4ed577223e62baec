//! The birth record: who a child's mother is, and what is told of its birth. The details come by results; what makes them
//! one record is the number of the case, not that of the result (docs/fhir.md).

use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::{Domain, Level};
use jiff::civil;

use super::allergy::folded;
use super::context::{Context, Version};
use super::identity::{self, Subject};
use super::note::NoteCode;
use super::obstetric;
use super::reader::Seg;
use super::segment::obr::Order;
use super::segment::pv1::Visit;
use crate::codes;
use crate::fhir::{Json, Object, coding, concept};

/// The system of `codes/birth_record.csv`.
const SYSTEM: &str = "urn:causeway:birth-record";
/// What is told of nobody but a child that was born. Gestation and delivery are told of its mother, too.
const DECIDING: &[&str] = &["birth-weight", "apgar-1", "apgar-5", "apgar-10"];

/// The child's mother, as PID-21 has her; her name and how to reach her from the contact that is the mother. `None`
/// without a number.
pub(crate) fn mother<'m>(
    context: &Context<'m>,
    pid: &Seg<'m>,
    patient: &Object,
    (subject, born): (&Subject, Option<civil::Date>),
    version: Version,
) -> Option<Record> {
    // PID-21 → identifier. Not the patient's: these numbers never match anybody to the message.
    let numbers = identity::read(context, pid, &[21]).identifiers;
    if numbers.is_empty() {
        return None;
    }
    let contact = patient.get("contact").items().iter().find(|contact| is_mother(contact));
    let of_contact = |name: &str| contact.and_then(|contact| contact.get(name)).cloned();
    let [authority, number] = &subject.parts;
    // A child has one mother: another number of hers is a correction.
    let key = context.key("RelatedPerson", &["mother", authority, number]);
    let relationship = concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH", "mother");
    let resource = context
        .resource("RelatedPerson", &key.resource_id())
        .list("identifier", numbers)
        .put("active", !version.retracted)
        .put("patient", subject.reference())
        .one("relationship", relationship)
        .one("name", of_contact("name").unwrap_or_default())
        .maybe("telecom", of_contact("telecom"))
        .maybe("gender", of_contact("gender"))
        .one("address", of_contact("address").unwrap_or_default());
    let rank = VersionClock::weight(version.rank);
    let version = Version { rank, date: born, level: Level::Structured, ..version };
    Some(context.record(Domain::Birth, key, version, resource))
}

/// Files an order as a birth record: by OBR-4, or where OBR-24 is silent by what was observed. Tells whether it is one.
///
/// Its observations are keyed by the case, so that a later report of the same birth corrects them.
pub(crate) fn file<'m>(
    context: &Context<'m>,
    order: &mut Order,
    (obr, observed): (&Seg<'m>, &[&Seg<'m>]),
    (subject, visit): (&Subject, Option<&Visit>),
) -> bool {
    let is_named = matches!(named(&order.service.concept), Some(["birth-record", _]));
    if !is_named && (order.has_section || !tells_of_birth(observed)) {
        return false;
    }
    order.file(Domain::Birth, concept("urn:causeway:category", "birth", "Birth record"));
    order.whole = Some(match visit {
        Some(visit) => format!("birth:{}", visit.key_part()),
        None => {
            let text = "a birth without the number of its case (PV1-19): what is told of it is keyed by the patient";
            context.note(NoteCode::DerivedId, obr.place(), text);
            format!("birth:patient:{}", subject.key())
        }
    });
    true
}

/// Adds what a detail is to the code it was sent with.
pub(crate) fn name(code: &mut Object) {
    if let Some([detail, display]) = named(code) {
        code.push("coding", coding(SYSTEM, detail, display));
    }
}

/// Whether every observation is a detail of a birth, and one of them of nothing else. Most results are told to be of
/// something else by the first.
fn tells_of_birth(observed: &[&Seg<'_>]) -> bool {
    let mut decided = false;
    for obx in observed {
        let sent = obx.field(3).rep(1);
        let mut words = [1, 2, 4, 5, 9].into_iter().map(|at| sent.component(at).text());
        let Some([_, detail, _]) = words.find_map(|word| codes::BIRTH_RECORD.row(&folded(&word))) else {
            return false;
        };
        decided |= DECIDING.contains(detail);
    }
    decided
}

/// The detail a CodeableConcept speaks of: by one of its codes, or by its words.
fn named(of: &Object) -> Option<[&'static str; 2]> {
    let found = obstetric::words(of).find_map(|word| codes::BIRTH_RECORD.row(&folded(word)));
    found.map(|[_, code, display]| [*code, *display])
}

/// Whether a contact is the patient's mother.
fn is_mother(contact: &Json) -> bool {
    let relationships = contact.get("relationship").map(Json::items).unwrap_or_default();
    let codings = relationships.iter().flat_map(|one| one.get("coding").map(Json::items).unwrap_or_default());
    codings.into_iter().any(|coding| coding.get("code").and_then(Json::as_str) == Some("MTH"))
}
