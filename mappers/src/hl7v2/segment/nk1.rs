//! NK1, next of kin and associated parties: IG map `NK1[Patient]`.

use crate::codes;
use crate::fhir::{Json, Object, period};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ts, xad, xon, xpn, xtn};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "NK1",
    title: "Next of kin / associated parties",
    ig: "NK1[Patient]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Name", "Patient.contact.name"),
        used(3, "Relationship", "Patient.contact.relationship"),
        used(4, "Address", "Patient.contact.address"),
        used(5, "Phone number", "Patient.contact.telecom"),
        used(6, "Business phone number", "Patient.contact.telecom, use work"),
        used(7, "Contact role", "Patient.contact.relationship"),
        used(8, "Start date", "Patient.contact.period.start"),
        used(9, "End date", "Patient.contact.period.end"),
        used(13, "Organisation name", "Patient.contact.organization")
            .but("A reference by identifier and name, not an Organization of its own"),
        used(15, "Administrative sex", "Patient.contact.gender"),
    ],
};

/// A contact; empty, with a note, when it says no way to reach anybody (R4's pat-1).
pub(crate) fn contact<'m>(context: &Context<'m>, nk1: &Seg<'m>) -> Object {
    // NK1-3, NK1-7 → relationship
    let relationship = nk1.first(context, 3).map(|v| cwe::of_table(&v, |code| codes::RELATIONSHIP.concept(code)));
    let role = nk1.first(context, 7).map(|v| cwe::of_table(&v, |code| codes::CONTACT_ROLE.concept(code)));
    let relationships = [relationship, role].into_iter().flatten().map(Json::from).collect();
    // NK1-2 → name: R4 has place for one
    let name = nk1.first(context, 2).and_then(|value| xpn::read(&value)).map(|name| name.human_name);
    // NK1-5, NK1-6 → telecom
    let mut telecom: Vec<Json> = nk1.all(context, 5).map(|value| xtn::read(&value, "").into()).collect();
    telecom.extend(nk1.all(context, 6).map(|value| Json::from(xtn::read(&value, "work"))));
    // NK1-4 → address: R4 has place for one
    let address = nk1.first(context, 4).map(|value| xad::read(&value));
    // NK1-15 → gender
    let gender = nk1.first(context, 15).and_then(|value| super::pid::gender(&value));
    // NK1-13 → organization
    let organisation = nk1.first(context, 13).map(|value| xon::read(&value));
    // NK1-8, NK1-9 → period
    let period = period(ts::date_time(nk1, context, 8), ts::date_time(nk1, context, 9));
    let contact = Object::sized(8)
        .list("relationship", relationships)
        .maybe("name", name)
        .list("telecom", telecom)
        .maybe("address", address)
        .maybe("gender", gender)
        .maybe("organization", organisation)
        .put("period", period);
    if ["name", "telecom", "address", "organization"].iter().any(|way| contact.has(way)) {
        return contact;
    }
    context.note(NoteCode::UnusedSegment, nk1.place(), "the contact has no name, address, telephone or organisation");
    Object::new()
}
