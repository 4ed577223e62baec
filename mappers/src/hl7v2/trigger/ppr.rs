//! PPR, patient problems. The IG maps none of them.

use causeway_core::record::Record;
use causeway_core::scope::Domain;

use super::results::{self, Layout, request};
use super::{Output, Says, Segments};
use crate::fhir::reference_to;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::nte;
use crate::hl7v2::segment::obx::Observed;
use crate::hl7v2::segment::obx::loose::{self, Of};
use crate::hl7v2::segment::prb::{self, Parts};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::{Map, Trigger};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_problems("PC1", "Problem add", |c, s, o| problems(c, s, o, false)),
    of_problems("PC2", "Problem update", |c, s, o| problems(c, s, o, false)),
    of_problems("PC3", "Problem delete", |c, s, o| problems(c, s, o, true)),
];

const fn of_problems(event: &'static str, title: &'static str, map: Map) -> Trigger {
    let optional = &["PD1", "PV1", "PV2", "NTE", "OBX", "ORC", "OBR"];
    Trigger { code: "PPR", event, title, ig: "", required: &["PID", "PRB"], optional, map }
}

/// A problem with what stands behind it.
#[derive(Default)]
struct Group<'c, 'm> {
    /// NTE behind PRB.
    comments: Vec<&'c Seg<'m>>,
    /// OBX with NTE.
    observed: Vec<Observed<'c, 'm>>,
    /// ORC and OBR with what stands behind them.
    orders: Vec<&'c Seg<'m>>,
}

/// Maps problems: the Patient, the visit when it has a number, and for each PRB a Condition with the Observations
/// it rests on and the orders made for it.
fn problems<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, deleted: bool) {
    let version = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let visit = super::visit(context, segments, output, &subject, version);
    for (prb, mut group) in groups(context, segments) {
        let said = Version { date: None, ..version };
        let about = (&subject, visit.as_ref());
        let mut found = Vec::new();
        let answered = orders(context, std::mem::take(&mut group.orders), about, output);
        let problem = prb::problem(context, prb, about, deleted, said, |key, version| {
            let of = Of { subject: &subject, visit: about.1, domain: Domain::Problem, of: key, version, part_of: None };
            found = loose::observations(context, group.observed.iter(), of);
            let comments = group.comments.iter().map(|comment| nte::note(context, comment).into()).collect();
            let reports = answered.iter().filter(|record| record.key.resource_type() == "DiagnosticReport");
            let evidence = found.iter().chain(reports).map(|record| reference_to(&record.key).into());
            Parts { evidence: evidence.collect(), comments }
        });
        if problem.is_none() {
            let lines = group.observed.iter().flat_map(|observed| observed.lines.iter().chain(&observed.notes));
            lines.chain(&group.comments).for_each(|segment| segment.keep());
        }
        output.records.extend(problem);
        output.records.extend(found);
        output.records.extend(answered);
    }
}

/// The orders for a problem: those with observations are results, the others are still to be answered.
fn orders<'m>(
    context: &Context<'m>,
    segments: Vec<&Seg<'m>>,
    about: (&Subject, Option<&Visit>),
    output: &mut Output,
) -> Vec<Record> {
    let before = output.records.len();
    let groups = results::groups(context, &Segments::new(segments), Layout::OrderFirst);
    let (answered, open) = groups.into_iter().partition(|group| !group.observed.is_empty());
    results::map(context, answered, about, output);
    request::map(context, open, about, |_| Domain::Investigation, output);
    output.records.split_off(before)
}

/// Each PRB with the NTE, OBX and orders behind it. What stands before the first PRB belongs to none.
fn groups<'c, 'm>(context: &Context<'m>, segments: &Segments<'c, 'm>) -> Vec<(&'c Seg<'m>, Group<'c, 'm>)> {
    let mut groups: Vec<(&'c Seg<'m>, Group<'c, 'm>)> = Vec::new();
    for segment in segments.iter() {
        match (segment.name(), groups.last_mut()) {
            ("PRB", _) => groups.push((segment, Group::default())),
            ("ORC" | "OBR", Some((_, group))) => group.orders.push(segment),
            ("OBX" | "NTE", Some((_, group))) if !group.orders.is_empty() => group.orders.push(segment),
            ("OBX", Some((_, group))) => match group.observed.last_mut() {
                Some(last) if last.goes_on_with(segment) => last.lines.push(segment),
                Some(_) | None => group.observed.push(Observed { lines: vec![segment], notes: Vec::new() }),
            },
            ("NTE", Some((_, group))) => match group.observed.last_mut() {
                Some(last) => last.notes.push(segment),
                None => group.comments.push(segment),
            },
            ("ORC" | "OBR" | "OBX" | "NTE", None) => {
                context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the first problem");
                segment.keep();
            }
            _ => {}
        }
    }
    groups
}
