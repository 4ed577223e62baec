//! PD1, additional demographics: IG map `PD1[Patient]`.

use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, xcn, xon};
use crate::hl7v2::profile::{SegmentUse, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PD1",
    title: "Patient additional demographic",
    ig: "PD1[Patient]",
    fields: &[
        used(3, "Patient primary facility", "Patient.generalPractitioner")
            .but("A reference by identifier and name, not an Organization of its own"),
        used(4, "Patient primary care provider", "Patient.generalPractitioner")
            .but("A reference by identifier and name, not a Practitioner of its own"),
        used(6, "Handicap", "Patient.extension(patient-disability)"),
    ],
};

/// Adds to the Patient.
pub(crate) fn add<'m>(context: &Context<'m>, pd1: &Seg<'m>, patient: &mut Object) {
    // PD1-3 → generalPractitioner(Organization)
    for value in pd1.all(context, 3) {
        patient.push("generalPractitioner", xon::read(&value));
    }
    // PD1-4 → generalPractitioner(Practitioner)
    for value in pd1.all(context, 4) {
        patient.push("generalPractitioner", xcn::read(&value));
    }
    // PD1-6 → extension(patient-disability)
    if let Some(disability) = cwe::field(pd1, context, 6) {
        let url = "http://hl7.org/fhir/StructureDefinition/patient-disability";
        patient.push("extension", Object::sized(2).text("url", url).put("valueCodeableConcept", disability));
    }
}
