//! ORU^R01, unsolicited results: IG message map ORU_R01.

use super::results::{self, Layout};
use super::{Output, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[Trigger {
    code: "ORU",
    event: "R01",
    title: "Unsolicited transmission of an observation",
    ig: "ORU_R01",
    required: &["PID", "OBR"],
    optional: &["PD1", "NK1", "PV1", "PV2", "ORC", "OBX", "NTE", "SPM", "IPC", "ZDS"],
    map: |context, segments, output| map(context, segments, output, Layout::OrderFirst),
}];

/// Maps results: the Patient, the visit when it has a number, and each order with what was found.
pub(super) fn map<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, layout: Layout) {
    let Some((subject, visit)) = results::about(context, segments, output) else { return };
    let groups = results::groups(context, segments, layout);
    results::map(context, groups, (&subject, visit.as_ref()), output);
}
