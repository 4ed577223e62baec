//! PPR, patient problems. The IG maps none of them.

use super::{Output, Says, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::segment::prb;

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_problems("PC1", "Problem add", |c, s, o| problems(c, s, o, false)),
    of_problems("PC2", "Problem update", |c, s, o| problems(c, s, o, false)),
    of_problems("PC3", "Problem delete", |c, s, o| problems(c, s, o, true)),
];

const fn of_problems(
    event: &'static str,
    title: &'static str,
    map: for<'a, 'c, 'm> fn(&'a Context<'m>, &'a Segments<'c, 'm>, &'a mut Output),
) -> Trigger {
    let optional = &["PD1", "PV1", "PV2"];
    Trigger { code: "PPR", event, title, ig: "", required: &["PID", "PRB"], optional, map }
}

/// Maps problems: the Patient, the visit when it has a number, and a Condition for each PRB.
fn problems<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, deleted: bool) {
    let version = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let visit = super::visit(context, segments, output, &subject, version);
    for prb in segments.named("PRB") {
        let said = Version { date: None, ..version };
        let record = prb::problem(context, prb, (&subject, visit.as_ref()), deleted, said);
        output.records.extend(record);
    }
}
