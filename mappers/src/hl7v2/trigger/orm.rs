//! ORM^O01, the general order of v2.3 to v2.5: each ORC says by what stands behind it which kind of order it is. IG
//! message map ORM_O01.

use causeway_core::reason::Reason;
use causeway_core::scope::Domain;

use super::pharmacy::{self, Orders};
use super::results::{self, request};
use super::{Output, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::medication::group::{self, Group, Section};
use crate::hl7v2::medication::order::Patient;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;

/// The event.
pub(crate) const TRIGGERS: &[Trigger] = &[Trigger {
    code: "ORM",
    event: "O01",
    title: "General order",
    ig: "ORM_O01",
    required: &["PID", "ORC"],
    optional: &[
        "PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "TQ1", "TQ2", "RXO", "RXE", "RXR", "RXC", "OBR", "SPM", "NTE", "OBX",
        "DG1",
    ],
    map: orders,
}];

/// The segments that begin a section of a group.
const HEADS: &[&str] = &["RXO", "RXE", "OBR"];

/// Maps each order by what stands behind its ORC. An ORC is common to all that stands behind it.
fn orders<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some(head) = pharmacy::head(context, segments, output) else { return };
    let groups = group::groups(segments, HEADS, |segment| group::stray(context, segment));
    let (mut medicines, mut services) = (Orders::default(), Vec::new());
    for mut group in groups {
        let requested: Vec<_> = group.sections.extract_if(.., |section| section.head.name() == "OBR").collect();
        let is_medicine = ["RXO", "RXE"].into_iter().any(|name| group.section(name).is_some());
        if is_medicine {
            medicines.map(context, &group, head.patient(), output);
        } else if requested.is_empty() {
            untold(context, &group);
        }
        let control = group.sections.into_iter().find(|section| section.head.name() == "ORC");
        let before = services.len();
        let orc = control.as_ref().map(|control| control.head);
        services.extend(requested.into_iter().map(|section| service(context, section, orc)));
        let first = services.get_mut(before).filter(|_| !is_medicine);
        first.into_iter().zip(control).for_each(|(first, control)| lead(context, first, control));
    }
    let Patient { subject, visit } = head.patient();
    request::map(context, services, (subject, visit), domain, output);
}

/// The order of an investigation: OBR and what stands behind it.
fn service<'c, 'm>(
    context: &Context<'m>,
    section: Section<'c, 'm>,
    orc: Option<&'c Seg<'m>>,
) -> results::Group<'c, 'm> {
    let mut group = results::Group {
        orc,
        obr: section.head,
        comments: section.comments,
        observed: section.observed,
        specimens: Vec::new(),
        imaging: Vec::new(),
        reasons: section.diagnoses,
        is_prior: false,
    };
    for segment in section.others {
        match segment.name() {
            "SPM" => group.specimens.push(segment),
            _ => no_place(context, segment),
        }
    }
    let timing = section.timing.into_iter().chain(section.sequence).chain(section.routes).chain(section.components);
    timing.for_each(|segment| no_place(context, segment));
    group
}

/// What stands between ORC and the first OBR is of that OBR.
fn lead<'c, 'm>(context: &Context<'m>, first: &mut results::Group<'c, 'm>, control: Section<'c, 'm>) {
    let Section { timing, sequence, routes, components, comments, observed, diagnoses, others, .. } = control;
    first.comments.splice(..0, comments);
    first.observed.splice(..0, observed);
    first.reasons.splice(..0, diagnoses);
    let rest = timing.into_iter().chain(sequence).chain(routes).chain(components).chain(others);
    rest.for_each(|segment| no_place(context, segment));
}

/// OBR-27 and ORC-7 tell when an investigation is to be made: what else stands there has no place in its order.
fn no_place<'m>(context: &Context<'m>, segment: &Seg<'m>) {
    context.note(NoteCode::UnusedSegment, segment.place(), "the order of an investigation has no place for it");
    segment.keep();
}

/// The domain of an order whose OBR-24 says none: with a specimen it is of the laboratory.
fn domain(group: &results::Group<'_, '_>) -> Domain {
    let has_specimen = !group.specimens.is_empty() || group.obr.has(15);
    if has_specimen { Domain::Laboratory } else { Domain::Investigation }
}

/// An order that says neither a medicine nor an investigation: what it changes cannot be found.
fn untold<'m>(context: &Context<'m>, group: &Group<'_, 'm>) {
    for section in &group.sections {
        let text = "nothing behind ORC tells which kind of order it is";
        context.fault(Reason::Unmappable, section.head.place(), section.head.offset(1), text);
        section.pass_over();
    }
}
