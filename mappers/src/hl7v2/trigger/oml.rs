//! OML^O21, O33 and O35, laboratory orders, and OMG^O19, other orders: IG message maps OML_O21 and OMG_O19.

use causeway_core::scope::Domain;

use super::results::{self, Layout, request};
use super::{Output, Says, Segments};
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::al1;
use crate::hl7v2::{Map, Trigger};

/// The segments that are mapped beside those required.
const OPTIONAL: &[&str] = &["PD1", "NK1", "PV1", "PV2", "AL1", "ORC", "NTE", "DG1", "OBX", "SPM"];

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    order(["OML", "O21"], "Laboratory order", "OML_O21", |c, s, o| {
        orders(c, s, o, Layout::OrderFirst, Domain::Laboratory);
    }),
    order(["OML", "O33"], "Laboratory order for several orders on one specimen", "", |c, s, o| {
        orders(c, s, o, Layout::SpecimenFirst, Domain::Laboratory);
    }),
    order(["OML", "O35"], "Laboratory order for several orders on one container of a specimen", "", |c, s, o| {
        orders(c, s, o, Layout::SpecimenFirst, Domain::Laboratory);
    }),
    order(["OMG", "O19"], "General clinical order", "OMG_O19", |c, s, o| {
        orders(c, s, o, Layout::OrderFirst, Domain::Investigation);
    }),
];

const fn order([code, event]: [&'static str; 2], title: &'static str, ig: &'static str, map: Map) -> Trigger {
    Trigger { code, event, title, ig, required: &["PID", "OBR"], optional: OPTIONAL, map }
}

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
