//! MRG, merge patient information: whom the patient of PID replaces. The IG maps it to Account only.

use causeway_core::mapped::Prior;
use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::Level;

use crate::fhir::{Json, Object};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::xpn;
use crate::hl7v2::identity::{self, Numbers, Subject};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, required, used};
use crate::hl7v2::reader::Seg;
use crate::hl7v2::trigger;

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
        used(5, "Prior visit number", "Encounter.identifier of the superseded visit (A42, A45, A50)")
            .but("The IG does not map it; the visit under the old number is entered in error"),
        used(6, "Prior alternate visit id", "Encounter.identifier of the superseded visit (A51)").but("As MRG-5"),
        used(7, "Prior patient name", "Patient.name of the replaced patient").but("As MRG-1"),
    ],
};

/// What a merge says of the other patient.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// The patient that is no more, linked to the survivor; and the link the survivor has to it.
    Patient {
        /// Its record.
        record: Box<Record>,
        /// The link of the survivor.
        link: Object,
        /// Its numbers.
        prior: Prior,
    },
    /// It is the survivor: nothing to do.
    Survivor,
    /// MRG-1 names nobody: the merge cannot be made.
    Nobody,
}

/// Maps MRG. A fault when it names nobody, a note when it names the survivor.
pub(crate) fn replaced<'m>(context: &Context<'m>, mrg: &Seg<'m>, survivor: &Subject, version: Version) -> Replaced {
    let numbers = numbers(context, mrg);
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
    let prior = numbers.prior(true);
    let patient = context
        .resource("Patient", subject.id())
        .list("identifier", numbers.identifiers)
        .put("active", false)
        .list("name", names)
        .put("managingOrganization", context.provider())
        .one("link", trigger::link(survivor, "replaced-by"));
    let version = Version { rank: VersionClock::RETIRES, level: Level::Structured, ..version };
    let record = Box::new(trigger::patient_record(context, &subject, version, patient));
    Replaced::Patient { record, link: trigger::link(&subject, "replaces"), prior }
}

/// MRG-1, MRG-4, MRG-2: the numbers of the other patient.
pub(crate) fn numbers<'m>(context: &Context<'m>, mrg: &Seg<'m>) -> Numbers {
    identity::read(context, mrg, &[1, 4, 2])
}
