//! OML^O21, O33 and O35, laboratory orders, and OMG^O19, other orders: IG message maps OML_O21 and OMG_O19.

use causeway_core::scope::Domain;

use super::results::{self, Layout, request};
use super::{Output, Says, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::al1;

/// The segments that are mapped beside those required.
const OPTIONAL: &[&str] = &["PD1", "NK1", "PV1", "PV2", "AL1", "ORC", "NTE", "DG1", "OBX", "SPM"];

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    Trigger {
        code: "OML",
        event: "O21",
        title: "Laboratory order",
        ig: "OML_O21",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| orders(context, segments, output, Layout::OrderFirst, Domain::Laboratory),
    },
    Trigger {
        code: "OML",
        event: "O33",
        title: "Laboratory order for several orders on one specimen",
        ig: "",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| orders(context, segments, output, Layout::SpecimenFirst, Domain::Laboratory),
    },
    Trigger {
        code: "OML",
        event: "O35",
        title: "Laboratory order for several orders on one container of a specimen",
        ig: "",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| orders(context, segments, output, Layout::SpecimenFirst, Domain::Laboratory),
    },
    Trigger {
        code: "OMG",
        event: "O19",
        title: "General clinical order",
        ig: "OMG_O19",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| orders(context, segments, output, Layout::OrderFirst, Domain::Investigation),
    },
];

/// Maps orders: the Patient, the visit when it has a number, the allergies sent along, and each order.
pub(super) fn orders<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    layout: Layout,
    otherwise: Domain,
) {
    let Some((subject, visit)) = results::about(context, segments, output) else { return };
    let version = super::version(context, Says::Copy);
    for al1 in segments.named("AL1") {
        output.records.extend(al1::allergy(context, al1, &subject, None, version));
    }
    let groups = results::groups(context, segments, layout);
    request::map(context, groups, (&subject, visit.as_ref()), |_| otherwise, output);
}
