//! VXU^V04, vaccination record update: IG message map VXU_V04.

use std::collections::BTreeSet;

use super::pharmacy::{self, no_place};
use super::{Output, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::medication::group::{self, Group};
use crate::hl7v2::medication::immunization;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::segment::orc::pharmacy::{self as orc, Placed};

/// The event.
pub(crate) const TRIGGERS: &[Trigger] = &[Trigger {
    code: "VXU",
    event: "V04",
    title: "Vaccination record update",
    ig: "VXU_V04",
    required: &["PID"],
    optional: &["PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "ORC", "RXA", "RXR", "OBX", "NTE"],
    map: vaccinations,
}];

/// Maps vaccinations: the Patient, the visit, and an Immunization for each vaccine.
fn vaccinations<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some(head) = pharmacy::head(context, segments, output) else { return };
    let groups = group::groups(segments, &["RXA"], |segment| group::stray(context, segment));
    let mut seen = BTreeSet::new();
    for group in &groups {
        let placed = placed(context, group);
        if group.section("RXA").is_none() {
            for section in &group.sections {
                section.has_no_place(context, "no vaccine stands behind this order");
            }
        }
        for section in group.all("RXA") {
            let records = immunization::records(context, section, head.patient(), &placed, &mut seen);
            output.records.extend(records);
        }
    }
}

/// ORC, with notes on what an Immunization has no place for.
fn placed<'m>(context: &Context<'m>, group: &Group<'_, 'm>) -> Placed {
    let Some(section) = group.section("ORC") else { return Placed::none(context) };
    let placed = orc::read(context, section.head);
    no_place(context, section.head, &[4, 7, 8, 10, 15, 16], "a vaccination has no place for this field");
    for segment in section.routes.iter().chain(&section.comments).chain(&section.others) {
        context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the vaccine it belongs to");
        segment.keep();
    }
    placed
}
