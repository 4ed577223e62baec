//! ROL, roles of staff in a visit: IG map `ROL[Encounter-PractitionerRole]`.

use crate::codes;
use crate::fhir::{Json, Object, period};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ts, xcn};
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "ROL",
    title: "Role",
    ig: "ROL[Encounter-PractitionerRole]",
    fields: &[
        kept(1, "Role instance id", ""),
        used(2, "Action code", "DE and UN: the person takes no part"),
        used(3, "Role", "Behind PV1: Encounter.participant.type")
            .but("Behind PID the segment is not used: the patient's own doctor is outside the sharable scope"),
        used(4, "Role person", "Encounter.participant.individual")
            .but("A reference by identifier and name; one participant each"),
        used(5, "Role begin date/time", "Encounter.participant.period.start"),
        used(6, "Role end date/time", "Encounter.participant.period.end"),
    ],
};

/// Those who take part in a visit.
pub(crate) fn participants<'m>(context: &Context<'m>, rol: &Seg<'m>) -> Vec<Json> {
    // ROL-2: who is deleted or unlinked takes no part any more.
    let gone = ["DE", "UN"].contains(&&*rol.text(context, 2));
    // ROL-3 → participant.type
    let of_role = |code: &str| codes::PROVIDER_ROLE.concept(code);
    let role = rol.first(context, 3).map(|value| cwe::of_suggested(&value, "HL70443", of_role));
    // ROL-5, ROL-6 → participant.period
    let (from, to) = (ts::date_time(rol, context, 5), ts::date_time(rol, context, 6));
    // ROL-4 → participant.individual
    let persons: Vec<Object> = rol.all(context, 4).map(|value| xcn::read(&value)).collect();
    if gone {
        return Vec::new();
    }
    let role: Option<Json> = role.map(Json::from);
    let part = |individual: Object| {
        let types = role.clone().into_iter().collect();
        let part = Object::sized(3).list("type", types).put("period", period(from.clone(), to.clone()));
        part.put("individual", individual).into()
    };
    persons.into_iter().filter(|person| !person.is_empty()).map(part).collect()
}
