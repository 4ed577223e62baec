//! MRG, merge patient information: whom the patient of PID replaces. The IG maps it to Account only.

use crate::fhir::Json;
use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use crate::fhir::Object;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::xpn;
use crate::hl7v2::identity::{self, Subject};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "MRG",
    title: "Merge patient information",
    ig: "none (the IG has MRG[Account] alone)",
    fields: &[
        required(
            1,
            "Prior patient identifier list",
            "Patient.identifier of the replaced patient, who is no longer active",
        )
        .but("The IG does not map a merge of patients; the two are linked by Patient.link"),
        used(2, "Prior alternate patient id", "Patient.identifier of the replaced patient").but("As MRG-1"),
        used(4, "Prior patient id", "Patient.identifier of the replaced patient").but("As MRG-1"),
        used(7, "Prior patient name", "Patient.name of the replaced patient").but("As MRG-1"),
    ],
};

/// What a status of a merge is worth among versions: the replaced patient stays replaced, whatever arrives late.
const RANK: u8 = 3;

/// What a merge says of the other patient.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// The patient that is no more, linked to the survivor; and the link the survivor has to it.
    Patient(Box<Record>, Object),
    /// It is the survivor: nothing to do.
    Survivor,
    /// MRG-1 names nobody: the merge cannot be made.
    Nobody,
}

/// Maps MRG. A fault when it names nobody, a note when it names the survivor.
pub(crate) fn replaced<'m>(context: &Context<'m>, mrg: &Seg<'m>, survivor: &Subject, version: Version) -> Replaced {
    // MRG-1, MRG-4, MRG-2 → identifier
    let numbers = identity::read(context, mrg, &[1, 4, 2]);
    // MRG-7 → name
    let names: Vec<Json> =
        mrg.all(context, 7).filter_map(|value| xpn::read(&value)).map(|name| name.human_name.into()).collect();
    let subject = numbers.subject(context);
    let Some(subject) = subject.filter(|_| mrg.has(1)) else {
        context.missing(mrg, 1, "the number of the patient to be replaced is missing");
        return Replaced::Nobody;
    };
    if subject == *survivor {
        context.note(
            NoteCode::MergeWithItself,
            mrg.field_place(1),
            "the patient to be replaced is the one that remains",
        );
        return Replaced::Survivor;
    }
    let link = |other: &Subject, kind: &str| Object::sized(2).put("other", other.reference()).text("type", kind);
    let patient = context
        .resource("Patient", subject.id())
        .list("identifier", numbers.identifiers)
        .put("active", false)
        .list("name", names)
        .put("managingOrganization", context.provider())
        .one("link", link(survivor, "replaced-by"));
    let [authority, number] = &subject.parts;
    let key = context.key("Patient", &[authority, number]);
    let version = Version { rank: RANK, level: Level::Structured, ..version };
    let record = context.record(Domain::Identification, key, version, patient);
    Replaced::Patient(Box::new(record), link(&subject, "replaces"))
}
