//! PV2, patient visit, additional information: IG map `PV2[Encounter]`.

use crate::codes;
use crate::fhir::{Json, Object, coding, concept, decimal};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, xcn};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PV2",
    title: "Patient visit - additional information",
    ig: "PV2[Encounter]",
    fields: &[
        used(3, "Admit reason", "Encounter.reasonCode"),
        used(11, "Actual length of inpatient stay", "Encounter.length, in days"),
        used(13, "Referral source code", "Encounter.participant REF").but("A reference by identifier and name"),
        used(25, "Visit priority code", "Encounter.priority"),
        used(38, "Mode of arrival code", "Encounter.extension(encounter-modeOfArrival)"),
    ],
};

/// Adds to the Encounter.
pub(crate) fn add<'m>(context: &Context<'m>, pv2: &Seg<'m>, encounter: &mut Object) {
    // PV2-3 → reasonCode
    if let Some(reason) = cwe::field(pv2, context, 3) {
        encounter.push("reasonCode", reason);
    }
    // PV2-11 → length
    if let Some(value) = pv2.first(context, 11) {
        match decimal(&value.text(1)) {
            Some(days) => {
                let length = Object::sized(4).put("value", days).text("unit", "d");
                let length = length.text("system", "http://unitsofmeasure.org").text("code", "d");
                encounter.set("length", length);
            }
            None => value.note(NoteCode::NotANumber, "the length of stay is no number: left out"),
        }
    }
    // PV2-13 → participant
    for value in pv2.all(context, 13) {
        let individual = xcn::read(&value);
        if !individual.is_empty() {
            let role = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "REF", "referrer");
            encounter.push("participant", Object::sized(2).one("type", role).put("individual", individual));
        }
    }
    // PV2-25 → priority
    if let Some(value) = pv2.first(context, 25) {
        encounter.set("priority", cwe::of_table(&value, |code| codes::ENCOUNTER_PRIORITY.concept(code)));
    }
    // PV2-38 → extension(encounter-modeOfArrival), whose value is a Coding
    if let Some(value) = pv2.first(context, 38) {
        let Some(mode) = codes::ARRIVAL_MODE.concept(&value.text(1)) else {
            cwe::unmapped(&value);
            return;
        };
        [2, 3].into_iter().for_each(|component| value.ask(component));
        let url = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival";
        let coding: Json = coding(mode.system, mode.code, mode.display).into();
        encounter.push("extension", Object::sized(2).text("url", url).put("valueCoding", coding));
    }
}
