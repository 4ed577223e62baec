//! PRD, provider data: who refers a patient, and to whom. The IG has no map of it for referrals.

use crate::fhir::{Json, Object, identifier, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::xon;
use crate::hl7v2::datatype::xpn;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PRD",
    title: "Provider data",
    ig: "",
    fields: &[
        required(1, "Provider role", "RP: ServiceRequest.requester; RT: ServiceRequest.performer"),
        used(2, "Provider name", "The display of the reference"),
        kept(3, "Provider address", ""),
        kept(4, "Provider location", ""),
        kept(5, "Provider communication information", ""),
        kept(6, "Preferred method of contact", ""),
        used(7, "Provider identifiers", "The identifier of the reference"),
        kept(8, "Effective start date of provider role", ""),
        kept(9, "Effective end date of provider role", ""),
        used(10, "Provider organisation name and identifier", "A reference to the organisation"),
    ],
};

/// What a provider does in a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// RP: refers.
    Refers,
    /// RT: is referred to.
    ReferredTo,
}

/// Who it is and what they do; `None` with a fault without a role, with a note for another role than the two.
pub(crate) fn provider<'m>(context: &Context<'m>, prd: &Seg<'m>) -> Option<(Role, Vec<Json>)> {
    if !prd.has(1) {
        context.missing(prd, 1, "the role of the provider is missing");
        return None;
    }
    let mut role = None;
    for value in prd.all(context, 1) {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        role = role.or(match &*value.text(1) {
            "RP" => Some(Role::Refers),
            "RT" => Some(Role::ReferredTo),
            _ => None,
        });
    }
    let people = people(context, prd);
    let Some(role) = role else {
        context.note(NoteCode::UnusedSegment, prd.place(), "a referral has no place for a provider of this role");
        return None;
    };
    Some((role, people))
}

/// PRD-2 and PRD-7, the person; PRD-10, the organisation.
fn people<'m>(context: &Context<'m>, prd: &Seg<'m>) -> Vec<Json> {
    let name = prd.first(context, 2).map(|value| xpn::display(&value)).unwrap_or_default();
    let number = prd.first(context, 7).map_or_else(Object::new, |value| {
        let (number, namespace) = (value.text(1), value.text(2));
        [3, 4].into_iter().for_each(|component| value.ask(component));
        identifier(&context.urn("staff", &namespace), &number)
    });
    let person = logical("Practitioner", number, &name);
    let organisation = prd.first(context, 10).map(|value| xon::read(&value)).unwrap_or_default();
    [person, organisation].into_iter().filter(|reference| !reference.is_empty()).map(Json::from).collect()
}
